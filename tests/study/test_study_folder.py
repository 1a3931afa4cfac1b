"""A study's folder over time: settings, data and seeds that change, several that work in it, what fails."""

import csv
import io
import json
import os
import pickle
import re
import shutil
import signal
import threading
import time
from dataclasses import replace
from multiprocessing import active_children, get_context
from pathlib import Path

import pandas as pd
import pytest
from tiny_study import finish

from aulens.errors import ConfigError, DatasetError
from aulens.files import write_json
from aulens.locks import hold
from aulens.study import rows as rows_of
from aulens.study.config import load_study
from aulens.study.planning import plan_runs
from aulens.study.report import describe_study, study_tables, write_tables
from aulens.study.results import RunResult
from aulens.study.runner import run_study

pytestmark = pytest.mark.slow


@pytest.fixture
def plan(place: Path, tmp_path: Path):
    """Plan the runs of the study, with settings and with other prepared data."""

    def planned(*settings: str, data: str = "own"):
        return plan_runs(load_study(place / "study.toml", settings), tmp_path, place / data)

    return planned


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("train.epochs=3", r"roi/fold1-seed1 is finished.*train\.epochs was 1, is 3\. Give"),
        ("data.select_on_test=true", r"data\.select_on_test was False, is True"),
        ("model.crop=40", r"model\.crop was 32, is 40"),
        ("train.start=other.safetensors", r"train\.start was not given, is 'other\.safetensors'"),
    ],
)
def test_a_finished_run_of_other_settings_is_refused(plan, setting: str, message: str):
    finish(plan()[0])
    assert [run.finished for run in plan()] == [True, False, False, False]
    assert plan("train.threads=3", "data.workers=0")[0].finished  # these change no number
    with pytest.raises(ConfigError, match=message):
        plan(setting)


def test_files_of_weights_may_lie_elsewhere(plan):
    finish(plan("model.backbone_weights=/here/net.pth")[0])
    plan("model.backbone_weights=/there/net.pth")
    with pytest.raises(ConfigError, match=r"backbone_weights was 'net\.pth', is 'other\.pth'"):
        plan("model.backbone_weights=/there/other.pth")


def test_a_finished_run_of_other_data_is_refused(place: Path, plan, tmp_path: Path):
    study = load_study(place / "study.toml")
    run = plan()[0]
    finish(run)
    shutil.copytree(place / "own", tmp_path / "moved")
    plan_runs(study, tmp_path, tmp_path / "moved")
    smaller = tmp_path / "smaller"
    shutil.copytree(place / "own", smaller)
    about = json.loads((smaller / "prepared.json").read_text())
    write_json(smaller / "prepared.json", {**about, "size": 40})
    with pytest.raises(ConfigError, match=r"fold1-seed1 is finished, but on other prepared data"):
        plan_runs(study, tmp_path, smaller)


def test_results_of_an_older_version_are_taken_with_a_remark(plan, tmp_path: Path, place: Path):
    runs = plan()
    finish(runs[0])
    finish(runs[1])
    old = runs[0].results[0] / "result.json"
    old.write_text(old.read_text().replace(f'"{runs[0].data}"', '""').replace('"data": "",\n', ""))
    assert plan()[0].finished
    write_json(tmp_path / "study.json", describe_study(load_study(place / "study.toml"), renders=False))
    notes = " ".join(study_tables(tmp_path, bootstrap=0)[0].notes)
    assert "1 of 2 results do not say which data they are of" in notes


@pytest.mark.parametrize("text", ["", '{"name": ', "[]", '{"variants": ["roi"]}'])
def test_a_damaged_study_says_so(tmp_path: Path, text: str):
    (tmp_path / "study.json").write_text(text)
    with pytest.raises(DatasetError, match=r"study\.json is damaged.*aulens study run writes it anew"):
        study_tables(tmp_path)


def test_the_line_of_a_run_and_its_row_are_by_the_rule_of_the_study(plan, tmp_path: Path):
    run = replace(plan()[0], renders=True)
    assert run.decide == "calibrated"
    finish(run)
    result = RunResult.load(run.results[0])
    replace(result, uncalibrated=~result.decisions).save(run.results[0])
    rows_of.write_rows([run], tmp_path)
    row = pd.read_csv(tmp_path / "rows.csv").iloc[0]
    assert row["renders"]
    assert row["f1_calibrated"] != row["f1_papers"]
    assert rows_of.summary(run) == f"roi mean F1 {row['f1_calibrated']:.3f}"


