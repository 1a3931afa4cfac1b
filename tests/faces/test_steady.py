import json
from dataclasses import replace

import numpy as np
import pytest

from aulens.align import rotation_scale, transform
from aulens.faces.steady import Steady, apart
from aulens.landmarks import LEFT_EYE, RIGHT_EYE, UPPER_LIDS
from synthetic_faces import face68

FACE = face68() * 100 + (320, 180)
EYES = float(np.linalg.norm(FACE[list(RIGHT_EYE)].mean(0) - FACE[list(LEFT_EYE)].mean(0)))
STEP = 0.04


def through(frames: list[np.ndarray], calm: float = 0.6, step: float = STEP) -> np.ndarray:
    """What is made of the landmarks of frames: (N, 68, 2)."""
    steady = Steady.begin(frames[0], calm)
    out = [steady.points]
    for points in frames[1:]:
        steady = steady.after(points, step)
        out.append(steady.points)
    return np.stack(out)


def trembling(count: int, size: float) -> list[np.ndarray]:
    """Each landmark by itself, `size` (standard deviation) in distances of the eyes."""
    rng = np.random.default_rng(0)
    return [FACE + rng.normal(0, size * EYES, FACE.shape) for _ in range(count)]


def test_a_face_at_rest_is_averaged_as_an_exponential_average_would() -> None:
    """Noise of 0.2 % of the eyes' distance; an average with weight g leaves sqrt(g / (2 - g)) of it."""
    frames = trembling(2000, 0.002)
    left = through(frames)[100:].std(0).mean() / np.stack(frames).std(0).mean()
    g = 1 - np.exp(-STEP / 0.6)
    assert left == pytest.approx(np.sqrt(g / (2 - g)), rel=0.05)


def test_a_blink_is_there_in_its_frame() -> None:
    """Eyes close within two frames and open again; the lids are off by less than a tenth of the way."""
    frames = trembling(60, 0.002)
    lids, down = list(UPPER_LIDS), np.array([0, 0.15 * EYES])
    for number, share in ((30, 0.5), (31, 1.0), (32, 1.0), (33, 0.5)):
        frames[number][lids] += share * down
    seen = through(frames)
    for number in range(30, 35):
        assert np.abs(seen[number] - frames[number])[lids].max() < 0.1 * down[1]


def test_a_head_that_turns_fast_is_not_late() -> None:
    """A fifth of the eyes' distance in a frame: what is seen is what is given."""
    moving = [np.add(FACE, (0.2 * EYES * i, 0)) for i in range(10)]
    np.testing.assert_allclose(through(moving), moving, atol=1e-9)


@pytest.mark.parametrize("speed", [0.0005, 0.001, 0.002, 0.005, 0.01])
def test_slow_movement_is_late_by_less_than_the_noise(speed: float) -> None:
    """In eyes' distances a frame; how far behind the mean landmark is."""
    drift = [np.add(FACE, (speed * EYES * i, 0)) for i in range(200)]
    behind = np.abs(through(drift)[50:] - np.stack(drift)[50:]).max() / EYES
    assert behind < 0.007


def test_the_frame_rate_does_not_matter() -> None:
    """Of a tiny difference as much is left after the same time."""
    there = np.add(FACE, (0.001 * EYES, 0))
    at25 = through([FACE] * 200 + [there] * 25, step=0.04)[-1]
    at50 = through([FACE] * 200 + [there] * 50, step=0.02)[-1]
    assert 0.01 < np.abs(there - at25).max() / (0.001 * EYES) < 0.5
    np.testing.assert_allclose(at25, at50, atol=1e-9)


def test_size_place_and_turn_of_the_face_do_not_matter() -> None:
    frames = trembling(50, 0.004)
    matrix = rotation_scale(70, 0.3, (0, 0), (40, -9))
    np.testing.assert_allclose(
        through([transform(matrix, f) for f in frames]), transform(matrix, through(frames)), atol=1e-9
    )


def test_a_new_face_is_averaged_over_as_many_frames_as_there_are() -> None:
    """From the second on, which alone is found as all later ones are; likewise after a movement."""
    frames = trembling(6, 0.001)
    np.testing.assert_allclose(through(frames)[1], frames[1])
    np.testing.assert_allclose(through(frames)[5], np.mean(frames[1:], axis=0), atol=0.03)
    moved = through([FACE] * 50 + [np.add(f, (50, 0)) for f in frames])[50:]
    np.testing.assert_allclose(moved[3], np.add(np.mean(frames[:4], axis=0), (50, 0)), atol=0.1)


def test_nothing_is_averaged_over_where_nothing_came_before_or_none_is_wanted() -> None:
    here, there = trembling(2, 0.001)
    at_rest = Steady(here, here, 0.6, np.full(69, 0.1))
    np.testing.assert_allclose(at_rest.after(there, np.inf).points, there)
    np.testing.assert_allclose(replace(at_rest, calm=0.0).after(there, STEP).points, there)
    np.testing.assert_array_equal(at_rest.after(there, 0.0).points, here)
    assert np.abs(at_rest.after(there, STEP).points - there).max() > 0.05


def test_the_place_to_cut_out_stays_while_the_face_does() -> None:
    steady = Steady.begin(FACE, 0.0)
    for points in trembling(50, 0.01):
        steady = steady.after(points, STEP).placed(np.array([0.004 * EYES, 0]))
        np.testing.assert_array_equal(steady.held, FACE)
    moved = steady.after(np.add(FACE, (0.1 * EYES, 0)), STEP).placed(np.array([5.0, 1.0]))
    np.testing.assert_allclose(moved.held, np.add(FACE, (0.1 * EYES + 5, 1)))
    larger = steady.after(transform(rotation_scale(4, 1.0, (320, 180)), FACE), STEP).placed(np.zeros(2))
    assert np.abs(larger.held - FACE).max() > 1


def test_how_far_a_face_moved_is_told_in_its_spreads() -> None:
    spread = np.sqrt(((FACE - FACE.mean(0)) ** 2).sum(1).mean())
    assert apart(FACE, np.add(FACE, (3, 4))) == pytest.approx(5 / spread)
    opened = FACE.copy()
    opened[[61, 62, 63]] -= 8
    opened[[65, 66, 67]] += 8
    assert apart(FACE, opened) < 0.01


def test_landmarks_in_one_place_are_no_error() -> None:
    point = np.full((68, 2), 7.0)
    assert np.isfinite(Steady.begin(point, 0.6).after(FACE, STEP).placed(np.zeros(2)).points).all()
    np.testing.assert_array_equal(Steady.begin(point, 0.6).after(point, STEP).points, point)


def test_it_goes_on_from_its_state() -> None:
    frames = trembling(20, 0.006)
    steady = Steady.begin(frames[0], 0.6)
    other = steady
    for points in frames[1:]:
        steady = steady.after(points, STEP).placed(np.ones(2))
        state = json.loads(json.dumps(other.state(), allow_nan=False))
        other = Steady.restored(state).after(points, STEP).placed(np.ones(2))
    assert other.state() == steady.state()
