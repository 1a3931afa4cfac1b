"""The measures of the ABAW challenges for the AUs of Aff-Wild2.

ABAW-2 asked for half the mean F1 plus half the total accuracy (paper B, Eq 6); from ABAW-3 on it is the mean
F1 alone. MISSING labels take no part, one by one: an AU that is not coded leaves the frame's other AUs in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.aus import MISSING
from aulens.errors import InputError
from aulens.metrics.bootstrap import Measure, drawn_counts, mean_of_defined, measured, subject_draws
from aulens.metrics.counts import Counts, Floats, checked_decisions, checked_labels, counts, f1, ratio


def mean_f1(labels: ArrayLike, decisions: ArrayLike) -> float:
    """The unweighted mean of the AUs' F1, in [0, 1]: ABAW-3's measure and those after it.

    An AU that neither occurs nor is ever decided has no F1 and is left out of the mean (challenge code that
    calls scikit-learn counts it as 0; it does not come up where every AU occurs).

    Args:
        labels: (N, A) in {0, 1, MISSING}; MISSING takes no part.
        decisions: (N, A) bool or {0, 1}.

    Returns:
        NaN when no AU has an F1.

    Raises:
        InputError: when shapes differ or a value is of another code.
    """
    return float(_mean_f1(counts(labels, decisions)[None])[0])


def total_accuracy(labels: ArrayLike, decisions: ArrayLike) -> float:
    """The share of right decisions among all coded ones, frames and AUs in one list, in [0, 1].

    It is not the mean of the AUs' accuracies when some are coded more often than others. NaN when nothing is
    coded; arguments and errors as of `mean_f1`.
    """
    return float(total_accuracies(counts(labels, decisions)[None])[0])


def abaw2_score(labels: ArrayLike, decisions: ArrayLike) -> float:
    """ABAW-2's measure, in [0, 1]: half `mean_f1` plus half `total_accuracy`, NaN when either is.

    Arguments and errors as of `mean_f1`.
    """
    return float(_abaw2(counts(labels, decisions)[None])[0])


@dataclass(frozen=True)
class AbawReport:
    """The challenges' measures of a model on frames of known subjects; the columns of paper B's Table 1.

    Attributes:
        mean_f1, total_accuracy, abaw2: see `mean_f1`, `total_accuracy`, `abaw2_score`.
        frames: how many frames had at least one coded AU.
        subjects: how many subjects had such a frame.
        bootstrap: resamples of subjects behind each interval.
        seed: of the resamples.
    """

    mean_f1: Measure
    total_accuracy: Measure
    abaw2: Measure
    frames: int
    subjects: int
    bootstrap: int
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON takes it: plain types, None for NaN."""
        return {
            name: value.to_dict() if isinstance(value, Measure) else value
            for name, value in vars(self).items()
        }

    def to_markdown(self) -> str:
        """The report as a Markdown table of one row."""
        return (
            "| mean F1 (ABAW-3 on) | total accuracy | 0.5 F1 + 0.5 accuracy (ABAW-2) |\n"
            "| ---: | ---: | ---: |\n"
            f"| {self.mean_f1} | {self.total_accuracy} | {self.abaw2} |\n"
        )


def abaw_report(
    labels: ArrayLike,
    decisions: ArrayLike,
    subjects: Sequence[str] | NDArray[Any],
    bootstrap: int = 1000,
    seed: int = 0,
) -> AbawReport:
    """The challenges' measures with 95 % intervals by drawing whole subjects with replacement.

    Args:
        labels: (N, A) in {0, 1, MISSING}; MISSING takes no part.
        decisions: (N, A) bool or {0, 1}.
        subjects: (N,), who is seen in each frame.
        bootstrap: resamples; 0 for no intervals.
        seed: the same seed gives the same intervals, and draws the same subjects as `report` does.

    Raises:
        InputError: when shapes do not fit, or a label or decision is of another code.
    """
    truth, decided, who = checked_labels(labels), checked_decisions(decisions), np.asarray(subjects)
    if decided.shape != truth.shape or who.shape != truth.shape[:1]:
        raise InputError(
            f"an ABAW report needs labels and decisions (N, A) and subjects (N,), "
            f"got {truth.shape}, {decided.shape} and {who.shape}"
        )
    used = (truth != MISSING).any(1)
    subject, draws = subject_draws(who[used], bootstrap, seed)
    drawn = drawn_counts(truth[used], decided[used], subject, draws)
    return AbawReport(
        mean_f1=measured(_mean_f1(drawn)),
        total_accuracy=measured(total_accuracies(drawn)),
        abaw2=measured(_abaw2(drawn)),
        frames=int(used.sum()),
        subjects=draws.shape[1],
        bootstrap=bootstrap,
        seed=seed,
    )


def total_accuracies(drawn: Counts) -> Floats:
    """(R,) `total_accuracy` from counts (R, A): summed over AUs first, divided then."""
    return ratio((drawn.tp + drawn.tn).sum(1), drawn.coded.sum(1))


def _mean_f1(drawn: Counts) -> Floats:
    """(R,) from counts (R, A)."""
    return mean_of_defined(f1(drawn))


def _abaw2(drawn: Counts) -> Floats:
    """(R,) from counts (R, A)."""
    return (_mean_f1(drawn) + total_accuracies(drawn)) / 2
