"""`aulens study run`: from the folder that a user gives to the table, the trainings left out."""

import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from tiny_study import finish

from aulens.errors import ConfigError
from aulens.study import runner
from aulens.study.checks import check_settings
from aulens.study.config import load_study
from aulens.study.runner import run_study
from command_line import aulens

pytestmark = pytest.mark.slow

STUDIES = Path(__file__).resolve().parents[2] / "configs" / "studies"


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "run_study", partial(run_study, execute=finish))


@pytest.fixture
def study(place: Path, tmp_path: Path):
    """Write a study file that differs in something; return its path."""

    def write(*changes: tuple[str, str]) -> Path:
        text = (place / "study.toml").read_text().replace("training.toml", str(place / "training.toml"))
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "study.toml").write_text(text)
        return tmp_path / "study.toml"

    return write


MANIFEST = ('dataset = "own"', 'dataset = "own"\nreader = "manifest"')
SMALL = ("[set]", "[prepare]\nsize = 48\n[set]")


def test_prepared_data_and_a_new_folder(place: Path, study, tmp_path: Path, untrained: None):
    out = tmp_path / "new" / "out"
    command = ["study", "run", study(), "--data", place / "own", "--out", out]
    done = aulens(*command)
    assert done.code == 0, done.error
    assert "F1 of 3 AUs on own" in done.out
    assert len(pd.read_csv(out / "rows.csv")) == 4
    again = aulens(*command)
    assert "4 runs, 4 of them finished before." in again.err
    assert again.out == done.out
    other = aulens(*command, "--set", "train.epochs=3")
    assert other.code == 2
    assert "train.epochs was 1, is 3" in str(other.error)
    assert aulens("study", "table", out).out == done.out


def test_a_table_of_ones_own_as_delivered(place: Path, study, tmp_path: Path, untrained: None):
    out, root = tmp_path / "out", place / "own.csv"
    command = ["study", "run", study(MANIFEST, SMALL), "--root", root, "--out", out, "--despite-doctor"]
    done = aulens(*command)
    assert done.code == 0, done.error
    assert "own: 54 coded frames; the doctor found" in done.err
    assert "54 of 54 faces prepared" in done.err
    again = aulens(*command)
    assert again.out == done.out
    assert "the doctor found" not in again.err
    assert "54 of 54 faces prepared before" in again.err
    # With the table at hand or not: other settings than those of the prepared data are not passed over.
    study(MANIFEST, ("[set]", "[prepare]\nsize = 64\n[set]"))
    for given in (
        command,
        [*command[:3], "--out", out],
        [*command[:3], "--out", out, "--data", out / "data"],
    ):
        refused = aulens(*given)
        assert refused.code == 2
        assert "size = 48" in str(refused.error)
    # Nor are other labels.
    study(MANIFEST, SMALL)
    table = pd.read_csv(root, dtype=str)
    (tmp_path / "changed").mkdir()
    table.drop(0).to_csv(tmp_path / "changed" / "own.csv", index=False)
    command[4] = tmp_path / "changed" / "own.csv"
    assert "other data: 54 frames then, 53 now" in str(aulens(*command).error)


@pytest.mark.parametrize(
    ("changes", "arguments", "message"),
    [
        ([], [], "No data set is called 'own'.*reader = \"manifest\""),
        (
            [('dataset = "own"', 'dataset = "manifest"')],
            [],
            'study is of manifest, but .* holds own.*dataset = "own" and reader = "manifest"',
        ),
        ([MANIFEST], ["--lists", "lists"], "There are no lists for manifest"),
        (
            [('dataset = "own"', 'dataset = "own"\nreader = "table"')],
            [],
            "reader of the study must be one of",
        ),
    ],
)
def test_a_wrong_name_is_said_before_anything_is_prepared(
    place: Path, study, tmp_path: Path, changes: list, arguments: list, message: str
):
    out = tmp_path / "out"
    done = aulens("study", "run", study(*changes), "--root", place / "own.csv", "--out", out, *arguments)
    assert done.code == 2
    with pytest.raises(type(done.error), match=message):
        raise done.error
    assert not out.exists()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("train.epoch=3", "Variant roi: Unknown key 'train.epoch'.*'epochs'"),
        ("model.backbone_weights=none.pth", "Variant roi: model.backbone_weights: there is no file none.pth"),
        ("model.backbone_weights=", "model.backbone_weights is empty: name a file, or leave it out"),
        ("model.aus=foo", "Variant roi: .*'foo'"),
        ("model.aus=[1, 2, 99]", r"unknown AUs \[99\]"),
        ("model.aus=[1, 1]", r"AUs \[1\] more than once"),
        ("model.crop=7", "Variant roi: .model.crop. must be a whole number of at least 32, pixels of a face"),
    ],
)
def test_a_setting_is_checked_before_the_doctor_looks_at_the_data(
    place: Path, study, tmp_path: Path, setting: str, message: str
):
    out = tmp_path / "out"
    done = aulens(
        "study", "run", study(MANIFEST), "--root", place / "own.csv", "--out", out, "--set", setting
    )
    assert done.code == 2
    assert re.search(message, str(done.error)), done.error
    assert not out.exists()


