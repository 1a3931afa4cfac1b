"""The inputs of `aulens detect`: pictures, videos, sequences, a camera."""

import shlex
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aulens.commands.tally import counted
from aulens.errors import ConfigError
from aulens.formats import MEANT_SUFFIXES, further_pictures
from aulens.inputs import media_at
from aulens.named import as_text, first_of, real
from aulens.output.plan import unique
from aulens.output.previous_outputs import PreviousOutputs, previous_outputs


@dataclass(frozen=True)
class Found:
    """What is to be analyzed.

    Attributes:
        pictures: each once, in the order given.
        clips: likewise; of sequences, their folders.
        failed: inputs with nothing in them, each with the reason.
        previous: pictures and videos that earlier runs made elsewhere, and that are left out.
        others: how many other files there were, by the ending of their names.
        in_part: pictures in files with several, of which the first is read, and how many more there are.
    """

    pictures: tuple[Path, ...]
    clips: tuple[Path, ...]
    failed: dict[Path, str]
    previous: tuple[Path, ...] = ()
    others: Mapping[str, int] = field(default_factory=dict)
    in_part: Mapping[Path, int] = field(default_factory=dict)


def gather(
    inputs: Sequence[Path], out: Path | None, *, sequence: bool, timed: bool, webcam: int | None
) -> Found:
    """All that the inputs stand for.

    Args:
        inputs: files and folders.
        out: what an earlier run wrote there is no input of this one. Nor is what others wrote elsewhere, in
            folders that are searched: files that are given by name are taken.
        sequence: each input is a folder of frames.
        timed: whether a rate or times of a sequence are given.
        webcam: number of a camera.

    Raises:
        ConfigError: nothing is given, or options that do not go together.
    """
    if webcam is not None:
        if inputs or sequence:
            raise ConfigError("--webcam is an input of its own; leave out the other inputs and --sequence")
        return Found((), (), {})
    if not inputs:
        raise ConfigError("give pictures, videos or folders with them; see `aulens detect --help`")
    if timed and not sequence:
        raise ConfigError("--fps and --times are for --sequence only; a video has its own time stamps")
    if sequence:
        return Found((), tuple(unique(inputs)), {})
    pictures, clips, left_out = list[Path](), list[Path](), list[Path]()
    failed: dict[Path, str] = {}
    others = Counter[str]()
    for given in inputs:
        previous = previous_outputs(given)
        left = _media_of(previous)
        left_out += left
        found = media_at(given, skip=[*_results(given, out), *previous.paths])
        failed |= found.failed
        others += Counter(found.others)
        if not (found.pictures or found.clips):
            failed.setdefault(given, _nothing(found.others, left, previous))
        pictures += found.pictures
        clips += found.clips
    made_elsewhere = (path for path in left_out if out is None or real(out) not in real(path).parents)
    pictures, clips = unique(pictures), unique(clips)
    return Found(
        tuple(pictures), tuple(clips), failed, tuple(dict.fromkeys(made_elsewhere)), others,
        {path: more for path in pictures if (more := further_pictures(path))},
    )  # fmt: skip


def _media_of(previous: PreviousOutputs) -> list[Path]:
    """The pictures and videos that earlier runs made."""
    files = (file for path in previous.paths for file in (path.rglob("*") if path.is_dir() else [path]))
    return [file for file in files if file.suffix.lower() in MEANT_SUFFIXES and file.is_file()]


def _results(given: Path, out: Path | None) -> list[Path]:
    """The folder of results is no input, unless it is the input or around it: then what was made in it."""
    around = {real(given), *real(given).parents}
    return [] if out is None or not out.is_dir() or real(out) in around else [out]


def _nothing(others: Mapping[str, int], left: Sequence[Path], previous: PreviousOutputs) -> str:
    """Why there is nothing to analyze in a folder."""
    if previous.tables:
        return f"holds results of aulens: give their tables to `aulens report`: {first_of(previous.tables)}"
    if left:
        return f"no pictures or videos in this folder but {len(left)} that aulens made"
    return "no pictures or videos in this folder" + (f", only {others_text(others)}" if others else "")


def others_text(others: Mapping[str, int]) -> str:
    """What else lay in folders, as a few words: "4 other files (3 .txt, 1 .csv)"."""
    most = sorted(others.items(), key=lambda one: (-one[1], not one[0], one[0]))
    kinds = [f"{count:,} {ending or 'without an ending'}" for ending, count in most]
    return f"{counted(sum(others.values()), 'other file')} ({first_of(kinds, 8)})"


def previous_text(made: Sequence[Path]) -> str:
    """What is left out because aulens made it, as one line."""
    folders = sorted({str(path.parent) for path in made})
    return f"{counted(len(made), 'file')} left out that aulens made before: in {first_of(folders)}"


def command_line() -> str:
    """The command that this process was started by."""
    return as_text(shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]))
