"""An average face in three dimensions: iBUG's 68 landmarks in millimetres, and how far each can be trusted.

The neutral face of ICT-FaceKit (USC Institute for Creative Technologies, MIT licence; Li et al., CVPR 2020),
to 0.1 mm, in the head's axes: x to the subject's left, y up, z out of the face. Made, with the file that
docs/renders.md says how to pack, by

    import numpy
    from pathlib import Path
    from aulens.render.ict import load_ict
    rig = load_ict(Path("ict.npz"))
    numpy.savetxt("mean_face.csv", 10 * rig.neutral[rig.landmarks], "%.1f", ",")
"""

from functools import cache
from importlib.resources import files
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
    with files(__package__).joinpath("mean_face.csv").open() as file:
        points = np.loadtxt(file, delimiter=",")
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
