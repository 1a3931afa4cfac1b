"""From scores to intensities: a curve per AU, as a model's card holds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aulens.aus import MAX_INTENSITY


@dataclass(frozen=True)
class Curve:
    """The intensity of an AU by its score: linear between knots, level beyond the first and the last.

    Attributes:
        scores: of the knots, ascending.
        intensities: at the knots, 0 (absent) to 5 (FACS's E), never falling.

    Raises:
        ValueError: they are no such numbers.
    """

    scores: tuple[float, ...]
    intensities: tuple[float, ...]

    def __post_init__(self) -> None:
        x, y = np.array(self.scores, np.float64), np.array(self.intensities, np.float64)
        rising = len(x) == len(y) >= 2 and bool((np.diff(x) > 0).all() and (np.diff(y) >= 0).all())
        if not rising or not 0 <= y[0] <= y[-1] <= MAX_INTENSITY or not np.isfinite(x).all():
            raise ValueError(
                "a curve needs two or more ascending scores, and as many intensities of 0 to "
                f"{MAX_INTENSITY} that never fall; got {self.scores} and {self.intensities}"
            )

    def __call__(self, scores: NDArray[Any]) -> NDArray[np.float64]:
        """Intensities of scores, any shape."""
        return np.asarray(np.interp(scores, self.scores, self.intensities))


def side_intensities(curves: Sequence[Curve | None], sides: NDArray[Any]) -> NDArray[np.float64]:
    """Intensities (..., A, 2) of side scores (..., A, 2); NaN for an AU without a curve.

    As curves never fall, that of an AU is the larger of its sides', like its score and probability.
    """
    found = np.full(sides.shape, np.nan)
    for index, curve in enumerate(curves):
        if curve is not None:
            found[..., index, :] = curve(sides[..., index, :])
    return found
