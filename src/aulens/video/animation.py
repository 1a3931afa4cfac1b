"""Pictures that move or have pages, of kinds that FFmpeg's readers do not know or read the first of."""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Final

from PIL import UnidentifiedImageError

from aulens.errors import InputError
from aulens.formats import DAMAGE, pages
from aulens.image import check_size, opened_picture, upright_pixels
from aulens.named import regular_file
from aulens.video.fit import fit
from aulens.video.media import MAX_PIXELS, Choice, Frame, Media, VideoInfo, place, unreadable

_MILLISECOND: Final = Fraction(1, 1000)
_UNTIMED: Final = 100
"""Milliseconds for which players, and FFmpeg in a GIF, show a picture of no duration."""
_UNTIMED_KINDS: Final = frozenset({"HEIF", "TIFF"})
"""Kinds whose pages have no times: the stack of a camera, a burst."""


class Animation(Media):
    """A WebP or AVIF that moves, a TIFF or HEIC with several pages; see `Media`.

    Pages of another size than the first are fitted into it, their shape kept, on black.

    Raises:
        InputError: it is damaged, a single picture, or larger than pictures may be.
    """

    def __init__(self, path: str | Path, max_pixels: int = MAX_PIXELS) -> None:
        self._path, self._max_pixels = Path(path), max_pixels
        regular_file(path, "video")
        try:
            with opened_picture(self._path, max_pixels) as picture:
                self._pages, kind = pages(picture), str(picture.format).lower()
                picture.seek(self._pages[0])
                check_size(path, *picture.size, max_pixels)
                height, width = upright_pixels(picture, self._path).shape[:2]
        except InputError:
            raise
        except UnidentifiedImageError as error:
            raise InputError(f"{path}: the animation is damaged") from error
        except DAMAGE as error:
            raise InputError(f"{path}: the animation is damaged ({error})") from error
        if len(self._pages) < 2:
            raise InputError(f"{path}: this is a picture, not a video")
        self._info = VideoInfo(
            path=str(path), width=width, height=height, rate=None, duration=None, frames=len(self._pages),
            rotation=0, has_audio=False, codec=kind,
            time_base=None if kind.upper() in _UNTIMED_KINDS else _MILLISECOND,
        )  # fmt: skip

    def _frames(self, choice: Choice) -> Generator[Frame, None, None]:
        self._problem = None
        elapsed = 0
        last, last_time = -1, math.nan
        size = self._info.width, self._info.height
        with ExitStack() as stack:
            try:
                picture = stack.enter_context(opened_picture(self._path, self._max_pixels))
            except OSError as error:
                raise InputError(f"{self._path}: {unreadable(error)}") from error
            for index, page in enumerate(self._pages):
                time = math.nan if self._info.time_base is None else float(elapsed * _MILLISECOND)
                choice.check_time(self._info.path, time)
                if choice.ends(time):
                    return
                wanted = choice.takes(index, time)
                try:
                    # Each picture of an animation builds on those before it, so none is left out.
                    picture.seek(page)
                    if wanted:
                        image = upright_pixels(picture, self._path)
                    else:
                        picture.load()
                except DAMAGE as error:
                    self._problem = f"it stops after {place(last, last_time)}: the rest is damaged ({error})"
                    return
                elapsed += int(picture.info.get("duration", 0)) or _UNTIMED
                last, last_time = index, time
                if wanted:
                    yield Frame(index, time, fit(image, size))