def test_seeds_and_folds_taken_out_are_left_out(place: Path, tmp_path: Path):
    text = (place / "study.toml").read_text().replace("training.toml", str(place / "training.toml"))
    (tmp_path / "study.toml").write_text(text.replace("seeds = [1]", "seeds = [1, 2]"))
    for run in plan_runs(load_study(tmp_path / "study.toml"), tmp_path, place / "own"):
        finish(run)

    def shown(text: str):
        (tmp_path / "study.toml").write_text(text)
        write_json(tmp_path / "study.json", describe_study(load_study(tmp_path / "study.toml"), False))
        table = study_tables(tmp_path, bootstrap=0)[0]
        return table.methods[0].cells[-1], " ".join(table.notes)

    both, _ = shown(text.replace("seeds = [1]", "seeds = [1, 2]"))
    one, notes = shown(text)
    assert both.value != one.value
    assert both.spread > 0
    assert not one.spread > 0
    assert "Left out: 4 results" in notes
    assert "Left out: 6 results" in shown(text.replace("folds = [1, 2]", "folds = [2]"))[1]
    with pytest.raises(DatasetError, match=r"holds 8 results, but none of a variant, fold and seed"):
        shown(text.replace("seeds = [1]", "seeds = [9]"))


def test_what_fails_for_any_reason_is_told_and_the_others_are_done(plan, tmp_path: Path):
    """torch tells of a full graphics card by a RuntimeError, a disk by an OSError."""
    errors = {"roi/fold1-seed1": RuntimeError("CUDA out of memory"), "roi/fold2-seed1": OSError(28, "full")}

    def execute(run, **_):
        if run.name in errors:
            raise errors[run.name]
        finish(run)

    failures = run_study(plan(), tmp_path, execute=execute)
    assert failures == (
        "roi/fold1-seed1: RuntimeError: CUDA out of memory",
        f"roi/fold2-seed1: {tmp_path / 'runs/roi/fold2-seed1'} can't be written (No space left on device). "
        "What was done so far is kept there where it could be; make room or mend that, and the same command "
        "goes on.",
    )
    assert [run.finished for run in plan()] == [False, True, False, True]


def die_at_roi(run, **_):
    """Stands for `execute` in a process that the system kills."""
    if run.name.startswith("roi/"):
        os.kill(os.getpid(), signal.SIGKILL)
    finish(run)


def test_a_process_that_dies_takes_no_other_run_with_it(plan, tmp_path: Path):
    failures = run_study(plan(), tmp_path, jobs=2, execute=die_at_roi)
    assert {failure.partition(":")[0] for failure in failures} == {"roi/fold1-seed1", "roi/fold2-seed1"}
    assert all("A training process died (out of memory?)" in failure for failure in failures)
    assert [run.finished for run in plan()] == [False, True, False, True]


def go_on_for_ever(run, **_):
    run.folder.mkdir(parents=True, exist_ok=True)
    (run.folder / "begun").touch()
    time.sleep(600)


def test_a_stop_ends_runs_in_processes_too(plan, tmp_path: Path):
    """A signal that comes to this process alone, as SIGTERM does."""
    runs = plan()

    def stop():
        while not (runs[0].folder / "begun").exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=stop, daemon=True).start()
    other = get_context("spawn").Process(target=time.sleep, args=(600,))
    other.start()
    with pytest.raises(KeyboardInterrupt):
        run_study(runs, tmp_path, jobs=2, execute=go_on_for_ever)
    assert active_children() == [other]  # which the study did not start
    other.kill()
    assert not any(run.finished for run in runs)


def test_what_can_not_be_sent_to_a_process_is_raised(plan, tmp_path: Path):
    with pytest.raises((AttributeError, pickle.PicklingError), match="pickle"):
        run_study(plan(), tmp_path, jobs=2, execute=lambda run, **_: None)


