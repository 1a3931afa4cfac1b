"""What landmarks show of an Action Unit: lengths on the face that grow when it occurs.

Lengths across the face are in distances of the eye centres, lengths down it in distances from the eyes to the
base of the nose, each along the face's own axes: so they hardly change when the head turns, nods or leans.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aulens import landmarks as lm
from aulens.aus import AUSet

Floats = NDArray[np.float64]

_SHOWS: Final = {
    "inner brows' height": (1,),
    "outer brows' height": (2,),
    "brows' closeness": (4,),
    "eyes' opening": (5,),
    "eyes' narrowness": (6, 7, 43, 45),
    "nose's shortness": (9,),
    "upper lip's height": (10,),
    "mouth's width": (12, 20),
    "mouth's narrowness": (18, 22),
    "lip corners' drop": (15,),
    "lower lip's height": (17,),
    "lips' thinness": (23, 24, 28),
    "lips' gap": (25,),
    "jaw's drop": (26, 27),
}
"""Measure → the AUs with which it grows; AUs that move no landmark along (11, 13, 14, 16) have none."""

MEASURES: Final = tuple(_SHOWS)
"""The columns of `measure`."""

SHOWN_BY: Final = MappingProxyType({au: name for name, aus in _SHOWS.items() for au in aus})
"""AU → the measure that grows with it."""

EVIDENT: Final = frozenset({1, 2, 12, 25, 26, 27})
"""AUs that by definition move landmarks far: raised brows, drawn lip corners, parted lips, dropped jaw.
Others show in landmarks too weakly to say that labels don't follow them."""


def face_axes(points: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """The axes of faces (N, K, 2): middle of the eyes, unit vectors across and down it, distance of the eyes.

    The first three are (N, 2), the last is (N,), in the units of `points`. Across is from the subject's right
    eye to the left one.
    """
    layout = lm.layout_of(points)
    right, left = (points[:, list(layout.positions(eye))].mean(1) for eye in (lm.RIGHT_EYE, lm.LEFT_EYE))
    across = left - right
    distance = np.hypot(across[:, 0], across[:, 1])
    with np.errstate(divide="ignore", invalid="ignore"):
        level = across / distance[:, None]
    return (right + left) / 2, level, np.stack([-level[:, 1], level[:, 0]], -1), distance


def measure(landmarks: NDArray[Any]) -> Floats:
    """Measure faces.

    Args:
        landmarks: (N, K, 2) pixels, 68, 66 or 49 points; NaN where a face has none.

    Returns:
        (N, M) float64, a column for each of MEASURES; NaN where the landmarks are, or lie all in one place.
    """
    layout = lm.layout_of(landmarks)
    points = np.asarray(landmarks, np.float64)

    def centre(indices: Sequence[int]) -> Floats:
        middle: Floats = points[:, list(layout.positions(indices))].mean(1)
        return middle

    eyes, level, down, width = face_axes(points)

    def depth(indices: Sequence[int]) -> Floats:
        below: Floats = ((centre(indices) - eyes) * down).sum(-1)
        return below

    def span(pair: tuple[int, int]) -> Floats:
        length: Floats = np.abs(((centre(pair[1:]) - centre(pair[:1])) * level).sum(-1))
        return length

    with np.errstate(divide="ignore", invalid="ignore"):
        nose = depth(lm.NOSE_BASE)
        upper, lower = depth(lm.UPPER_LIP_TOP), depth(lm.LOWER_LIP_BOTTOM)
        opening, raised = (
            depth(lm.LOWER_LIDS) - depth(lm.UPPER_LIDS),
            depth(lm.INNER_EYE_CORNERS) - depth(lm.INNER_BROWS),
        )
        wide = span(lm.MOUTH_CORNERS)
        columns = {
            "inner brows' height": raised / nose,
            "outer brows' height": (depth(lm.OUTER_EYE_CORNERS) - depth(lm.OUTER_BROWS)) / nose,
            "brows' closeness": -span(lm.BROW_HEADS) / width - raised / nose,
            "eyes' opening": opening / nose,
            "eyes' narrowness": -opening / nose,
            "nose's shortness": -nose / width,
            "upper lip's height": (nose - upper) / nose,
            "mouth's width": wide / width,
            "mouth's narrowness": -wide / width,
            "lip corners' drop": (depth(lm.MOUTH_CORNERS) - (upper + lower) / 2) / nose,
            "lower lip's height": (nose - lower) / nose,
            "lips' thinness": (upper - lower) / nose,
            "lips' gap": (depth(lm.INNER_LIPS[1]) - depth(lm.INNER_LIPS[0])) / nose,
            "jaw's drop": (lower - nose) / nose,
        }
    values = np.stack([columns[name] for name in MEASURES], -1)
    values[~np.isfinite(values).all(1)] = np.nan
    return values


def columns_of(aus: AUSet) -> dict[int, int]:
    """AU number → the column of `measure` that grows with it, for AUs that have one."""
    return {number: MEASURES.index(SHOWN_BY[number]) for number in aus if number in SHOWN_BY}
