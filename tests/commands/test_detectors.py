"""Every command that looks for faces takes any detector, by the same options."""

from pathlib import Path

import pytest

from aulens.data.registry import DatasetEntry
from aulens.faces.detector import FaceDetector
from aulens.faces.registry import DetectorEntry, DetectorSpec
from command_line import aulens
from drawn_frames import drawn_index
from entries import replace_dataset, replace_detector

GIVEN = {"detect": ["IN/a.png"], "prepare": ["manifest", "IN", "OUT"], "doctor": ["manifest", "IN"]}


@pytest.mark.parametrize("command", ["detect", "report", "app", "prepare", "doctor", "study run", "render"])
def test_the_options_are_the_same(command: str) -> None:
    words = aulens(*command.split(), "-h").out
    for word in ("--detector", "--detector-model", "aulens", "dlib", "mediapipe"):
        assert word in words


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three frames in place of a data set."""
    drawn = drawn_index(tmp_path / "drawn", (("F001", "T1", 3),))
    replace_dataset(monkeypatch, "manifest", DatasetEntry(lambda root: drawn))
    return tmp_path


@pytest.mark.parametrize("command", ["detect", "prepare", "doctor"])
def test_what_a_detector_lacks_is_said(command: str, data: Path, model: Path) -> None:
    given = [word.replace("IN", str(data)).replace("OUT", str(data / "out")) for word in GIVEN[command]]
    more = ["--model", str(model)] if command == "detect" else []
    done = aulens(command, *given, *more, "--detector", "mediapipe")
    assert done.code == 2
    assert "needs --detector-model with the path of a face_landmarker.task" in str(done.error)


@pytest.mark.parametrize("command", ["detect", "report"])
@pytest.mark.parametrize("detector", ["dlib", "mediapipe"])
def test_a_quality_that_nobody_tells_is_refused_at_once(command: str, detector: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = aulens(command, tmp_path, "--out", out, "--detector", detector, "--min-quality", 0.5)
    assert done.code == 2
    assert f"the detector {detector} gives no quality of a face" in str(done.error)
    assert not out.exists()


ASKED: list[DetectorSpec] = []


def ask(spec: DetectorSpec) -> FaceDetector:
    ASKED.append(spec)
    return lambda image: ()


ENTRY = DetectorEntry(ask, options=frozenset({"model"}))


@pytest.mark.parametrize("command", ["detect", "prepare", "doctor"])
def test_it_reaches_the_work(command: str, data: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_detector(monkeypatch, "dlib", f"{__name__}:ENTRY")
    ASKED.clear()
    given = [word.replace("IN", str(data)).replace("OUT", str(data / "out")) for word in GIVEN[command]]
    more = ["--model", str(model)] if command == "detect" else []
    aulens(command, *given, *more, "--detector", "dlib", "--detector-model", "own.dat")
    assert {(spec.name, spec.model) for spec in ASKED} == {("dlib", Path("own.dat"))}


def test_options_are_the_same_detector_in_every_process() -> None:
    """So that a process that works on many parts makes one."""
    import pickle

    one = DetectorSpec("dlib", Path("own.dat"))
    assert hash(pickle.loads(pickle.dumps(one))) == hash(one)
    assert pickle.loads(pickle.dumps(one)) == one
