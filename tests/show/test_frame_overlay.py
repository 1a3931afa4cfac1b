"""Frames of a video drawn: sizes, where labels lie, what is shown of whom."""

import dataclasses

import cv2
import numpy as np
import pytest
from frames import face, frame

from aulens.aus import AUS, RENDERS, AUSet
from aulens.render.expression import MEDIAN
from aulens.runtime.result import Evidence, FaceResult, FrameResult
from aulens.show.canvas import FRAME, LEFT, RIGHT, Layer, View, text_width
from aulens.show.evidence import blend_evidence
from aulens.show.frame_overlay import FrameOverlay, _chip_sprite, _name_sprite
from aulens.show.labels import LabelStyle
from aulens.show.overlay import draw_overlay
from aulens.show.sides import has_sides

Image = np.ndarray


def near(image: Image, colour: tuple[int, int, int]) -> Image:
    """(h, w) bool: where a drawing has a colour."""
    return np.abs(image.astype(int) - colour).max(axis=2) < 12


def shown(
    shape: tuple[int, int], *faces: FaceResult, lost: tuple[int, ...] = (), grey: int = 90
) -> FrameResult:
    return FrameResult(0, 0.0, np.full((*shape, 3), grey, np.uint8), faces, lost)


def draw(result: FrameResult) -> Image:
    height, width = result.image.shape[:2]
    return FrameOverlay(width, height)(result)


def cold(one: FaceResult) -> FaceResult:
    """The same face without evidence, so that no heat is drawn."""
    maps = np.full_like(one.evidence.maps, -1)
    labels = tuple(int(label[2:]) for label in one.evidence)
    evidence = Evidence(AUSet("made-up", labels), maps, one.matrix, one.evidence.crop, one.evidence.shape)
    return dataclasses.replace(one, evidence=evidence)


@pytest.mark.parametrize(
    ("video", "drawing"),
    [
        ((640, 480), (640, 480)), ((1280, 720), (1280, 720)), ((1920, 1080), (1280, 720)),
        pytest.param((1080, 1920), (720, 1280), marks=pytest.mark.slow),
        pytest.param((3840, 2160), (1280, 720), marks=pytest.mark.slow), ((160, 120), (640, 480)),
        ((320, 180), (640, 360)), ((100, 50), (400, 200)), ((1, 1), (4, 4)), ((641, 31), (641, 31)),
    ],
)  # fmt: skip
def test_every_frame_of_a_video_has_one_size(video, drawing):
    overlay = FrameOverlay(*video)
    assert overlay.size == drawing
    for people in ({}, {0: {"AU12": 0.9}}, {0: {}, 1: {"AU1": 0.7, "AU6": 0.9}}):
        result = frame(3, people, shape=(video[1], video[0]), lost=(7,))
        before = result.image.copy()
        drawn = overlay(result)
        assert drawn.shape == (drawing[1], drawing[0], 3)
        assert drawn.dtype == np.uint8
        np.testing.assert_array_equal(result.image, before)


def test_a_frame_without_faces_stays_as_it_is():
    result = shown((480, 640), lost=(0, 1))
    np.testing.assert_array_equal(draw(result), result.image)
    assert draw(result) is not result.image


def test_heat_is_that_of_pictures():
    shape = (480, 640)
    rng = np.random.default_rng(0)
    one = face(0, {"AU12": 0.9, "AU25": 0.8}, shape, (300, 200))
    for map in one.evidence.maps:
        map[:] = cv2.resize(rng.uniform(-1, 1, (4, 4)), map.shape, interpolation=cv2.INTER_CUBIC)
    one = dataclasses.replace(
        one, box=one.box + np.array([0, 200, 0, 200])
    )  # so that box and labels are elsewhere
    result = shown(shape, one)
    drawn = draw(result)[185:215, 285:315].astype(int)
    due = blend_evidence(View(result.image, np.ones(2)), [one])[185:215, 285:315].astype(int)
    # Here the strongest AU is found before the map is enlarged, there afterwards.
    assert np.abs(drawn - due).mean() < 4
    assert np.abs(due - 90).mean() > 20
    alone = dataclasses.replace(one, occurrence=one.occurrence | {"AU25": False})
    drawn = draw(shown(shape, alone))[185:215, 285:315].astype(int)
    due = blend_evidence(View(result.image, np.ones(2)), [alone])[185:215, 285:315].astype(int)
    assert np.abs(drawn - due).max() <= 8  # here in 256 steps
    assert np.abs(drawn - due).mean() < 1


@pytest.mark.parametrize("at", [(20, 240), (620, 240), (320, 10), (320, 470), (-5, -5), (645, 485)])
def test_faces_at_the_border_keep_their_labels(at):
    """Each label has two flags, and all of both can be seen, wherever the face is."""
    shape = (480, 640)
    labels = {"AU1": 0.9, "AU6": 0.9, "AU12": 0.9, "AU25": 0.9}
    middle = cold(face(0, labels, shape, (320, 240)))
    middle = dataclasses.replace(middle, right=middle.left)
    moved = cold(face(0, labels, shape, at))
    moved = dataclasses.replace(moved, right=moved.left)
    due, drawn = draw(shown(shape, middle)), draw(shown(shape, moved))
    for colour in (LEFT, RIGHT):
        assert near(drawn, colour).sum() == near(due, colour).sum() > 4 * 50
    # The name, all of it.
    assert near(drawn, FRAME).sum() > 300


