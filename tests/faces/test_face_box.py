"""The box of a face: forehead included, whichever way the head is turned."""

import numpy as np
import pytest

from aulens.errors import InputError
from aulens.landmarks import FOREHEAD, face_box
from synthetic_faces import face68

LANDMARKS = 100 * face68() + 200


def test_an_upright_face_gains_its_forehead() -> None:
    box = face_box(LANDMARKS)
    low, high = LANDMARKS.min(0), LANDMARKS.max(0)
    assert box[[0, 2, 3]] == pytest.approx([low[0], high[0], high[1]])
    brows = LANDMARKS[17:27, 1].min()
    assert box[1] == pytest.approx(brows - FOREHEAD * (high[1] - low[1]))


@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_a_turned_face_has_the_turned_box(quarter: int) -> None:
    box, points = face_box(LANDMARKS), LANDMARKS
    for _ in range(quarter):  # (x, y) -> (-y, x)
        points = np.stack([-points[:, 1], points[:, 0]], 1)
        box = np.array([-box[3], box[0], -box[1], box[2]])
    assert face_box(points) == pytest.approx(box)


def test_other_layouts_are_refused() -> None:
    with pytest.raises(InputError, match="68"):
        face_box(np.zeros((49, 2)))
