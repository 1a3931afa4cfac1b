"""The papers' tables with our columns: numbers, best, marks, notes."""

from dataclasses import replace

import numpy as np
import pytest
from study_cases import simulated, study

from aulens.aus import AFFWILD2, BP4D, DISFA, MISSING, AUSet
from aulens.errors import ConfigError, InputError
from aulens.metrics import abaw2_score, mean_f1, total_accuracy
from aulens.study.published import TABLES, load
from aulens.study.results import RunResult
from aulens.study.statistics import Comparison, compare
from aulens.study.tables import StudyTable, difference_table, make_table, own_table


def compared(**options: object) -> Comparison:
    runs = study({"roi": 0.75, "roi_gcn": 0.85}, **options)
    return compare(runs, decide="papers", reference="roi", bootstrap=50)


def column(table: StudyTable, title: str) -> dict[str, object]:
    (method,) = (one for one in table.methods if one.title == title)
    return dict(zip(table.rows, method.cells, strict=True))


def best(table: StudyTable, row: str, mark: str) -> list[str]:
    at = table.rows.index(row)
    return [method.title for method in table.methods if getattr(method.cells[at], mark)]


@pytest.mark.parametrize("name", TABLES)
def test_published_numbers_stand_as_printed(name: str) -> None:
    published = load(name)
    table = make_table(published)
    for method, cells in zip(published.methods, table.methods, strict=True):
        assert [cell.value for cell in cells.cells] == [method.values.get(row) for row in published.rows]
        assert not cells.ours
    assert not any(cell.best for method in table.methods for cell in method.cells)
    assert published.source in table.notes[0]
    bold = any(cell.best_published for method in table.methods for cell in method.cells)
    assert table.legend == ("Bold: the best published.",) * bold
    assert not any("Ours (" in note and "Ours (paper) (" not in note for note in table.notes)


def test_the_best_published_of_each_row() -> None:
    table = make_table(load("A1"))
    assert best(table, "AU1", "best_published") == ["Ours (paper)"]
    assert best(table, "AU14", "best_published") == ["JPML"]
    assert best(make_table(load("A2")), "AU25", "best_published") == ["ARL"]
    # Of AU rows in Tables 3 and 4 one number is known: nothing to be best of.
    assert best(make_table(load("A3")), "AU1", "best_published") == []
    assert best(make_table(load("A3")), "Avg.", "best_published") == ["+ supervision"]
    b1 = make_table(load("B1"))
    assert [best(b1, row, "best_published") for row in b1.rows] == [["Ours (paper)"]] * 3


def test_ours_stand_beside_in_percent() -> None:
    comparison = compared()
    table = make_table(load("A1"), comparison)
    assert [method.title for method in table.methods][-3:] == ["Ours (paper)", "roi", "roi_gcn"]
    summary = comparison.variants["roi"].measures["f1"]
    cells = column(table, "roi")
    assert cells["AU4"].value == pytest.approx(100 * summary.estimate.value[2])
    assert cells["AU4"].spread == pytest.approx(100 * summary.spread[2])
    assert cells["Avg."].low == pytest.approx(100 * summary.estimate.macro_low)
    assert cells["Avg."].high == pytest.approx(100 * summary.estimate.macro_high)
    assert cells["Avg."].spread == pytest.approx(100 * summary.spread[-1])
    pooled = make_table(load("A1"), comparison, measure="f1_pooled")
    assert column(pooled, "roi")["Avg."].value != cells["Avg."].value


def test_best_of_all_is_decided_as_printed() -> None:
    comparison = compared()
    table = make_table(load("A1"), comparison)
    assert best(table, "AU1", "best") == ["roi_gcn"]
    assert best(table, "AU1", "best_published") == ["Ours (paper)"]
    assert best(table, "AU12", "best") == ["Ours (paper)"]
    value = 100 * comparison.variants["roi_gcn"].measures["f1"].estimate.value[0]
    printed = load("A1")
    method = printed.methods[0]
    equal = replace(method, values={**method.values, "AU1": round(value, 1)})
    tied = make_table(replace(printed, methods=(equal, *printed.methods[1:])), comparison)
    assert best(tied, "AU1", "best") == ["JPML", "roi_gcn"]


def test_ours_of_renders_are_never_best() -> None:
    comparison = compared()
    table = make_table(
        load("A1"), replace(comparison, renders=True, notes=(*comparison.notes, "Renders, not BP4D."))
    )
    assert not any(cell.best for method in table.methods for cell in method.cells)
    assert table.notes[-1] == "Renders, not BP4D."