def columns(drawn: Image, colour: tuple[int, int, int]) -> tuple[int, int]:
    found = np.flatnonzero(near(drawn, colour).any(axis=0))
    return int(found[0]), int(found[-1])


def test_labels_stand_beside_the_face_where_there_is_room():
    shape = (480, 640)
    both = {"AU12": 0.9}
    for at, right in (((100, 240), True), ((600, 240), False)):
        one = cold(face(0, both, shape, at))
        drawn = draw(shown(shape, one))
        first, last = columns(drawn, LEFT)
        assert (first > one.box[2]) if right else (last < one.box[0])
        # As you see the subject: R left of L; and only the left side is lit.
        assert not near(drawn, RIGHT).any()


def test_labels_hide_no_other_face():
    shape = (300, 640)
    people = [cold(face(k, {"AU12": 0.9, "AU25": 0.9}, shape, (60 + 60 * k, 100))) for k in range(3)]
    drawn = draw(shown(shape, *people))
    flags = near(drawn, LEFT)
    assert flags.sum() > 6 * 50
    for one in people:
        x0, y0, x1, y1 = one.box.astype(int)
        assert not flags[y0 : y1 + 1, x0 : x1 + 1].any()


def test_twenty_labels_on_a_low_frame_are_all_there():
    numbers = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 16, 17, 20, 22, 23, 24, 25, 26, 27)
    one = cold(face(0, {}, (100, 640), (200, 50)))
    labels = AUSet("many", numbers).labels
    maps = np.full((len(labels), 8, 8), -1, np.float32)
    many = dataclasses.replace(
        one,
        probability=dict.fromkeys(labels, 0.9), occurrence=dict.fromkeys(labels, True),
        left=dict.fromkeys(labels, 0.9), right=dict.fromkeys(labels, 0.9),
        threshold=dict.fromkeys(labels, 0.5),
        evidence=Evidence(AUSet("many", numbers), maps, one.matrix, one.evidence.crop, (100, 640)),
    )  # fmt: skip
    single = dataclasses.replace(many, occurrence=many.occurrence | dict.fromkeys(labels[1:], False))
    for colour in (LEFT, RIGHT):
        each = near(draw(shown((100, 640), single)), colour).sum()
        assert (
            near(draw(shown((100, 640), many)), colour).sum() == 13 * each
        )  # lips, chin and jaw have no flags


def test_a_model_without_sides_has_no_flags_and_its_attention_is_violet():
    shape = (480, 640)
    one = face(0, {"AU12": 0.9}, shape, (300, 200))
    maps = np.zeros_like(one.evidence.maps)
    maps[:, 6:10, 6:10] = 1
    aus = AUSet("made-up", (1, 6, 12, 25))
    nan = dict.fromkeys(aus.labels, float("nan"))
    evidence = Evidence(aus, maps, one.matrix, one.evidence.crop, shape, attention=True)
    drawn = draw(shown(shape, dataclasses.replace(one, evidence=evidence, left=nan, right=nan)))
    assert not near(drawn, LEFT).any()
    assert not near(drawn, RIGHT).any()
    middle = drawn[190:210, 290:310].reshape(-1, 3).astype(int).mean(axis=0)
    assert middle[2] > middle[0] > middle[1]


def test_two_people_have_two_names():
    shape = (480, 640)
    drawn = [draw(shown(shape, face(k, {}, shape, (300, 200)))) for k in (0, 1, 0)]
    np.testing.assert_array_equal(drawn[0], drawn[2])
    changed = np.argwhere((drawn[0] != drawn[1]).any(axis=2))
    # The number only: in the name above the box.
    assert len(changed)
    assert (changed[:, 0] < 180).all()


def test_a_face_that_is_all_outside_is_no_error():
    draw(shown((48, 64), face(0, {"AU12": 0.9}, (48, 64), (500, 500))))


@pytest.mark.parametrize("text", [10, 12, 20])
def test_no_label_touches_its_flags(text):
    style = LabelStyle(text)
    for label in (au.label for au in AUS.values()):
        free = (style.width - 2 * (2 + style.flag) - text_width(label, text)) / 2
        assert free >= 0.5 * text


def test_a_person_of_a_video_is_called_one_and_a_face_of_a_picture_a_face(monkeypatch):
    _chip_sprite.cache_clear()
    _name_sprite.cache_clear()
    said = []
    monkeypatch.setattr(Layer, "text", lambda self, x, y, text, *rest, **more: said.append(text))
    one = face(7, {"AU12": 0.9, "AU25": 0.9}, (480, 640), (300, 200))
    draw(shown((480, 640), one))
    assert said == ["person 7", "AU12", "R", "L", "AU25"]  # AU25, of the lips, has no flags
    said.clear()
    draw_overlay(np.zeros((480, 640, 3), np.uint8), [one])
    assert said == ["face 7", "AU12", "R", "L", "AU25"]
    _chip_sprite.cache_clear()  # they have no words
    _name_sprite.cache_clear()


def test_aus_without_sides_are_those_that_renders_label_with_one_intensity():
    assert {number for number in RENDERS if not has_sides(f"AU{number}")} == MEDIAN
