"""Tables as text: nothing lost, nothing too wide, LaTeX that could be set, CSV that pandas reads."""

import io
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from study_cases import simulated, study

from aulens.aus import AFFWILD2
from aulens.study.formats import COLUMNS, FORMATS, _parts, render_terminal, to_csv, to_latex, to_markdown
from aulens.study.published import load
from aulens.study.statistics import compare
from aulens.study.tables import Cell, Method, StudyTable, difference_table, make_table, own_table

SMALL = StudyTable(
    table="",
    title="50 % of F_1 & more",
    dataset="d",
    rows=("AU1", "Avg."),
    methods=(
        Method("A|B_c", False, (Cell(63.5, best_published=True, best=True), Cell(None))),
        Method(
            "ours",
            True,
            (
                Cell(-0.26, -1.04, 0.5, 0.44, chosen_on_test=True),
                Cell(float("nan"), float("nan"), float("nan"), float("nan"), chosen_on_test=True),
            ),
            chosen_on_test=True,
        ),
    ),
    methods_are_rows=False,
    decimals=1,
    signed=False,
    notes=('95 % of "x_y" ± 1', "* <b> | † {so}"),
)


def test_markdown_by_hand() -> None:
    assert to_markdown(SMALL).splitlines() == [
        r"**50 % of F\_1 & more**",
        "",
        r"| AU | A\|B\_c | aulens: ours† |",
        "| --- | ---: | ---: |",
        "| AU1 | <ins>**63.5**</ins> | -0.3† [-1.0, 0.5] ±0.4 |",
        "| Avg. |  | n/a† |",
        "",
        "* Bold: the best published.",
        "* Underlined: the best of all.",
        r'* 95 % of "x\_y" ± 1',
        r"* \* \<b> \| † {so}",
    ]


def test_latex_by_hand() -> None:
    assert to_latex(SMALL).splitlines() == [
        r"\begin{table}",
        r"\centering",
        r"\caption{50 \% of F\_1 \& more}",
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r"& \multicolumn{1}{c}{published} & \multicolumn{1}{c}{aulens} \\",
        r"\cmidrule(lr){2-2}\cmidrule(lr){3-3}",
        r"AU & A|B\_c & ours$^{\dagger}$ \\",
        r"\midrule",
        r"AU1 & \underline{\textbf{63.5}} & $-$0.3$^{\dagger}$ "
        r"{\scriptsize {[}$-$1.0, 0.5{]} $\pm$0.4} \\",
        r"\midrule",
        r"Avg. &  & n/a$^{\dagger}$ \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\par\medskip\footnotesize\raggedright",
        r"Bold: the best published.\par",
        r"Underlined: the best of all.\par",
        r"95 \% of ``x\_y'' $\pm$ 1\par",
        r"* \textless{}b\textgreater{} | $^{\dagger}$ \{so\}\par",
        r"\end{table}",
    ]


def test_csv_by_hand() -> None:
    assert to_csv(SMALL).splitlines() == [
        ",".join(COLUMNS),
        "50 % of F_1 & more,d,published,A|B_c,AU1,63.5,,,,,1,1,0,0,,,,,,",
        "50 % of F_1 & more,d,aulens,ours,AU1,-0.26,-1.04,0.5,0.44,,0,0,1,0,,,,,,",
        "50 % of F_1 & more,d,aulens,ours,Avg.,,,,,,0,0,1,0,,,,,,",
    ]


def test_csv_of_several_tables_has_one_header_and_tells_renders() -> None:
    comparison = compare(study({"roi": 0.7}, seeds=2), decide="papers", bootstrap=30, renders=True)
    tables = [make_table(load("A1"), comparison), own_table(comparison)]
    frame = pd.read_csv(io.StringIO(to_csv(*tables)))
    assert frame["table"].unique().tolist() == ["A1", "F1 of 12 AUs on BP4D"]
    assert ((frame["renders"] == 1) == (frame["by"] == "aulens")).all()
    ours = frame[frame["by"] == "aulens"].iloc[0]
    assert ours[["runs", "folds", "seeds", "subjects", "rule", "draws"]].tolist() == [
        6,
        3,
        2,
        27,
        "papers",
        30,
    ]
    for table in tables:
        for text in (to_markdown(table), to_latex(table), shown(table, 120)):
            assert "(aulens: rendered look-alikes, not people)" in text


