"""What the files of a folder are: pictures, videos, or nothing for us."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image, UnidentifiedImageError

from aulens.runtime.image import PICTURE_SUFFIXES
from aulens.video.reader import VIDEO_SUFFIXES

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

    Hidden files and everything below a folder in `skip` are left out. A file is taken whatever its name, also
    when it does not exist: reading it says so.
    """
    path = Path(path)
    if not path.is_dir():
        return Found((path,), 0)
    barred = {folder.resolve() for folder in skip}
    files = [
        file
        for file in path.rglob("*")
        if file.is_file() and not _hidden(file, path) and barred.isdisjoint(file.resolve().parents)
    ]
    media = sorted(file for file in files if file.suffix.lower() in PICTURE_SUFFIXES | VIDEO_SUFFIXES)
    return Found(tuple(media), len(files) - len(media))


def is_clip(path: Path) -> bool:
    """Whether a file is to be read frame by frame: a video by its ending, or a picture that moves."""
    ending = path.suffix.lower()
    if ending not in _MAY_MOVE:
        return ending in VIDEO_SUFFIXES
    try:
        with Image.open(path) as picture:
            return int(getattr(picture, "n_frames", 1)) > 1
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError):
        return False  # reading it as a picture says what is wrong with it


def _hidden(path: Path, top: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(top).parts)
