"""The curves from scores to intensities, fitted on validation samples whose intensities are coded.

For each AU the mean intensity at a score: of all curves that never fall and are linear between evenly spaced
knots, the one with the least squared error over the sides of all faces.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from aulens.aus import MAX_INTENSITY, AUSet
from aulens.roi import side_scores
from aulens.runtime.intensity import Curve

KNOTS: Final = 8
_MIN_SIDES: Final = 10
"""Sides with a trace or more, and sides without, that a curve needs at least."""
_GROUP, _GROUPS = 10, 500
"""Sides that are averaged before the fit, at least, and groups at most."""
_FLAT: Final = 0.25
"""A curve that rises by less says nothing."""

Floats = NDArray[np.float64]


def fit_curves(
    aus: AUSet, intensities: NDArray[Any], sides: NDArray[Any], has_side_scores: bool
) -> tuple[Curve | None, ...]:
    """A curve for each AU; None where too few sides show it, or none are without it, or scores say nothing.

    Args:
        aus: the AUs of axis A.
        intensities: (N, A, 2), 0 to 5, NaN where not coded.
        sides: (N, A, 2) scores.
        has_side_scores: whether the sides' scores differ; if not, an AU is as intense as its stronger side.
    """
    if has_side_scores:
        given, wanted = side_scores(sides, aus), side_scores(intensities, aus)
    else:
        given, wanted = sides[..., :1], intensities.max(-1, keepdims=True)
    return tuple(_fit(given[:, a].ravel(), wanted[:, a].ravel()) for a in range(len(aus)))


def _fit(score: NDArray[Any], intensity: NDArray[Any]) -> Curve | None:
    known = np.isfinite(intensity)
    x, y = score[known].astype(np.float64), intensity[known].astype(np.float64)
    if min((y >= 1).sum(), (y < 1).sum()) < _MIN_SIDES:
        return None
    x, y, weight = _grouped(x, y)
    knots = np.linspace(x[0], x[-1], KNOTS)
    if not knots[0] < knots[1]:
        return None
    # The first knot's level, and how far each next one lies above: none of them negative.
    climbs = np.clip((x[:, None] - knots[:-1]) / (knots[1] - knots[0]), 0, 1)
    design = np.hstack([np.ones((len(x), 1)), climbs])
    rises, _ = nnls(design * np.sqrt(weight)[:, None], y * np.sqrt(weight))
    levels = np.minimum(np.cumsum(rises), MAX_INTENSITY)
    if levels[-1] - levels[0] < _FLAT:
        return None
    return Curve(tuple(knots.tolist()), tuple(levels.tolist()))


def _grouped(x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """Means of neighbours by score, ascending, and how many they are; equal scores are never apart."""
    _, place = np.unique(x, return_inverse=True)
    rank = np.cumsum(np.bincount(place)) - 1
    groups = min(len(x) // _GROUP, _GROUPS)
    _, group = np.unique((rank * groups // len(x))[place], return_inverse=True)
    weight = np.bincount(group).astype(np.float64)
    return np.bincount(group, x) / weight, np.bincount(group, y) / weight, weight
