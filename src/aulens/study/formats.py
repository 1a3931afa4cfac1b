"""Tables as text: for the terminal, Markdown, LaTeX (booktabs), CSV.

In the first three, bold is the best published number of a row (B1: of a column), underlined the best of all;
ours read "63.1 [60.2, 65.8] ±0.4": mean, 95 % interval, standard deviation over seeds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Final, TypeVar

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from aulens.metrics.report import markdown_table
from aulens.study.table_notes import DAGGER
from aulens.study.tables import Cell, Method, StudyTable

T = TypeVar("T")


def render_terminal(table: StudyTable, console: Console) -> None:
    """Print a table, in as many lines and parts as the console's width asks for."""
    console.print(Text(_titled(table), style="bold"))
    for part, stacked in _parts(table, console.width):
        console.print()
        console.print(_rich(part, stacked))
    console.print()
    # Without styles (a pipe, a plain terminal) there is neither bold nor underlined to speak of.
    for note in (*(table.legend if console.color_system else ()), *table.notes):
        console.print(Text(note, style="dim"))


def to_markdown(table: StudyTable) -> str:
    """The table with its title above and its notes below."""
    titles = [f"{'aulens: ' * method.ours}{_markdown(_title(method))}" for method in table.methods]
    head, *lines = _grid(table, titles, _markdown_cell)
    notes = "\n".join(f"* {_markdown(note)}" for note in (*table.legend, *table.notes))
    return f"**{_markdown(_titled(table))}**\n\n{markdown_table(head, lines)}\n{notes}\n"


def to_latex(table: StudyTable) -> str:
    """A table environment for the package booktabs, with its notes below."""
    head, *lines = _grid(table, [_latex(_title(method)) for method in table.methods], _latex_cell)
    published = sum(not method.ours for method in table.methods)
    ours = len(table.methods) - published
    rows = [" & ".join(line) + r" \\" for line in lines]
    if not table.methods_are_rows:
        rows.insert(len(rows) - 1, r"\midrule")  # above the averages
    elif published and ours:
        rows.insert(published, r"\midrule")
    groups = []
    if published and ours and not table.methods_are_rows:
        groups = [
            rf"& \multicolumn{{{published}}}{{c}}{{published}} & \multicolumn{{{ours}}}{{c}}{{aulens}} \\",
            rf"\cmidrule(lr){{2-{1 + published}}}\cmidrule(lr){{{2 + published}-{1 + published + ours}}}",
        ]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_latex(_titled(table))}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}",
            r"\toprule",
            *groups,
            " & ".join(head) + r" \\",
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            r"\par\medskip\footnotesize\raggedright",
            *(f"{_latex(note)}\\par" for note in (*table.legend, *table.notes)),
            r"\end{table}",
            "",
        ]
    )


COLUMNS: Final = (
    "table", "dataset", "by", "method", "row", "value", "low", "high", "sd_over_seeds", "p", "best_published",
    "best", "chosen_on_test", "renders", "runs", "folds", "seeds", "subjects", "rule", "draws",
)  # fmt: skip
"""Of the CSV."""


def to_csv(*tables: StudyTable) -> str:
    """One line per number, in its table's unit, unrounded; no notes, so that programs can read it.

    `table` is "A1" or, of a table that is in no paper, its title; `by` is "published" or "aulens"; `row` an
    AU, "Avg." or a measure; `chosen_on_test` 1 where epochs or thresholds were chosen on the test subjects; p
    is corrected over AUs; `renders` 1 where faces of look-alikes were tested, not people. The last columns
    say what is behind a number of ours: runs, test subjects, rule of decision, bootstrap draws. What is not
    known has no line, what is undefined an empty field.
    """
    lines = [line for table in tables for method in table.methods for line in _csv_lines(table, method)]
    return pd.DataFrame(lines, columns=COLUMNS).to_csv(index=False, lineterminator="\n", float_format="%.6g")


def _csv_lines(table: StudyTable, method: Method) -> Iterator[tuple[object, ...]]:
    by = "aulens" if method.ours else "published"
    behind: list[object] = [None] * 6  # of published numbers
    if method.runs:
        folds, seeds = ({run[place] for run in method.runs} for place in (0, 1))
        behind = [len(method.runs), len(folds), len(seeds), table.subjects, table.decide, table.draws]
    for row, cell in zip(table.rows, method.cells, strict=True):
        if cell.value is not None:
            names = (table.table or table.title, table.dataset, by, method.title, row)
            numbers = (cell.value, cell.low, cell.high, cell.spread, cell.p)
            marks = (cell.best_published, cell.best, cell.chosen_on_test, table.renders and method.ours)
            yield *names, *numbers, *map(int, marks), *behind


FORMATS: Final[Mapping[str, Callable[[StudyTable], str]]] = MappingProxyType(
    {"markdown": to_markdown, "latex": to_latex, "csv": to_csv}
)
"""What gives a text for a file, by name."""


def _titled(table: StudyTable) -> str:
    paper = f"Paper {table.table[0]}, Table {table.table[1:]}: " if table.table else ""
    return paper + table.title + " (aulens: rendered look-alikes, not people)" * table.renders


