"""Videos that are being written: their kinds, their errors."""

from __future__ import annotations

import errno
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av

from aulens.errors import ConfigError

_FORMATS: Final = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}


def kind_of(path: Path) -> str:
    """FFmpeg's format for a file by its ending.

    Raises:
        ConfigError: none that we write ends so.
    """
    kind = _FORMATS.get(path.suffix.lower())
    if kind is None:
        raise ConfigError(f"{path}: videos are written as {', '.join(_FORMATS)}; name it so.")
    return kind


def create(path: Path, kind: str, base: Fraction) -> Any:
    """PyAV's container to be written, of FFmpeg's format `kind`; `base`: seconds per tick of its pictures.

    Raises:
        OSError: it can't be written there.
    """
    options = {}
    if kind != "matroska":
        # In ticks of the video: the pause before a first frame that is not at 0 would else be rounded.
        options = {"movflags": "+faststart", "movie_timescale": str(base.denominator)}
    path.touch()  # FFmpeg would find out with the first picture only
    return av.open(str(path), "w", format=kind, options=options)


def plain(error: Exception, path: Path) -> OSError:
    """An error of FFmpeg as Python's own, naming the file that was asked for."""
    if isinstance(error, OSError) and error.errno:
        return OSError(error.errno, error.strerror, str(path))
    return OSError(errno.EIO, f"the video can't be written: {error}", str(path))
