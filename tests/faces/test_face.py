import numpy as np
import pytest

from aulens.errors import InputError
from aulens.faces.detector import Face, check_image, largest_first

POINTS = np.zeros((68, 2))


def test_a_face_is_checked_at_birth_and_cannot_be_changed() -> None:
    box = np.array([1.0, 2.0, 5.0, 9.0])
    face = Face(box, POINTS)
    box[0] = 100
    assert face.box.tolist() == [1, 2, 5, 9]
    assert face.area == 4 * 7
    with pytest.raises(ValueError, match="read-only"):
        face.box[0] = 0


@pytest.mark.parametrize(
    ("box", "points", "message"),
    [
        ([5, 2, 5, 9], POINTS, "x0 < x1"),
        ([1, 2, np.nan, 9], POINTS, "x0 < x1"),
        ([1, 2, 5], POINTS, "x0, y0, x1, y1"),
        ([1, 2, 5, 9], np.zeros((68, 3)), r"\(K, 2\).*\(68, 3\)"),
        ([1, 2, 5, 9], np.full((68, 2), np.inf), "finite"),
    ],
)
def test_a_face_refuses(box: list[float], points: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Face(np.array(box), points)


def test_faces_come_largest_first_and_ties_from_the_left() -> None:
    boxes = ([50, 0, 60, 10], [0, 0, 10, 10], [100, 0, 120, 20])
    ordered = largest_first([Face(np.array(box), POINTS) for box in boxes])
    assert [face.box[0] for face in ordered] == [100, 0, 50]


@pytest.mark.parametrize(
    ("image", "seen"),
    [
        (np.zeros((4, 4), np.uint8), r"uint8 \(4, 4\)"),
        (np.zeros((4, 4, 4), np.uint8), r"\(4, 4, 4\)"),
        (np.zeros((4, 4, 3), np.float32), "float32"),
        ([[0]], "list"),
        (np.zeros((0, 4, 3), np.uint8), "empty"),
    ],
)
def test_what_is_no_image_is_named(image: object, seen: str) -> None:
    with pytest.raises(InputError, match=seen):
        check_image(image)  # type: ignore[arg-type]
