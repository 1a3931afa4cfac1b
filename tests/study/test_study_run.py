"""A study from its data to its tables: what is missing is trained, what is there stays."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny_study import STUDY, TRAINING

from aulens.data.prepared import load_prepared
from aulens.errors import ConfigError, DatasetError
from aulens.files import write_json
from aulens.metrics import counts, f1
from aulens.study.config import load_study
from aulens.study.planning import PlannedRun, plan_runs
from aulens.study.report import describe_study, study_tables, write_tables
from aulens.study.results import RunResult
from aulens.study.runner import execute, run_study
from aulens.training.evaluation import evaluate

pytestmark = pytest.mark.slow


def load_results(runs: Iterable[PlannedRun]) -> list[RunResult]:
    return [RunResult.load(folder) for run in runs if run.finished for folder in run.results]


def test_a_study_trains_what_is_missing_and_prints_its_table(place: Path):
    study, out = load_study(place / "study.toml"), place / "out"
    runs = plan_runs(study, out, place / "own")
    assert [run.folder.relative_to(out).as_posix() for run in runs] == [
        f"runs/{variant}/fold{fold}-seed1" for fold in (1, 2) for variant in ("roi", "roi_gcn")
    ]  # fmt: skip
    assert run_study(runs[:3], out) == ()
    write_json(out / "study.json", describe_study(study, renders=True))
    # A killed study goes on: three runs stand, one is trained.
    trained = []

    def noted(run, **how):
        trained.append(run)
        execute(run, **how)

    assert len(pd.read_csv(out / "rows.csv")) == 3
    assert "missing: fold 2 seed 1" in "".join(write_tables(study_tables(out, bootstrap=20), "markdown"))
    run_study(runs, out, execute=noted)
    assert trained == [runs[3]]

    # Whoever trained, or chose, is not tested.
    with pytest.raises(ConfigError, match=r"\d of the 3 subjects to be tested trained tiny/roi .*own/"):
        evaluate(runs[0].folder, fold=2, progress=False)
    again = evaluate(runs[0].folder, fold=1, bootstrap=0, progress=False)
    assert json.loads((runs[0].folder / "facts.json").read_text())["data"]["people"]["val"]
    assert again.subjects == 3

    data = load_prepared(place / "own", load_results(runs)[0].aus)
    for result in load_results(runs):
        # Everybody of the tested part, and nobody else.
        assert {name.split("/")[-1] for name in result.subjects} == set(
            data.subject[data.part == result.fold]
        )
        assert not result.selected_on_test
    rows = pd.read_csv(out / "rows.csv")
    assert rows["variant"].tolist() == ["roi", "roi_gcn"] * 2
    assert (rows["frames"] == 18).all()
    first = RunResult.load(runs[0].results[0])
    assert rows["f1_calibrated"][0] == pytest.approx(np.nanmean(f1(counts(first.labels, first.decisions))))

    own, difference = study_tables(out, bootstrap=20)
    expected = np.mean(
        [np.nanmean(f1(counts(r.labels, r.decisions))) for r in load_results(runs) if r.variant == "roi_gcn"]
    )
    assert own.methods[1].cells[-1].value == pytest.approx(100 * expected)
    assert difference.signed
    assert any("can't be compared" in note for note in own.notes)
    with pytest.raises(ConfigError, match="Table A1 is of bp4d"):
        study_tables(out, ["A1"])


def test_across_data_sets_all_of_the_other_is_tested(place: Path):
    text = STUDY.format(dataset="own").replace("folds = [1, 2]", 'folds = [0]\ntested = "other"')
    (place / "across.toml").write_text(text.partition("[variants.roi_gcn]")[0])
    study, out = load_study(place / "across.toml"), place / "across"
    with pytest.raises(ConfigError, match=r"is of own, but .* holds other"):
        plan_runs(study, out, place / "other", place / "other")
    with pytest.raises(ConfigError, match="tests on other: give its prepared folder"):
        plan_runs(study, out, place / "own")
    with pytest.raises(ConfigError, match=r"tests on its own data set, but .*other was given"):
        plan_runs(load_study(place / "study.toml"), out, place / "own", place / "other")
    runs = plan_runs(study, out, place / "own", place / "other")
    assert run_study(runs, out) == ()
    (result,) = load_results(runs)
    assert (result.dataset, result.trained_on, len(result.labels)) == ("other", "own", 54)


def test_choosing_on_the_test_marks_every_number(place: Path):
    study = load_study(place / "study.toml", ["data.select_on_test=true"])
    out = place / "chosen"
    runs = plan_runs(study, out, place / "own")[:1]
    assert run_study(runs, out) == ()
    write_json(out / "study.json", describe_study(study, renders=False))
    (result,) = load_results(runs)
    assert result.selected_on_test
    rows = pd.read_csv(out / "rows.csv")
    assert rows["selected_on_test"].all()
    # Everybody of the tested part, and nobody else; and the number is that of their decisions.
    data = load_prepared(place / "own", result.aus)
    assert {name.split("/")[-1] for name in result.subjects} == set(data.subject[data.part == result.fold])
    expected = np.nanmean(f1(counts(result.labels, result.decisions)))
    assert rows["f1_calibrated"].tolist() == [pytest.approx(expected)]
    assert "THE TEST SUBJECTS" in (runs[0].folder / "test" / "report.md").read_text()


def test_a_run_that_fails_is_told_and_the_others_are_done(place: Path):
    study, out, said = load_study(place / "study.toml"), place / "failing", []
    runs = plan_runs(study, out, place / "own")[:2]
    runs[0].folder.mkdir(parents=True)
    (runs[0].folder / "stranger.txt").touch()
    (failure,) = run_study(runs, out, say=said.append)
    assert "roi/fold1-seed1" in failure
    assert "is not empty" in failure
    assert not runs[0].finished
    assert runs[1].finished
    assert any("FAILED" in line for line in said)
    assert len(pd.read_csv(out / "rows.csv")) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("folds = [1, 2]", "folds = []"), "folds of the study must name at least one"),
        (("seeds = [1]", "seeds = [1, 1]"), "none twice"),
        (('reference = "roi"', 'reference = "toi"'), "reference of the study must be one of roi, roi_gcn"),
        (('decide = "calibrated"', 'decide = "best"'), "papers, calibrated, found 'best'"),
        (("folds = [1, 2]", 'tested = "other"'), r"write folds = \[0\]"),
        (("seeds", "seed"), "Unknown key 'seed'.*'seeds'"),
        (("folds = [1, 2]", 'folds = ["1"]'), r"'folds\.0' must be a whole number, found '1'"),
        (('config = "training.toml"\n', ""), "lacks the entry 'config'"),
        (
            ("[set]", '[prepare]\nsize = "big"\n[set]'),
            r"study\.toml: 'prepare\.size' must be a whole number of at least 32, found 'big'",
        ),
        (("[set]", "[prepare]\nsise = 96\n[set]"), "Unknown key 'prepare.sise'.*mean 'size'"),
        (("[variants.roi_gcn]", '[variants.one]\nstage1_of = "roi"\n"seed" = 1'), "decides its settings"),
        (("name =", "name"), "not valid TOML"),
        (('name = "tiny"', 'name = ""'), "'name' must be a text that is not empty"),
        (("[set]", "[set]\nseed = 7"), r"seed can't be set here: the seeds are the study's; change seeds = "),
        (("[set]", "[set.data]\nfold = 3\n[set]"), r"data\.fold can't be set here: the folds are"),
        (("[variants.roi_gcn]", '[variants."../evil"]'), r"letters, digits, _ - and \. only.*'\.\./evil'"),
        (
            ("[variants.roi_gcn]", '[variants.one]\nstage1_of = "one"'),
            "'one' has stage1_of = 'one', which is",
        ),
        (("seeds = [1]", 'seeds = [1]\ntables = ["B1"]'), "B1 is of affwild2, but the study tests on own"),
    ],
)
def test_a_wrong_study_says_what_is_wrong(place: Path, tmp_path: Path, change, message):
    (tmp_path / "study.toml").write_text(STUDY.format(dataset="own").replace(*change))
    with pytest.raises(ConfigError, match=message):
        load_study(tmp_path / "study.toml")


def test_settings_may_be_tables_of_toml(place: Path, tmp_path: Path):
    text = STUDY.format(dataset="own").replace("[set]", "[set.train]\nepochs = 7\n[set]")
    (tmp_path / "study.toml").write_text(text)
    (tmp_path / "training.toml").write_text(TRAINING)
    study = load_study(tmp_path / "study.toml")
    assert study.training(study.variants[0], 1, 1, place / "own").train.epochs == 7
    assert load_study(tmp_path / "study.toml", ["train.epochs=8"]).set["train.epochs"] == 8


def test_a_first_stage_of_a_network_with_one_stage_is_refused(place: Path, tmp_path: Path):
    (tmp_path / "training.toml").write_text(TRAINING)
    text = STUDY.format(dataset="own").replace("[variants.roi_gcn]", '[variants.one]\nstage1_of = "roi"')
    (tmp_path / "study.toml").write_text(text)
    with pytest.raises(ConfigError, match="one is to be the first stage of roi, which has only one"):
        plan_runs(load_study(tmp_path / "study.toml"), tmp_path, place / "own")


def test_no_study_and_no_run_say_so(place: Path, tmp_path: Path):
    with pytest.raises(DatasetError, match="is no study"):
        study_tables(tmp_path)
    write_json(tmp_path / "study.json", describe_study(load_study(place / "study.toml"), renders=False))
    with pytest.raises(DatasetError, match=r"No run of .* is finished yet"):
        study_tables(tmp_path)
