"""`aulens prepare`: options reach the work, the summary says what became of the frames."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aulens.data.index import FrameIndex, Problem
from aulens.data.registry import DATASETS, DatasetEntry
from command_line import aulens
from drawn_frames import contents, drawn_index
from entries import replace_dataset, replace_detector

FOUND = (Problem("note", "not_coded", "F001", "x"), Problem("error", "subject_leak", "F002", "is in two."))


@pytest.fixture
def index(tmp_path, monkeypatch) -> FrameIndex:
    """Four drawn frames, the third without a picture, in place of a data set."""
    drawn = drawn_index(tmp_path / "drawn", (("F001", "T1", 4),))
    media = (*drawn.media[:2], "", drawn.media[3])
    found = replace(drawn, media=media, problems=FOUND)

    def read(root: Path) -> FrameIndex:
        assert root == Path("ROOT")
        return found

    def read_listed(root: Path, lists: Path) -> FrameIndex:
        assert lists == Path("LISTS")
        return read(root).take([0, 1])

    for name in ("bp4d", "disfa"):
        replace_dataset(monkeypatch, name, DatasetEntry(read, read_listed))
    return found


def rows(text: str) -> dict[str, str]:
    pairs = (line.split() for line in text.splitlines())
    return {pair[0]: pair[1] for pair in pairs if len(pair) > 1}


def test_a_summary(index, tmp_path):
    out = tmp_path / "out"
    done = aulens("prepare", "bp4d", "ROOT", out, "--size", 64, "--margin", 0.5, "--processes", 1)
    assert done.code == 0
    table = rows(done.out)
    assert (table["frames"], table["stored"], table["given"]) == ("4", "3", "3")
    assert (table["missing"], table["missing_picture"]) == ("1", "1")
    assert "there is no such picture" in done.out
    assert "of CPU time" in next(line for line in done.out.splitlines() if "frames/s per core" in line)
    assert "2 remarks on these data; see aulens doctor" in done.err
    assert "F002: is in two." in done.err
    assert "F001" not in done.err
    assert '"margin": 0.5' in (out / "prepared.json").read_text()
    before = contents(out)
    again = aulens("prepare", "bp4d", "ROOT", out, "--size", 64, "--margin", 0.5)
    assert "all of it was done before" in again.out
    assert contents(out) == before
    other = aulens("prepare", "bp4d", "ROOT", out, "--size", 80)
    assert other.code == 2
    assert "begun with size = 64" in str(other.error)


def test_options_reach_the_data_set_and_the_settings(index, tmp_path):
    done = aulens(
        "prepare", "disfa", "ROOT", tmp_path / "out", "--lists", "LISTS", "--size", 48, "--quality", 80,
        "--landmarks", "given", "--processes", 1,
    )  # fmt: skip
    assert done.code == 0
    assert rows(done.out)["frames"] == "2"
    about = (tmp_path / "out" / "prepared.json").read_text()
    assert '"quality": 80' in about
    assert '"landmarks": "given"' in about


def test_no_face_at_all_is_a_failure(index, tmp_path, monkeypatch):
    replace_dataset(monkeypatch, "bp4d", DatasetEntry(lambda root: replace(index, media=("",) * 4)))
    done = aulens("prepare", "bp4d", "ROOT", tmp_path / "out", "--processes", 1)
    assert done.code == 1
    assert rows(done.out)["missing_picture"] == "4"
    assert "No face was stored: of 4 of 4 frames, there is no such picture. See whether" in done.err
    assert f"Then delete {tmp_path / 'out'} and prepare again." in done.err


@pytest.mark.parametrize("command", ["prepare", "doctor"])
def test_the_help_names_all_data_sets(command):
    words = aulens(command, "-h").out.replace("\u2502", " ").split()
    assert {word.strip(",.") for word in words} >= set(DATASETS.names())


def test_twins_of_two_splits_are_refused_or_said(tmp_path, monkeypatch):
    drawn = drawn_index(tmp_path / "drawn", (("F001", "T1", 1), ("M001", "T1", 1)))
    alike = replace(drawn, media=(drawn.media[0],) * 2, part=np.array(["train", "test"]))
    replace_dataset(monkeypatch, "manifest", DatasetEntry(lambda root: alike))
    given = ("prepare", "manifest", "ROOT", tmp_path / "out", "--size", 64, "--processes", 1)
    done = aulens(*given)
    assert done.code == 2
    assert "F001/T1/100 (train) and M001/T1/100 (test)" in str(done.error)
    done = aulens(*given, "--allow-near-duplicates")
    assert done.code == 0
    assert rows(done.out)["near-duplicates"] == "1"
    assert rows(aulens(*given).out)["near-duplicates"] == "1"  # as the finished folder says


def test_an_interrupt_is_one_sentence(index, tmp_path, monkeypatch):
    replace_detector(monkeypatch, "aulens", "killed:CTRL_C")
    done = aulens("prepare", "bp4d", "ROOT", tmp_path / "out", "--landmarks", "detect", "--processes", 1)
    assert done.code == 130
    assert done.err.splitlines()[-1] == "Stopped; the same command goes on."


def test_an_unknown_data_set_is_said(tmp_path):
    done = aulens("prepare", "bp5d", tmp_path, tmp_path / "out")
    assert done.code == 2
    assert "No data set is called 'bp5d'; there are bp4d, disfa" in str(done.error)
    assert not (tmp_path / "out").exists()
