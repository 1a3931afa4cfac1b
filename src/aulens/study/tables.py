"""The papers' tables with our own columns beside the published ones, as values that any format can show."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np

from aulens.data.registry import protocol_of
from aulens.errors import ConfigError
from aulens.metrics import Measure
from aulens.study.averages import MEASURES
from aulens.study.grid import Run
from aulens.study.published import AVERAGE, PublishedTable
from aulens.study.statistics import Comparison
from aulens.study.table_notes import difference_notes, own_notes, published_notes

TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "f1": "F1",
        "f1_pooled": "F1, pooled over folds",
        "accuracy": "Accuracy",
        "total_accuracy": "Accuracy",
        "abaw2": "0.5 F1 + 0.5 accuracy",
    }
)
"""Measures as written in tables."""


@dataclass(frozen=True)
class Cell:
    """One number of a table, in its unit (percent, or a share).

    Attributes:
        value: None = not known (blank), NaN = undefined.
        low: of the 95 % interval; None or NaN where there is none.
        high: of the 95 % interval.
        spread: standard deviation over seeds.
        p: that the difference is 0, corrected over AUs.
        best_published: no published number of its AU or measure is larger, as printed (of two or more).
        best: no number at all is; ours count where they are comparable.
        chosen_on_test: it comes from epochs or thresholds that were chosen on the test subjects.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    spread: float | None = None
    p: float | None = None
    best_published: bool = False
    best: bool = False
    chosen_on_test: bool = False


@dataclass(frozen=True)
class Method:
    """What has a column (or, in B1, a row) of a table.

    Attributes:
        title: as written.
        ours: whether aulens made its numbers.
        cells: one for each of the table's `rows`.
        chosen_on_test: see `Cell`.
        runs: fold and seed of each run behind them; of a difference, those that both have.
    """

    title: str
    ours: bool
    cells: tuple[Cell, ...]
    chosen_on_test: bool = False
    runs: tuple[Run, ...] = ()


@dataclass(frozen=True)
class StudyTable:
    """A table to show; see `aulens.study.formats`.

    Attributes:
        table: "A1", or "" for one that is in no paper.
        title: what it shows.
        dataset: whose frames.
        rows: AU labels and "Avg.", or measures; the order of each method's cells.
        methods: published first, then ours.
        methods_are_rows: as in B1, where methods are written one below the other.
        decimals: of every number.
        signed: numbers are differences.
        notes: sentences below it.
        renders: ours are of rendered look-alikes, not of people.
        subjects: that ours were tested on.
        decide: the rule of our decisions.
        draws: bootstrap resamples behind our intervals.
    """

    table: str
    title: str
    dataset: str
    rows: tuple[str, ...]
    methods: tuple[Method, ...]
    methods_are_rows: bool = False
    decimals: int = 1
    signed: bool = False
    notes: tuple[str, ...] = ()
    renders: bool = False
    subjects: int = 0
    decide: str = ""
    draws: int = 0

    @property
    def legend(self) -> tuple[str, ...]:
        """What bold and underlined numbers are, of those that it has."""
        cells = [cell for method in self.methods for cell in method.cells]
        bold = ("Bold: the best published.",) if any(cell.best_published for cell in cells) else ()
        return (*bold, "Underlined: the best of all.") if any(cell.best for cell in cells) else bold


def make_table(
    printed: PublishedTable, comparison: Comparison | None = None, *, measure: str = "f1"
) -> StudyTable:
    """A paper's table: the published numbers, and ours beside (B1: below) them.

    Args:
        printed: the published numbers.
        comparison: our numbers, none of which is best if they are of renders; None for the published alone.
        measure: of MEASURES, in tables of AUs.

    Raises:
        ConfigError: there is no such measure, or the study tested on another data set.
    """
    _check_measure(measure)
    if comparison and comparison.dataset != printed.dataset:
        raise ConfigError(
            f"Table {printed.table} is of {printed.dataset}, but the study tested on {comparison.dataset}; "
            "show its own numbers without a published table."
        )
    aus = [row for row in printed.rows if row != AVERAGE]
    if comparison and printed.of_aus:
        aus += [label for label in comparison.aus.labels if label not in aus]
    rows = [*aus, AVERAGE] if printed.of_aus else aus
    theirs = [
        Method(one.title, False, tuple(Cell(one.values.get(row)) for row in rows)) for one in printed.methods
    ]
    scale = 100 if printed.percent else 1
    ours = list(_ours(comparison, rows, scale, measure if printed.of_aus else "")) if comparison else []
    comparable = comparison is not None and not comparison.renders
    table_of = StudyTable(
        table=printed.table,
        title=printed.title,
        dataset=printed.dataset,
        rows=tuple(map(_row_title, rows)),
        methods=tuple(_with_best(theirs, ours, printed.decimals, comparable)),
        methods_are_rows=not printed.of_aus,
        decimals=printed.decimals,
        notes=tuple(published_notes(printed, comparison)),
    )
    return table_of if comparison is None else _behind(table_of, comparison)


