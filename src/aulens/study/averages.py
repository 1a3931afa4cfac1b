"""From the counts of a variant's runs to its measures, averaged over seeds and folds.

Shapes: A AUs, R draws; arrays (R, A + 1) end with the average over AUs.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from aulens.metrics.abaw import total_accuracies
from aulens.metrics.bootstrap import mean_of_defined
from aulens.metrics.counts import Counts, Floats, accuracy, f1
from aulens.study.grid import Run

MEASURES: Final = ("f1", "f1_pooled", "accuracy", "total_accuracy", "abaw2")
"""What is measured, per AU and averaged, all in [0, 1]:

* f1: per fold and seed, then the mean over a fold's seeds and over folds, as in the literature's tables; its
  average is the unweighted mean over AUs.
* f1_pooled: of the counts of all folds added up, per seed; then the mean over the seeds that have all folds.
* accuracy: the share of right decisions; its average is the mean over AUs.
* total_accuracy: the same per AU, but its average is of all decisions in one list (ABAW).
* abaw2: half F1 plus half accuracy; its average is half the mean F1 plus half the total accuracy (paper B).
"""


def average(runs: Mapping[Run, Counts]) -> dict[str, Floats]:
    """Every measure of a variant.

    What is undefined in a run (an AU that neither occurs nor is ever decided has no F1) is left out of the
    means.

    Args:
        runs: fold and seed → counts (R, A).

    Returns:
        A name of MEASURES → (R, A + 1) float64; NaN where it is undefined in every run.
    """
    score, right, total = (
        over_runs({run: measure(counts) for run, counts in runs.items()})
        for measure in (f1, accuracy, total_accuracies)
    )
    whole = whole_seeds(runs).values()
    pooled = np.full_like(score, np.nan)
    if whole:
        pooled = _mean(f1(functools.reduce(operator.add, folds.values())) for folds in whole)
    mean, all_right = _with_mean(score), np.column_stack([right, total])
    return {
        "f1": mean,
        "f1_pooled": _with_mean(pooled),
        "accuracy": _with_mean(right),
        "total_accuracy": all_right,
        "abaw2": (mean + all_right) / 2,
    }


def in_each_seed(runs: Mapping[Run, Counts]) -> dict[str, Floats]:
    """Every measure in each of the S seeds that have all the variant's folds: (S, A + 1), not resampled."""
    seeds = [
        average({run: counts[:1] for run, counts in folds.items()}) for folds in whole_seeds(runs).values()
    ]
    width = next(iter(runs.values())).tp.shape[1] + 1
    return {name: np.array([seed[name][0] for seed in seeds]).reshape(-1, width) for name in MEASURES}


def whole_seeds(runs: Mapping[Run, Counts]) -> dict[int, dict[Run, Counts]]:
    """The seeds that have every fold which the variant has, each with its runs; there may be none."""
    folds = {fold for fold, _ in runs}
    seeds: dict[int, dict[Run, Counts]] = {}
    for run in sorted(runs):
        seeds.setdefault(run[1], {})[run] = runs[run]
    return {seed: found for seed, found in seeds.items() if len(found) == len(folds)}


def over_runs(values: Mapping[Run, Floats]) -> Floats:
    """The mean over folds of the mean over a fold's seeds: a fold counts once, however many seeds it has."""
    folds = sorted({fold for fold, _ in values})
    return _mean(_mean(values[run] for run in sorted(values) if run[0] == fold) for fold in folds)


def _mean(values: Iterable[Floats]) -> Floats:
    """The mean of arrays of one shape over what is not NaN; NaN where nothing is."""
    return mean_of_defined(np.stack(list(values)), axis=0)


def _with_mean(per_au: Floats) -> Floats:
    return np.column_stack([per_au, mean_of_defined(per_au)])
