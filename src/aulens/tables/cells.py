"""What the tables of other tools share: how their cells are written, and what of their rows is ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aulens.landmarks import IBUG68, layout_of
from aulens.runtime.result import FaceResult
from aulens.tables.schema import au_of

if TYPE_CHECKING:
    import pandas as pd


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
