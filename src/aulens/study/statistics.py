"""What a study shows: each variant's measures with intervals, and paired differences between variants.

A measure is taken per run (fold and seed), then averaged over a fold's seeds and over folds, as the
literature does. Intervals come from drawing whole test subjects with replacement within folds: they are for
other test subjects, not for other trainings; those are the spread over seeds.

Shapes: A AUs, R draws; row 0 of all draws is the subjects as they are. Arrays (R, A + 1) end with "Avg.".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from aulens.aus import AUSet
from aulens.errors import ConfigError
from aulens.metrics.counts import Floats
from aulens.metrics.report import Estimate, estimate
from aulens.study.averages import MEASURES, average, in_each_seed, whole_seeds
from aulens.study.grid import Grid, Key, Rule, Run, make_grid
from aulens.study.paired import bootstrap_p, holm
from aulens.study.remarks import remarks
from aulens.study.results import RunResult


@dataclass(frozen=True, eq=False)
class Summary:
    """One measure of one variant.

    Attributes:
        estimate: per AU and their average, each with its 95 % interval over subjects.
        spread: (A + 1,) float64, standard deviation over seeds; NaN with fewer than two seeds.
    """

    estimate: Estimate
    spread: Floats


@dataclass(frozen=True, eq=False)
class VariantScores:
    """What one variant reached.

    Attributes:
        runs: fold and seed of each of its runs, sorted.
        measures: a name of MEASURES → its summary.
        selected_on_test: the runs whose epoch or thresholds were chosen on the test frames.
        trained_on: another data set than the tested one; else "".
        whole_seeds: how many seeds have every fold that it has; the spread is over these.
    """

    runs: tuple[Run, ...]
    measures: Mapping[str, Summary]
    selected_on_test: tuple[Run, ...]
    trained_on: str
    whole_seeds: int


@dataclass(frozen=True, eq=False)
class Difference:
    """A variant minus the reference, over the runs (fold and seed) that both have, on the same subjects.

    Attributes:
        runs: that both have.
        estimate: of the difference, per AU and of the averages.
        p: (A + 1,) two-sided, by bootstrap over subjects, of AUs corrected for their number (Holm), of the
            average as it is; NaN where undefined.
    """

    runs: tuple[Run, ...]
    estimate: Estimate
    p: Floats


@dataclass(frozen=True, eq=False)
class Comparison:
    """The variants of a study on one data set.

    Attributes:
        dataset: whose frames were tested.
        aus: the AUs of the axis A: those that the tested frames code.
        decide: the rule of decision, "papers" or "calibrated".
        variants: name → what it reached, as they first came; only those with a run.
        reference: what the others are compared to; None for nothing.
        differences: variant → measure → its difference to the reference.
        subjects: people tested, over all folds.
        bootstrap: resamples behind intervals and p.
        notes: what a reader of the numbers must know, in sentences.
        renders: the tested faces are rendered look-alikes, not people.
    """

    dataset: str
    aus: AUSet
    decide: str
    variants: Mapping[str, VariantScores]
    reference: str | None
    differences: Mapping[str, Mapping[str, Difference]]
    subjects: int
    bootstrap: int
    notes: tuple[str, ...]
    renders: bool = False


def compare(
    results: Sequence[RunResult],
    *,
    decide: Rule,
    reference: str | None = None,
    bootstrap: int = 1000,
    seed: int = 0,
    expected: Sequence[Key] | None = None,
    renders: bool = False,
    notes: Sequence[str] = (),
) -> Comparison:
    """Compare the variants of a study, finished or not.

    Args:
        results: runs tested on one data set, of one AU set, in the order that tables shall have.
        decide: "papers" (their own rule) or "calibrated" (thresholds of validation subjects).
        reference: the variant that all others are compared to; None for no differences.
        bootstrap: resamples of subjects; 0 for no intervals and no p.
        seed: the same seed draws the same subjects.
        expected: the runs that the study shall have; None = each variant with every fold and seed seen.
        renders: the tested faces are rendered look-alikes, not people.
        notes: further sentences for the notes.

    Raises:
        ConfigError: `decide` or `reference` does not exist.
        InputError: there is no run, one comes twice, or they do not go together, or no AU is coded.
    """
    grid = make_grid(results, decide, bootstrap, seed)
    keys = {result.key for result in results}
    seen = sorted({(fold, number) for _, fold, number in keys})
    wanted = list(expected) if expected else [(name, *run) for name in grid.counts for run in seen]
    planned = list(dict.fromkeys([*grid.counts, *(variant for variant, _, _ in wanted)]))
    if reference is not None and reference not in planned:
        known = ", ".join(planned)
        raise ConfigError(f"The study has no variant {reference!r} to compare to; it has {known}.")
    missing = [key for key in wanted if key not in keys]
    variants = {name: _scores(name, grid) for name in grid.counts}
    return Comparison(
        dataset=grid.dataset,
        aus=grid.aus,
        decide=decide,
        variants=variants,
        reference=reference,
        differences=_differences(grid, reference) if reference else {},
        subjects=grid.subjects,
        bootstrap=bootstrap,
        notes=(*remarks(grid, wanted, missing), *notes),
        renders=renders,
    )


def _scores(name: str, grid: Grid) -> VariantScores:
    runs, measures = grid.counts[name], {}
    seeds = in_each_seed(runs)
    for measure, drawn in average(runs).items():  # (R, A + 1), seeds (S, A + 1)
        each = seeds[measure]
        spread = each.std(0, ddof=1) if len(each) > 1 else np.full(drawn.shape[1], np.nan)
        measures[measure] = Summary(estimate(drawn[:, :-1], drawn[:, -1]), spread)
    return VariantScores(
        runs=tuple(sorted(runs)),
        measures=measures,
        selected_on_test=grid.selected_on_test[name],
        trained_on=grid.trained_on[name],
        whole_seeds=len(whole_seeds(runs)),
    )


def _differences(grid: Grid, reference: str) -> dict[str, dict[str, Difference]]:
    """Variant → measure → difference, for those that have runs in common with the reference."""
    base = grid.counts.get(reference, {})
    found: dict[str, dict[str, Difference]] = {}
    for name, runs in grid.counts.items():
        common = tuple(sorted(runs.keys() & base.keys()))
        if name == reference or not common:
            continue
        ours, theirs = (average({run: of[run] for run in common}) for of in (runs, base))
        found[name] = {}
        for measure in MEASURES:
            drawn = ours[measure] - theirs[measure]
            p = bootstrap_p(drawn)
            corrected = np.append(holm(p[:-1]), p[-1])
            found[name][measure] = Difference(common, estimate(drawn[:, :-1], drawn[:, -1]), corrected)
    return found
