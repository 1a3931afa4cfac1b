"""Long curves for few pixels: the lowest and the highest value of each stretch of time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Curves = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Envelope:
    """What is left of T samples of A curves in B stretches of time; no sample's value is outside.

    Attributes:
        first: (B,) int64, position of the first sample of each stretch.
        time: (B,) time of that sample.
        low: (B, A) lowest value; NaN where no sample of the stretch has one.
        high: (B, A) highest value.
    """

    first: NDArray[np.int64]
    time: Floats
    low: Curves
    high: Curves


def envelope(time: Floats, values: Curves, step: float) -> Envelope:
    """Bring curves to one low and one high value per stretch of `step`.

    Stretches without a sample are left out: between two frames of a slow clip nothing is missing.

    Args:
        time: (T,) ascending, T at least 1.
        values: (T, A), NaN where there is none.
        step: length of a stretch, counted from `time[0]`; 0 keeps each sample.
    """
    if step <= 0:
        first = np.arange(len(time))
    else:
        bins = np.floor((time - time[0]) / step)
        first = np.flatnonzero(np.diff(bins, prepend=-1.0) != 0)
    low = np.fmin.reduceat(values, first, axis=0)
    high = np.fmax.reduceat(values, first, axis=0)
    return Envelope(first.astype(np.int64), time[first], low, high)
