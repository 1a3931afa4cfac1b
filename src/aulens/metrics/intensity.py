"""How well intensities agree with those that people coded.

ICC(3,1) is the field's measure (P. Shrout and J. Fleiss, "Intraclass correlations: uses in assessing rater
reliability", 1979): coder and model are two fixed raters of the same faces, and the coefficient says how much
of the spread is the faces'. It does not mind a constant offset between the two; the mean absolute error does.

Shapes: N faces, A AUs, R draws of subjects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.aus import AUSet
from aulens.errors import InputError
from aulens.files import plain
from aulens.metrics.bootstrap import subject_draws
from aulens.metrics.counts import Floats, ratio
from aulens.metrics.report import Estimate, au_table, estimate, measures_of

INTENSITY_MEASURES: Final = MappingProxyType(
    {"icc": "ICC(3,1)", "pearson": "Pearson r", "mae": "Mean absolute error"}
)
"""Measures of intensities, as written in tables; the error is in steps of 0 to 5."""


def icc(ratings: ArrayLike) -> float:
    """ICC(3,1) of k raters: (BMS - EMS) / (BMS + (k - 1) EMS), mean squares between targets and of the rest.

    Args:
        ratings: (n, k), finite; n, k >= 2.

    Returns:
        At most 1; NaN where all ratings are equal.

    Raises:
        InputError: another shape, or a rating is not finite.
    """
    table = np.asarray(ratings, np.float64)
    if table.ndim != 2 or min(table.shape) < 2 or not np.isfinite(table).all():
        raise InputError(f"ICC needs finite ratings (n, k) of at least 2 x 2, got shape {table.shape}")
    n, k = table.shape
    centred = table - table.mean()
    between = k * np.square(centred.mean(1)).sum()
    raters = n * np.square(centred.mean(0)).sum()
    bms = between / (n - 1)
    ems = max(np.square(centred).sum() - between - raters, 0) / ((n - 1) * (k - 1))
    return float(ratio(np.array(bms - ems), np.array(bms + (k - 1) * ems)))


@dataclass(frozen=True, eq=False)
class IntensityReport:
    """Intensities of a model beside those that were coded.

    Attributes:
        aus: the AUs of the axis A.
        coded: (A,) int64, faces with both.
        mean: (A,) mean coded intensity; NaN without any.
        metrics: "icc", "pearson", "mae" → Estimate; the error in steps of 0 to 5.
        bootstrap: resamples of subjects behind each interval.
    """

    aus: AUSet
    coded: NDArray[np.int64]
    mean: Floats
    metrics: Mapping[str, Estimate]
    bootstrap: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {
            "bootstrap": self.bootstrap,
            "macro": measures_of(self.metrics, -1),
            "aus": {
                label: {"coded": int(self.coded[a]), "mean": plain(self.mean[a])}
                | measures_of(self.metrics, a)
                for a, label in enumerate(self.aus.labels)
            },
        }

    def to_markdown(self) -> str:
        """A Markdown table, one row per AU and one for the means."""
        return au_table(self.aus, self.coded, "mean", self.mean, self.metrics, INTENSITY_MEASURES)


def intensity_report(
    coded: ArrayLike,
    predicted: ArrayLike,
    subjects: Sequence[str] | NDArray[Any],
    aus: AUSet,
    bootstrap: int = 1000,
    seed: int = 0,
) -> IntensityReport:
    """Compare intensities with the codes; intervals from drawing whole subjects.

    Args:
        coded: (N, A), 0 to 5; NaN takes no part.
        predicted: (N, A) likewise.
        subjects: (N,), who is seen.
        aus: the AUs of the axis A.
        bootstrap: resamples; 0 for no intervals.
        seed: the same seed gives the same intervals.

    Raises:
        InputError: shapes do not fit.
    """
    truth, found, who = np.asarray(coded, np.float64), np.asarray(predicted, np.float64), np.asarray(subjects)
    if truth.ndim != 2 or truth.shape != found.shape or truth.shape != (len(who), len(aus)):
        raise InputError(
            f"intensities must be (N, {len(aus)}) for N subjects, got {truth.shape}, {found.shape} and "
            f"{who.shape}"
        )
    subject, draws = subject_draws(who, bootstrap, seed)
    results = drawn_intensity(truth, found, subject, draws)
    both = np.isfinite(truth) & np.isfinite(found)
    return IntensityReport(
        aus=aus,
        coded=both.sum(0),
        mean=ratio(np.where(both, truth, 0).sum(0), both.sum(0)),
        metrics=MappingProxyType(
            {name: estimate(result) for name, result in zip(INTENSITY_MEASURES, results, strict=True)}
        ),
        bootstrap=bootstrap,
    )


def drawn_intensity(
    coded: NDArray[Any], predicted: NDArray[Any], subject: NDArray[np.intp], draws: NDArray[np.int32]
) -> Floats:
    """Each of INTENSITY_MEASURES in each draw, (3, R, A).

    Args:
        coded: (N, A), NaN takes no part.
        predicted: (N, A) likewise.
        subject, draws: from `subject_draws`.
    """
    both = np.isfinite(coded) & np.isfinite(predicted)
    sums = (
        _sums(coded[rows, a].astype(np.float64), predicted[rows, a].astype(np.float64), subject[rows], draws)
        for a, rows in enumerate(both.T)
    )
    return np.stack([_measures(*each) for each in sums], axis=-1)


def _sums(x: Floats, y: Floats, subject: NDArray[np.intp], draws: NDArray[np.int32]) -> Floats:
    """(7, R): n and the sums of x, y, x², y², xy and |x - y|: they add over subjects."""
    terms = (np.ones_like(x), x, y, x * x, y * y, x * y, np.abs(x - y))
    each = np.stack([np.bincount(subject, term, draws.shape[1]) for term in terms])
    return np.asarray(each @ draws.T)


def _measures(n: Floats, x: Floats, y: Floats, xx: Floats, yy: Floats, xy: Floats, off: Floats) -> Floats:
    """(3, R) ICC(3,1), Pearson's r and mean absolute error.

    Where the coder gives all faces the same, there is no spread to agree on: ICC is NaN as r is.
    Of two raters, BMS - EMS is twice their covariance and BMS + EMS the sum of their variances.
    """
    of_x, of_y, together = (ratio(s - ratio(a * b, n), n) for s, a, b in ((xx, x, x), (yy, y, y), (xy, x, y)))
    # What is left of a constant is rounding.
    spread_x, spread_y = (np.where(v > 1e-12, v, 0.0) for v in (of_x, of_y))
    return np.stack(
        [
            np.where(spread_x > 0, ratio(2 * together, spread_x + spread_y), np.nan),
            ratio(together, np.sqrt(spread_x * spread_y)),
            ratio(off, n),
        ]
    )
