"""Pictures of one folder, in order, as one clip."""

from __future__ import annotations

import glob
import math
import re
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from aulens.errors import ConfigError, InputError
from aulens.formats import PICTURE_SUFFIXES
from aulens.image import read_image
from aulens.video.fit import fit
from aulens.video.media import Choice, Frame, Media, VideoInfo

_TELEVISION: Final = tuple(Fraction(1000 * whole, 1001) for whole in (24, 30, 48, 60, 120))
"""Rates that people write rounded: 23.976, 29.97, ..."""

_SLOWEST: Final = Fraction(1, 100_000)
_FASTEST: Final = 1_000_000_000
"""Pictures per second: from about one a day up."""


def open_sequence(source: str | Path, rate: float | Fraction | None = None) -> Media:
    """Open the pictures of a folder as one clip.

    They come in natural order: frame2 before frame10. Pictures of other sizes are fitted into the size of the
    first, their shape kept, on black. One that can't be read is left out, keeps its number, and is named in
    `problem`.

    Args:
        source: a folder (not those below it), or a pattern: "day1/*.png", "day1/frame_%05d.png".
        rate: pictures per second, from which their times follow; None = no times. 29.97 and 59.94 are taken
            for 30000/1001 and 60000/1001.

    Raises:
        ConfigError: a rate that is no number from 0.00001 to 1,000,000,000.
        InputError: no such folder, no picture in it, or the first one can't be read.
    """
    return PictureSequence(source, rate)


class PictureSequence:
    """See `open_sequence` and `Media`."""

    def __init__(self, source: str | Path, rate: float | Fraction | None) -> None:
        self._paths = pictures_of(source)
        self._rate = None if rate is None else exact_rate(rate)
        self._problem: str | None = None
        first = self._paths[0]
        height, width = read_image(first).shape[:2]
        count = len(self._paths)
        self._info = VideoInfo(
            path=str(source), width=width, height=height, rate=self._rate,
            duration=None if self._rate is None else float(count / self._rate), frames=count, rotation=0,
            has_audio=False, codec=first.suffix.lower().removeprefix("."),
            time_base=None if self._rate is None else 1 / self._rate,
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
        failed: list[str] = []
        size = self._info.width, self._info.height
        for index, path in enumerate(self._paths):
            time = math.nan if self._rate is None else float(index / self._rate)
            choice.check_time(self._info.path, time)
            if choice.ends(time):
                break
            if not choice.takes(index, time):
                continue
            try:
                image = read_image(path)
            except InputError as error:
                failed.append(str(error))
                more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
                self._problem = f"{failed[0]}{more}"
                continue
            yield Frame(index, time, fit(image, size))


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts names as people do: numbers by value."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), part) if number % 2 else (-1, part) for number, part in enumerate(parts)]


def exact_rate(rate: float | Fraction) -> Fraction:
    """Pictures per second as a fraction; 29.97 is 30000/1001.

    Raises:
        ConfigError: no number from 0.00001 to 1,000,000,000.
    """
    if (
        not isinstance(rate, (int, float, Fraction, np.integer, np.floating))
        or not _SLOWEST <= rate <= _FASTEST
    ):
        raise ConfigError(f"{rate} pictures per second make no clip; give 0.00001 to 1,000,000,000, above 0.")
    if isinstance(rate, Fraction):
        return rate
    value = float(rate)
    meant = (television for television in _TELEVISION if abs(value - television) < 0.005)
    return next(meant, Fraction(value).limit_denominator(_SLOWEST.denominator))


def pictures_of(source: str | Path) -> list[Path]:
    """The pictures of a folder, or those with names like a pattern, in natural order.

    Raises:
        InputError: there is none.
    """
    folder = Path(source)
    if folder.is_dir():
        found = [path for path in folder.iterdir() if not path.name.startswith(".")]
    else:
        found = _matching(str(source))
    pictures = [path for path in found if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file()]
    if not pictures:
        what = "the folder holds no pictures" if folder.is_dir() else "no picture has such a name"
        raise InputError(f"{source}: {what}")
    return sorted(pictures, key=lambda path: (natural(path.name), path.name))


def _matching(pattern: str) -> list[Path]:
    name = Path(pattern).name
    numbered = re.search(r"%0?\d*d", name)
    if numbered is None:
        return [Path(path) for path in glob.glob(pattern)]
    before, after = name[: numbered.start()], name[numbered.end() :]
    parent = Path(pattern).parent
    if not parent.is_dir():
        return []
    exact = re.compile(rf"{re.escape(before)}\d+{re.escape(after)}")
    return [path for path in parent.iterdir() if exact.fullmatch(path.name)]
