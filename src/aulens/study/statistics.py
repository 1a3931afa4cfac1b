"""What a study says: each variant's measures with intervals, and paired differences between variants.

A measure is taken per run (fold and seed), then averaged over a fold's seeds and over folds, as the
literature does. Intervals come from drawing whole test subjects with replacement within folds: they say what
other test subjects would give, not other trainings; those are the spread over seeds.

Shapes: A AUs, R draws; row 0 of all draws is the subjects as they are. Arrays (R, A + 1) end with "Avg.".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aulens.aus import AUSet
from aulens.errors import ConfigError
from aulens.metrics.bootstrap import Measure, interval, plain
from aulens.metrics.counts import Floats
from aulens.metrics.report import Estimate
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
        spread: (A,) float64, standard deviation over seeds; NaN with fewer than two seeds.
        macro_spread: of the average.
    """

    estimate: Estimate
    spread: Floats
    macro_spread: float

    def to_dict(self, aus: AUSet) -> dict[str, Any]:
        """As JSON takes it, by AU label and "avg"."""
        return {
            label: {**measure.to_dict(), "sd_over_seeds": plain(float(spread))}
            for (label, measure), spread in zip(
                measures_of(self.estimate, aus).items(), [*self.spread, self.macro_spread], strict=True
            )
        }


@dataclass(frozen=True, eq=False)
class VariantScores:
    """What one variant reached.

    Attributes:
        variant: its name.
        runs: fold and seed of each of its runs, sorted.
        measures: a name of MEASURES → its summary.
        selected_on_test: the runs whose epoch or thresholds were chosen on the test frames.
        trained_on: another data set than the tested one; else "".
        whole_seeds: how many seeds have every fold that it has; the spread is over these.
    """

    variant: str
    runs: tuple[Run, ...]
    measures: Mapping[str, Summary]
    selected_on_test: tuple[Run, ...]
    trained_on: str
    whole_seeds: int


@dataclass(frozen=True, eq=False)
class Difference:
    """A variant minus the reference, over the runs (fold and seed) that both have, on the same subjects.

    Attributes:
        variant: which is compared.
        reference: to which.
        runs: that both have.
        estimate: of the difference, per AU and of the averages.
        p: (A,) two-sided, by bootstrap over subjects; NaN where undefined.
        p_holm: (A,) the same, corrected for the number of AUs.
        macro_p: of the averages' difference: one test, not corrected.
    """

    variant: str
    reference: str
    runs: tuple[Run, ...]
    estimate: Estimate
    p: Floats
    p_holm: Floats
    macro_p: float

    def to_dict(self, aus: AUSet) -> dict[str, Any]:
        """As JSON takes it, by AU label and "avg"."""
        tests = zip([*self.p, self.macro_p], [*self.p_holm, np.nan], strict=True)
        return {
            label: {**measure.to_dict(), "p": plain(float(p)), "p_holm": plain(float(corrected))}
            for (label, measure), (p, corrected) in zip(
                measures_of(self.estimate, aus).items(), tests, strict=True
            )
        }


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
        missing: runs that are not there.
        subjects: people tested, over all folds.
        bootstrap: resamples behind intervals and p.
        seed: of the resamples.
        notes: what a reader of the numbers must know, in sentences.
    """

    dataset: str
    aus: AUSet
    decide: str
    variants: Mapping[str, VariantScores]
    reference: str | None
    differences: Mapping[str, Mapping[str, Difference]]
    missing: tuple[Key, ...]
    subjects: int
    bootstrap: int
    seed: int
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it: plain types, None for NaN."""
        return {
            "dataset": self.dataset,
            "aus": list(self.aus.numbers),
            "decide": self.decide,
            "subjects": self.subjects,
            "bootstrap": self.bootstrap,
            "seed": self.seed,
            "variants": {
                name: {
                    "trained_on": found.trained_on or self.dataset,
                    "runs": [{"fold": fold, "seed": seed} for fold, seed in found.runs],
                    "selected_on_test": len(found.selected_on_test),
                    **{measure: found.measures[measure].to_dict(self.aus) for measure in MEASURES},
                }
                for name, found in self.variants.items()
            },
            "reference": self.reference,
            "differences": {
                name: {measure: one.to_dict(self.aus) for measure, one in found.items()}
                for name, found in self.differences.items()
            },
            "missing": [{"variant": v, "fold": fold, "seed": seed} for v, fold, seed in self.missing],
            "notes": list(self.notes),
        }


def compare(
    results: Sequence[RunResult],
    *,
    decide: Rule,
    reference: str | None = None,
    bootstrap: int = 1000,
    seed: int = 0,
    expected: Sequence[Key] | None = None,
) -> Comparison:
    """Compare the variants of a study, finished or not.

    Args:
        results: runs tested on one data set, of one AU set, in the order that tables shall have.
        decide: "papers" (their own rule) or "calibrated" (thresholds of validation subjects).
        reference: the variant that all others are compared to; None for no differences.
        bootstrap: resamples of subjects; 0 for no intervals and no p.
        seed: the same seed draws the same subjects.
        expected: the runs that the study shall have; None = each variant with every fold and seed seen.

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
    missing = tuple(key for key in wanted if key not in keys)
    variants = {name: _scores(name, grid) for name in grid.counts}
    differences = _differences(grid, reference) if reference else {}
    return Comparison(
        dataset=grid.dataset,
        aus=grid.aus,
        decide=decide,
        variants=variants,
        reference=reference,
        differences=differences,
        missing=missing,
        subjects=grid.subjects,
        bootstrap=bootstrap,
        seed=seed,
        notes=tuple(remarks(grid, wanted, missing)),
    )


def measures_of(estimate: Estimate, aus: AUSet) -> dict[str, Measure]:
    """AU label → its value and interval, and "avg" → the average's."""
    found = {label: estimate.of_au(a) for a, label in enumerate(aus.labels)}
    return {**found, "avg": estimate.of_macro()}


def _scores(name: str, grid: Grid) -> VariantScores:
    runs = grid.counts[name]
    averages, seeds = average(runs), in_each_seed(runs)
    return VariantScores(
        variant=name,
        runs=tuple(sorted(runs)),
        measures={measure: _summary(averages[measure], seeds[measure]) for measure in MEASURES},
        selected_on_test=grid.selected_on_test[name],
        trained_on=grid.trained_on[name],
        whole_seeds=len(whole_seeds(runs)),
    )


def _summary(drawn: Floats, seeds: Floats) -> Summary:
    """From (R, A + 1) and (S, A + 1)."""
    spread = seeds.std(0, ddof=1) if len(seeds) > 1 else np.full(drawn.shape[1], np.nan)
    return Summary(_estimate(drawn), spread[:-1], float(spread[-1]))


def _estimate(drawn: Floats) -> Estimate:
    """From (R, A + 1): the values in row 0, the resamples below."""
    low, high = interval(drawn[1:])
    value = drawn[0]
    return Estimate(value[:-1], low[:-1], high[:-1], float(value[-1]), float(low[-1]), float(high[-1]))


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
            found[name][measure] = Difference(
                name, reference, common, _estimate(drawn), p[:-1], holm(p[:-1]), float(p[-1])
            )
    return found
