"""`aulens explain`: layers of a network over a face, as figure and page."""

import os
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from aulens.errors import InputError
from aulens.evidence.draw import chosen_aus, draw_aus, explain_page, write_explanation
from aulens.evidence.explain import explain
from aulens.faces.detector import Face
from aulens.roi import decode, side_scores
from aulens.runtime.card import read_card
from aulens.training.calibration import read_calibration
from aulens.training.run_folder import RunFolder
from command_line import aulens
from made_runs import make_run
from patch_people import patch_frame, write_people
from stub_jaa import write_jaa_stub
from synthetic_faces import face68


class OneFace:
    """A detector that sees one face in each picture."""

    def __call__(self, image):
        points = face68() * 70 + np.array(image.shape[1::-1]) / 2
        low, high = points.min(0), points.max(0)
        return (Face(box=np.concatenate([low, high]), landmarks=points, confidence=1.0),)


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 255, (200, 220, 3)).astype(np.uint8)


def test_an_exported_models_maps_are_those_of_its_file(picture, model):
    found = explain(picture, model, detector=OneFace())
    session = onnxruntime.InferenceSession(str(model.with_suffix(".onnx")))
    image = found.crop.transpose(2, 0, 1)[None].astype(np.float32) / 255
    np.testing.assert_allclose(found.maps, session.run(["maps"], {"image": image})[0][0], atol=1e-6)
    assert found.lacks
    assert found.regions.shape == (4, 2, 4)
    # Probabilities are those of what lies in the regions that are told.
    scores = side_scores(decode(found.maps, found.regions), found.aus).max(-1)
    slope, offset = np.array(read_card(model).platt).T
    expected = 1 / (1 + np.exp(-(slope * scores + offset)))
    np.testing.assert_allclose([found.probability[label] for label in found.aus.labels], expected, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variant", "layers"),
    [
        ("roi", {"x0"}),
        ("roi_gcn", {"x0", "x1", "eigenvectors"}),
        ("roi_gcn_supervised", {"x0", "x1", "au_eigenvectors"}),
    ],
)
def test_a_run_gives_the_layers_of_its_network(picture, faces, tmp_path, variant, layers):
    found = explain(picture, make_run(faces, tmp_path / "run", variant), detector=OneFace())
    every = ("x0", "x1", "eigenvectors", "au_eigenvectors", "initial_attention")
    assert {name for name in every if getattr(found, name) is not None} == layers
    assert found.maps.shape == (3, 16, 16)
    assert not found.lacks
    calibration = read_calibration(RunFolder(tmp_path / "run").calibration, found.aus)
    expected = calibration.probability(side_scores(decode(found.maps, found.regions), found.aus).max(-1))
    np.testing.assert_allclose([found.probability[label] for label in found.aus.labels], expected, atol=1e-5)
    if variant == "roi_gcn_supervised":
        assert found.au_eigenvectors.min() >= 0
        names = {path.name for path in write_explanation(found, tmp_path / "out", "me")}
        assert names == {"me.explain.html", "me.explain.pdf", "me.explain.png"}


def test_attention_is_drawn_as_such_with_the_models_own_landmarks(picture, tmp_path):
    found = explain(picture, write_jaa_stub(tmp_path, landmarks="typical"), detector=OneFace())
    assert found.attention
    assert found.landmarks.shape == (49, 2)
    assert found.regions is None
    assert {label: set(drawn) for label, drawn in draw_aus(found, ["AU6"]).items()} == {"AU6": {"attention"}}


def test_present_aus_come_first_but_in_the_models_order(picture, model):
    found = explain(picture, model, detector=OneFace())
    ranked = sorted(found.aus.labels, key=lambda a: (not found.occurrence[a], -found.probability[a]))
    assert set(chosen_aus(found, 2)) == set(ranked[:2])
    assert list(chosen_aus(found)) == list(found.aus.labels)


def test_a_page_escapes_its_title_and_loads_nothing(picture, model):
    page = explain_page(explain(picture, model, detector=OneFace()), "<script>alert(1)</script>")
    assert "A stub for tests" in page  # what its card says of it
    assert "<script>alert" not in page
    assert "Content-Security-Policy" in page
    assert "http" not in page.replace("http-equiv", "")
    assert "aulens export RUN --inner" in page


@pytest.mark.parametrize("face", [1, -1])
def test_a_face_that_is_not_there_is_said(picture, model, face):
    with pytest.raises(InputError, match=f"no face {face} in this picture: 1 face found, counted from 0"):
        explain(picture, model, face=face, detector=OneFace())


def test_a_picture_without_a_face_is_said(model, tmp_path, patches_for_faces):
    Image.new("RGB", (64, 64)).save(tmp_path / "none.png")
    done = aulens("explain", tmp_path / "none.png", "--model", model, "--out", tmp_path)
    assert str(done.error) == f"{tmp_path / 'none.png'}: no face was found in this picture"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such names")
def test_a_name_that_is_not_utf_8_is_written_out(model, tmp_path, patches_for_faces):
    face = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png"))
    Image.fromarray(patch_frame({"red": (20, 20)})).save(tmp_path / "me.png")
    (tmp_path / "me.png").rename(face)
    done = aulens("explain", face, "--model", model, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert all(Path(line).is_file() and line.isascii() for line in done.out.splitlines())


def test_the_command_explains_a_picture_or_a_moment_of_a_video(model, tmp_path, patches_for_faces):
    people = {"red": (20, 20), "blue": (90, 30)}
    Image.fromarray(patch_frame(people)).save(tmp_path / "me.png")
    done = aulens("explain", tmp_path / "me.png", "--model", model, "--out", tmp_path / "out", "--face", 1)
    assert done.code == 0, done.err
    written = [Path(line) for line in done.out.splitlines()]
    assert [path.name for path in written] == [f"me.face1.explain.{end}" for end in ("html", "pdf", "png")]
    assert all(path.stat().st_size > 1000 for path in written)

    again = aulens("explain", tmp_path / "me.png", "--model", model, "--out", tmp_path / "out", "--face", 1)
    assert Path(again.out.splitlines()[0]).name == "me.face1-2.explain.html"  # nothing is written over
    assert "is a file" in str(aulens("explain", tmp_path / "me.png", "--out", tmp_path / "me.png").error)

    film = write_people(tmp_path / "film.mp4", 6, lambda frame: people)
    assert aulens("explain", film, "--model", model, "--out", tmp_path, "--at", "0:00.0").code == 0
    assert (tmp_path / "film.0-00.0.explain.html").is_file()
    late = aulens("explain", film, "--model", model, "--out", tmp_path, "--at", "9:00")
    assert late.code == 2
    assert "--at is for videos" in str(aulens("explain", tmp_path / "me.png", "--at", "1").error)


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["roi_gcn_supervised", "pooled"])
def test_a_file_with_inner_layers_explains_what_its_run_does(picture, faces, tmp_path, variant):
    run = make_run(faces, tmp_path / "run", variant)
    done = aulens("export", run, "--out", tmp_path, "--name", "inner", "--inner")
    assert done.code == 0, done.err
    exported = explain(picture, tmp_path / "inner.json", detector=OneFace())
    trained = explain(picture, run, detector=OneFace())
    assert exported.probability == pytest.approx(trained.probability, abs=1e-3)
    assert not exported.lacks
    for layer in ("maps", "x0", "x1", "au_eigenvectors"):
        here, there = getattr(exported, layer), getattr(trained, layer)
        assert (here is None) == (there is None)
        if here is not None:
            np.testing.assert_allclose(here, there, atol=2e-3)
