import json

import cv2
import numpy as np
import pytest

from aulens.faces.cuts import CutFinder
from aulens.faces.motion import Motion
from aulens.faces.packing import pack, unpack
from moving_faces import Scene, crossing, cut, wall
from people import astronaut

BOX = np.array([10.0, 20.0, 50.0, 60.0])


def cuts(scene: Scene) -> list[int]:
    finder = CutFinder()
    return [frame.index for frame, _ in scene.frames() if finder(frame.image)]


@pytest.mark.slow
def test_cuts_are_found_and_movement_is_none() -> None:
    assert cuts(cut()) == [25, 50, 75]
    assert cuts(crossing()) == []


def test_a_pan_is_no_cut_and_a_flash_is_one() -> None:
    picture = cv2.resize(astronaut(), (2048, 512))
    pan = [np.ascontiguousarray(picture[:, 12 * i : 12 * i + 640]) for i in range(100)]
    finder = CutFinder()
    assert not any(finder(frame) for frame in pan)
    assert finder(np.full_like(pan[0], 255))


def test_a_slow_fade_is_no_cut() -> None:
    a, b = (wall(n).astype(float) for n in (0, 1))
    finder = CutFinder()
    assert not any(finder((a + (b - a) * i / 25).astype(np.uint8)) for i in range(26))


def test_tiny_pictures_and_changing_sizes_are_no_error() -> None:
    finder = CutFinder()
    for size in ((1, 1), (1, 900), (300, 2)):
        assert not finder(np.zeros((*size, 3), np.uint8))


@pytest.mark.slow
def test_a_cut_finder_goes_on_from_its_state() -> None:
    frames = [frame.image for frame, _ in cut().frames()]
    finder, other = CutFinder(), CutFinder()
    for image in frames[:20]:
        finder(image)
    other.restore(json.loads(json.dumps(finder.state())))
    assert [other(image) for image in frames[20:30]] == [finder(image) for image in frames[20:30]]


def test_what_moves_goes_on() -> None:
    """100 px/s to the right: soon the measured speed is that, and 0.04 s on it is 4 px further."""
    motion = Motion(BOX, np.zeros(2))
    for i in range(1, 20):
        motion = motion.seen(np.add(BOX, [4 * i, 0, 4 * i, 0]), 0.04)
    np.testing.assert_allclose(motion.speed, [100, 0], rtol=1e-4)
    np.testing.assert_allclose(motion.after(0.04), np.add(BOX, [80, 0, 80, 0]), atol=0.5)


def test_what_is_out_of_sight_comes_to_rest() -> None:
    """The way that is left is finite: 0.2 s at the last speed."""
    motion = Motion(BOX, np.array([100.0, 0.0]))
    np.testing.assert_allclose(motion.after(60.0), np.add(BOX, [20, 0, 20, 0]))
    np.testing.assert_array_equal(Motion(BOX, np.array([100.0, 0.0]), moves=False).after(1.0), BOX)


def test_equal_time_stamps_give_no_speed() -> None:
    motion = Motion(BOX, np.zeros(2)).seen(BOX + 30, 0.0)
    np.testing.assert_array_equal(motion.speed, [0, 0])
    np.testing.assert_array_equal(motion.box, BOX + 30)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_packed_arrays_are_the_same_to_the_last_bit(dtype: type) -> None:
    array = (np.random.default_rng(0).random((3, 5)) * 200).astype(dtype)
    back = unpack(json.loads(json.dumps(pack(array[:, ::2]))))
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, array[:, ::2])
    back[0, 0] = 0  # and can be written to
