"""Every copy of a picture keeps the way back to it, to a small part of a pixel."""

from collections.abc import Callable

import numpy as np
import pytest

from aulens.align import transform
from aulens.faces.box_net import Found, nms_sorted
from aulens.faces.detector import iou
from aulens.faces.search import tiles
from aulens.faces.views import STRIDE, Tones, View, view


def ramp(width: int, height: int, falls: bool = True) -> np.ndarray:
    """Brightness that tells the place: red along x, green along y; blue marks the picture."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    share = np.stack([x, y], 2)
    dither = np.random.default_rng(0).uniform(-0.5, 0.5, share.shape)
    values = 50 + 200 * (1 - share if falls else share) + dither
    return np.concatenate([values, np.full((height, width, 1), 255)], 2).round().astype(np.uint8)


def assert_leads_back(look: Callable[[np.ndarray], View], width: int, height: int) -> None:
    """Where a view shows the picture, it shows what the picture has there."""
    errors = []
    for falls in (True, False):
        seen = look(ramp(width, height, falls))
        y, x = np.nonzero(seen.pixels[..., 2] > 250)
        places = transform(seen.matrix, np.stack([x, y], 1))
        reach = 1 / seen.scale
        inside = ((places > reach) & (places < (width - 1 - reach, height - 1 - reach))).all(1)
        assert inside.mean() > 0.5
        share = places / (width - 1, height - 1)
        errors.append((seen.pixels[y, x, :2] - 50 - 200 * (1 - share if falls else share))[inside])
    # Of falling and rising brightness, so that OpenCV's rounding upwards cancels.
    shift = (errors[0] - errors[1]).mean(0) / 2 * (width - 1, height - 1) / 200 / reach
    assert np.abs(shift).max() < 0.1  # pixels of the view
    assert max(np.abs(error).max() for error in errors) < 2 + 200 * reach / min(width, height)


@pytest.mark.parametrize("scale", [1.7, 1.0, 0.8, 0.5, 0.31, 0.11, 0.04])
def test_a_scaled_view_lies_where_it_says(scale: float) -> None:
    assert_leads_back(lambda image: view(image, scale), 700, 500)
    assert_leads_back(lambda image: view(image, scale, (103, 51, 617, 403)), 700, 500)
    assert view(ramp(700, 500), scale).scale == pytest.approx(scale, rel=0.02)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_turned_padded_and_shrunk_views_too(degrees: int) -> None:
    for look in (
        lambda first: first.turned(degrees).framed(),
        lambda first: first.framed(0.25),
        lambda first: first.shrunk(0.5),
        lambda first: first.turned(degrees).shrunk(0.5),
    ):
        assert_leads_back(lambda image, look=look: look(view(image, 0.6)), 517, 300)


def test_clockwise_is_clockwise() -> None:
    image = np.zeros((4, 6, 3), np.uint8)
    image[0, 0] = 255  # upper left goes to the upper right
    turned = view(image, 1.0).turned(90)
    assert turned.pixels.shape == (6, 4, 3)
    assert turned.pixels[0, 3, 0] == 255
    assert transform(turned.matrix, [[3, 0]]).tolist() == [[0, 0]]
    assert turned.look == "turned90"


def test_sides_are_multiples_of_the_stride_and_the_rest_is_grey() -> None:
    framed = view(np.zeros((40, 70, 3), np.uint8), 1.0).framed()
    assert framed.pixels.shape == (64, 96, 3)
    assert framed.pixels[:40, :70].max() == 0
    assert (framed.pixels[40:] == 128).all()
    assert (framed.pixels[:, 70:] == 128).all()
    whole = view(np.zeros((64, 96, 3), np.uint8), 1.0)
    assert whole.framed() is whole


def test_a_view_at_full_size_copies_nothing() -> None:
    image = ramp(96, 64)
    assert np.shares_memory(view(image, 1.0).pixels, image)


def test_shrunk_as_large_as_before_with_the_margin() -> None:
    shrunk = view(ramp(320, 240), 1.0).shrunk(0.5)
    assert shrunk.pixels.shape[1] == 320
    assert shrunk.scale == pytest.approx(0.5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9000), (9000, 1), (3, 2)])
def test_narrow_pictures(shape: tuple[int, int]) -> None:
    image = np.zeros((*shape, 3), np.uint8)
    seen = view(image, min(320 / max(shape), 2.0)).framed()
    assert seen.pixels.shape[0] % STRIDE == seen.pixels.shape[1] % STRIDE == 0
    assert max(seen.pixels.shape) == 320 or max(shape) < 160
    assert seen.framed(0.5).pixels.size


def test_stretching_brings_a_dark_picture_to_full_contrast() -> None:
    image = (ramp(200, 100) // 12).astype(np.uint8)
    first = view(image, 1.0)
    assert first.tones.high < 25
    seen = first.stretched()
    assert seen.look == "stretched"
    assert seen.pixels.max() == 255
    assert seen.pixels.min() < 30
    # Order of brightness stays.
    assert (np.diff(Tones(3, 8, 20).table().astype(int)) >= 0).all()
    assert Tones(0, 128, 255).table().tolist() == list(range(256))
    assert view(np.zeros((5, 5, 3), np.uint8), 1.0).stretched().pixels.max() <= 255


def candidates(boxes: list[list[float]]) -> Found:
    array = np.array(boxes, float).reshape(-1, 4)
    count = len(array)
    return Found(array, np.zeros((count, 5, 2)), np.linspace(1, 0.5, count), np.full(count, ""))


@pytest.mark.parametrize(
    ("width", "height", "most"), [(900, 500, 100_000), (2000, 92, 60_000), (300, 300, 10**6)]
)
def test_every_face_is_told_by_one_tile_and_whole(width: int, height: int, most: int) -> None:
    image, scale, overlap = ramp(width, height), 0.9, 64
    parts = list(tiles(image, scale, most, overlap))
    assert (len(parts) > 1) == (width * height * scale**2 > most)
    for part in parts:
        assert np.prod(part.view.pixels.shape[:2]) <= 1.1 * most
    for number in range(len(parts)):
        assert_leads_back(
            lambda image, number=number: list(tiles(image, scale, most, overlap))[number].view, width, height
        )
    random = np.random.default_rng(0)
    side = 0.8 * overlap / scale
    for x, y in random.uniform((-0.5, -0.5), (width - 0.5 - side, height - 0.5 - side), (200, 2)).tolist():
        face = candidates([[x, y, x + side, y + side]])
        owners = [part for part in parts if len(part.own_candidates(face))]
        assert len(owners) == 1
        pixels = owners[0].view.pixels
        corners = transform(
            owners[0].view.matrix, [[-0.5, -0.5], [pixels.shape[1] - 0.5, pixels.shape[0] - 0.5]]
        )
        assert (corners[0] <= (x + 1e-9, y + 1e-9)).all()
        assert (corners[1] >= (x + side - 1e-9, y + side - 1e-9)).all()


def test_a_face_larger_than_the_overlap_that_a_tile_cuts_is_left_to_other_looks() -> None:
    (first, *_) = tiles(ramp(900, 500), 1.0, 100_000, 64)
    edge = first.view.pixels.shape[1]
    assert len(first.own_candidates(candidates([[edge - 260, 10, edge - 1, 200]]))) == 0
    assert len(first.own_candidates(candidates([[-9, -9, 50, 80]]))) == 1  # at the picture's border


def test_doubles_are_those_that_share_more_than_so_much() -> None:
    random = np.random.default_rng(1)
    low = random.uniform(0, 100, (120, 2))
    boxes = np.concatenate([low, low + random.uniform(20, 60, (120, 2))], 1)
    expected: list[int] = []
    for number, box in enumerate(boxes):
        if all(iou(box, boxes[other]) <= 0.4 and not nested(box, boxes[other]) for other in expected):
            expected.append(number)
    assert nms_sorted(boxes).tolist() == expected
    assert nms_sorted(boxes[:0]).tolist() == []


def nested(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether most of the smaller box is in the other, which is not many times as large."""
    shared = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    areas = sorted([(a[2:] - a[:2]).prod(), (b[2:] - b[:2]).prod()])
    return bool(shared > 0.75 * areas[0] and areas[1] < 8 * areas[0])


def test_the_box_of_a_head_around_a_face_is_a_double_a_small_face_before_a_large_one_is_not() -> None:
    boxes = np.array([[40.0, 40, 60, 60], [25, 25, 70, 70], [0, 0, 100, 100]])
    assert nms_sorted(boxes).tolist() == [0, 2]


def test_joined_keeps_the_most_confident_of_doubles() -> None:
    one = candidates([[0, 0, 10, 10], [50, 50, 60, 60]])
    other = Found(one.boxes + 1, one.points, np.array([0.7, 0.6]), np.full(2, "enlarged"))
    joined = Found.joined([one, other])
    assert joined.confidence.tolist() == [1.0, 0.6]
    assert joined.look.tolist() == ["", "enlarged"]
    assert len(Found.joined([])) == 0