@pytest.mark.parametrize(
    ("changes", "setting", "message"),
    [
        ([("folds = [1, 2]", "folds = [1, 7]")], "", "own has no part '7' to test"),
        ([], "model.aus=[2, 1]", "AU1 is coded nowhere"),
        ([("folds = [1, 2]", "folds = [0]")], "", "own is used in folds"),
    ],
)
def test_folds_and_aus_are_checked_before_the_first_training(
    place: Path, study, tmp_path: Path, changes: list, setting: str, message: str
):
    chosen = ["--set", setting] if setting else []
    done = aulens(
        "study", "run", study(*changes), "--data", place / "own", "--out", tmp_path / "out", *chosen
    )
    assert done.code == 2
    assert re.search(message, str(done.error)), done.error
    assert not (tmp_path / "out").exists()


def test_a_published_data_set_has_its_own_folds(study, tmp_path: Path):
    written = study(('dataset = "own"', 'dataset = "bp4d"'), ("folds = [1, 2]", "folds = [0]"))
    with pytest.raises(ConfigError, match=r"BP4D has no fold 0; write folds = \[1, 2, 3\]"):
        check_settings(load_study(written), tmp_path)


@pytest.mark.parametrize("path", sorted(STUDIES.glob("*.toml")), ids=lambda path: path.stem)
def test_the_studies_that_come_with_the_package_can_be(path: Path, tmp_path: Path):
    check_settings(load_study(path), tmp_path)


def test_ctrl_c_ends_with_a_sentence(place: Path, study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def stop(run, **_):
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(runner, "run_study", partial(run_study, execute=stop))
    done = aulens("study", "run", study(), "--data", place / "own", "--out", tmp_path / "out")
    assert done.code == 130
    assert "Stopped; the same command goes on." in done.err


def test_lists_without_a_folder_to_narrow(place: Path, study, tmp_path: Path):
    done = aulens(
        "study", "run", study(), "--data", place / "own", "--lists", tmp_path, "--out", tmp_path / "out"
    )
    assert "give --root too" in str(done.error)


def test_two_in_one_folder_and_jobs(place: Path, study, tmp_path: Path):
    """Both are started at once: each run is done by one of them, and the rows are of all."""
    command = [
        sys.executable, "-m", "aulens.cli", "study", "run", study(("folds = [1, 2]", "folds = [1]")),
        "--data", place / "own", "--out", tmp_path / "out",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    both = [
        subprocess.Popen(list(map(str, command)), env=environment, stdout=-1, stderr=-1, text=True)
        for _ in range(2)
    ]
    printed, said = zip(*(process.communicate(timeout=300) for process in both), strict=True)
    assert [process.returncode for process in both] == [0, 0], said
    told = [line for text in said for line in text.splitlines() if "mean F1" in line]
    assert len(told) == 2
    assert len(pd.read_csv(tmp_path / "out" / "rows.csv")) == 2
    assert not [path for path in (tmp_path / "out").rglob(".*") if path.suffix in (".lock", ".part")]
    # Trained by the processes of one, the same comes of it.
    two = aulens(*command[3:-1], tmp_path / "two", "--jobs", 2)
    assert two.code == 0, two.err
    assert two.out in printed  # of the one that ended last, which had all
    of = [pd.read_csv(tmp_path / name / "rows.csv") for name in ("out", "two")]
    same = [name for name in of[0] if name not in ("train_seconds", "waiting_for_data", "commit")]
    pd.testing.assert_frame_equal(of[0][same], of[1][same])
