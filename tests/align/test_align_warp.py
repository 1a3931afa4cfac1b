"""The pixels' side of align.py: crops, and evidence laid back onto the image."""

import cv2
import numpy as np
import pytest

from aulens.align import compose, flip_matrix, invert, rotation_scale, transform, warp, warp_back
from aulens.errors import ConfigError, InputError

IDENTITY = np.array([[1.0, 0, 0], [0, 1, 0]])


def ramp(height: int, width: int, axis: int, slope: float = 1.0) -> np.ndarray:
    """An RGB image whose value is slope * x (axis 1) or slope * y (axis 0)."""
    index = np.indices((height, width))[axis] * slope
    return np.repeat(np.rint(index).astype(np.uint8)[..., None], 3, 2)


def random_matrix(random: np.random.Generator, scale: float = 1.0) -> np.ndarray:
    centre, shift = random.uniform(0, 100, 2), random.uniform(-20, 20, 2)
    return rotation_scale(
        random.uniform(-180, 180), scale * random.uniform(0.7, 1.4), tuple(centre), tuple(shift)
    )


# --- warp ---------------------------------------------------------------------------------------


def test_warp_by_identity_and_by_whole_pixels_is_exact() -> None:
    image = np.random.default_rng(5).integers(0, 256, (12, 12, 3), np.uint8)
    np.testing.assert_array_equal(warp(image, IDENTITY, 12), image)
    # Image pixel (x, y) = (3, 1) comes to crop pixel (1, 2): x first, centre to centre.
    shifted = warp(image, rotation_scale(0, 1, (0, 0), (-2, 1)), 8)
    np.testing.assert_array_equal(shifted[2, 1], image[1, 3])
    np.testing.assert_array_equal(shifted[1:], image[:7, 2:10])
    assert (shifted[0] == 128).all()


def test_warp_by_the_flip_matrix_is_a_mirror_image() -> None:
    image = np.random.default_rng(6).integers(0, 256, (9, 9, 3), np.uint8)
    np.testing.assert_array_equal(warp(image, flip_matrix(9), 9), image[:, ::-1])


def test_warp_of_twice_the_size_by_hand() -> None:
    """Edges meet: crop pixel 2 of 8 lies at image x = (2 + 0.5) / 2 - 0.5 = 0.75 of 4."""
    image = np.repeat(np.array([[0, 100, 200, 40]], np.uint8)[..., None], 3, 2).repeat(4, 0)
    double = [[2, 0, 0.5], [0, 2, 0.5]]
    row = warp(image, double, 8, border="reflect")[4, :, 0].astype(int)
    expected = [None, 25, 75, 125, 175, 160, 80, None]  # the outermost read half a pixel of the border
    for seen, wanted in zip(row, expected, strict=True):
        assert wanted is None or abs(seen - wanted) <= 2  # cv2 rounds positions to 1/32 pixel


@pytest.mark.parametrize("times", [2, 3, 4, 7])
def test_warp_that_shrinks_averages(times: int) -> None:
    """A shrink by a whole number is the mean of each block: nothing aliases, nothing shifts."""
    size = 16
    image = np.random.default_rng(7).integers(0, 256, (size * times, size * times, 3), np.uint8)
    matrix = invert([[times, 0, times / 2 - 0.5], [0, times, times / 2 - 0.5]])
    blocks = image.reshape(size, times, size, times, 3).mean((1, 3))
    np.testing.assert_allclose(warp(image, matrix, size).astype(float), blocks, atol=1)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("shrink", [1.0, 1.7, 2.0, 2.5, 3.3, 6.1])
def test_warp_puts_every_pixel_where_the_matrix_says(axis: int, shrink: float) -> None:
    """In an image whose value is x (or y), each crop pixel must show the coordinate that it came from."""
    image = ramp(256, 256, axis)
    matrix = rotation_scale(33, 1 / shrink, (128, 128), (-128 + 12, -128 + 12))
    crop = warp(image, matrix, 24)
    grid = np.moveaxis(np.indices((24, 24))[::-1], 0, -1).reshape(-1, 2)
    source = transform(invert(matrix), grid)[:, 1 - axis].reshape(24, 24)
    inside = (transform(invert(matrix), grid) > 8).all(1) & (transform(invert(matrix), grid) < 247).all(1)
    difference = np.abs(crop[..., 0] - source)[inside.reshape(24, 24)]
    assert inside.any()
    assert difference.max() <= 1.1


def test_warp_agrees_with_cv2_where_it_does_not_shrink() -> None:
    random = np.random.default_rng(8)
    image = cv2.GaussianBlur(random.integers(0, 256, (90, 120, 3), np.uint8), (0, 0), 2)
    for border, code in (("constant", cv2.BORDER_CONSTANT), ("reflect", cv2.BORDER_REFLECT_101)):
        for _ in range(5):
            matrix = random_matrix(random)
            whole = cv2.warpAffine(image, matrix, (64, 64), borderMode=code, borderValue=(128, 128, 128))
            seen = warp(image, matrix, 64, border=border).astype(int)  # type: ignore[arg-type]
            assert np.abs(seen - whole).max() <= 4  # positions are rounded to 1/32 pixel, from another origin


