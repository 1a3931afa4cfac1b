"""Tables of intensities: per run, averaged over seeds and folds, with intervals over the folds' subjects."""

from dataclasses import replace

import numpy as np
import pytest
from study_cases import simulated

from aulens.aus import AUSet
from aulens.metrics import icc
from aulens.study.formats import to_csv, to_markdown
from aulens.study.intensity import intensity_tables
from aulens.study.results import RunResult

AUS = AUSet("pair", (6, 12))


def run(variant: str, fold: str, seed: int, noise: float = 0.5) -> RunResult:
    result = simulated(variant, fold, seed, aus=AUS, subjects=5, frames=20)
    random = np.random.default_rng([len(variant), int(fold), seed])
    coded = np.where(result.labels == 1, random.integers(2, 6, result.labels.shape), 0).astype(np.float32)
    predicted = np.clip(coded + random.normal(0, noise, coded.shape), 0, 5).astype(np.float32)
    return replace(result, coded=coded, predicted=predicted)


def test_folds_count_alike_however_many_seeds_they_have() -> None:
    runs = [run("roi", "1", 0), run("roi", "1", 1), run("roi", "2", 0)]
    of_icc, of_r, of_error = intensity_tables(runs, bootstrap=0)
    assert [table.title.split(" of ")[0] for table in (of_icc, of_r, of_error)] == [
        "ICC(3,1)", "Pearson r", "Mean absolute error",
    ]  # fmt: skip
    each = [[icc(np.stack([one.coded[:, a], one.predicted[:, a]], 1)) for a in range(2)] for one in runs]
    expected = (np.mean(each[:2], axis=0) + each[2]) / 2
    cells = of_icc.methods[0].cells
    assert [cell.value for cell in cells] == pytest.approx([*expected, expected.mean()])
    assert of_icc.rows == ("AU6", "AU12", "Avg.")
    assert of_icc.subjects == 10
    error = np.mean([np.abs(one.coded - one.predicted).mean(0) for one in runs], axis=0)
    assert of_error.methods[0].cells[2].value == pytest.approx(error.mean(), rel=0.1)


def test_a_variant_that_agrees_less_has_a_lower_interval() -> None:
    table = intensity_tables([run("good", "1", 0, 0.2), run("poor", "1", 0, 3.0)], bootstrap=200)[0]
    good, poor = (method.cells[-1] for method in table.methods)
    assert poor.low < poor.value < poor.high < good.low < good.value < good.high
    assert "| AU12 |" in to_markdown(table)
    assert "ICC(3,1)" in to_csv(table)


def test_what_has_no_intensities_has_no_table() -> None:
    bare = simulated("bare", "1", 0, aus=AUS, subjects=5, frames=20)
    assert intensity_tables([bare]) == ()
    both = intensity_tables([bare, replace(run("roi", "1", 0), selected_on_test=True)], bootstrap=0)
    assert [method.title for method in both[0].methods] == ["roi"]
    assert all(cell.chosen_on_test for cell in both[0].methods[0].cells)
    uncoded = run("roi", "1", 0)
    lacking = np.where([True, False], np.nan, uncoded.predicted).astype(np.float32)
    uncoded = replace(uncoded, predicted=lacking)
    cells = intensity_tables([uncoded], bootstrap=5)[0].methods[0].cells
    assert np.isnan(cells[0].value)
    assert cells[1].value == cells[2].value
