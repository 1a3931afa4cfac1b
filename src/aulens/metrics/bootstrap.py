"""Intervals that other subjects would have given.

Whole subjects are drawn with replacement, because frames of one person are alike.

Shapes: N frames, A AUs, S subjects, R draws; row 0 of all draws is the subjects as they are, once each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aulens.errors import InputError
from aulens.files import plain
from aulens.metrics.counts import Counts, Floats, kinds, ratio


@dataclass(frozen=True)
class Measure:
    """A number and its 95 % interval over subjects; NaN where undefined. As text: "0.674 [0.650, 0.701]".

    Attributes:
        value: of the subjects as they are.
        low: the 2.5 % quantile of the resamples; NaN where there are none.
        high: the 97.5 % quantile.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if np.isnan(self.value):
            return "n/a"
        interval = "" if np.isnan(self.low) else f" [{self.low:.3f}, {self.high:.3f}]"
        return f"{self.value:.3f}{interval}"

    def to_dict(self) -> dict[str, float | None]:
        """As JSON takes it: None for NaN."""
        values: dict[str, float | None] = plain(vars(self))
        return values


def subject_draws(
    subjects: Sequence[str] | NDArray[Any], bootstrap: int, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """Draw subjects.

    Args:
        subjects: (N,), who is seen in each frame.
        bootstrap: resamples wanted; there are none with fewer than two subjects.
        seed: the same seed gives the same draws.

    Returns:
        (N,) whose frame it is, 0 .. S - 1, and (R, S) how often each subject counts, R = 1 + resamples.

    Raises:
        InputError: when `bootstrap` is negative.
    """
    if bootstrap < 0:
        raise InputError(f"bootstrap is a number of resamples, 0 or more, got {bootstrap}")
    names, subject = np.unique(np.asarray(subjects), return_inverse=True)
    resamples = bootstrap if len(names) > 1 else 0
    draws = np.ones((1 + resamples, len(names)), np.int32)
    if resamples:
        even = np.full(len(names), 1 / len(names))
        draws[1:] = np.random.default_rng(seed).multinomial(len(names), even, resamples)
    return subject, draws


def drawn_counts(
    truth: NDArray[Any], decided: NDArray[np.bool_], subject: NDArray[np.intp], draws: NDArray[np.int32]
) -> Counts:
    """The counts of each draw, (R, A): counts add, so all draws are one matrix product.

    Args:
        truth: (N, A) in {0, 1, MISSING}.
        decided: (N, A).
        subject, draws: from `subject_draws`.
    """
    parts = []
    for kind in kinds(truth, decided):
        per_subject = np.stack([np.bincount(subject, column, draws.shape[1]) for column in kind.T], axis=1)
        parts.append((draws @ per_subject).astype(np.int64))  # float64 holds whole numbers up to 2^53 exactly
    return Counts(*parts)


def mean_of_defined(results: Floats, axis: int = 1) -> Floats:
    """The unweighted mean over what is not NaN, of each row of (R, A) if not along another axis; NaN where
    nothing is."""
    defined = ~np.isnan(results)
    return ratio(np.where(defined, results, 0).sum(axis), defined.sum(axis))


def measured(results: Floats) -> Measure:
    """From (R,): the measure in row 0, its interval from the resamples below."""
    low, high = interval(results[1:, None])
    return Measure(float(results[0]), float(low[0]), float(high[0]))


def interval(resamples: Floats) -> tuple[Floats, Floats]:
    """The 2.5 % and 97.5 % quantiles of each column of (R, K), over the resamples in which it is defined."""
    columns = (column[~np.isnan(column)] for column in resamples.T)
    bounds = [np.quantile(c, (0.025, 0.975)) if len(c) else np.full(2, np.nan) for c in columns]
    low, high = np.array(bounds).T
    return low, high
