"""Pictures of one folder, in order, as one clip."""

from __future__ import annotations

import glob
import math
import re
from collections.abc import Generator
from fnmatch import fnmatchcase
from fractions import Fraction
from numbers import Real
from pathlib import Path
from typing import Final

from PIL import UnidentifiedImageError

from aulens.errors import ConfigError, InputError
from aulens.formats import DAMAGE, PICTURE_SUFFIXES, open_picture
from aulens.image import read_image
from aulens.named import as_text, first_of
from aulens.video.fit import fit
from aulens.video.media import Choice, Frame, Media, VideoInfo
from aulens.video.numbering import by_names, by_times, natural

_TELEVISION: Final = tuple(Fraction(1000 * whole, 1001) for whole in (24, 30, 48, 60, 120))
"""Rates that people write rounded: 23.976, 29.97, ..."""

_SLOWEST: Final = Fraction(1, 100_000)
_FASTEST: Final = 1_000_000_000
"""Pictures per second: from about one a day up."""


def open_sequence(
    source: str | Path, rate: float | Fraction | None = None, *, times: str | Path | None = None
) -> Media:
    """Open the pictures of a folder as one clip.

    They come in natural order: frame2 before frame10. Where their names count (0001, 0002, 0005), so do their
    indices and times, and `problem` says which are missing. Pictures of other sizes are fitted into the size
    of the first, their shape kept, on black. One that can't be read is left out, keeps its number, and is
    named in `problem`.

    Args:
        source: a folder (not those below it), or a pattern: "day1/*.png", "day1/frame_%05d.png".
        rate: pictures per second, from which their times follow; None = no times. 29.97 and 59.94 are taken
            for 30000/1001 and 60000/1001.
        times: a CSV with columns `name` and `time` (seconds, ascending): which pictures there are, and when.

    Raises:
        ConfigError: a rate that is no number from 0.00001 to 1,000,000,000; rate and times.
        InputError: no such folder, no picture in it or none that can be read; pictures of several series; a
            list of times that is none.
    """
    return PictureSequence(source, rate, times)


class PictureSequence(Media):
    """See `open_sequence` and `Media`."""

    def __init__(
        self, source: str | Path, rate: float | Fraction | None, times: str | Path | None = None
    ) -> None:
        if rate is not None and times is not None:
            raise ConfigError("a rate and a list of times are two clocks; give one of them")
        self._rate = None if rate is None else exact_rate(rate)
        paths = pictures_of(source)
        pictures = by_names(source, paths) if times is None else by_times(source, paths, Path(times))
        self._pictures, listed = pictures, pictures.times
        usual = self._rate or pictures.rate
        lasts = usual and (pictures.count / usual if listed is None else listed[-1] + 1 / usual)
        first, size = self._first_size()
        self._info = VideoInfo(
            path=str(source), width=size[0], height=size[1], rate=usual,
            duration=None if lasts is None else float(lasts), frames=pictures.count, rotation=0,
            has_audio=False, codec=first.suffix.lower().removeprefix("."),
            time_base=pictures.time_base if self._rate is None else 1 / self._rate,
            named=True, times=pictures.digest,
        )  # fmt: skip

    def _frames(self, choice: Choice) -> Generator[Frame, None, None]:
        problem = self._problem = self._pictures.problem
        failed: list[str] = []
        size = self._info.width, self._info.height
        for index, path in self._pictures.paths.items():
            time = self._time(index)
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
                self._problem = "; ".join([*([] if problem is None else [problem]), f"{failed[0]}{more}"])
                continue
            yield Frame(index, time, fit(image, size), as_text(path.name))

    def _time(self, index: int) -> float:
        if self._pictures.times is not None:
            return float(self._pictures.times[index])
        return math.nan if self._rate is None else float(index / self._rate)

    def _first_size(self) -> tuple[Path, tuple[int, int]]:
        """The first picture that can be read, with its width and height."""
        problem: InputError | None = None
        for path in self._pictures.paths.values():
            try:
                height, width = read_image(path).shape[:2]
            except InputError as error:
                problem = problem or error
            else:
                return path, (width, height)
        assert problem is not None
        raise problem


def exact_rate(rate: float | Fraction) -> Fraction:
    """Pictures per second as a fraction; 29.97 is 30000/1001.

    Raises:
        ConfigError: no number from 0.00001 to 1,000,000,000.
    """
    if not isinstance(rate, Real) or not _SLOWEST <= rate <= _FASTEST:
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
    if folder.is_file():
        raise InputError(f"{source}: a file; a sequence is a folder of pictures, or a pattern of names")
    found = list(folder.iterdir()) if folder.is_dir() else _matching(str(source))
    pictures = [path for path in found if not path.name.startswith(".") and _is_picture(path)]
    if not pictures:
        raise InputError(f"{source}: {_none(folder)}")
    return sorted(pictures, key=lambda path: (natural(path.name), path.name))


def _none(folder: Path) -> str:
    if not folder.is_dir():
        return "no picture has such a name"
    below = sorted((path.name for path in folder.iterdir() if path.is_dir()), key=natural)
    if not below:
        return "the folder holds no pictures"
    return (
        f"the folder holds no pictures but {len(below)} folders ({first_of(below)}); each is a sequence of "
        f"its own: give them ({folder.name or folder}/*)"
    )


def _is_picture(path: Path) -> bool:
    """Whether a file is one or was meant as one: then it keeps its place, and is named if unreadable."""
    if path.suffix.lower() in PICTURE_SUFFIXES or not path.is_file():
        return path.suffix.lower() in PICTURE_SUFFIXES and not path.is_dir()
    try:
        with open_picture(path):
            return True
    except (UnidentifiedImageError, InputError):
        return False
    except DAMAGE:
        return True


def _matching(pattern: str) -> list[Path]:
    name, parent = Path(pattern).name, Path(pattern).parent
    numbered = re.search(r"%0?\d*d", name)
    if not parent.is_dir():
        return [] if numbered else [Path(path) for path in glob.glob(pattern)]
    # Of the folder, a bracket is a letter as any other.
    if numbered is None:
        return [path for path in parent.iterdir() if fnmatchcase(path.name, name)]
    before, after = name[: numbered.start()], name[numbered.end() :]
    exact = re.compile(rf"{re.escape(before)}\d+{re.escape(after)}")
    return [path for path in parent.iterdir() if exact.fullmatch(path.name)]
