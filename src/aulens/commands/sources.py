"""The inputs of `aulens detect`: pictures, videos, sequences, a camera."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aulens.errors import ConfigError, InputError
from aulens.record.done import made_videos
from aulens.runtime.inputs import is_clip, legible, media_at, unwritable
from aulens.video import Media, open_sequence, open_webcam

Source = Path | Media
"""A video by its path, or what was opened before."""


@dataclass(frozen=True)
class Found:
    """What is to be analyzed.

    Attributes:
        pictures: each once, in the order given.
        clips: likewise.
        failed: inputs with nothing in them, each with the reason.
    """

    pictures: tuple[Path, ...]
    clips: tuple[Source, ...]
    failed: dict[Path, str]


def gather(
    inputs: Sequence[Path], out: Path | None, *, sequence: bool, rate: float | None, webcam: int | None
) -> Found:
    """All that the inputs stand for.

    Args:
        inputs: files and folders.
        out: what an earlier run wrote there is no input of this one.
        sequence: each input is a folder of frames.
        rate: frames per second of a sequence.
        webcam: number of a camera.

    Raises:
        ConfigError: nothing is given, or options that do not go together.
        InputError: the camera can't be opened.
    """
    if webcam is not None:
        if inputs or sequence:
            raise ConfigError("--webcam is an input of its own; leave out the others")
        return Found((), (open_webcam(webcam),), {})
    if not inputs:
        raise ConfigError("give pictures, videos or folders with them; `aulens detect --help` tells more")
    if rate is not None and not sequence:
        raise ConfigError("--fps is for --sequence only; a video has its own time stamps")
    if sequence:
        return _sequences(inputs, rate)
    files: dict[Path, Path] = {}
    failed: dict[Path, str] = {}
    for given in inputs:
        found = media_at(given, skip=_results(given, out))
        if not found.media:
            others = f", only {found.others} other files" if found.others else ""
            failed[given] = f"no pictures or videos in this folder{others}"
        for path in found.media:
            why = unwritable(path)
            if why is None:
                files.setdefault(path.resolve(), path)
            else:
                failed[Path(legible(path))] = why
    clips = {path for path in files.values() if is_clip(path)}
    pictures = tuple(path for path in files.values() if path not in clips)
    return Found(pictures, tuple(path for path in files.values() if path in clips), failed)


def _results(given: Path, out: Path | None) -> list[Path]:
    """What is no input: the folder of results, or if that is the input or around it, what was made in it."""
    if out is None or not out.is_dir():
        return []
    if out.resolve() not in {given.resolve(), *given.resolve().parents}:
        return [out]
    pictures = [out / "pictures"] if (out / "index.html").is_file() else []
    return [*pictures, *out.glob("*.part"), *made_videos(out)]


def path_of(source: Source) -> Path:
    """The path of a video, or what stands for it."""
    return source if isinstance(source, Path) else Path(source.info.path)


def seconds(text: str | None, option: str) -> float | None:
    """A time of day on a clip: "90", "1:30" and "0:01:30.0" are the same.

    Raises:
        ConfigError: it is no such time.
    """
    if text is None:
        return None
    parts = text.split(":")
    try:
        numbers = [float(part) for part in parts]
        fine = len(parts) <= 3 and all(0 <= n < 60 for n in numbers[1:]) and 0 <= numbers[0] < float("inf")
    except ValueError:
        fine = False
    if not fine:
        raise ConfigError(f"{option} {text}: not a time; write seconds (90), 1:30 or 0:01:30.5")
    total = 0.0
    for number in numbers:
        total = 60 * total + number
    return total


def _sequences(inputs: Sequence[Path], rate: float | None) -> Found:
    clips: list[Source] = []
    failed: dict[Path, str] = {}
    for given in inputs:
        try:
            clips.append(open_sequence(given, rate))
        except InputError as error:
            failed[given] = str(error).removeprefix(f"{given}: ")
    return Found((), tuple(clips), failed)
