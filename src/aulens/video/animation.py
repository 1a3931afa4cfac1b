"""Animated WebP, which FFmpeg's readers do not know."""

from __future__ import annotations

import math
import struct
import warnings
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, UnidentifiedImageError

from aulens.errors import InputError
from aulens.image import MAX_PIXELS
from aulens.video.media import Choice, Frame, VideoInfo, check_size, place, unreadable

_MILLISECOND: Final = Fraction(1, 1000)
_UNTIMED: Final = 100
"""Milliseconds for which players, and FFmpeg in a GIF, show a picture of no duration."""
_DAMAGE: Final = (OSError, SyntaxError, ValueError, EOFError, struct.error)
"""What Pillow raises on damaged files."""


def is_webp(path: Path) -> bool:
    """Whether a file is a WebP, by its first bytes; False if it can't be opened."""
    try:
        with path.open("rb") as file:
            start = file.read(12)
    except OSError:
        return False
    return start[:4] == b"RIFF" and start[8:] == b"WEBP"


def _opened(path: Path) -> Image.Image:
    with warnings.catch_warnings():
        # Pillow's limit of size; ours is `check_size`.
        warnings.simplefilter("ignore")
        try:
            return Image.open(path)
        except Image.DecompressionBombError as error:
            raise InputError(
                f"{path}: far more pixels than the limit of {MAX_PIXELS:,}; make it smaller first"
            ) from error


class Animation:
    """An animated WebP; see `Media`. Transparency is laid over white.

    Raises:
        InputError: it is damaged, a single picture, or larger than pictures may be.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._problem: str | None = None
        try:
            with _opened(self._path) as picture:
                frames = int(getattr(picture, "n_frames", 1))
                width, height = picture.size
                check_size(path, width, height)
                picture.load()
        except InputError:
            raise
        except UnidentifiedImageError as error:
            raise InputError(f"{path}: the animation is damaged") from error
        except _DAMAGE as error:
            raise InputError(f"{path}: the animation is damaged ({error})") from error
        if frames < 2:
            raise InputError(f"{path}: this is a picture, not a video")
        self._info = VideoInfo(
            path=str(path), width=width, height=height, rate=None, duration=None, frames=frames, rotation=0,
            has_audio=False, codec="webp", time_base=_MILLISECOND,
        )  # fmt: skip

    @property
    def info(self) -> VideoInfo:
        """See `Media`."""
        return self._info

    @property
    def problem(self) -> str | None:
        """See `Media`."""
        return self._problem

    def frames(
        self, *, frame_step: int = 1, start: float | None = None, stop: float | None = None, skip: int = 0
    ) -> Iterator[Frame]:
        """See `Media`."""
        return self._frames(Choice(frame_step, start, stop, skip))

    def _frames(self, choice: Choice) -> Generator[Frame, None, None]:
        self._problem = None
        elapsed = 0
        last, last_time = -1, math.nan
        try:
            animation = _opened(self._path)
        except OSError as error:
            raise InputError(f"{self._path}: {unreadable(error)}") from error
        with animation as picture:
            for index in range(self._info.frames or 0):
                time = float(elapsed * _MILLISECOND)
                if choice.ends(time):
                    return
                try:
                    # Each picture builds on those before it, so none is left out.
                    picture.seek(index)
                    picture.load()
                except _DAMAGE as error:
                    self._problem = f"it stops after {place(last, last_time)}: the rest is damaged ({error})"
                    return
                elapsed += int(picture.info.get("duration", 0)) or _UNTIMED
                last, last_time = index, time
                if choice.takes(index, time):
                    over = picture.convert("RGBA")
                    white = Image.new("RGBA", over.size, "white")
                    image = np.array(Image.alpha_composite(white, over).convert("RGB"))
                    yield Frame(index, time, image)
