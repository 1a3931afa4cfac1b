"""Which landmarks a turned head hides."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.landmarks import IBUG68

_HIDDEN_FROM: Final[Mapping[int, float]] = MappingProxyType(
    {
        9: 65, 10: 48, 11: 40, 12: 32, 13: 26, 14: 24, 15: 22, 16: 22,
        22: 85, 23: 75, 24: 65, 25: 55, 26: 45,
        34: 75, 35: 60, 42: 72, 43: 65, 44: 60, 45: 56, 46: 60, 47: 65,
        52: 78, 53: 66, 54: 56, 55: 66, 56: 78, 63: 72, 64: 60, 65: 72,
    }
)  # fmt: skip
"""Degrees of yaw from which a point of the subject's left side is hidden by the head; read off renders."""
_SOFT: Final = 6.0  # degrees over which a point goes out of sight


def seen(yaw: float) -> NDArray[np.float64]:
    """How much of each of the 68 points is in sight, (68,) in 0 to 1, of a head turned by `yaw` degrees.

    yaw > 0 turns the nose to the subject's left, and the left side of the face away.
    """
    visible = np.ones(68)
    for point, limit in _HIDDEN_FROM.items():
        share = 1 / (1 + np.exp(-np.clip((limit - abs(yaw)) / _SOFT, -30, 30)))
        visible[point if yaw > 0 else IBUG68.mirror[point]] = share
    return visible
