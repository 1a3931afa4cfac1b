"""Landmark error: by hand, its scale, every layout, what is left out and what is refused."""

import math

import numpy as np
import pytest

from aulens.errors import InputError
from aulens.landmarks import IBUG49, IBUG66, IBUG68, LandmarkLayout, convert
from aulens.metrics import failure_rate, landmark_error

random = np.random.default_rng(0)
DOWN = np.array([0, 1])


def face(apart: float = 40.0) -> np.ndarray:
    """68 points; the centres of the eyes (points 36-41 and 42-47) are `apart` pixels from each other."""
    points = np.random.default_rng(1).uniform(0, 100, (68, 2))
    for eye, centre in ((slice(36, 42), (30, 50)), (slice(42, 48), (30 + 0.6 * apart, 50 + 0.8 * apart))):
        points[eye] += centre - points[eye].mean(0)
    return points


def test_by_hand() -> None:
    true = np.stack([face(), face()])
    predicted = true.copy()
    predicted[0, 48] += (3, 4)  # one of 68 points, off by 5 of 40 pixels
    predicted[1] += (0, 4)  # all of them, by 4 of 40
    assert landmark_error(predicted, true) == pytest.approx([5 / 40 / 68, 0.1])


@pytest.mark.parametrize("layout", [IBUG68, IBUG66, IBUG49], ids=lambda layout: layout.name)
def test_eyes_are_found_in_every_layout(layout: LandmarkLayout) -> None:
    true = convert(face(25.0)[None], IBUG68, layout)
    assert landmark_error(true + DOWN * 5, true) == pytest.approx([0.2])


def test_scale_does_not_matter_and_perfect_is_zero() -> None:
    true = face()[None]
    predicted = true + random.normal(size=true.shape)
    assert landmark_error(3 * predicted, 3 * true) == pytest.approx(landmark_error(predicted, true))
    assert landmark_error(true, true) == [0]


def test_unknown_faces_are_nan_and_take_no_part() -> None:
    true = np.stack([face(), face(), face()])
    predicted = true + DOWN * 8
    predicted[0] = true[0]
    predicted[1] = np.nan
    true[1, 5, 0] = np.inf
    errors = landmark_error(predicted, true)
    assert np.isnan(errors).tolist() == [False, True, False]
    assert failure_rate(errors) == 0.5


def test_failure_rate() -> None:
    assert failure_rate([0.05, 0.1, 0.11, 0.3]) == 0.5  # 0.1 itself is no failure
    assert failure_rate([0.05, 0.1, 0.11, 0.3], above=0.2) == 0.25
    assert math.isnan(failure_rate([np.nan]))
    with pytest.raises(InputError, match=r"\(N,\).*got shape \(1, 2\)"):
        failure_rate([[0.1, 0.2]])


def test_bad_input_is_refused() -> None:
    true = np.stack([face(), face(0.0)])
    with pytest.raises(InputError, match="1 faces have their true eye centres in one place, first row 1"):
        landmark_error(true, true)
    with pytest.raises(InputError, match="not finite, first row 0"):
        landmark_error(np.full((1, 68, 2), np.nan), true[:1])
    with pytest.raises(InputError, match=r"\(1, 49, 2\) and \(1, 68, 2\); bring them into one layout"):
        landmark_error(true[:1, :49], true[:1])
    with pytest.raises(InputError, match="no layout has 5 landmarks"):
        landmark_error(true[:, :5], true[:, :5])
