"""An average face in three dimensions: iBUG's 68 landmarks in millimetres, and how far each can be trusted.

The neutral face of ICT-FaceKit (USC Institute for Creative Technologies, MIT licence; Li et al., CVPR 2020),
to 0.1 mm, in the head's axes: x to the subject's left, y up, z out of the face. Made, with the file that
docs/renders.md says how to pack, by

    from pathlib import Path
    from aulens.render.ict import load_ict
    rig = load_ict(Path("ict.npz"))
    print((10 * rig.neutral[rig.landmarks]).round(1).tolist())
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.landmarks import (
    IBUG68,
    INNER_EYE_CORNERS,
    JAW,
    JAW_ENDS,
    LEFT_EYE,
    NOSE_BASE,
    NOSE_BRIDGE,
    NOSE_TIP,
    OUTER_EYE_CORNERS,
    RIGHT_EYE,
    LandmarkLayout,
)

_LANDMARKS: Final = (
    (-73.4, 36.6, 36.7), (-72.6, 14.8, 39.3), (-69.2, -4.7, 45.4), (-65.4, -23.6, 51.8),
    (-57.1, -44.8, 61.3), (-42.9, -62.0, 73.5), (-30.4, -69.0, 87.7), (-15.3, -72.4, 102.6),
    (0.0, -75.5, 104.2), (15.3, -72.4, 102.6), (30.4, -69.0, 87.7), (42.9, -62.0, 73.5),
    (57.1, -44.8, 61.3), (65.4, -23.6, 51.8), (69.2, -4.7, 45.4), (72.6, 14.8, 39.3),
    (73.4, 36.6, 36.7), (-58.0, 51.8, 79.1), (-49.2, 59.6, 89.9), (-37.8, 62.3, 98.2),
    (-24.1, 61.7, 104.7), (-11.7, 58.9, 107.2), (11.7, 58.9, 107.2), (24.1, 61.7, 104.7),
    (37.8, 62.3, 98.2), (49.2, 59.6, 89.9), (58.0, 51.8, 79.1), (0.0, 37.3, 107.3),
    (0.0, 26.2, 115.1), (0.0, 16.0, 122.9), (0.0, 4.0, 130.5), (-12.5, -11.5, 108.6),
    (-6.0, -11.4, 114.1), (0.0, -12.1, 115.6), (6.0, -11.4, 114.1), (12.5, -11.5, 108.6),
    (-44.5, 34.2, 86.0), (-38.6, 38.6, 93.6), (-27.7, 39.2, 95.3), (-18.4, 32.4, 91.9),
    (-27.2, 30.7, 94.1), (-38.5, 30.6, 92.2), (18.4, 32.4, 91.9), (27.7, 39.2, 95.3),
    (38.6, 38.6, 93.6), (44.5, 34.2, 86.0), (38.5, 30.6, 92.2), (27.2, 30.7, 94.1),
    (-25.3, -35.2, 101.8), (-17.0, -27.7, 112.1), (-7.3, -24.2, 117.2), (0.0, -24.8, 118.3),
    (7.3, -24.2, 117.2), (17.0, -27.7, 112.1), (25.3, -35.2, 101.8), (18.0, -40.5, 108.9),
    (10.3, -43.0, 113.8), (0.0, -43.7, 115.4), (-10.3, -43.0, 113.8), (-18.0, -40.5, 108.9),
    (-22.0, -34.9, 101.2), (-9.9, -32.9, 110.8), (0.0, -33.2, 112.7), (9.9, -32.9, 110.8),
    (22.0, -34.9, 101.2), (10.7, -33.8, 110.3), (0.0, -34.0, 112.4), (-10.7, -33.8, 110.3),
)  # fmt: skip

_FIRM: Final = 1.0
_LIDS: Final = 0.3
_EAR: Final = 0.3
_MOVES: Final = 0.1
_JAW: Final = 0.03
"""The nose and the corners of the eyes are firm. Lids, brows and lips move. The jaw moves, differs most
between people, and in turned heads is often found on the outline; but its ends at the ears are still, and
far behind the rest they tell pitch: without them it is half as exact (benchmarks/pose.py, 49 points)."""


@cache
def mean_face(layout: LandmarkLayout) -> NDArray[np.float64]:
    """The landmarks (K, 3) of a layout in the head's axes, millimetres from the middle of all 68."""
    points = np.array(_LANDMARKS)
    points = np.asarray((points - points.mean(axis=0))[list(layout.in68)])
    points.flags.writeable = False
    return points


@cache
def firmness(layout: LandmarkLayout) -> NDArray[np.float64]:
    """The weight (K,) of each landmark, 0 to 1: how little it moves with expressions and between people."""
    weights = np.full(IBUG68.count, _MOVES)
    weights[list(JAW)] = _JAW
    weights[list(JAW_ENDS)] = _EAR
    weights[[*NOSE_BRIDGE, NOSE_TIP, *NOSE_BASE]] = _FIRM
    weights[[*RIGHT_EYE, *LEFT_EYE]] = _LIDS
    weights[[*INNER_EYE_CORNERS, *OUTER_EYE_CORNERS]] = _FIRM
    weights = weights[list(layout.in68)]
    weights.flags.writeable = False
    return weights
