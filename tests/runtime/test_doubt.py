"""Which faces are doubtful and why; which parts of them are hidden, and which AUs are guesses then."""

import math

import cv2
import numpy as np
import pytest

from aulens import NetDetector
from aulens.landmarks import IBUG68
from aulens.runtime.card import find_card, read_card
from aulens.runtime.doubt import DOUBTFUL, PARTS, doubt, doubts_text, guessed, guesses_text, hidden_parts
from face_results import result
from people import astronaut


@pytest.mark.parametrize(
    ("face", "why"),
    [
        ({}, "dark or blurred"),
        ({"quality": DOUBTFUL}, ""),
        ({"quality": math.nan}, ""),
        ({"yaw": -60.0}, "turned away"),
        ({"pitch": 50.0}, "turned away"),
        ({"yaw": math.nan, "pitch": math.nan}, "dark or blurred"),
        ({"height": 20.0}, "small"),
        ({"hidden": ("nose", "mouth")}, "nose and mouth hidden"),
        ({"hidden": ("eyes",), "quality": 0.9}, ""),
        ({"hidden": ("eyes",), "height": 20.0, "yaw": 80.0}, "turned away"),
    ],
)
def test_a_reason_is_what_says_most(face: dict, why: str) -> None:
    plain = {"quality": DOUBTFUL - 0.01, "yaw": 0.0, "pitch": 0.0, "height": 200.0, "hidden": ()}
    assert doubt(**(plain | face)) == why


def test_parts_are_hidden_where_their_landmarks_are() -> None:
    assert hidden_parts(None) == ()
    assert hidden_parts(np.zeros(49)) == ()  # another layout
    assert hidden_parts(np.ones(68)) == ()
    for part, points in PARTS.items():
        visible = np.ones(68)
        visible[list(points)] = 0.1
        assert hidden_parts(visible) == (part,)
        visible[points[0]] = 1.0  # one point in sight does not show a part
        assert hidden_parts(visible) == (part,)
        visible[list(points)] = [number % 3 > 0 for number in range(len(points))]  # most of them do
        assert hidden_parts(visible) == ()
    inner = {point for points in PARTS.values() for point in points}
    assert inner == set(range(17, IBUG68.count))


def test_every_au_of_the_shipped_model_is_of_a_part() -> None:
    labels = read_card(find_card()).aus.labels
    parts = {part: set(guessed([part], labels)) for part in PARTS}
    assert set().union(*parts.values()) == set(labels)
    assert parts["mouth"].isdisjoint(parts["brows"] | parts["eyes"] | parts["nose"])
    assert guessed(("mouth",), ("AU4", "AU12", "AU43")) == ("AU12",)
    assert guesses_text(("eyes",), ("AU4", "AU12", "AU43")) == "AU4, AU43 are guesses"
    assert guesses_text((), ("AU4",)) == guesses_text(("mouth",), ("AU4",)) == ""


def test_counts_are_told_with_their_reasons() -> None:
    assert doubts_text({"": 9}, 9) is None
    told = doubts_text({"": 6, "small": 1, "turned away": 2}, 9)
    assert told == "3 of 9 faces are doubtful (quality below 0.5): 2 turned away, 1 small"


def test_a_face_says_it_in_sentences() -> None:
    assert result(quality=0.9).caution == ""
    assert result(quality=math.nan).caution == ""
    face = result({"AU4": 0.2, "AU12": 0.9}, quality=0.2, hidden=("mouth",), box=(0, 0, 90, 90))
    assert face.caution == "This face is doubtful: mouth hidden. Mouth hidden: AU12 is a guess."


def covered(kind: str) -> np.ndarray:
    """The astronaut behind a mask or dark glasses that are drawn by hand, or in the dark, blurred, small."""
    image = astronaut()
    (face, *_) = NetDetector()(image)
    points = face.landmarks
    if kind == "mask":
        cv2.fillPoly(
            image, [np.rint(np.vstack([points[2:15], points[29]])).astype(np.int32)], (160, 190, 220)
        )
    elif kind == "glasses":
        for eye in (points[36:42], points[42:48]):
            (x, y), wide = eye.mean(0), 0.75 * np.ptp(eye[:, 0])
            axes = round(wide), round(0.8 * wide)
            cv2.ellipse(image, (round(x), round(y)), axes, 0, 0, 360, (15, 15, 18), -1)
    elif kind == "dark":
        image = (image * 0.05).astype(np.uint8)
    elif kind == "blurred":
        image = cv2.GaussianBlur(image, (0, 0), 6)
    elif kind == "small":
        scale = 20 / (face.box[3] - face.box[1])
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return image


@pytest.mark.parametrize(
    ("kind", "hidden", "doubtful"),
    [
        ("open", set(), False), ("mask", {"mouth"}, True), ("glasses", {"eyes"}, None),
        ("dark", set(), True), ("blurred", set(), True), ("small", set(), True),
    ],
)  # fmt: skip
def test_what_spoils_a_face_is_seen(kind: str, hidden: set[str], doubtful: bool | None) -> None:
    (face, *_) = NetDetector()(covered(kind))
    assert set(hidden_parts(face.visibility)) - {"nose"} == hidden
    if doubtful is not None:
        assert (face.quality < DOUBTFUL) == doubtful
