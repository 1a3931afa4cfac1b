import cv2
import numpy as np
import pytest

from aulens.data import photometric
from aulens.data.occluders import draw_glasses, draw_occluder
from aulens.data.photometric import Photometric, change
from synthetic_faces import face68

POINTS = face68() * 40 + 48


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    y, x = np.mgrid[:96, :96]
    return np.stack([2 * x + 20, 2 * y + 30, 255 - 2 * x], -1).astype(np.uint8)


def blur(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return photometric.blurred(image, random)[0]


def coarse(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return photometric.coarse(image, random.uniform(0.2, 0.8), random)


OPERATIONS = [
    photometric.colour, photometric.gamma, photometric.shading, blur, coarse, photometric.noise,
    photometric.jpeg, draw_occluder,
]  # fmt: skip


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda f: f.__name__)
def test_each_operation_changes_a_copy(image: np.ndarray, operation):
    before = image.copy()
    for seed in range(20):
        out = operation(image, np.random.default_rng(seed))
        assert out.shape == image.shape
        assert out.dtype == np.uint8
    np.testing.assert_array_equal(image, before)
    assert (out != image).any()


def test_glasses_are_drawn_on_the_eyes(image: np.ndarray):
    before = image.copy()
    for seed in range(20):
        out = draw_glasses(image, POINTS, np.random.default_rng(seed))
        changed = (out != image).any(-1)
        assert changed[:, :48].any()
        assert changed[:, 48:].any()
        assert not changed[70:].any()  # the mouth stays free
    np.testing.assert_array_equal(image, before)
    tiny = draw_glasses(image, POINTS * 0.02, np.random.default_rng(0))
    np.testing.assert_array_equal(tiny, image)


def test_nothing_wanted_is_nothing_done(image: np.ndarray):
    assert change(image, POINTS, Photometric(), np.random.default_rng(0)) is image


def test_grey_pictures_are_grey(image: np.ndarray):
    out = change(image, POINTS, Photometric(grey=1.0), np.random.default_rng(0)).astype(int)
    assert np.ptp(out, axis=-1).max() <= 1


def test_probabilities_are_kept(image: np.ndarray):
    random = np.random.default_rng(0)
    share = np.mean([change(image, POINTS, Photometric(gamma=0.3), random) is not image for _ in range(500)])
    assert share == pytest.approx(0.3, abs=0.06)


def test_one_knob_does_not_reshuffle_the_others(image: np.ndarray):
    def jpeg_share(**chance: float) -> list[bool]:
        found = []
        for seed in range(40):
            out = change(image, POINTS, Photometric(jpeg=0.5, **chance), np.random.default_rng(seed))
            found.append(out is not image)
        return found

    assert jpeg_share() == jpeg_share(glasses=0.0)
    assert sum(jpeg_share(blur=1.0)) == 40


def test_faces_stay_in_range(image: np.ndarray):
    """Not all black, not all white: something must be left to learn from."""
    chance = Photometric(colour=1.0, gamma=1.0, shading=1.0)
    spread = [change(image, POINTS, chance, np.random.default_rng(s)).std() for s in range(200)]
    assert np.mean(np.array(spread) < 8) < 0.02


def test_noise_has_no_bias(image: np.ndarray):
    flat = np.full((96, 96, 3), 128, np.uint8)
    mean = np.mean([photometric.noise(flat, np.random.default_rng(s)).mean() for s in range(100)])
    assert mean == pytest.approx(128, abs=0.5)


def test_colour_matches_its_definition():
    """A grey patch under pure hue rotation keeps its grey: the rotation is around the grey axis."""
    flat = np.full((4, 4, 3), 100, np.uint8)
    out = photometric.colour(flat, np.random.default_rng(3), grey=True)
    assert np.ptp(out[0, 0].astype(int)) <= 1
    assert cv2.mean(out)[0] != 0
