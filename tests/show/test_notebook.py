"""What notebooks show of results."""

import base64
import copy
import gc
import io
import pickle
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from frames import face, frame
from PIL import Image

from aulens.analysis.analyzer import Analyzer
from aulens.faces.detector import Face
from aulens.runtime.result import Faces
from aulens.show import draw_overlay
from face_results import result
from stub_jaa import write_jaa_stub
from stub_model import write_stub
from synthetic_faces import face68

BOX = np.array([60.0, 40, 140, 120])


def one_face(image: np.ndarray) -> tuple[Face, ...]:
    return (Face(BOX, face68() * 40 + (100, 80)),)


@pytest.fixture(scope="module")
def analyzer(tmp_path_factory: pytest.TempPathFactory) -> Analyzer:
    return Analyzer(write_stub(tmp_path_factory.mktemp("stub")), one_face)


@pytest.fixture
def picture() -> np.ndarray:
    image = np.full((160, 200, 3), 90, np.uint8)
    image[40:120, 60:140] = (200, 60, 60)
    return image


class Checker(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.images: list[np.ndarray] = []
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "img":
            self.open.append(tag)
            return
        source = dict(attrs)["src"] or ""
        kind, data = source.split(",", 1)
        assert kind in {"data:image/png;base64", "data:image/jpeg;base64"}
        self.images.append(np.array(Image.open(io.BytesIO(base64.b64decode(data)))))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_faces_are_a_tuple_and_show_the_picture(analyzer, picture):
    faces = analyzer(picture)
    assert isinstance(faces, tuple)
    assert faces == tuple(faces)
    assert hash(faces) == hash(tuple(faces))
    assert (len(faces), faces[0].face_id, type(faces[:1])) == (1, 0, tuple)
    (result,) = faces
    shown = Checker(faces._repr_html_())
    assert len(shown.images) == 1
    due = draw_overlay(picture, faces)
    assert np.abs(shown.images[0].astype(int) - due).mean() < 3
    assert "face 0" in shown.text
    assert result.present
    assert all(label in shown.text for label in result.present)


def test_a_file_is_read_again_and_may_be_gone(analyzer, picture, tmp_path, monkeypatch):
    Image.fromarray(picture).save(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    faces = analyzer("a.png")
    monkeypatch.chdir("/")
    html = faces._repr_html_()
    assert Checker(html).images[0].shape == draw_overlay(picture, faces).shape
    for again in (pickle.loads(pickle.dumps(faces)), copy.deepcopy(faces)):
        assert isinstance(again, Faces)
        assert again._repr_html_() == html
        assert again[0].probability == faces[0].probability
    # Another picture of the same name is not shown with these faces.
    Image.fromarray(picture[:100]).save(tmp_path / "a.png")
    table = faces._repr_html_()
    assert table == faces[0]._repr_html_()
    (tmp_path / "a.png").unlink()
    assert faces._repr_html_() == table


def test_no_picture_is_kept_in_memory(analyzer, picture):
    faces = analyzer(picture.copy())
    gc.collect()
    assert faces._repr_html_() == faces[0]._repr_html_()
    assert isinstance(pickle.loads(pickle.dumps(analyzer(picture))), Faces)
    assert "No face" in Faces()._repr_html_()
    assert "No face" in Faces((), picture)._repr_html_()


def test_a_face_is_a_table_with_evidence(analyzer, picture):
    (result,) = analyzer(picture)
    shown = Checker(result._repr_html_())
    assert len(shown.images) == 4
    for text in ("Lip Corner Puller", "Face 0", "80 × 80 pixels at (60, 40)", "right", "left"):
        assert text in shown.text
    order = re.findall(r"AU\d+", shown.text)
    assert order[: len(result.present)] == sorted(
        result.present, key=lambda label: -result.probability[label]
    )
    red = shown.images[order.index("AU12")].astype(int)
    cold = shown.images[order.index("AU1")].astype(int)
    assert red[28, 28, 0] > red[28, 28, 2] + 60
    assert cold[28, 28, 2] > cold[28, 28, 0] + 60


def test_a_model_without_sides_shows_none(picture, tmp_path):
    (result,) = Analyzer(write_jaa_stub(tmp_path), one_face)(picture)
    shown = Checker(result._repr_html_())
    assert "Violet" in shown.text
    for text in ("right", "left", "Right", "nan"):
        assert text not in shown.text


def test_a_frame_shows_its_picture_and_who_is_lost():
    result = frame(12, {0: {"AU12": 0.9}, 2: {}}, lost=(1,))
    shown = Checker(result._repr_html_())
    assert shown.images[0].shape == draw_overlay(result.image, result.faces).shape
    for text in ("Frame 12, 0.480 s; lost: person 1", "person 0", "AU12 L 90%", "person 2", "no Action Unit"):
        assert text in shown.text
    assert "Frame 0" in frame(0, {}, rate=None)._repr_html_()
    assert "nan" not in frame(0, {}, rate=None)._repr_html_()


def test_a_face_of_made_up_maps_is_shown():
    assert len(Checker(face(0, {"AU12": 0.9}, (120, 160))._repr_html_()).images) == 4


def test_results_do_not_load_what_draws():
    code = "import sys, aulens; aulens.FrameResult; print([m for m in sys.modules if 'aulens.show' in m])"
    environment = {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout == "[]\n"


def test_lips_have_no_sides():
    shown = Checker(face(0, {"AU25": 0.9}, (120, 160))._repr_html_())
    assert "AU25Lips Part90%\nAU1" in shown.text
    assert "AU25 90%" in Checker(frame(0, {0: {"AU25": 0.9}})._repr_html_()).text


def test_a_notebook_says_what_a_reader_is_to_know_of_a_face() -> None:
    said = "This face is doubtful: mouth hidden. Mouth hidden: AU12 is a guess."
    spoilt = result(quality=0.2, hidden=("mouth",), box=(0, 0, 90, 90))
    assert said in spoilt._repr_html_()
    assert "doubtful" not in result(quality=0.9)._repr_html_()
