"""What people name: files and folders, of pictures, of videos or of nothing for us; times on a clip."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from aulens.errors import ConfigError
from aulens.image import DAMAGE, PICTURE_SUFFIXES, VIDEO_SUFFIXES

_MAY_MOVE: Final = frozenset({".gif", ".png", ".webp"})


@dataclass(frozen=True)
class Found:
    """The files that a path stands for.

    Attributes:
        media: pictures and videos, sorted by path.
        others: how many other files there were.
    """

    media: tuple[Path, ...]
    others: int


def media_at(path: str | Path, *, skip: Iterable[Path] = ()) -> Found:
    """A folder stands for all pictures and videos below it; a file stands for itself.

    Hidden files, what is in `skip`, and everything below a folder in it are left out. A file is taken
    whatever its name, also when it does not exist: reading it says so.
    """
    path = Path(path)
    if not path.is_dir():
        return Found((path,), 0)
    barred = {one.resolve() for one in skip}
    files = [
        file
        for file in path.rglob("*")
        if file.is_file()
        and not _hidden(file, path)
        and barred.isdisjoint([file.resolve(), *file.resolve().parents])
    ]
    media = sorted(file for file in files if file.suffix.lower() in PICTURE_SUFFIXES | VIDEO_SUFFIXES)
    return Found(tuple(media), len(files) - len(media))


def unwritable(path: str | Path) -> str | None:
    """Why a file can't be named in a table, or None: its name has bytes that are no text (UTF-8)."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        return f"{legible(path)}: the name of the file is not UTF-8, so no table can hold it; rename the file"
    return None


def legible(path: str | Path) -> str:
    """A path as it can be printed, whatever its name is made of."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def is_clip(path: Path) -> bool:
    """Whether a file is to be read frame by frame: a video by its ending, or a picture that moves."""
    ending = path.suffix.lower()
    if ending not in _MAY_MOVE:
        return ending in VIDEO_SUFFIXES
    try:
        with Image.open(path) as picture:
            return int(getattr(picture, "n_frames", 1)) > 1
    except (*DAMAGE, Image.DecompressionBombError):
        return False  # reading it as a picture says what is wrong with it


def parse_time(text: str | None, option: str) -> float | None:
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


def _hidden(path: Path, top: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(top).parts)