def test_warp_border() -> None:
    image = ramp(16, 16, 1, 10)
    beyond = rotation_scale(0, 1, (0, 0), (4, 0))  # crop pixel 4 is image pixel 0
    assert warp(image, beyond, 16)[5, :6, 0].tolist() == [128, 128, 128, 128, 0, 10]
    assert warp(image, beyond, 16, "reflect")[5, :6, 0].tolist() == [40, 30, 20, 10, 0, 10]
    away = rotation_scale(0, 1, (0, 0), (1000, 0))
    assert (warp(image, away, 16) == 128).all()
    with pytest.raises(ConfigError, match="'wrap'; there are constant, reflect"):
        warp(image, beyond, 16, "wrap")  # type: ignore[arg-type]


def test_warp_of_the_smallest_and_of_a_very_long_image() -> None:
    dot = np.full((1, 1, 3), 7, np.uint8)
    crop = warp(dot, rotation_scale(0, 1, (0, 0), (3, 3)), 8)
    assert crop[3, 3].tolist() == [7, 7, 7]
    assert (crop != 128).sum() == 3
    assert (warp(dot, [[0.01, 0, 4], [0, 0.01, 4]], 8, "reflect") <= 128).all()
    long = np.zeros((4, 70_000, 3), np.uint8)  # cv2.warpAffine alone stops at 32,767
    long[:, 60_000:] = 200
    assert (warp(long, rotation_scale(0, 1, (0, 0), (-60_000, 0)), 4) == 200).all()


def test_warp_takes_views_and_leaves_the_image_alone() -> None:
    image = np.random.default_rng(9).integers(0, 256, (20, 20, 3), np.uint8)
    image.flags.writeable = False
    matrix = rotation_scale(10, 0.4, (10, 10))
    mirrored = warp(image[:, ::-1], matrix, 8)
    np.testing.assert_array_equal(mirrored, warp(image[:, ::-1].copy(), matrix, 8))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
    ids=["grey", "alpha", "float", "empty"],
)
def test_warp_refuses(image: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"needs an \(H, W, 3\) uint8 image, got"):
        warp(image, IDENTITY, 4)


# --- warp_back ----------------------------------------------------------------------------------


def test_warp_back_lands_evidence_on_its_pixel() -> None:
    random = np.random.default_rng(10)
    for _ in range(10):
        matrix = compose(rotation_scale(0, 0.8, (64, 64)), random_matrix(random))
        x, y = random.integers(4, 28, 2)
        maps = np.zeros((2, 32, 32), np.float32)
        maps[1, y, x] = 1  # the centre of this map pixel is at crop (4 x + 1.5, 4 y + 1.5)
        (where,) = transform(invert(matrix), [[4 * x + 1.5, 4 * y + 1.5]])
        to_150_80 = [[1, 0, 150 - where[0]], [0, 1, 80 - where[1]]]
        matrix = compose(matrix, invert(to_150_80))  # so that it falls on (150, 80) of the image
        evidence = warp_back(maps, matrix, 128, (200, 300))
        assert evidence.shape == (2, 200, 300)
        assert evidence.dtype == np.float32
        assert not evidence[0].any()
        peak_y, peak_x = np.unravel_index(evidence[1].argmax(), (200, 300))
        assert (peak_x, peak_y) == (150, 80)


def test_warp_back_is_the_inverse_of_the_crop() -> None:
    """Maps that hold the crop's own x and y: in the image, each pixel must hold where the matrix sends it."""
    matrix = rotation_scale(-20, 0.7, (60, 50), (4, 6))
    centre = (np.arange(32) + 0.5) * 4 - 0.5
    maps = np.stack(np.meshgrid(centre, centre)).astype(np.float32)
    evidence = warp_back(maps, matrix, 128, (100, 150))
    grid = np.moveaxis(np.indices((100, 150))[::-1], 0, -1).reshape(-1, 2)
    sent = transform(matrix, grid)
    inside = ((sent > 2) & (sent < 125)).all(1)
    seen = np.moveaxis(evidence, 0, -1).reshape(-1, 2)
    assert inside.sum() > 5000
    np.testing.assert_allclose(seen[inside], sent[inside], atol=0.1)  # 1/32 map pixel = 1/8 crop pixel
    outside = ((sent < -3) | (sent > 130)).any(1)
    assert outside.any()
    assert not seen[outside].any()


def test_warp_back_of_no_maps_and_of_a_wrong_shape() -> None:
    assert warp_back(np.zeros((0, 8, 8)), IDENTITY, 32, (5, 6)).shape == (0, 5, 6)
    with pytest.raises(InputError, match=r"maps \(A, h, w\), got shape \(8, 8\)"):
        warp_back(np.zeros((8, 8)), IDENTITY, 32, (5, 6))