def _grid(
    table: StudyTable, titles: Sequence[T], show: Callable[[StudyTable, Cell], T]
) -> list[list[T | str]]:
    """Head and lines, as the table lies: methods, by their titles, are columns or, in B1, rows."""
    by_method: list[list[T | str]] = [
        [title, *(show(table, cell) for cell in method.cells)]
        for title, method in zip(titles, table.methods, strict=True)
    ]
    if table.methods_are_rows:
        return [["", *table.rows], *by_method]
    return [list(line) for line in zip(["AU", *table.rows], *by_method, strict=True)]


def _number(table: StudyTable, value: float) -> str:
    return f"{value:{'+' if table.signed else ''}.{table.decimals}f}"


def _value(table: StudyTable, cell: Cell) -> str:
    """ "63.1†", "n/a", or nothing."""
    if cell.value is None:
        return ""
    return ("n/a" if math.isnan(cell.value) else _number(table, cell.value)) + DAGGER * cell.chosen_on_test


def _interval(table: StudyTable, cell: Cell) -> str:
    """ "[60.2, 65.8]", or nothing."""
    if cell.low is None or cell.high is None or math.isnan(cell.low):
        return ""
    return f"[{_number(table, cell.low)}, {_number(table, cell.high)}]"


def _rest(table: StudyTable, cell: Cell) -> str:
    """ "±0.4" or "p=0.012*", or nothing."""
    if cell.spread is not None and not math.isnan(cell.spread):
        return f"±{cell.spread:.{table.decimals}f}"
    if cell.p is not None and not math.isnan(cell.p):
        return ("p<0.001" if cell.p < 0.001 else f"p={cell.p:.3f}") + "*" * (cell.p < 0.05)
    return ""


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _title(method: Method) -> str:
    return method.title + DAGGER * method.chosen_on_test


def _rich(table: StudyTable, stacked: bool) -> Table:
    shown = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    titles = [Text(_title(method), style="cyan" if method.ours else "") for method in table.methods]
    head, *lines = _grid(table, titles, partial(_rich_cell, stacked=stacked))
    for column, title in enumerate(head):
        shown.add_column(title, justify="right" if column else "left", no_wrap=True)
    for line in lines:
        shown.add_row(*line)
    return shown


def _rich_cell(table: StudyTable, cell: Cell, stacked: bool) -> Text:
    style = " ".join(["bold"] * cell.best_published + ["underline"] * cell.best)
    text = Text()
    text.append(_value(table, cell), style=style)
    interval, rest = _interval(table, cell), _rest(table, cell)
    if stacked:
        text.append(f" {rest}" if rest else "")
        text.append(f"\n{interval}" if interval else "", style="dim")
    else:
        text.append(f" {interval}" if interval else "", style="dim")
        text.append(f" {rest}" if rest else "")
    return text


def _parts(table: StudyTable, width: int) -> Iterator[tuple[StudyTable, bool]]:
    """Tables that fit the width, and whether intervals stand below their numbers.

    First on one line, then on two, then with the methods in several parts.
    """
    endless = Console(width=100_000)

    def fits(methods: Sequence[Method], stacked: bool) -> bool:
        shown = _rich(replace(table, methods=tuple(methods)), stacked)
        return endless.measure(shown).maximum <= width

    for stacked in (False, True):
        if table.methods_are_rows or fits(table.methods, stacked):
            yield table, stacked
            return
    part: list[Method] = []
    for method in table.methods:
        if part and not fits([*part, method], True):
            yield replace(table, methods=tuple(part)), True
            part = []
        part.append(method)
    yield replace(table, methods=tuple(part)), True


def _markdown(text: str) -> str:
    for mark in ("\\", "|", "*", "_", "<"):
        text = text.replace(mark, f"\\{mark}")
    return text


def _markdown_cell(table: StudyTable, cell: Cell) -> str:
    value = _value(table, cell)
    if value and cell.best_published:
        value = f"**{value}**"
    if value and cell.best:
        value = f"<ins>{value}</ins>"
    return _joined(value, _interval(table, cell), _markdown(_rest(table, cell)))


_LATEX: Final = str.maketrans(
    {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
        "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "×": r"$\times$",
        "→": r"$\to$", DAGGER: r"$^{\dagger}$", "[": "{[}", "]": "{]}",
        "<": r"\textless{}", ">": r"\textgreater{}",
    }
)  # fmt: skip


def _latex(text: str) -> str:
    return re.sub('"([^"]*)"', r"``\1''", text).translate(_LATEX)


def _latex_cell(table: StudyTable, cell: Cell) -> str:
    value = _latex(_value(table, cell)).replace("-", "$-$")
    if value and cell.best_published:
        value = rf"\textbf{{{value}}}"
    if value and cell.best:
        value = rf"\underline{{{value}}}"
    rest = _latex(_joined(_interval(table, cell), _rest(table, cell))).replace("-", "$-$")
    return _joined(value, rf"{{\scriptsize {rest}}}" if rest else "")
