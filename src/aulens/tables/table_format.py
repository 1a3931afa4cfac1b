"""What a table format is: another tool's columns, filled with our results as far as they go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from aulens.aus import AUSet
from aulens.landmarks import IBUG68, layout_of
from aulens.runtime.result import FaceResult, FrameResult
from aulens.tables.schema import Row, au_of

if TYPE_CHECKING:
    import pandas as pd


class TableFormat(Protocol):
    """A CSV format of another tool. Cells are text, written as that tool writes them."""

    @property
    def name(self) -> str:
        """How `--format` calls it."""
        ...

    @property
    def names_files(self) -> bool:
        """Whether rows say which file they are from; if not, each input needs a table of its own."""
        ...

    def columns(self, aus: AUSet) -> tuple[str, ...]:
        """Names of the columns, in that tool's order."""
        ...

    def rows(self, file: str, result: FrameResult) -> list[Row]:
        """The rows of one frame; their cells are in the order of `columns`."""
        ...

    def left_out(self, aus: AUSet) -> tuple[str, ...]:
        """Labels of the AUs for which the format has no column."""
        ...

    def for_pictures(self) -> TableFormat:
        """What that tool writes for pictures rather than videos."""
        ...


def landmarks68(result: FaceResult) -> NDArray[np.float64]:
    """The landmarks (68, 2) of a face in iBUG's order; NaN for points that its layout lacks."""
    points = np.full((IBUG68.count, 2), np.nan)
    points[list(layout_of(result.landmarks).in68)] = result.landmarks
    return points


def share(confidence: float) -> float:
    """A detector's score cut to the scale of other tools, [0, 1]: dlib's has no upper end."""
    return min(max(confidence, 0.0), 1.0)


def written(number: float, digits: int, empty: str) -> str:
    """A number with a fixed count of decimals; `empty` for NaN. Never "-0.0"."""
    return empty if number != number else f"{round(number, digits) + 0.0:.{digits}f}"


def padded(number: int) -> str:
    """How other tools write an AU: "AU01"."""
    return f"AU{number:02d}"


def blanked(frame: pd.DataFrame) -> pd.DataFrame:
    """One of our tables with all about a face missing in the rows without `success`."""
    scores = [name for name in frame.columns if au_of(name) or name.startswith(("box_", "pose_"))]
    frame[scores] = frame[scores].where(frame["success"] == 1)
    return frame
