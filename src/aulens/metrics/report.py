"""All metrics of an evaluation at once, each with the interval that other subjects would have given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.aus import MISSING, AUSet
from aulens.errors import InputError
from aulens.files import plain
from aulens.metrics.bootstrap import (
    Measure,
    drawn_counts,
    interval,
    mean_of_defined,
    measured,
    subject_draws,
)
from aulens.metrics.counts import (
    Counts,
    Floats,
    accuracy,
    balanced_accuracy,
    checked_decisions,
    checked_labels,
    counts,
    f1,
    ratio,
)
from aulens.metrics.ranking import checked_scores, drawn_ranking

_FROM_COUNTS: Final = MappingProxyType(
    {"f1": f1, "accuracy": accuracy, "balanced_accuracy": balanced_accuracy}
)
_FROM_RANKS: Final = ("roc_auc", "average_precision")
_TITLES: Final = MappingProxyType(
    {
        "f1": "F1",
        "accuracy": "accuracy",
        "balanced_accuracy": "balanced accuracy",
        "roc_auc": "ROC-AUC",
        "average_precision": "average precision",
    }
)


@dataclass(frozen=True, eq=False)
class Estimate:
    """One metric: per AU and macro, each with its 95 % interval over subjects.

    Attributes:
        value: (A,) float64 in [0, 1]; NaN where undefined.
        low: (A,), the 2.5 % quantile of the bootstrap; NaN where undefined.
        high: (A,), the 97.5 % quantile.
        macro: unweighted mean over the AUs for which the metric is defined.
        macro_low: the 2.5 % quantile of the macro mean.
        macro_high: the 97.5 % quantile.
    """

    value: Floats
    low: Floats
    high: Floats
    macro: float
    macro_low: float
    macro_high: float

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Of each AU, then of the mean over AUs; (A + 1)."""
        columns = (self.value, self.macro), (self.low, self.macro_low), (self.high, self.macro_high)
        return tuple(map(Measure, *([*each.tolist(), macro] for each, macro in columns)))

    def of_macro(self) -> Measure:
        """The mean over AUs."""
        return self.measures[-1]


