"""The canonical face: the one frame in which skin, brows and wrinkles are painted, whatever the rig.

Centimetres; origin near the nose bridge's foot, x towards the subject's left, y up, z towards the camera.
A rig is carried into it by a smooth warp that takes its 68 landmarks to the table below.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.interpolate import RBFInterpolator

from aulens.landmarks import IBUG68
from aulens.render.rig import Floats, Ints

# Subject's left half and the midline of iBUG-68; the right half is its mirror image.
_HALF: Final = {
    8: (0.0, -7.9, 10.2), 9: (1.5, -7.5, 10.1), 10: (3.3, -7.0, 8.4), 11: (4.5, -6.0, 7.3),
    12: (5.8, -4.2, 6.1), 13: (6.5, -2.3, 4.9), 14: (6.8, -0.3, 5.2), 15: (7.1, 1.5, 4.5),
    16: (7.3, 3.3, 3.2), 22: (1.1, 5.6, 10.5), 23: (2.3, 5.9, 10.4), 24: (3.7, 6.1, 9.9),
    25: (5.1, 5.9, 8.9), 26: (5.9, 5.0, 7.8), 27: (0.0, 3.9, 10.5), 28: (0.0, 2.7, 11.2),
    29: (0.0, 1.7, 12.0), 30: (0.0, 0.5, 12.8), 33: (0.0, -1.1, 11.6), 34: (0.7, -1.0, 11.4),
    35: (1.4, -0.9, 10.9), 42: (1.9, 3.4, 9.2), 43: (2.8, 4.1, 9.5), 44: (3.8, 4.1, 9.4),
    45: (4.5, 3.6, 8.7), 46: (3.8, 3.2, 9.3), 47: (2.8, 3.2, 9.4), 51: (0.0, -2.5, 12.0),
    52: (0.7, -2.4, 11.9), 53: (1.6, -2.8, 11.4), 54: (2.5, -3.5, 10.3), 55: (1.9, -4.3, 10.9),
    56: (0.9, -4.5, 11.5), 57: (0.0, -4.6, 11.4), 62: (0.0, -3.3, 11.3), 63: (0.8, -3.3, 11.2),
    64: (2.1, -3.5, 10.2), 65: (0.9, -3.4, 11.1), 66: (0.0, -3.4, 11.3),
}  # fmt: skip


def _mirrored() -> Floats:
    table = np.empty((68, 3), np.float32)
    for point, xyz in _HALF.items():
        table[point] = xyz
        table[IBUG68.mirror[point]] = (-xyz[0], xyz[1], xyz[2])
    return table


CANONICAL_LANDMARKS: Final = _mirrored()


def to_canonical(points: Floats, landmarks: Ints) -> Floats:
    """Warp a neutral mesh onto the canonical face.

    Args:
        points: (V, 3) centimetres.
        landmarks: (68,) vertex indices.

    Returns:
        (V, 3) float32, in the canonical frame.
    """
    source = points[landmarks].astype(np.float64)
    # Inner-lip points of a closed mouth can coincide; a little smoothing keeps the system solvable.
    warp = RBFInterpolator(
        source, CANONICAL_LANDMARKS.astype(np.float64), kernel="linear", degree=1, smoothing=1e-2
    )
    warped: Floats = warp(points.astype(np.float64)).astype(np.float32)
    return warped


def settle(points: Floats, landmarks: Ints) -> tuple[float, Floats]:
    """Scale and shift (3,) that bring a rig's landmarks onto the canonical ones, without bending it."""
    source = points[landmarks]
    centred = source - source.mean(0)
    target = CANONICAL_LANDMARKS - CANONICAL_LANDMARKS.mean(0)
    scale = float(np.sqrt((target**2).sum() / (centred**2).sum()))
    shift: Floats = (CANONICAL_LANDMARKS.mean(0) - scale * source.mean(0)).astype(np.float32)
    return scale, shift
