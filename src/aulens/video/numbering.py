"""Which frame each picture of a sequence is: by the numbers in names, or by a list of times."""

from __future__ import annotations

import csv
import hashlib
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Final

from aulens.contents import bytes_of
from aulens.errors import InputError
from aulens.named import first_of, regular_file

_MAX_SPREAD: Final = 10
"""Numbers of which fewer than one in so many is there do not count pictures: they are dates, or times."""
_TICK: Final = Fraction(1, 1_000_000)
_MAX_SECONDS: Final = 1_000_000_000
"""Seconds: 30 years."""
_NAMES: Final = ("name", "file", "picture", "path")
_WRITE_SECONDS: Final = "write seconds with a point: 0.3"


@dataclass(frozen=True)
class Numbering:
    """The pictures of a sequence by their index, ascending.

    Attributes:
        paths: of the pictures that are there.
        count: of all, also of those that are missing.
        problem: what is missing, or None.
        times: seconds by index, or None.
        digest: of the list of times, or None.
    """

    paths: Mapping[int, Path]
    count: int
    problem: str | None = None
    times: Sequence[Fraction] | None = None
    digest: str | None = None

    @property
    def rate(self) -> Fraction | None:
        """Pictures per second on average, if times are given."""
        if self.times is None or len(self.times) < 2:
            return None
        return (len(self.times) - 1) / (self.times[-1] - self.times[0])

    @property
    def time_base(self) -> Fraction | None:
        """The tick of the times that are given."""
        return None if self.times is None else _TICK


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts names as people do: numbers by value."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), part) if number % 2 else (-1, part) for number, part in enumerate(parts)]


def by_names(source: str | Path, paths: Sequence[Path]) -> Numbering:
    """By the last number in each name, if they count; else in the order given.

    Args:
        source: what was given.
        paths: of pictures, in natural order.

    Raises:
        InputError: they are of several series.
    """
    in_order = Numbering(dict(enumerate(paths)), len(paths))
    found = [re.fullmatch(r"(.*?)(\d+)(\D*)", path.stem, re.DOTALL) for path in paths]
    named = [match for match in found if match is not None]
    numbers = [int(match[2]) for match in named]
    series = Counter((match[1], match[3]) if match else None for match in found)
    if not named or len(paths) == 1:
        return in_order
    if len(named) < len(paths) or any(after <= before for before, after in pairwise(numbers)):
        if max(series.values()) == 1:  # "1.50", "2.10"
            return in_order
        raise InputError(f"{source}: {_several(series, paths, numbers)}")
    step = math.gcd(*(number - numbers[0] for number in numbers))
    indices = [(number - numbers[0]) // step for number in numbers]
    count = indices[-1] + 1
    if count > _MAX_SPREAD * len(paths):
        why = (
            f"the numbers in the names do not count the pictures ({len(paths)} from {numbers[0]} to "
            f"{numbers[-1]}): they are taken in order; a list of times can say when each was"
        )
        return Numbering(in_order.paths, len(paths), why)
    there = set(indices)
    missing = [numbers[0] + step * index for index in range(count) if index not in there]
    problem = f"{_pictures(len(missing))} missing, by the numbers in the names: {_ranges(missing, step)}"
    return Numbering(dict(zip(indices, paths, strict=True)), count, problem if missing else None)


def by_times(source: str | Path, paths: Sequence[Path], times: Path) -> Numbering:
    """By a list of names and times; what is not there keeps its place.

    Args:
        source: what was given.
        paths: of the pictures that are there.
        times: a CSV with columns `name` and `time`, seconds.

    Raises:
        InputError: it is no such list, or names no picture that is there.
    """
    listed, digest = _read_times(times)
    there = {_key(path.name): path for path in paths}
    found = {index: there.pop(_key(name)) for index, (name, _) in enumerate(listed) if _key(name) in there}
    if not found:
        raise InputError(f"{source}: {times} names no picture that is there ({listed[0][0]}, ...)")
    missing = [name for index, (name, _) in enumerate(listed) if index not in found]
    remarks = (
        [f"{_pictures(len(missing))} missing that {times.name} lists: {first_of(missing)}"] if missing else []
    )
    if there:
        rest = [path.name for path in there.values()]
        remarks.append(f"{len(rest)} left out that {times.name} does not list: {first_of(rest)}")
    return Numbering(found, len(listed), "; ".join(remarks) or None, [time for _, time in listed], digest)


def _read_times(times: Path) -> tuple[list[tuple[str, Fraction]], str]:
    regular_file(times)
    try:
        data = bytes_of(times)
        lines = data.decode("utf-8-sig").splitlines()
        separator = next((mark for mark in ";\t" if lines and mark in lines[0]), ",")
        rows = list(csv.reader(lines, delimiter=separator))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{times}: the list of times can't be read ({error})") from error
    heads = [head.strip().lower() for head in rows[0]] if rows else []
    name_column = next((heads.index(name) for name in _NAMES if name in heads), None)
    if name_column is None or "time" not in heads:
        raise InputError(f"{times}: a list of times has columns name and time; its first line is {heads}")
    time_column = heads.index("time")
    width = max(column for column, head in enumerate(heads, 1) if head)
    listed: list[tuple[str, Fraction]] = []
    names = set[str]()
    for line, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        if any(cell.strip() for cell in row[width:]):
            raise InputError(
                f"{times}, line {line}: {len(row)} cells where the first line has {width}; {_WRITE_SECONDS}"
            )
        try:
            name, seconds = Path(row[name_column].strip()).name, float(row[time_column])
        except (ValueError, IndexError) as error:
            raise InputError(
                f"{times}, line {line}: no name and seconds but {row[:4]}; {_WRITE_SECONDS}"
            ) from error
        if not 0 <= seconds < _MAX_SECONDS:
            raise InputError(f"{times}, line {line}: {seconds:g} is no time; 0 to {_MAX_SECONDS:,} s are")
        time = round(seconds * 1_000_000) * _TICK
        if listed and time <= listed[-1][1]:
            raise InputError(f"{times}, line {line}: {seconds:g} s is not after the line before it")
        if _key(name) in names:
            raise InputError(f"{times}, line {line}: {name} is listed twice")
        names.add(_key(name))
        listed.append((name, time))
    if not listed:
        raise InputError(f"{times}: the list of times has no rows")
    return listed, hashlib.sha256(data).hexdigest()[:16]


def _several(series: Counter[tuple[str, str] | None], paths: Sequence[Path], numbers: Sequence[int]) -> str:
    """Why pictures are no one clip."""
    advice = 'give each a folder of its own, or a pattern of names in quotes ("left_*.png")'
    if len(series) == 1:
        twice = next(after for before, after in pairwise(numbers) if after <= before)
        same = [path.name for path, number in zip(paths, numbers, strict=True) if number == twice]
        return f"frame {twice} is there {len(same)} times ({first_of(same)}); {advice}"
    kinds = [
        f"{count} without a number" if key is None else f"{count} like {key[0]}N{key[1]}"
        for key, count in series.most_common()
    ]
    return f"the pictures are of {len(series)} series ({first_of(kinds)}); {advice}"


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _pictures(count: int) -> str:
    return "1 picture is" if count == 1 else f"{count:,} pictures are"


def _ranges(numbers: Sequence[int], step: int) -> str:
    """Numbers as "4 to 6, 9"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + step:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return first_of([" to ".join(map(str, run)) for run in runs])