@dataclass(frozen=True, eq=False)
class Report:
    """The evaluation of a model on frames of known subjects.

    Attributes:
        aus: the AUs of the axis A.
        frames: how many frames had at least one coded AU.
        subjects: how many subjects had such a frame.
        coded: (A,) int64, frames in which each AU was coded.
        base_rate: (A,) float64, the share of those in which it was present; NaN where nothing was coded.
        counts: of decisions, (A,).
        metrics: "f1", "accuracy", "balanced_accuracy", "roc_auc", "average_precision" → Estimate.
        bootstrap: resamples of subjects behind each interval.
        seed: of the resamples.
    """

    aus: AUSet
    frames: int
    subjects: int
    coded: NDArray[np.int64]
    base_rate: Floats
    counts: Counts
    metrics: Mapping[str, Estimate]
    bootstrap: int
    seed: int

    @property
    def undefined(self) -> dict[str, tuple[str, ...]]:
        """Metric → the AUs for which it is undefined (and left out of the macro mean), if there are any."""
        lacking = {
            name: tuple(np.array(self.aus.labels)[np.isnan(estimate.value)].tolist())
            for name, estimate in self.metrics.items()
        }
        return {name: labels for name, labels in lacking.items() if labels}

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON takes it: plain types, None for NaN."""
        return {
            "frames": self.frames,
            "subjects": self.subjects,
            "bootstrap": self.bootstrap,
            "seed": self.seed,
            "macro": measures_of(self.metrics, -1),
            "aus": {
                label: {
                    "coded": int(self.coded[a]),
                    "base_rate": plain(self.base_rate[a]),
                    **{kind: int(number) for kind, number in vars(self.counts[a]).items()},
                    **measures_of(self.metrics, a),
                }
                for a, label in enumerate(self.aus.labels)
            },
            "undefined": {name: list(labels) for name, labels in self.undefined.items()},
        }

    def to_markdown(self) -> str:
        """The report as a Markdown table, one row per AU and one for the macro means, with notes below."""
        table = au_table(self.aus, self.coded, "base rate", self.base_rate, self.metrics, _TITLES)
        return "\n".join([table, *self._notes()]) + "\n"

    def _notes(self) -> Iterator[str]:
        yield f"{self.frames} frames of {self.subjects} subjects. Macro is the unweighted mean over AUs."
        if self.bootstrap and self.subjects > 1:
            yield f"In brackets: 95 % interval, {self.bootstrap} bootstrap resamples of subjects."
        else:
            yield "No intervals: they need at least two subjects and some bootstrap resamples."
        for name, labels in self.undefined.items():
            yield f"{_TITLES[name]}: undefined (n/a) and not in the macro mean for {', '.join(labels)}."


def report(
    labels: ArrayLike,
    scores: ArrayLike,
    decisions: ArrayLike,
    subjects: Sequence[str] | NDArray[Any],
    aus: AUSet,
    bootstrap: int = 1000,
    seed: int = 0,
) -> Report:
    """Evaluate scores and decisions against labels.

    Intervals come from drawing whole subjects with replacement, because frames of one person are alike; they
    are NaN with fewer than two subjects. A resample in which a metric is undefined is left out there.

    Args:
        labels: (N, A) in {0, 1, MISSING}; MISSING takes no part.
        scores: (N, A) float, larger = more surely present; read only where coded.
        decisions: (N, A) bool or {0, 1}; read only where coded.
        subjects: (N,), who is seen in each frame.
        aus: the AUs of the axis A.
        bootstrap: resamples; 0 for no intervals.
        seed: the same seed gives the same intervals.

    Raises:
        InputError: when there are no frames, shapes do not fit, a label or decision is of another code, or a
            coded frame's score is not finite.
    """
    truth = checked_labels(labels)
    values, decided = checked_scores(truth, scores), checked_decisions(decisions)
    who = np.asarray(subjects)
    if truth.shape[1] != len(aus) or decided.shape != truth.shape or who.shape != truth.shape[:1]:
        raise InputError(
            f"a report needs labels and decisions (N, {len(aus)}) and subjects (N,), "
            f"got {truth.shape}, {decided.shape} and {who.shape}"
        )
    if not len(truth):
        raise InputError("a report needs at least one frame, got none")
    used = (truth != MISSING).any(1)
    truth, values, decided = truth[used], values[used], decided[used]
    subject, draws = subject_draws(who[used], bootstrap, seed)
    drawn = drawn_counts(truth, decided, subject, draws)
    results = {name: metric(drawn) for name, metric in _FROM_COUNTS.items()}
    ranks = np.full((2, len(draws), len(aus)), np.nan)
    for a, column in enumerate(truth.T):
        rows = column != MISSING
        ranks[..., a] = drawn_ranking(column[rows] == 1, values[rows, a], subject[rows], draws)
    results.update(zip(_FROM_RANKS, ranks, strict=True))
    total = counts(truth, decided)
    return Report(
        aus=aus,
        frames=len(truth),
        subjects=draws.shape[1],
        coded=total.coded,
        base_rate=ratio(total.present, total.coded),
        counts=total,
        metrics=MappingProxyType({name: estimate(result) for name, result in results.items()}),
        bootstrap=bootstrap,
        seed=seed,
    )


def estimate(results: Floats, macro: Floats | None = None) -> Estimate:
    """From (1 + R, A): the estimate in row 0, the resamples below; `macro` (1 + R,), if not their mean."""
    low, high = interval(results[1:])
    mean = measured(mean_of_defined(results) if macro is None else macro)
    return Estimate(results[0], low, high, mean.value, mean.low, mean.high)


def measures_of(metrics: Mapping[str, Estimate], place: int) -> dict[str, dict[str, float | None]]:
    """Metrics at a place on the axis A (-1: their means over AUs), as JSON takes them."""
    return {name: each.measures[place].to_dict() for name, each in metrics.items()}


def au_table(
    aus: AUSet, coded: NDArray[np.int64], of: str, values: Floats, metrics: Mapping[str, Estimate],
    titles: Mapping[str, str],
) -> str:  # fmt: skip
    """A Markdown table: of each AU how often it is coded, one number more, and metrics; below their means."""
    rows = [
        [label, str(count), str(Measure(value, np.nan, np.nan))]
        for label, count, value in zip(aus.labels, coded, values.tolist(), strict=True)
    ]
    cells = zip(*(map(str, each.measures) for each in metrics.values()), strict=True)
    lines = [[*row, *more] for row, more in zip([*rows, ["**macro**", "", ""]], cells, strict=True)]
    return markdown_table(["AU", "coded", of, *(titles[name] for name in metrics)], lines)


def markdown_table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table in Markdown: the first column to the left, numbers to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, rule, *lines))
