"""What FaceNet takes for faces in turned and shrunk backgrounds, told in the backgrounds as they are."""

from pathlib import Path

import numpy as np
import pytest

from aulens.data.face_nets.crops import FalseFace, draw_negative
from aulens.training.face_nets.false_faces import false_faces, padded
from made_cutouts import centre_of, disc_faces

ABOUT = np.array([[-4, -4], [4, -4], [0, 0], [-3, 5], [3, 5]]) * 3.0  # five points of a face


def finds_the_light(image: np.ndarray) -> tuple[np.ndarray, ...]:
    """One answer in each picture, upright in it, about its light; and one below what counts."""
    middle = centre_of(image[..., 0]) + 0.5  # pixel i covers [i, i + 1)
    boxes = np.array([[*middle - 20, *middle + 20], [0, 0, 9, 9]], np.float32)
    points = np.stack([middle + ABOUT, ABOUT]).astype(np.float32)
    return boxes, points, np.array([1.0, -3.0], np.float32)


@pytest.mark.parametrize("size", [(300, 200), (900, 700)])
def test_their_points_are_those_of_the_background(size: tuple[int, int]):
    width, height = size
    picture = np.zeros((height, width, 3), np.uint8)
    picture[40:71, 120:151] = 255
    blank = np.zeros((50, 60, 3), np.uint8)
    blank[20:30, 20:30] = 1
    found = false_faces(finds_the_light, [blank, picture])
    assert [false.background for false in found] == [0] * 4 + [1] * 4
    for quarters, false in enumerate(found[4:]):
        scale = min(1.0, (320, 640)[(1 + quarters) % 2] / max(size))
        np.testing.assert_allclose(false.points[2], (135, 55), atol=0.5 / scale)
        # Upright in the picture as it was turned: counter-clockwise by quarters, y down.
        up = false.points[:2].mean(0) - false.points[3:].mean(0)
        turned = [(0, -1), (1, 0), (0, 1), (-1, 0)][quarters]
        np.testing.assert_allclose(up / np.hypot(*up), turned, atol=1e-6)
        assert np.hypot(*up) == pytest.approx(27 / scale, rel=1e-4)


def test_crops_are_cut_about_them(tmp_path: Path):
    (cutout, *_) = disc_faces(tmp_path)
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[40:71, 120:151] = 255
    false = [FalseFace(0, np.array([135, 55]) + ABOUT)]
    bright = 0
    for seed in range(30):
        crop = draw_negative(cutout, [picture], 64, np.random.default_rng(seed), false)
        assert not crop.present
        bright += float(crop.image[24:40, 24:40].mean()) > float(crop.image.mean()) + 20
    assert bright > 12


def test_pictures_are_framed_to_multiples_of_32():
    picture = np.arange(3 * 70 * 50, dtype=np.uint8).reshape(70, 50, 3)
    framed, scale = padded(picture, 100)
    assert scale == 1
    assert framed.shape == (96, 64, 3)
    assert np.array_equal(framed[:70, :50], picture)
    framed, scale = padded(np.zeros((700, 500, 3), np.uint8), 320)
    assert scale == pytest.approx(320 / 700)
    assert framed.shape == (320, 256, 3)