def shown(table: StudyTable, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    render_terminal(table, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def tables() -> list[StudyTable]:
    runs = study({"heatmap": 0.7, "roi_gcn_supervised": 0.8}, seeds=2)
    runs = [replace(run, selected_on_test=run.variant == "heatmap") for run in runs]
    comparison = compare(runs, decide="papers", reference="heatmap", bootstrap=30)
    wild = simulated("jaa_gcn", "", aus=AFFWILD2, dataset="affwild2")
    abaw = compare([wild], decide="papers", bootstrap=30)
    made = [make_table(load("A1"), comparison), own_table(comparison), difference_table(comparison)]
    return [*made, make_table(load("B1"), abaw), make_table(load("A2"))]


TABLES = tables()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.title)
@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_the_terminal_loses_nothing_and_keeps_its_width(table: StudyTable, width: int) -> None:
    text = shown(table, width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    lines = [line for line in text.splitlines() if line.startswith(("AU1 ", "Avg. ", "Ours", "jaa_gcn"))]
    found = " ".join(lines)
    for method in table.methods:
        assert method.title in text
        for row, cell in zip(table.rows, method.cells, strict=True):
            if row in ("AU1", "Avg.") or table.methods_are_rows:
                number = f"{cell.value:{'+' if table.signed else ''}.{table.decimals}f}"
                assert number + "†" * cell.chosen_on_test in (text if table.methods_are_rows else found)
                if cell.low is not None:
                    assert f"{cell.low:{'+' if table.signed else ''}.{table.decimals}f}, " in text
    flat = " ".join(text.split())
    assert all(" ".join(note.split()) in flat for note in table.notes)


def test_the_terminal_takes_as_few_lines_as_fit() -> None:
    table = TABLES[0]
    wide, narrow, narrowest = (shown(table, width) for width in (200, 110, 80))
    rows = [sum(line.startswith("AU24 ") for line in text.splitlines()) for text in (wide, narrow, narrowest)]
    assert rows == [1, 1, 2]
    assert "[" in next(line for line in wide.splitlines() if line.startswith("AU24 "))
    assert "[" not in next(line for line in narrow.splitlines() if line.startswith("AU24 "))


def test_a_terminal_too_narrow_for_one_method_shows_one_at_a_time() -> None:
    parts = list(_parts(TABLES[1], 12))
    assert [[method.title for method in part.methods] for part, _ in parts] == [
        ["heatmap"],
        ["roi_gcn_supervised"],
    ]


def test_the_terminal_marks_the_best() -> None:
    console = Console(file=io.StringIO(), width=120, force_terminal=True, color_system="standard")
    render_terminal(SMALL, console)
    assert "\x1b[1;4m63.5\x1b[0m" in console.file.getvalue()  # type: ignore[attr-defined]
    assert "Underlined: " in console.file.getvalue()  # type: ignore[attr-defined]
    assert "Underlined: " not in shown(SMALL, 120)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.title)
def test_latex_could_be_set(table: StudyTable) -> None:
    text = to_latex(table)
    assert text.isascii()
    assert not re.search(r"(?<!\\)[%#_~^]", text.replace(r"$^{\dagger}$", ""))
    assert text.replace(r"\{", "").count("{") == text.replace(r"\}", "").count("}")
    assert re.findall(r"\\(?:begin|end){(\w+)}", text) == ["table", "tabular", "tabular", "table"]
    columns = len(re.search(r"{tabular}{(l?r*)}", text).group(1))  # type: ignore[union-attr]
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    lines = [line for line in body.splitlines() if line.endswith(r"\\")]
    assert len(lines) >= 1 + len(table.methods if table.methods_are_rows else table.rows)
    for line in lines:
        spans = [int(n) for n in re.findall(r"\\multicolumn{(\d+)}", line)]
        assert len(re.findall(r"(?<!\\)&", line)) + 1 == columns - sum(spans) + len(spans)
        assert not line.lstrip().startswith("[")  # which \\ of the line above would take as its own


def test_latex_rules_off_averages_and_our_rows() -> None:
    a1, b1 = to_latex(TABLES[0]).splitlines(), to_latex(TABLES[3]).splitlines()
    assert next(line for line in a1[a1.index(r"\midrule", 10) + 1 :]).startswith("Avg.")
    assert next(line for line in b1[b1.index(r"\midrule", 8) + 1 :]).startswith(r"jaa\_gcn")


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.title)
def test_markdown_has_as_many_cells_in_each_line(table: StudyTable) -> None:
    lines = [line for line in to_markdown(table).splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    assert len(lines) == 2 + len(table.methods if table.methods_are_rows else table.rows)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.title)
def test_pandas_reads_the_csv(table: StudyTable) -> None:
    frame = pd.read_csv(io.StringIO(to_csv(table)))
    assert tuple(frame.columns) == COLUMNS
    cells = [cell for method in table.methods for cell in method.cells if cell.value is not None]
    for name, field in (("value", "value"), ("low", "low"), ("sd_over_seeds", "spread"), ("p", "p")):
        expected = np.array([getattr(cell, field) for cell in cells], dtype=float)
        np.testing.assert_allclose(frame[name], expected, rtol=1e-5)
    assert frame["chosen_on_test"].astype(bool).tolist() == [cell.chosen_on_test for cell in cells]


def test_formats_have_names() -> None:
    assert set(FORMATS) == {"markdown", "latex", "csv"}
    assert all(FORMATS[name](SMALL).endswith("\n") for name in FORMATS)