def own_table(comparison: Comparison, *, measure: str = "f1") -> StudyTable:
    """Our numbers alone, in percent: AUs by variants; for data sets and studies without a published table.

    Raises:
        ConfigError: there is no such measure.
    """
    _check_measure(measure)
    rows = [*comparison.aus.labels, AVERAGE]
    values = [found.measures[measure].estimate.value for found in comparison.variants.values()]
    defined = int((~np.isnan(values)).any(0).sum())  # as many make the averages
    table = StudyTable(
        table="",
        title=f"{TITLES[measure]} of {defined} AUs on {dataset_title(comparison.dataset)}",
        dataset=comparison.dataset,
        rows=tuple(map(_row_title, rows)),
        methods=tuple(_with_best([], list(_ours(comparison, rows, 100, measure)), 1, True)),
        notes=tuple(own_notes(comparison)),
    )
    return _behind(table, comparison)


def difference_table(comparison: Comparison, *, measure: str = "f1") -> StudyTable:
    """Each variant minus the reference, in percentage points, with intervals and p.

    Raises:
        ConfigError: there is no such measure, or nothing was compared.
    """
    _check_measure(measure)
    if not comparison.differences:
        raise ConfigError(
            "There is no difference to show: name a reference that has runs in common with other variants."
        )
    methods = []
    for name, found in comparison.differences.items():
        difference = found[measure]
        values = zip(difference.estimate.measures, difference.p.tolist(), strict=True)
        cells = [replace(cell_of(value, 100), p=p) for value, p in values]
        method = _method(comparison, name, cells, other=comparison.reference)
        methods.append(replace(method, runs=difference.runs))
    of = f"{TITLES[measure]} on {dataset_title(comparison.dataset)}"
    table = StudyTable(
        table="",
        title=f"{of}: difference to {comparison.reference}",
        dataset=comparison.dataset,
        rows=(*comparison.aus.labels, _row_title(AVERAGE)),
        methods=tuple(methods),
        signed=True,
        notes=tuple(difference_notes(comparison)),
    )
    return _behind(table, comparison)


def _behind(table: StudyTable, comparison: Comparison) -> StudyTable:
    """With what all of our numbers have in common."""
    subjects, draws = comparison.subjects, comparison.bootstrap
    return replace(
        table, renders=comparison.renders, subjects=subjects, decide=comparison.decide, draws=draws
    )


def _check_measure(measure: str) -> None:
    if measure not in MEASURES:
        raise ConfigError(f"There is no measure {measure!r}; there are {', '.join(MEASURES)}.")


def dataset_title(dataset: str) -> str:
    """A data set as titles name it."""
    known = protocol_of(dataset)
    return known.title if known else dataset


def _row_title(row: str) -> str:
    return "Avg." if row == AVERAGE else TITLES.get(row, row)


def _ours(comparison: Comparison, rows: Sequence[str], scale: int, measure: str) -> Iterator[Method]:
    """Our variants; rows are AUs of one measure, or (measure is "") averages of several measures."""
    for name, found in comparison.variants.items():
        if measure:
            summary, labels = found.measures[measure], [*comparison.aus.labels, AVERAGE]
            values = dict(zip(labels, summary.estimate.measures, strict=True))
            spreads = dict(zip(labels, summary.spread.tolist(), strict=True))
        else:
            values = {row: found.measures[row].estimate.of_macro() for row in rows}
            spreads = {row: float(found.measures[row].spread[-1]) for row in rows}
        cells = [cell_of(values[row], scale, spreads[row]) if row in values else Cell(None) for row in rows]
        yield _method(comparison, name, cells)


def _method(comparison: Comparison, name: str, cells: Iterable[Cell], other: str | None = None) -> Method:
    """A variant of ours; marked if it, or the other that it is compared to, was chosen on the test."""
    marked = any(comparison.variants[one].selected_on_test for one in (name, other) if one)
    cells = tuple(replace(cell, chosen_on_test=marked) for cell in cells)
    return Method(name, True, cells, marked, comparison.variants[name].runs)


def cell_of(measure: Measure, scale: int = 1, spread: float | None = None) -> Cell:
    """A measure as a cell, in units of 1 / scale."""
    value, low, high = measure.value * scale, measure.low * scale, measure.high * scale
    return Cell(value, low, high, None if spread is None else spread * scale)


def _with_best(
    theirs: Sequence[Method], ours: Sequence[Method], decimals: int, comparable: bool
) -> Iterator[Method]:
    """Mark the largest of each row, as printed; equals are all marked."""
    rows = range(len([*theirs, *ours][0].cells))
    published = [_largest(theirs, row, decimals) for row in rows]
    overall = [_largest([*theirs, *ours] if comparable and ours else [], row, decimals) for row in rows]
    for method in (*theirs, *ours):
        cells = []
        for cell, best, top in zip(method.cells, published, overall, strict=True):
            value = None if cell.value is None else round(cell.value, decimals)
            first = best is not None and value == best and not method.ours
            cells.append(replace(cell, best_published=first, best=top is not None and value == top))
        yield replace(method, cells=tuple(cells))


def _largest(methods: Sequence[Method], row: int, decimals: int) -> float | None:
    """Of a row, rounded; None where fewer than two numbers are known, as one is no best."""
    cells = [method.cells[row].value for method in methods]
    known = [value for value in cells if value is not None and not math.isnan(value)]
    return round(max(known), decimals) if len(known) > 1 else None
