import numpy as np
import pytest

from aulens.align import rotation_scale, transform
from aulens.faces.steady import displacement, steadied
from synthetic_faces import face68

FACE = face68() * 100 + (320, 180)
SPREAD = float(np.sqrt(((FACE - FACE.mean(0)) ** 2).sum(1).mean()))


def test_how_far_a_face_moved_is_told_in_its_spreads() -> None:
    assert displacement(FACE, np.add(FACE, (3, 4))) == pytest.approx(5 / SPREAD)
    turned = transform(rotation_scale(np.rad2deg(0.01), 1.0, tuple(FACE.mean(0))), FACE)
    assert displacement(FACE, turned) == pytest.approx(0.01, rel=1e-3)
    larger = transform(rotation_scale(0, 1.02, tuple(FACE.mean(0))), FACE)
    assert displacement(FACE, larger) == pytest.approx(0.02)


def test_an_expression_is_no_movement() -> None:
    opened = FACE.copy()
    opened[[61, 62, 63]] -= 8
    opened[[65, 66, 67]] += 8
    assert displacement(FACE, opened) < 0.01


def test_noise_of_single_landmarks_hardly_moves_a_face() -> None:
    """Of 0.5 % of the spread at each of 68 landmarks, some 2 / sqrt(68) are left."""
    rng = np.random.default_rng(0)
    noisy = [FACE + rng.normal(0, 0.005 * SPREAD / np.sqrt(2), FACE.shape) for _ in range(50)]
    assert np.mean([displacement(FACE, one) for one in noisy]) < 0.3 * 0.005


def test_size_place_and_turn_of_the_face_do_not_matter() -> None:
    matrix = rotation_scale(70, 0.3, (0, 0), (40, -9))
    other = np.random.default_rng(0).normal(FACE, 3)
    there = displacement(transform(matrix, FACE), transform(matrix, other))
    assert there == pytest.approx(displacement(FACE, other))


def test_the_place_to_cut_out_stays_while_the_face_does() -> None:
    near, away = np.add(FACE, (0.011 * SPREAD, 0)), np.add(FACE, (0.03 * SPREAD, 0))
    assert steadied(FACE, near) is FACE
    drawn = steadied(FACE, away)
    assert displacement(drawn, away) == pytest.approx(0.012)
    assert displacement(FACE, drawn) == pytest.approx(0.03 - 0.012)


def test_slow_movement_does_not_go_unnoticed() -> None:
    """Each step is below the noise; together they are not."""
    place, there = FACE, FACE
    for _ in range(100):
        there = np.add(there, (0.001 * SPREAD, 0))
        place = steadied(place, there)
        assert displacement(place, there) <= 0.012 + 1e-9
    assert displacement(FACE, place) > 0.08


def test_landmarks_in_one_place_are_no_error() -> None:
    point = np.full((68, 2), 7.0)
    assert displacement(point, point) == 0
    assert displacement(point, FACE) == np.inf
    assert displacement(FACE, point) < np.inf
