"""A face detector that aulens does not know: the class and its entry are all that is written, in this file.

A package adds it by two lines of its pyproject.toml:

    [project.entry-points."aulens.detectors"]
    toy = "test_toy_detector:TOY"
"""

import csv
import importlib.util
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aulens.faces.detector import Face
from aulens.faces.registry import DetectorEntry
from command_line import aulens
from entries import install
from patch_people import patch_frame, write_people
from served_app import table_of
from synthetic_faces import face68


class ToyDetector:
    """Finds one face: what is red, with the landmarks of a mean face in its box."""

    def __call__(self, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        ys, xs = np.nonzero((image[..., 0] > 170) & (image[..., 2] < 90))
        if len(xs) < 100:
            return ()
        box = np.array([xs.min(), ys.min(), xs.max(), ys.max()], float)
        points = face68()
        share = (points - points.min(axis=0)) / np.ptp(points, axis=0)
        return (Face(box, box[:2] + share * (box[2:] - box[:2])),)

    def __repr__(self) -> str:
        return "ToyDetector(170, 90)"  # decides which faces it finds: kept with what is made of them


TOY = DetectorEntry(lambda spec: ToyDetector())

# ------------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, tmp_path / "site", __name__, {"aulens.detectors": f"toy = {__name__}:TOY"})


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "red.png"
    Image.fromarray(patch_frame({"red": (30, 20), "blue": (100, 30)})).save(path)
    return path


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_detect_and_report(picture: Path, model: Path, tmp_path: Path) -> None:
    done = aulens("detect", picture, "--model", model, "--detector", "toy", "--format", "csv")
    (row,) = rows(done.out)  # it misses the blue one
    assert (float(row["box_x"]), float(row["box_y"])) == (30, 20)
    video, out = write_people(tmp_path / "talk.mp4", 6), tmp_path / "out"
    assert aulens("report", video, "--out", out, "--model", model, "--detector", "toy").code == 0
    assert {row["success"] for row in rows((out / "talk.csv").read_text())} == {"1"}
    assert (out / "talk.html").is_file()


def test_options_that_it_has_no_use_for_are_refused(picture: Path, model: Path) -> None:
    given = ["detect", picture, "--model", model, "--detector", "toy"]
    for option in (["--upscale", "2"], ["--detector-model", "toy.onnx"]):
        done = aulens(*given, *option)
        assert (done.code, option[0] in str(done.error)) == (2, True)
    done = aulens(*given[:-1], "toi")
    assert str(done.error) == "No detector is called 'toi'; there are aulens, dlib, mediapipe, toy."


class BrokenDetector:
    """Fails on what it has not seen before."""

    def __init__(self, fault: str) -> None:
        self.fault = fault

    def __call__(self, image: NDArray[np.uint8]) -> Any:
        if self.fault == "none":
            return None
        raise {"exit": SystemExit, "value": ValueError}[self.fault]("no weights")

    def detect_quickly(self, image: NDArray[np.uint8]) -> Any:
        return self(image)

    def near(self, image: NDArray[np.uint8], box: NDArray[np.float64]) -> Any:
        return self(image)


BROKEN = DetectorEntry(lambda spec: BrokenDetector(str(spec.model)), options=frozenset({"model"}))
UNMADE = DetectorEntry(lambda spec: {}["a key"])


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("value", "failed: ValueError('no weights')"),
        ("exit", "failed: SystemExit("),
        ("none", "gave None instead"),
    ],
)
def test_one_that_fails_is_named_and_the_rest_goes_on(
    picture: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, message: str
) -> None:
    install(monkeypatch, tmp_path / "site2", __name__, {"aulens.detectors": f"broken = {__name__}:BROKEN"})
    video = write_people(tmp_path / "talk.mp4", 6)
    for command in ("detect", "report"):
        inputs = [picture, video] if command == "detect" else [video]
        given = [*inputs, "--model", model, "--detector", "broken", "--detector-model", fault]
        done = aulens(command, *given, "--out", tmp_path / f"out-{command}")
        assert done.code == 1
        assert done.error is None or isinstance(done.error, SystemExit)
        assert done.err.count(f"The face detector 'broken' {message}") == len(inputs)
        assert "its package must mend that" in done.err


def test_one_that_can_not_be_made_is_named(
    picture: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, tmp_path / "site2", __name__, {"aulens.detectors": f"unmade = {__name__}:UNMADE"})
    done = aulens("detect", picture, "--model", model, "--detector", "unmade")
    assert done.code == 2
    assert str(done.error).startswith("The face detector 'unmade' failed: KeyError('a key')")


def test_prepare_and_doctor(picture: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "own.csv"
    manifest.write_text(f"path,subject,sequence,frame,AU12\n{picture},anna,a,1,1\n")
    out = tmp_path / "prepared"
    done = aulens("prepare", "manifest", manifest, out, "--detector", "toy", "--processes", "2")
    assert done.code == 0
    about = json.loads((out / "prepared.json").read_text())
    assert (about["detector"], about["found"]) == ("ToyDetector(170, 90)", {"detected": 1})
    done = aulens("doctor", "manifest", manifest, "--detector", "toy", "--json")
    assert json.loads(done.out)["dataset"] == "own"


@pytest.mark.slow
def test_the_web_page_finds_faces_with_it(picture: Path, model: Path, tmp_path: Path) -> None:
    pytest.importorskip("gradio", reason="gradio is not installed (extra: app)")
    (tmp_path / "app").mkdir()
    (row,) = table_of(tmp_path / "app", picture.read_bytes(), "--model", str(model), "--detector", "toy")
    assert (float(row["box_x"]), float(row["box_y"])) == (30, 20)  # it misses the blue one


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed (extra: cluster)")
def test_workers_of_a_ray_cluster_make_it(picture: Path, model: Path, tmp_path: Path) -> None:
    def detect(out: str, *more: str) -> list[dict[str, Any]]:
        done = subprocess.run(
            [
                sys.executable, "-m", "aulens", "detect", str(picture), "--model", str(model),
                "--detector", "toy", "--format", "csv", "--out", tmp_path / out, *more,
            ],
            capture_output=True, text=True,
            env=os.environ | {"HOME": str(tmp_path), "MPLCONFIGDIR": str(tmp_path / "matplotlib")},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return rows((tmp_path / out / "results.csv").read_text())

    assert detect("cluster", "--cluster", "--workers", "1") == detect("here")