def test_paper_b_has_methods_as_rows_and_the_challenge_measures() -> None:
    run = simulated("jaa_gcn", "", aus=AFFWILD2, dataset="affwild2", missing=0.2)
    table = make_table(load("B1"), compare([run], decide="calibrated", bootstrap=50))
    assert table.methods_are_rows
    expected = [metric(run.labels, run.decisions) for metric in (mean_f1, total_accuracy, abaw2_score)]
    assert [cell.value for cell in table.methods[-1].cells] == pytest.approx(expected)
    assert all(cell.low < cell.value < cell.high for cell in table.methods[-1].cells)
    assert any("thresholds calibrated on validation subjects" in note for note in table.notes)


def test_what_was_chosen_on_the_test_is_marked_at_every_number() -> None:
    runs = study({"roi": 0.75, "roi_gcn": 0.85}, seeds=2)
    runs[-1] = replace(runs[-1], selected_on_test=True)
    comparison = compare(runs, decide="papers", reference="roi", bootstrap=20)
    for table in (make_table(load("A1"), comparison), own_table(comparison), difference_table(comparison)):
        for method in table.methods:
            chosen = method.title == "roi_gcn"
            assert method.chosen_on_test == chosen
            assert all(cell.chosen_on_test == chosen for cell in method.cells)
        assert any(note.startswith("† Chosen on") and "roi_gcn (1 of 6 runs)" in note for note in table.notes)
    # A difference to a reference so chosen is no better.
    turned = compare(runs, decide="papers", reference="roi_gcn", bootstrap=20)
    assert difference_table(turned).methods[0].chosen_on_test


def test_aus_that_ours_lack_are_blank_and_ours_alone_have_rows() -> None:
    few = AUSet("few", (12, 26, 1))
    table = make_table(load("A1"), compare([simulated(aus=few)], decide="papers", bootstrap=0))
    cells = column(table, "roi")
    assert table.rows[-2:] == ("AU26", "Avg.")
    assert [row for row in table.rows if cells[row].value is not None] == ["AU1", "AU12", "AU26", "Avg."]
    assert column(table, "JAA")["AU26"].value is None
    assert "The average of aulens is over 3 AUs: AU12, AU26, AU1." in table.notes
    assert any(note.startswith("No intervals") for note in table.notes)


def test_an_unfinished_study_and_other_training_sets_are_said() -> None:
    runs = [replace(run, trained_on="bp4d") for run in study({"roi": 0.8}, aus=DISFA, dataset="disfa")]
    wanted = [run.key for run in runs]
    table = make_table(load("A2"), compare(runs[:2], decide="papers", expected=wanted, bootstrap=20))
    assert any(note.startswith("roi: 2 of 9 runs; missing: ") for note in table.notes)
    assert "roi: trained on bp4d, tested on disfa." in table.notes
    assert "After ±: standard deviation over 2 seeds." in table.notes


def test_differences_are_in_points_with_corrected_p() -> None:
    comparison = compared()
    difference = comparison.differences["roi_gcn"]["f1"]
    table = difference_table(comparison)
    assert table.title == "F1 on BP4D: difference to roi"
    cells = column(table, "roi_gcn")
    assert [cell.p for cell in cells.values()] == difference.p.tolist()
    assert cells["Avg."].value == pytest.approx(100 * difference.estimate.macro)
    assert table.signed
    assert not any(cell.best for cell in cells.values())


def test_runs_in_a_mean_are_counted() -> None:
    runs = study({"roi": 0.8, "roi_gcn": 0.8}, seeds=2)[:-1]
    table = own_table(compare(runs, decide="papers", bootstrap=0))
    said = "Runs in a mean: roi 3 folds × 2 seeds; roi_gcn 5 runs of 3 folds × 2 seeds."
    assert said in table.notes
    assert [len(method.runs) for method in table.methods] == [6, 5]


def test_how_small_p_can_be_and_what_it_leaves_out_is_said() -> None:
    notes = " ".join(difference_table(compared(folds="1", seeds=1)).notes)
    assert "With 50 resamples no p is below 0.039, and none that is corrected for 12 AUs" in notes
    assert "9 test subjects are few" in notes
    assert "One seed only (roi, roi_gcn)" in notes
    notes = " ".join(difference_table(compared(seeds=2)).notes)
    assert "few" not in notes
    assert "One seed" not in notes


def test_own_numbers_alone() -> None:
    runs = [replace(run, dataset="clinic") for run in study({"roi": 0.75, "roi_gcn": 0.85}, seeds=1)]
    table = own_table(compare(runs, decide="papers", bootstrap=20), measure="accuracy")
    assert table.title == "Accuracy of 12 AUs on clinic"
    assert best(table, "Avg.", "best") == ["roi_gcn"]
    assert table.legend == ("Underlined: the best of all.",)
    assert table.notes[0].startswith("aulens: mean over 3 folds × 1 seed, present by")


