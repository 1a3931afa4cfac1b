"""The inputs of `aulens detect`: pictures, videos, sequences, a camera."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aulens.commands.tally import counted
from aulens.errors import ConfigError
from aulens.inputs import is_clip, legible, media_at, unwritable
from aulens.output.plan import unique
from aulens.output.previous_outputs import PreviousOutputs, previous_outputs

_NAMED: Final = 3


@dataclass(frozen=True)
class Found:
    """What is to be analyzed.

    Attributes:
        pictures: each once, in the order given.
        clips: likewise; of sequences, their folders.
        failed: inputs with nothing in them, each with the reason.
        made: pictures and videos that earlier runs made elsewhere, and that are left out.
    """

    pictures: tuple[Path, ...]
    clips: tuple[Path, ...]
    failed: dict[Path, str]
    made: tuple[Path, ...] = ()


def gather(
    inputs: Sequence[Path], out: Path | None, *, sequence: bool, rate: float | None, webcam: int | None
) -> Found:
    """All that the inputs stand for.

    Args:
        inputs: files and folders.
        out: what an earlier run wrote there is no input of this one. Nor is what others wrote elsewhere, in
            folders that are looked through: files that are given by name are taken.
        sequence: each input is a folder of frames.
        rate: frames per second of a sequence.
        webcam: number of a camera.

    Raises:
        ConfigError: nothing is given, or options that do not go together.
    """
    if webcam is not None:
        if inputs or sequence:
            raise ConfigError("--webcam is an input of its own; leave out the others")
        return Found((), (), {})
    if not inputs:
        raise ConfigError("give pictures, videos or folders with them; `aulens detect --help` tells more")
    if rate is not None and not sequence:
        raise ConfigError("--fps is for --sequence only; a video has its own time stamps")
    if sequence:
        return Found((), tuple(unique(inputs)), {})
    files: dict[Path, Path] = {}
    failed: dict[Path, str] = {}
    left_out: list[Path] = []
    for given in inputs:
        found = media_at(given, skip=_results(given, out))
        made = previous_outputs(given)
        theirs = set(made.paths)
        left = [path for path in found.media if not theirs.isdisjoint([path, *path.parents])]
        left_out += left
        media = [path for path in found.media if path not in set(left)]
        if not media:
            failed[given] = _nothing(found.others, left, made)
        for path in media:
            why = unwritable(path)
            if why is None:
                files.setdefault(path.resolve(), path)
            else:
                failed[Path(legible(path))] = why
    clips = {path for path in files.values() if is_clip(path)}
    pictures = tuple(path for path in files.values() if path not in clips)
    videos = tuple(path for path in files.values() if path in clips)
    others = (path for path in left_out if out is None or out.resolve() not in path.resolve().parents)
    return Found(pictures, videos, failed, tuple(dict.fromkeys(others)))


def _results(given: Path, out: Path | None) -> list[Path]:
    """The folder of results is no input, unless it is the input or around it: then what was made in it."""
    around = {given.resolve(), *given.resolve().parents}
    return [] if out is None or not out.is_dir() or out.resolve() in around else [out]


def _nothing(others: int, left: Sequence[Path], made: PreviousOutputs) -> str:
    """Why there is nothing to analyze in a folder."""
    if made.tables:
        return f"holds results of aulens: give their tables to `aulens report`: {_first(made.tables)}"
    if left:
        return f"no pictures or videos in this folder but {len(left)} that aulens made"
    return "no pictures or videos in this folder" + (f", only {others} other files" if others else "")


def made_text(made: Sequence[Path]) -> str:
    """What is left out because aulens made it, as one line."""
    folders = sorted({str(path.parent) for path in made})
    return f"{counted(len(made), 'file')} left out that aulens made before: in {_first(folders)}"


def _first(names: Sequence[object]) -> str:
    return ", ".join([*map(str, names[:_NAMED]), *(["..."] if len(names) > _NAMED else [])])


def command_line() -> str:
    """The command that this process was started by."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
