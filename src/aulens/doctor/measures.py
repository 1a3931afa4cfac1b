"""What landmarks say of an Action Unit: lengths on the face that grow when it occurs.

Lengths across the face are in distances of the eye centres, lengths down it in distances from the eyes to the
base of the nose, each along the face's own axes: so they hardly change when the head turns, nods or leans.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aulens.aus import AUSet
from aulens.landmarks import (
    BROW_HEADS,
    INNER_BROWS,
    INNER_EYE_CORNERS,
    INNER_LIPS,
    LEFT_EYE,
    LOWER_LIDS,
    LOWER_LIP_BOTTOM,
    MOUTH_CORNERS,
    NOSE_BASE,
    OUTER_BROWS,
    OUTER_EYE_CORNERS,
    RIGHT_EYE,
    UPPER_LIDS,
    UPPER_LIP_TOP,
    layout_of,
)

Floats = NDArray[np.float64]

MEASURES: Final = (
    "inner brows' height",
    "outer brows' height",
    "brows' closeness",
    "eyes' opening",
    "eyes' narrowness",
    "nose's shortness",
    "upper lip's height",
    "mouth's width",
    "mouth's narrowness",
    "lip corners' drop",
    "lower lip's height",
    "lips' thinness",
    "lips' gap",
    "jaw's drop",
)
"""The columns of `measure`."""

SHOWN_BY: Final[Mapping[int, str]] = MappingProxyType(
    {
        1: "inner brows' height",
        2: "outer brows' height",
        4: "brows' closeness",
        5: "eyes' opening",
        6: "eyes' narrowness",
        7: "eyes' narrowness",
        9: "nose's shortness",
        10: "upper lip's height",
        12: "mouth's width",
        15: "lip corners' drop",
        17: "lower lip's height",
        18: "mouth's narrowness",
        20: "mouth's width",
        22: "mouth's narrowness",
        23: "lips' thinness",
        24: "lips' thinness",
        25: "lips' gap",
        26: "jaw's drop",
        27: "jaw's drop",
        28: "lips' thinness",
        43: "eyes' narrowness",
        45: "eyes' narrowness",
    }
)
"""AU → the measure that grows with it; AUs that move no landmark along (11, 13, 14, 16) have none."""

EVIDENT: Final = frozenset({1, 2, 12, 25, 26, 27})
"""AUs whose very definition moves landmarks far: raised brows, drawn lip corners, parted lips, dropped jaw.
Others show in landmarks too weakly to accuse labels of not following them."""


def measure(landmarks: NDArray[Any]) -> Floats:
    """Measure faces.

    Args:
        landmarks: (N, K, 2) pixels, 68, 66 or 49 points; NaN where a face has none.

    Returns:
        (N, M) float64, a column for each of MEASURES; NaN where the landmarks are, or lie all in one place.
    """
    layout = layout_of(landmarks)
    points = np.asarray(landmarks, np.float64)

    def centre(indices: Sequence[int]) -> Floats:
        middle: Floats = points[:, list(layout.positions(indices))].mean(1)
        return middle

    right_eye, left_eye = centre(RIGHT_EYE), centre(LEFT_EYE)
    across = left_eye - right_eye
    width = np.hypot(across[:, 0], across[:, 1])
    with np.errstate(divide="ignore", invalid="ignore"):
        level = across / width[:, None]
        down = np.stack([-level[:, 1], level[:, 0]], -1)
        eyes = (right_eye + left_eye) / 2

        def depth(indices: Sequence[int]) -> Floats:
            below: Floats = ((centre(indices) - eyes) * down).sum(-1)
            return below

        def span(pair: tuple[int, int]) -> Floats:
            length: Floats = np.abs(((centre(pair[1:]) - centre(pair[:1])) * level).sum(-1))
            return length

        nose = depth(NOSE_BASE)
        upper, lower = depth(UPPER_LIP_TOP), depth(LOWER_LIP_BOTTOM)
        opening = depth(LOWER_LIDS) - depth(UPPER_LIDS)
        wide = span(MOUTH_CORNERS)
        columns = {
            "inner brows' height": (depth(INNER_EYE_CORNERS) - depth(INNER_BROWS)) / nose,
            "outer brows' height": (depth(OUTER_EYE_CORNERS) - depth(OUTER_BROWS)) / nose,
            "brows' closeness": -span(BROW_HEADS) / width
            - (depth(INNER_EYE_CORNERS) - depth(INNER_BROWS)) / nose,
            "eyes' opening": opening / nose,
            "eyes' narrowness": -opening / nose,
            "nose's shortness": -nose / width,
            "upper lip's height": (nose - upper) / nose,
            "mouth's width": wide / width,
            "mouth's narrowness": -wide / width,
            "lip corners' drop": (depth(MOUTH_CORNERS) - (upper + lower) / 2) / nose,
            "lower lip's height": (nose - lower) / nose,
            "lips' thinness": (upper - lower) / nose,
            "lips' gap": (depth(INNER_LIPS[1]) - depth(INNER_LIPS[0])) / nose,
            "jaw's drop": (lower - nose) / nose,
        }
    values = np.stack([columns[name] for name in MEASURES], -1)
    values[~np.isfinite(values).all(1)] = np.nan
    return values


def columns_of(aus: AUSet) -> dict[int, int]:
    """AU number → the column of `measure` that grows with it, for AUs that have one."""
    return {number: MEASURES.index(SHOWN_BY[number]) for number in aus if number in SHOWN_BY}
