"""The tables of a study, finished or not, from nothing but its folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from aulens.errors import ConfigError, DatasetError
from aulens.study.config import StudyConfig
from aulens.study.formats import render_terminal, to_csv, to_latex, to_markdown
from aulens.study.results import RESULT, RunResult
from aulens.study.statistics import compare
from aulens.study.tables import StudyTable, difference_table, make_table, own_table

ABOUT: Final = "study.json"
FORMATS: Final = ("terminal", "markdown", "latex", "csv")
TERMINAL_WIDTH: Final = 110
"""Of tables that go into a file or a pipe."""


@dataclass(frozen=True)
class StudyFolder:
    """What OUT/study.json says: all that the tables need beside the results.

    Attributes:
        about: name, dataset, tables, folds, seeds, variants, decide, reference, renders.
        results: of the runs that have ended, in the order of the study.
    """

    about: Mapping[str, Any]
    results: tuple[RunResult, ...]

    @property
    def expected(self) -> list[tuple[str, str, int]]:
        """Variant, fold and seed of every run that the study shall have."""
        return [
            (variant, str(fold) if fold else "", seed)
            for variant in self.about["variants"]
            for fold in self.about["folds"]
            for seed in self.about["seeds"]
        ]


def describe_study(study: StudyConfig, renders: bool) -> dict[str, Any]:
    """What OUT/study.json keeps of a study; `renders`: the tested faces are no people."""
    return {
        "name": study.name,
        "dataset": study.dataset,
        "tested": study.tested,
        "tables": list(study.tables),
        "folds": list(study.folds),
        "seeds": list(study.seeds),
        "variants": [variant.name for variant in study.variants],
        "decide": study.decide,
        "reference": study.reference,
        "renders": renders,
    }


def open_study(out: Path) -> StudyFolder:
    """Read a study's folder.

    Raises:
        DatasetError: it is none, or no run of it has ended.
    """
    path = Path(out) / ABOUT
    if not path.is_file():
        raise DatasetError(f"{out} is no study: it has no {ABOUT}. Make one: aulens study run.")
    about = json.loads(path.read_text(encoding="utf-8"))
    found = [RunResult.load(file.parent) for file in Path(out).glob(f"runs/**/test/{RESULT}")]
    if not found:
        raise DatasetError(f"No run of {out} has ended yet. aulens study run goes on.")
    order = {name: place for place, name in enumerate(about["variants"])}
    known = [one for one in found if one.variant in order]
    known.sort(key=lambda one: (order[one.variant], one.fold, one.seed))
    return StudyFolder(about, tuple(known))


def study_tables(
    out: Path, tables: Sequence[str] | None = None, bootstrap: int = 1000
) -> tuple[StudyTable, ...]:
    """The published tables with the study's columns, and the differences between its variants.

    Args:
        out: folder of `aulens study run`.
        tables: of "A1" to "A4" and "B1"; None = those that the study is for, its own numbers if for none.
        bootstrap: resamples of the test subjects behind intervals and p; 0 for none.

    Raises:
        ConfigError: a table does not exist, or is of another data set.
        DatasetError: the folder is no study, or none of its runs has ended.
    """
    study = open_study(out)
    about = study.about
    comparison = compare(
        study.results,
        decide=about["decide"],
        reference=about["reference"] or None,
        bootstrap=bootstrap,
        expected=study.expected,
    )
    named = about["tables"] if tables is None else tables
    shown = [
        make_table(name, comparison, comparable=not about["renders"], notes=_notes(about)) for name in named
    ]
    if not named:
        shown.append(own_table(comparison, notes=_notes(about)))
    if comparison.differences:
        measure = "abaw2" if list(named) == ["B1"] else "f1"
        shown.append(difference_table(comparison, measure=measure, notes=_notes(about)))
    return tuple(shown)


def write_tables(tables: Sequence[StudyTable], format: str) -> Iterator[str]:
    """Each table as text in one of `FORMATS`; "terminal" prints to the terminal's width instead.

    Raises:
        ConfigError: there is no such format.
    """
    if format not in FORMATS:
        raise ConfigError(f"A table is printed as {', '.join(FORMATS)}; got {format!r}.")
    writers = {"markdown": to_markdown, "latex": to_latex, "csv": to_csv}
    for table in tables:
        if format in writers:
            yield writers[format](table)
            continue
        console = Console(highlight=False)
        if not console.is_terminal:
            console = Console(highlight=False, width=TERMINAL_WIDTH)
        with console.capture() as text:
            render_terminal(table, console)
        yield text.get()


def _notes(about: Mapping[str, Any]) -> list[str]:
    if not about["renders"]:
        return []
    return ["Ours are of rendered look-alikes, not of people: they can't be compared with the published."]
