"""Sentences below a table: where numbers come from, what marks mean, what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from aulens.data.protocols import PROTOCOLS
from aulens.study.grid import Run
from aulens.study.published import PublishedTable
from aulens.study.statistics import Comparison

DAGGER: Final = "†"
"""Marks numbers of epochs or thresholds that were chosen on the test subjects."""

_FEW: Final = 10
"""Test subjects below which a bootstrap over them is called rough."""

_RULES: Final = {
    "papers": "present by the papers' own rule (score above 0, or probability of at least 0.5)",
    "calibrated": "present at the thresholds calibrated on validation subjects",
}


def published_notes(published: PublishedTable, comparison: Comparison | None) -> Iterator[str]:
    """Of a paper's table."""
    yield f"Published: {published.source}."
    yield f"Methods: {', '.join(f'{one.title} ({one.work})' for one in published.methods)}."
    yield from published.notes
    if comparison is None:
        return
    # B1 names no AUs: its average is of all that its data set codes.
    printed = published.rows[:-1] if published.of_aus else PROTOCOLS[published.dataset].aus.labels
    if set(printed) != set(comparison.aus.labels):
        yield f"The average of aulens is over {len(comparison.aus)} AUs: {', '.join(comparison.aus.labels)}."
    yield from own_notes(comparison)


def own_notes(comparison: Comparison) -> Iterator[str]:
    """Of our numbers."""
    behind = {name: _counted(found.runs) for name, found in comparison.variants.items()}
    same = len(set(behind.values())) == 1
    of = next(iter(behind.values())) if same else "folds and seeds"
    yield f"aulens: mean over {of}, {_RULES[comparison.decide]}."
    if not same:
        yield f"Runs in a mean: {'; '.join(f'{name} {text}' for name, text in behind.items())}."
    yield from _interval_notes(comparison)
    seeds = {name: one.whole_seeds for name, one in comparison.variants.items() if one.whole_seeds > 1}
    if len(set(seeds.values())) == 1 and seeds.keys() == comparison.variants.keys():
        yield f"After ±: standard deviation over {next(iter(seeds.values()))} seeds."
    elif seeds:
        counted = ", ".join(f"{name} {count}" for name, count in seeds.items())
        yield f"After ±: standard deviation over the seeds that have all folds: {counted}."
    yield from _run_notes(comparison)


def difference_notes(comparison: Comparison) -> Iterator[str]:
    """Of differences between variants."""
    yield (
        f"Percentage points above {comparison.reference}, mean over the folds and seeds that both have, on "
        f"the same subjects, {_RULES[comparison.decide]}."
    )
    yield from _interval_notes(comparison)
    if comparison.bootstrap:
        yield (
            "p: two-sided, by the same resamples; of AUs corrected by Holm's method for their number, of the "
            "average as it is. * below 0.05."
        )
        tests, draws = len(comparison.aus), comparison.bootstrap
        yield (
            f"With {draws} resamples no p is below {2 / (draws + 1):.2g}, and none that is corrected for "
            f"{tests} AUs is at first below {min(1.0, 2 * tests / (draws + 1)):.2g}."
        )
    if comparison.subjects < _FEW:
        yield f"{comparison.subjects} test subjects are few: intervals and p are somewhat too small."
    if lone := [name for name, one in comparison.variants.items() if len({run[1] for run in one.runs}) < 2]:
        yield (
            f"One seed only ({', '.join(lone)}): the differences hold the chance of training too, which "
            "neither intervals nor p count."
        )
    yield from _run_notes(comparison)


def _counted(runs: Sequence[Run]) -> str:
    """ "3 folds × 1 seed", or how many runs where some are missing."""
    folds, seeds = (len({run[place] for run in runs}) for place in (0, 1))
    if len(runs) < folds * seeds:
        return f"{len(runs)} runs of {folds} folds × {seeds} seeds"
    split = "1 split" if not runs[0][0] else f"{folds} fold{'s' * (folds > 1)}"
    return f"{split} × {seeds} seed{'s' * (seeds > 1)}"


def _interval_notes(comparison: Comparison) -> Iterator[str]:
    if comparison.bootstrap and comparison.subjects > 1:
        yield (
            f"In brackets: 95 % interval, {comparison.bootstrap} bootstrap resamples of the "
            f"{comparison.subjects} test subjects within their folds: what other subjects would give."
        )
    else:
        yield "No intervals: they need at least two test subjects and some bootstrap resamples."


def _run_notes(comparison: Comparison) -> Iterator[str]:
    for name, found in comparison.variants.items():
        if found.trained_on:
            yield f"{name}: trained on {found.trained_on}, tested on {comparison.dataset}."
    chosen = {name: found for name, found in comparison.variants.items() if found.selected_on_test}
    if chosen:
        counted = ", ".join(
            f"{name} ({len(found.selected_on_test)} of {len(found.runs)} runs)"
            for name, found in chosen.items()
        )
        yield f"{DAGGER} Chosen on the test subjects, so better than they would be on others: {counted}."
    yield from comparison.notes
