"""Which numbers a column of ours may hold; `dictionary` says it in words."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.errors import InputError
from aulens.tables.schema import au_of, dtype

_MAX_WHOLE: Final = 10**15
"""Of frames and people: float64, as which CSV is read, holds whole numbers to 9 * 10^15 exactly."""
_FINITE: Final = sys.float_info.max
MAX_COLUMNS: Final = 20_000
MAX_CELLS: Final = 300_000_000
"""About 2.4 GB: eleven hours of one person at 25 frames a second, with all that we write of a face."""


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both among them; none is infinite."""

    low: float = -_FINITE
    high: float = _FINITE
    whole: bool = False

    def outside(self, numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of them are not within; NaN is an empty cell, and may be."""
        wrong = (numbers < self.low) | (numbers > self.high)
        if self.whole:
            wrong |= np.floor(numbers) < numbers
        return wrong

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        if self.high == _FINITE:
            return "a finite number" if self.low < 0 else f"a finite number from {self.low:g} on"
        high = "10^15" if self.high == _MAX_WHOLE else f"{self.high:g}"
        return f"{kind} from {self.low:g} to {high}"


_RANGES: Final = {
    **dict.fromkeys(("time", "box_w", "box_h", "pose_distance"), Range(0)),
    "quality": Range(0, 1),
    "pose_pitch": Range(-90, 90),
    **dict.fromkeys(("pose_yaw", "pose_roll"), Range(-180, 180)),
}


def check_cells(path: Path, rows: int, columns: int) -> None:
    """Raise `InputError` if a table has more columns or cells than are read; nothing of it was read yet."""
    if columns > MAX_COLUMNS:
        raise InputError(
            f"{path}: {columns:,} columns, more than the limit of {MAX_COLUMNS:,}; leave some out"
        )
    if rows * columns > MAX_CELLS:
        raise InputError(
            f"{path}: {rows:,} rows of {columns:,} columns are more than the limit of {MAX_CELLS:,} cells; "
            "take a table for each video, or fewer rows"
        )


def range_of(column: str, *, first: float = 0) -> Range:
    """The range of one of our columns of numbers; frames and people are counted from `first`."""
    if dtype(column) == "Int64":
        flag = column == "success" or au_of(column) is not None
        return Range(0, 1, whole=True) if flag else Range(first, _MAX_WHOLE, whole=True)
    if au_of(column) is not None:
        # OpenFace did not cut its intensities to 0-5 in every version.
        return Range() if column.endswith(("_i", "_above")) else Range(0, 1)
    return _RANGES.get(column, Range())