def not_coding(run: RunResult, *positions: int) -> RunResult:
    labels = run.labels.copy()
    labels[:, positions] = MISSING
    return replace(run, labels=labels)


def test_aus_that_the_tested_data_do_not_code_have_no_row() -> None:
    """A network of BP4D's 12 AUs tested on DISFA: five are coded there, seven are no "never occurs"."""
    five = [BP4D.labels[a] for a in (0, 1, 2, 4, 7)]
    others = [a for a in range(12) if BP4D.labels[a] not in five]
    runs = [
        not_coding(run, *others)
        for run in study({"roi": 0.75, "roi_gcn": 0.85}, folds=("",), seeds=2, dataset="disfa")
    ]
    comparison = compare(runs, decide="papers", reference="roi", bootstrap=50)
    own, difference = own_table(comparison), difference_table(comparison)
    assert own.title == "F1 of 5 AUs on DISFA"
    assert own.rows == difference.rows == (*five, "Avg.")
    notes = " ".join(own.notes)
    assert f"Left out, as disfa does not code them: {', '.join(BP4D.labels[a] for a in others)}." in notes
    assert "nor is ever decided" not in notes
    paper = make_table(load("A2"), comparison)
    cells = column(paper, "roi")
    assert {row for row, cell in cells.items() if cell.value is not None} == {*five, "Avg."}
    assert f"The average of aulens is over 5 AUs: {', '.join(five)}." in paper.notes


def test_an_au_that_some_runs_do_not_code_is_not_called_absent() -> None:
    runs = study({"roi": 0.8}, seeds=1)
    runs[1] = not_coding(runs[1], 2)
    comparison = compare(runs, decide="papers", bootstrap=20)
    assert comparison.notes == ("roi: not coded in some runs (left out of the means): AU4 (1 of 3 runs).",)
    with pytest.raises(InputError, match=r"bp4d codes none of AU1, .* in any frame"):
        compare([not_coding(runs[0], *range(12))], decide="papers")


def test_the_title_counts_the_aus_that_have_a_value() -> None:
    run = simulated(dataset="clinic")
    never = {name: getattr(run, name).copy() for name in ("labels", "uncalibrated")}
    for values in never.values():
        values[:, 2] = 0
    comparison = compare([replace(run, **never)], decide="papers", bootstrap=0)
    assert own_table(comparison).title == "F1 of 11 AUs on clinic"
    assert own_table(comparison, measure="accuracy").title == "Accuracy of 12 AUs on clinic"


def test_the_note_on_the_spread_counts_the_seeds_behind_it() -> None:
    runs = study({"roi": 0.8, "roi_gcn": 0.8}, seeds=3)
    whole = own_table(compare(runs, decide="papers", bootstrap=20))
    assert "After ±: standard deviation over 3 seeds." in whole.notes
    left = [run for run in runs if run.key != ("roi_gcn", "3", 2)]
    some = own_table(compare(left, decide="papers", bootstrap=20))
    assert "After ±: standard deviation over the seeds that have all folds: roi 3, roi_gcn 2." in some.notes


def test_paper_b_s_table_says_of_which_aus_ours_are() -> None:
    few = AUSet("few", AFFWILD2.numbers[:3])
    for aus, said in ((few, True), (AFFWILD2, False)):
        run = simulated("jaa_gcn", "", aus=aus, dataset="affwild2")
        notes = make_table(load("B1"), compare([run], decide="papers", bootstrap=20)).notes
        assert any(note.startswith("The average of aulens is over 3 AUs: ") for note in notes) == said


def test_undefined_numbers_are_no_best() -> None:
    run = simulated()
    nothing = np.zeros_like(run.uncalibrated)
    run = replace(run, labels=nothing.astype(np.int8), uncalibrated=nothing)
    table = make_table(load("A1"), compare([run], decide="papers", bootstrap=20))
    assert np.isnan(column(table, "roi")["AU1"].value)
    assert best(table, "AU1", "best") == ["Ours (paper)"]


def test_what_does_not_fit_is_refused() -> None:
    comparison = compared(folds="1", seeds=1)
    with pytest.raises(ConfigError, match="A2 is of disfa, but the study tested on bp4d"):
        make_table(load("A2"), comparison)
    with pytest.raises(ConfigError, match="no measure 'auc'; there are f1"):
        make_table(load("A1"), comparison, measure="auc")
    with pytest.raises(ConfigError, match="name a reference"):
        difference_table(compare([simulated()], decide="papers", bootstrap=0))
