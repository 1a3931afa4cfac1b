"""Numbers of several runs on the same draws of subjects, so that differences have intervals of their own.

N pictures, A Action Units, R draws: the first is the subjects as they are, the others are resamples.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aulens import metrics
from aulens.aus import MISSING
from aulens.metrics.bootstrap import drawn_counts, mean_of_defined, measured, subject_draws
from aulens.metrics.ranking import drawn_ranking

Floats = NDArray[np.float64]

BOOTSTRAP, SEED = 1000, 0


def add_tests(parser: argparse.ArgumentParser) -> None:
    """Let a benchmark take test sets of its own."""
    parser.add_argument(
        "--test",
        dest="tests",
        nargs="+",
        action="append",
        metavar=("NAME", "FOLDER"),
        help="folders whose test subjects have a table; default: those of --data",
    )


@dataclass(frozen=True, eq=False)
class Paired:
    """A measure of runs that differ in their seed.

    Attributes:
        draws: (R,) mean over the runs in each draw; R = 1: no intervals.
        runs: (S,) of each run, on the subjects as they are.
    """

    draws: Floats
    runs: Floats

    @classmethod
    def of(cls, runs: Sequence[Floats]) -> Paired:
        """From (R,) of each run."""
        values = np.array(runs)
        return cls(values.mean(0), values[:, 0])

    def __str__(self) -> str:
        """The mean and its interval."""
        return str(measured(self.draws))

    @property
    def each(self) -> str:
        """Runs, one by one."""
        return ", ".join(f"{value:.3f}" for value in self.runs)

    def less(self, other: Paired) -> str:
        """The difference to another and its interval."""
        gap = measured(self.draws - other.draws)
        interval = "" if np.isnan(gap.low) else f" [{gap.low:+.3f}, {gap.high:+.3f}]"
        return f"{gap.value:+.3f}{interval}"


def f1_and_auc(
    labels: NDArray[np.int8],
    scores: NDArray[np.floating],
    decisions: NDArray[np.bool_],
    subjects: NDArray[np.str_],
    bootstrap: int = BOOTSTRAP,
) -> tuple[Floats, Floats]:
    """F1 and ROC-AUC in each draw, means over the AUs where they are defined.

    Args:
        labels: (N, A) in {0, 1, MISSING}.
        scores: (N, A).
        decisions: (N, A).
        subjects: (N,) who is in the picture.
        bootstrap: resamples.
    """
    who, draws = subject_draws(subjects, bootstrap, SEED)
    f1 = mean_of_defined(metrics.f1(drawn_counts(labels, decisions, who, draws)))
    auc = np.full((len(draws), labels.shape[1]), np.nan)
    for k, column in enumerate(labels.T):
        coded = column != MISSING
        auc[:, k] = drawn_ranking(column[coded] == 1, scores[coded, k].astype(float), who[coded], draws)[0]
    return f1, mean_of_defined(auc)