def test_a_run_that_another_process_has_is_left_to_it(plan, tmp_path: Path):
    runs, said = plan(), []
    with hold(runs[1].folder / ".study.lock", "It"):
        assert run_study(runs, tmp_path, say=said.append, execute=finish) == ()
    assert [run.finished for run in runs] == [True, False, True, True]
    assert any("roi_gcn/fold1-seed1 left out: " in line and "is in use by process" in line for line in said)
    assert run_study(runs, tmp_path, execute=finish) == ()
    assert runs[1].finished


def test_a_run_that_was_ended_meanwhile_is_not_done_again(plan, tmp_path: Path):
    """By another process, between the count of what is missing and the turn of this run."""
    runs, done, said = plan(), [], []

    def execute(run, **_):
        done.append(run.name)
        for one in runs[:2]:
            finish(one)

    run_study(runs[:2], tmp_path, say=said.append, execute=execute)
    assert done == ["roi/fold1-seed1"]
    assert said[-1] == "roi_gcn/fold1-seed1 left out: another process has finished it meanwhile."


def test_shares_are_disjoint_and_the_rows_are_of_all(plan, tmp_path: Path):
    done: list[str] = []

    def execute(run, **_):
        done.append(run.name)
        finish(run)

    runs = plan()
    run_study(runs, tmp_path, share=(1, 2), execute=execute)
    assert done == [runs[0].name, runs[2].name]
    run_study(runs, tmp_path, share=(2, 2), execute=execute)
    assert done == [runs[i].name for i in (0, 2, 1, 3)]
    assert pd.read_csv(tmp_path / "rows.csv")["run"].tolist() == [run.name for run in runs]


def test_rows_of_another_process_are_not_overwritten(plan, tmp_path: Path):
    """It ends a run, and writes its row, after this one has looked which are finished."""
    runs = plan()
    finish(runs[0])

    class Late(list):
        """The second run is finished once all have been gone through twice."""

        passes = 0

        def __iter__(self):
            self.passes += 1
            if self.passes == 3:
                finish(runs[1])
            return super().__iter__()

    rows_of.write_rows(Late(runs), tmp_path)
    assert len(pd.read_csv(tmp_path / "rows.csv")) == 2


@pytest.fixture
def half_chosen(place: Path, tmp_path: Path):
    """A study one of whose two variants is chosen on the test; what was said while it ran."""
    text = (place / "study.toml").read_text().replace("training.toml", str(place / "training.toml"))
    text = text.replace("[variants.roi]", '[variants.roi]\n"data.select_on_test" = true')
    (tmp_path / "study.toml").write_text(text)
    study, said = load_study(tmp_path / "study.toml"), []
    run_study(plan_runs(study, tmp_path, place / "own"), tmp_path, say=said.append, execute=finish)
    write_json(tmp_path / "study.json", describe_study(study, renders=False))
    return tmp_path, said


def test_what_was_chosen_on_the_test_is_marked_while_it_runs(half_chosen):
    out, said = half_chosen
    told = [line for line in said if "mean F1" in line]
    assert len(told) == 4
    assert all(("†" in line) == ("roi/" in line) for line in told)
    rows = pd.read_csv(out / "rows.csv")
    assert (rows["selected_on_test"] == (rows["variant"] == "roi")).all()


def test_what_was_chosen_on_the_test_is_marked_at_every_number(half_chosen):
    """And no other number is; a difference is marked if either side of it was."""
    own, difference = study_tables(half_chosen[0], bootstrap=0)
    for table, marked in ((own, {"roi"}), (difference, {"roi_gcn"})):
        lines = list(csv.DictReader(io.StringIO("".join(write_tables([table], "csv")))))
        assert len(lines) == 4 * len(table.methods)
        assert all((line["chosen_on_test"] == "1") == (line["method"] in marked) for line in lines)
        for format, mark, between in (("markdown", "†", "|"), ("latex", r"\dagger", "&")):
            (text,) = write_tables([table], format)
            rows = [line for line in text.splitlines() if re.match(r"(\| )?(AU\d+|Avg\.) ", line)]
            assert len(rows) == 4
            for row in rows:
                cells = row.strip("| ").split(between)[1:]
                assert [mark in cell for cell in cells] == [m.title in marked for m in table.methods], row
        (text,) = write_tables([replace(table, notes=())], "terminal")
        assert text.count("†") == (4 + 1) * len(marked)  # its head too
