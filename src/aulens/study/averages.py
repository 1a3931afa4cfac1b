"""From the counts of a variant's runs to its measures, averaged over seeds and folds.

Shapes: A AUs, R draws; arrays (R, A + 1) end with the average over AUs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from aulens.metrics.bootstrap import mean_of_defined
from aulens.metrics.counts import Counts, Floats, accuracy, f1, ratio
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
    score = over_runs({run: f1(counts) for run, counts in runs.items()})
    right = over_runs({run: accuracy(counts) for run, counts in runs.items()})
    total = over_runs({run: _total_accuracy(counts) for run, counts in runs.items()})
    whole = whole_seeds(runs).values()
    pooled = _mean(f1(_sum(folds.values())) for folds in whole) if whole else np.full_like(score, np.nan)
    mean = _with(score, mean_of_defined(score)[:, None])
    return {
        "f1": mean,
        "f1_pooled": _with(pooled, mean_of_defined(pooled)[:, None]),
        "accuracy": _with(right, mean_of_defined(right)[:, None]),
        "total_accuracy": _with(right, total),
        "abaw2": (mean + _with(right, total)) / 2,
    }


def in_each_seed(runs: Mapping[Run, Counts]) -> dict[str, Floats]:
    """Every measure in each of the S seeds that have all the variant's folds: (S, A + 1), not resampled."""
    seeds = [
        average({run: _row_0(counts) for run, counts in folds.items()})
        for folds in whole_seeds(runs).values()
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
    stack = np.stack(list(values))
    defined = ~np.isnan(stack)
    return ratio(np.where(defined, stack, 0).sum(0), defined.sum(0))


def _with(per_au: Floats, last: Floats) -> Floats:
    return np.concatenate([per_au, last], axis=1)


def _total_accuracy(counts: Counts) -> Floats:
    """(R, 1): summed over AUs first, divided then."""
    right = (counts.tp + counts.tn).sum(1, keepdims=True)
    return ratio(right, right + (counts.fp + counts.fn).sum(1, keepdims=True))


def _sum(counts: Iterable[Counts]) -> Counts:
    first, *others = counts
    for other in others:
        first = first + other
    return first


def _row_0(counts: Counts) -> Counts:
    return Counts(counts.tp[:1], counts.fp[:1], counts.fn[:1], counts.tn[:1])
