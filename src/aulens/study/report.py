"""The tables of a study, finished or not, from nothing but its folder."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from aulens.checked import checked
from aulens.contents import json_of
from aulens.errors import ConfigError, DatasetError
from aulens.study.config import StudyConfig
from aulens.study.formats import FORMATS, render_terminal, to_csv
from aulens.study.grid import Key, Rule
from aulens.study.intensity import intensity_tables
from aulens.study.published import load
from aulens.study.results import RESULT, RunResult
from aulens.study.statistics import compare
from aulens.study.tables import StudyTable, difference_table, make_table, own_table

ABOUT: Final = "study.json"
TERMINAL: Final = "terminal"
TERMINAL_WIDTH: Final = 110
"""Of tables that go into a file or a pipe."""


@dataclass(frozen=True)
class StudyAbout:
    """The entries of OUT/study.json that tables need beside the results.

    Attributes:
        tables, folds, seeds, decide, reference: as in `StudyConfig`.
        variants: their names.
        renders: the tested faces are no people.
    """

    tables: tuple[str, ...]
    folds: tuple[int, ...]
    seeds: tuple[int, ...]
    variants: tuple[str, ...]
    decide: Rule
    reference: str
    renders: bool

    @property
    def expected(self) -> list[Key]:
        """Variant, fold and seed of every run that the study shall have."""
        parts = [str(fold) if fold else "" for fold in self.folds]
        return list(itertools.product(self.variants, parts, self.seeds))


@dataclass(frozen=True)
class StudyFolder:
    """A study, finished or not.

    Attributes:
        about: what it is.
        results: of the finished runs, in the order of the study.
        others: results that lie there of runs which the study does not have (any more): a seed, a fold or a
            variant that was taken out of it.
    """

    about: StudyAbout
    results: tuple[RunResult, ...]
    others: int = 0


def describe_study(study: StudyConfig, renders: bool) -> dict[str, Any]:
    """What OUT/study.json keeps of a study; `renders`: the tested faces are no people."""
    names = ("name", "dataset", "tested", "tables", "folds", "seeds", "variants", "decide", "reference")
    facts = {name: getattr(study, name) for name in names}
    return facts | {"variants": [variant.name for variant in study.variants], "renders": renders}


def open_study(out: Path) -> StudyFolder:
    """Read a study's folder.

    Raises:
        DatasetError: it is none, or damaged, or no run of it is finished.
    """
    path = Path(out) / ABOUT
    if not path.is_file():
        raise DatasetError(f"{out} is no study: it has no {ABOUT}. Make one with `aulens study run`.")
    about = _read_about(path)
    found = [RunResult.load(file.parent) for file in Path(out).glob(f"runs/**/test/{RESULT}")]
    if not found:
        raise DatasetError(f"No run of {out} is finished yet; `aulens study run` goes on with them.")
    order = {key: place for place, key in enumerate(about.expected)}
    known = sorted((one for one in found if one.key in order), key=lambda one: order[one.key])
    if not known:
        raise DatasetError(
            f"{out} holds {len(found)} results, but none of a variant, fold and seed that its {ABOUT} names; "
            "`aulens study run` trains these."
        )
    return StudyFolder(about, tuple(known), len(found) - len(known))


def _read_about(path: Path) -> StudyAbout:
    damaged = f"{path} is damaged, aulens study run writes it anew"
    try:
        plain = json_of(path)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{damaged}: {error}") from None
    return checked(StudyAbout, plain, damaged, error=DatasetError, others=True)


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
        DatasetError: the folder is no study, or none of its runs is finished.
    """
    study = open_study(out)
    about, notes, renders = study.about, _notes(study), study.about.renders
    comparison = compare(
        study.results,
        decide=about.decide,
        reference=about.reference or None,
        bootstrap=bootstrap,
        expected=about.expected,
        renders=renders,
        notes=notes,
    )
    named = about.tables if tables is None else tables
    shown = [make_table(load(name), comparison) for name in named] or [own_table(comparison)]
    if comparison.differences:
        measure = "abaw2" if list(named) == ["B1"] else "f1"
        shown.append(difference_table(comparison, measure=measure))
    shown += intensity_tables(study.results, bootstrap=bootstrap, renders=renders, notes=notes)
    return tuple(shown)


def write_tables(tables: Sequence[StudyTable], format: str) -> Iterator[str]:
    """Each table as text in one of `FORMATS`, or as "terminal" shows it, in the terminal's width; as CSV all
    together, with one header.

    Raises:
        ConfigError: there is no such format.
    """
    if format not in (TERMINAL, *FORMATS):
        raise ConfigError(f"A table is printed as {', '.join((TERMINAL, *FORMATS))}; got {format!r}.")
    if format == "csv":
        yield to_csv(*tables)
        return
    for table in tables:
        if format in FORMATS:
            yield FORMATS[format](table)
            continue
        console = Console(highlight=False)
        if not console.is_terminal:
            console = Console(highlight=False, width=TERMINAL_WIDTH)
        with console.capture() as text:
            render_terminal(table, console)
        yield text.get()


def _notes(study: StudyFolder) -> list[str]:
    notes = []
    if study.about.renders:
        notes.append(
            "The numbers of aulens are of rendered look-alikes, not of people: they can't be compared with "
            "published ones."
        )
    if study.others:
        notes.append(
            f"Left out: {study.others} results that lie in the folder, of folds, seeds or variants that the "
            "study no longer has."
        )
    return notes
