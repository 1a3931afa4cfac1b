"""Where to cut a face out of the next frame: in the same place as long as it keeps still.

A network's landmarks change a little with the crop that it sees. Were each frame's crop placed by the last
frame's landmarks, their noise would go round in circles, and Action Units with it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

# Spreads that a face may be away from where it was cut out last, to be cut out there again: many times the
# noise of one that keeps still, more than landmarks move if a face is cut out by them again and again, and so
# little that one that moves is cut out about where it is.
_STAY: Final = 0.012


def steadied(last: Points, there: Points) -> Points:
    """Landmarks (K, 2) by which to cut a face out: `last` again while `there`, where it is, is near.

    Else they are drawn after it, so far that it is just near: cut out in jumps, it would jump too.
    """
    away = displacement(last, there)
    if away <= _STAY:
        return last
    return there + (last - there) * (_STAY / away) if np.isfinite(away) else there


def displacement(a: Points, b: Points) -> float:
    """How far a face moved as a whole, from landmarks (K, 2) to others of its.

    Shift, size and turn in the picture, not the expression: the mean way (root mean square) of the landmarks
    by the similarity that brings them nearest, in spreads. A spread is their root mean square distance from
    their middle, about the distance of the eyes.
    """
    old, new = _complex(a), _complex(b)
    middle, target = old.mean(), new.mean()
    about = old - middle
    power = float(np.vdot(about, about).real)
    if not power > 0:
        return float(np.inf) if (old != new).any() else 0.0
    turn = np.vdot(about, new - target) / power
    way = target - middle + (turn - 1) * about
    return float(np.sqrt(np.vdot(way, way).real / power))


def _complex(points: Points) -> NDArray[np.complex128]:
    return np.ascontiguousarray(points, np.float64).view(np.complex128)[:, 0]
