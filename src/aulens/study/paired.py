"""Is the difference between two variants more than luck with the test subjects?

Shapes: A AUs, R draws, row 0 of which is the subjects as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.metrics.counts import Floats


def bootstrap_p(differences: NDArray[Any]) -> Floats:
    """Two-sided p of "the difference is 0": how far into the other side of 0 the resamples reach.

    p = 2 min(share of resamples <= 0, share >= 0), with one added to both counts, so that it is never below
    2 / (resamples + 1), and at most 1: the level at which the percentile interval would just reach 0
    (B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 15.4). With few subjects it
    is somewhat too small, as the interval is somewhat too narrow.

    Args:
        differences: (R, K) paired differences; resamples in which one is NaN are left out.

    Returns:
        (K,); NaN without resamples, and where the difference itself is NaN.
    """
    drawn = differences[1:]
    there = (~np.isnan(drawn)).sum(0)
    below, above = (drawn <= 0).sum(0), (drawn >= 0).sum(0)
    p = np.minimum(1.0, 2 * (1 + np.minimum(below, above)) / (1 + there))
    return np.where((there > 0) & ~np.isnan(differences[0]), p, np.nan)


def holm(p: ArrayLike) -> Floats:
    """p values corrected for their number, by the step-down method of S. Holm (1979).

    The corrected values bound the chance of even one false finding among all of them, however they depend on
    each other.

    Args:
        p: (K,) in [0, 1]; NaN = not tested, which does not count.

    Returns:
        (K,) float64, at most 1; NaN stays NaN.
    """
    values = np.asarray(p, dtype=np.float64)
    tested = ~np.isnan(values)
    given = values[tested]
    order = np.argsort(given, kind="stable")
    steps = np.maximum.accumulate(given[order] * np.arange(len(given), 0, -1))
    corrected = np.full(values.shape, np.nan)
    corrected[np.flatnonzero(tested)[order]] = np.minimum(steps, 1.0)
    return corrected
