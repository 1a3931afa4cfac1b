import sys
from pathlib import Path

import numpy as np
import pytest

from aulens.errors import ConfigError, ModelError
from aulens.faces.dlib_detector import DlibBoxes, DlibDetector, DlibEmbedder
from people import ASTRONAUT, astronaut, crowd, dlib_detector, head, noise, resized

pytestmark = pytest.mark.usefixtures("one_scanner")


def test_the_astronaut_is_found_where_another_library_sees_her() -> None:
    (face,) = dlib_detector()(astronaut())
    x0, y0, x1, y1 = face.box
    assert x0 < 200 < 250 < x1
    assert y0 < 101 < 139 < y1
    assert face.landmarks.shape == (68, 2)
    for index, point in ASTRONAUT.items():
        # 3 pixels: 7 % of the distance between her eyes.
        assert np.linalg.norm(face.landmarks[index] - point) < 3, index


def test_sides_are_the_subjects_own() -> None:
    """In a mirrored picture, her right eye is where her left eye was."""
    (face,) = dlib_detector()(astronaut())
    (mirrored,) = dlib_detector()(np.ascontiguousarray(astronaut()[:, ::-1]))
    was_left = face.landmarks[42:48].mean(axis=0)
    now_right = mirrored.landmarks[36:42].mean(axis=0)
    assert np.linalg.norm(now_right - (511 - was_left[0], was_left[1])) < 2


@pytest.mark.parametrize("factor", [0.3, 0.5, pytest.param(3.2, marks=pytest.mark.slow)])
def test_landmarks_are_in_pixels_of_the_picture_at_any_size(factor: float) -> None:
    (face,) = dlib_detector()(resized(astronaut(), factor))
    expected = (np.array(list(ASTRONAUT.values())) + 0.5) * factor - 0.5
    error = np.linalg.norm(face.landmarks[list(ASTRONAUT)] - expected, axis=1)
    # In eye distances; a shift of half a pixel at one tenth of the size would not be seen, a factor would.
    assert error.max() < 0.12 * 44 * factor


def test_a_small_face_needs_a_larger_picture() -> None:
    small = resized(astronaut(), 0.2)
    assert len(DlibBoxes(upscale=1)(small)) == 0
    assert len(DlibBoxes(upscale=4)(small)) == 1


def test_twenty_faces_largest_first() -> None:
    picture = crowd(4, 5)
    picture = np.concatenate([picture, np.pad(resized(head(), 2.0), ((0, 0), (0, 540), (0, 0)))])
    faces = dlib_detector()(picture)
    assert len(faces) == 21
    areas = [face.area for face in faces]
    assert areas == sorted(areas, reverse=True)
    assert faces[0].box[1] > 4 * 180


@pytest.mark.parametrize(
    "picture",
    [
        noise(120, 160),
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((1, 300, 3), np.uint8),
        np.full((90, 90, 3), 255, np.uint8),
    ],
    ids=["noise", "one pixel", "one row", "white"],
)
def test_no_face_is_an_empty_tuple(picture: np.ndarray) -> None:
    assert dlib_detector()(picture) == ()


@pytest.mark.parametrize("cut", [0.15, 0.5, 0.8])
def test_a_face_cut_by_the_border(cut: float) -> None:
    """Found when most of it is there, with landmarks that may lie outside; never an error."""
    left = round(50 + cut * 85)
    faces = dlib_detector()(np.ascontiguousarray(head()[:, left:]))
    assert len(faces) == (cut < 0.3)


def test_detection_is_bounded_for_a_huge_picture() -> None:
    assert max(DlibBoxes()._scales(12_000)) * 12_000 <= 3200
    assert DlibBoxes()._scales(512) == [1, 2]
    assert DlibBoxes()._scales(300) == [1, 2, 4]


def test_boxes_are_those_of_the_detector_and_need_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = crowd(2, 3)
    faces = dlib_detector()(picture)
    monkeypatch.setitem(sys.modules, "face_recognition_models", None)
    boxes = DlibBoxes()(picture)
    np.testing.assert_array_equal([face.box for face in boxes], [face.box for face in faces])
    assert [face.confidence for face in boxes] == [face.confidence for face in faces]
    assert {face.landmarks.shape for face in boxes} == {(0, 2)}
    assert DlibBoxes()(noise(90, 90)) == ()


def test_the_predictor_is_found_without_importing_its_package() -> None:
    assert "shape_predictor_68_face_landmarks.dat" in repr(DlibDetector())
    assert "face_recognition_models" not in sys.modules


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "face_recognition_models", None)
    with pytest.raises(ModelError, match=r"face_recognition_models is not installed.*aulens\[dlib\]"):
        DlibDetector()


@pytest.mark.parametrize("made", [DlibBoxes, DlibDetector, DlibEmbedder])
def test_without_dlib_the_extra_is_named(made: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)  # an import of it fails then
    with pytest.raises(ModelError, match=r"dlib can't be imported.*pip install 'aulens\[dlib\]'"):
        made()


def test_a_missing_or_wrong_predictor_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.dat: there is no such"):
        DlibDetector(predictor=tmp_path / "gone.dat")
    wrong = tmp_path / "wrong.dat"
    wrong.write_bytes(b"not a predictor at all")
    with pytest.raises(ModelError, match=r"wrong\.dat: not a landmark predictor"):
        DlibDetector(predictor=wrong)


@pytest.mark.parametrize("upscale", [0, 0.5, 9])
def test_upscale_has_a_range(upscale: float) -> None:
    with pytest.raises(ConfigError, match="from 1 to 8"):
        DlibDetector(upscale=upscale)
    with pytest.raises(ConfigError, match="from 1 to 8"):
        DlibBoxes(upscale=upscale)


def test_near_a_place_it_sees_what_is_there_and_nothing_else() -> None:
    picture = crowd(2, 3)
    for face in dlib_detector()(picture):
        size = face.box[2] - face.box[0]
        (near, *_) = dlib_detector().near(picture, face.box + 0.2 * size)
        # The landmarks of the same face, 4 % of its size apart: the box comes in other steps.
        assert np.linalg.norm(near.landmarks - face.landmarks, axis=1).mean() < 0.04 * size
        assert dlib_detector().near(picture, face.box + 3000) == ()
    (face,) = dlib_detector()(astronaut())
    far = face.box + np.tile([0, 250], 2)
    assert DlibBoxes().near(astronaut(), far) == ()
    assert DlibBoxes().near(astronaut(), face.box)[0].landmarks.shape == (0, 2)


def test_near_a_place_small_faces_are_seen_too() -> None:
    """24 pixels: the quick way finds faces from 80 on."""
    small = resized(astronaut(), 0.28)
    (face,) = dlib_detector()(astronaut())
    assert dlib_detector().detect_quickly(small) == ()
    (near,) = dlib_detector().near(small, face.box * 0.28)
    assert np.abs(near.box - face.box * 0.28).max() < 0.2 * 24


def test_detecting_quickly_is_a_call_where_faces_are_large() -> None:
    boxes = [face.box for face in dlib_detector()(astronaut())]
    np.testing.assert_array_equal([face.box for face in dlib_detector().detect_quickly(astronaut())], boxes)
