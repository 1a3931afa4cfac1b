"""Crops whose discs lie where they are told to; what is visible, and what quality is."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from aulens import align
from aulens.align import five_points
from aulens.data.face_nets.camera import take
from aulens.data.face_nets.covers import KINDS, cover, hidden_at
from aulens.data.face_nets.crops import TEMPLATE, crop_matrix, draw_crop, draw_negative, quality
from aulens.data.photometric import blurred, exposed
from aulens.landmarks import BROWS, mirror
from aulens.models.face_net import MEAN_SHAPE
from made_cutouts import PARTNER, as_it_is, centre_of, disc_faces, landmarks, nothing
from people import noise

plain = partial(draw_crop, take=as_it_is, cover=nothing)


def test_a_plain_crop_is_cut_by_the_true_points(faces):
    for number, cutout in enumerate(faces[:5]):
        crop = draw_crop(cutout, 112, np.random.default_rng(number), hard=0.0)
        matrix = crop_matrix(cutout.landmarks, 112)
        np.testing.assert_allclose(crop.landmarks, align.transform(matrix, cutout.landmarks), atol=1e-4)
        blank = draw_crop(faces[5], 112, np.random.default_rng(number), hard=0.0)
        light = np.abs(crop.image[..., 0].astype(int) - blank.image[..., 0])
        np.testing.assert_allclose(centre_of(light), five_points(crop.landmarks)[number], atol=0.06)


def test_a_face_as_the_template_wants_it_is_cut_as_it_is():
    points = np.array(TEMPLATE) * 112 - 0.5
    np.testing.assert_allclose(crop_matrix(points, 112), [[1, 0, 0], [0, 1, 0]], atol=1e-12)


def test_hard_crops_have_their_discs_where_they_say(faces):
    """Mirrored in half of them: what was the right eye is then called the left one."""
    mirrored = 0
    for seed in range(40):
        random = [np.random.default_rng(seed) for _ in range(6)]
        images = [plain(cutout, 112, r, hard=1.0, far=0.0) for cutout, r in zip(faces, random, strict=True)]
        told = five_points(images[0].landmarks)
        lights = [np.abs(one.image[..., 0].astype(int) - images[5].image[..., 0]) for one in images[:5]]
        found = np.stack([centre_of(light) for light in lights])
        flipped = np.abs(found[list(PARTNER)] - told).max() < np.abs(found - told).max()
        np.testing.assert_allclose(found[list(PARTNER)] if flipped else found, told, atol=0.08)
        right, left, _, *corners = told
        up = (right + left) / 2 - np.mean(corners, 0)
        across = left - right
        assert across[0] * up[1] - across[1] * up[0] < 0  # the subject's left is to the right of upright
        mirrored += flipped
    assert 10 < mirrored < 30


def test_who_is_far_away_has_few_pixels_in_their_place(faces):
    far = partial(plain, far=1.0, far_scales=(0.25, 0.25))
    for seed in range(20):
        random = [np.random.default_rng(seed) for _ in range(6)]
        images = [far(cutout, 112, r, hard=0.01) for cutout, r in zip(faces, random, strict=True)]
        told, nose = five_points(images[0].landmarks)[2], images[2].image[..., 0].astype(int)
        light = np.abs(nose - images[5].image[..., 0])
        np.testing.assert_allclose(centre_of(light), told, atol=1.5)  # a pixel of then is four of now
        assert images[0].present
        assert images[0].quality < 0.2


def test_same_randomness_same_crop(faces):
    one, other = (draw_crop(faces[0], 64, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one.image, other.image)
    assert np.array_equal(one.visible, other.visible)
    assert one.quality == other.quality


def test_the_mean_shape_lies_in_the_crop_and_is_symmetric():
    shape = np.array(MEAN_SHAPE)
    np.testing.assert_allclose(five_points(shape), TEMPLATE, atol=0.02)
    np.testing.assert_allclose(mirror(shape * 112 - 0.5, 112), shape * 112 - 0.5, atol=1e-9)


HIDES = {  # points that a cover surely hides, and such that it never does
    "mask": ((51, 57, 62, 66), BROWS),
    "glasses": ((36, 39, 42, 45), (48, 54, 57)),
    "hat": ((), (33, 48, 54, 57, 8)),
    "hand": ((), ()),
    "scarf": ((), (*BROWS, 36, 45)),
    "thing": ((), ()),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("degrees", [0.0, 140.0])
def test_covers_paint_what_they_say_they_hide(kind: str, degrees: float):
    points = align.transform(align.rotation_scale(degrees, 2.0, (104, 120)), landmarks())
    surely, never = HIDES[kind]
    for seed in range(8):
        image = np.random.default_rng(3).integers(0, 256, (240, 208, 3)).astype(np.uint8)
        before = image.copy()
        hides = cover(image, points, kind, np.random.default_rng(seed))
        assert hides.shape == image.shape[:2]
        assert 0 <= hides.min() <= hides.max() <= 1
        changed = (image != before).any(-1)
        assert not changed[hides == 0].any()
        if (hides == 1).any():
            assert changed[hides == 1].mean() > 0.95
        if surely:
            assert hidden_at(hides, points)[list(surely)].min() > (0.7 if kind == "glasses" else 0.9)
        if never:
            assert hidden_at(hides, points)[list(never)].max() == 0


def test_what_is_covered_is_not_visible(faces):
    def lower_half(image, points, kind, random):
        hides = np.zeros(image.shape[:2], np.float32)
        hides[56:] = 1
        return hides

    crops = [draw_crop(faces[0], 112, np.random.default_rng(s), cover=lower_half) for s in range(20)]
    covered = [crop for crop in crops if crop.visible.min() < 0.5]
    assert 3 < len(covered) < 17
    for crop in covered:
        np.testing.assert_array_equal(crop.visible < 0.5, np.rint(crop.landmarks[:, 1]) >= 56)


def test_points_beyond_the_picture_are_not_visible(tmp_path: Path):
    (cutout, *_) = disc_faces(tmp_path, (208, 240))
    cut = type(cutout)(
        (cutout.levels[0][:, :104],), cutout.landmarks, cutout.visible, cutout.yaw, cutout.subject
    )
    crop = draw_crop(cut, 112, np.random.default_rng(0), hard=0.0)
    np.testing.assert_array_equal(crop.visible == 0, cutout.landmarks[:, 0] > 103)


def test_nobody_is_told_as_nobody(faces):
    background = noise(300, 200)
    for seed in range(12):
        crop = draw_negative(faces[0], [background], 64, np.random.default_rng(seed))
        assert crop.image.shape == (64, 64, 3)
        assert not crop.present
        assert crop.quality == 0
        assert not crop.visible.any()


def test_quality_is_a_product_of_five_shares():
    points = np.array(MEAN_SHAPE) * 112 - 0.5
    image = np.random.default_rng(0).integers(0, 256, (112, 112, 3)).astype(np.uint8)
    full = {"visible": np.ones(68), "yaw": 0.0, "detail": 1.0, "spoilt": 0.0}
    assert quality(image, points, **full) == pytest.approx(1.0)
    half = np.r_[np.ones(17 + 51 // 3), np.zeros(51 - 51 // 3)]
    assert quality(image, points, **full | {"visible": half}) == pytest.approx(1 / 9)
    assert quality(image, points, **full | {"yaw": -50.0}) == pytest.approx(0.575)
    assert quality(image, points, **full | {"spoilt": 1.0}) == pytest.approx(0.6)
    across = five_points(points)[1, 0] - five_points(points)[0, 0]
    assert quality(image, points, **full | {"detail": 16 / across}) == pytest.approx(0.5)
    dark = (image * 0.1).astype(np.uint8)
    face = dark[26:94, 28:84].mean(-1)
    assert quality(dark, points, **full) == pytest.approx(face.std() / 24, rel=0.05)
    assert quality(np.full_like(image, 200), points, **full) == 0


def test_exposure_multiplies_and_clips():
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, 2)
    assert np.array_equal(exposed(ramp, 1.0), ramp)
    assert exposed(ramp, 0.5)[0, [0, 3, 100, 255], 0].tolist() == [0, 2, 50, 128]
    assert exposed(ramp, 2.0)[0, [0, 100, 127, 128, 255], 0].tolist() == [0, 200, 254, 255, 255]
    assert exposed(ramp, 0.06)[0, 255, 1] == 15


def test_blur_is_told_as_it_is():
    """The spread of a blurred dot, along the line where it is one."""
    dot = np.zeros((101, 101, 3), np.uint8)
    dot[50, 50] = 255
    y, x = np.indices((101, 101)) - 50
    for seed in range(20):
        image, sigma = blurred(dot, np.random.default_rng(seed))
        light = image[..., 0].astype(np.float64)
        spread = np.cov(np.stack([x.ravel(), y.ravel()]), aweights=light.ravel(), ddof=0)
        assert np.sqrt(np.linalg.eigvalsh(spread)[1]) == pytest.approx(sigma, rel=0.25, abs=0.35)


def test_easy_conditions_spoil_nothing_and_hard_ones_tell_what_they_did():
    picture = noise(64, 64)
    easy = [take(picture, np.random.default_rng(seed), hard=0.0) for seed in range(20)]
    assert {(one.exposure, one.blur, one.spoilt) for one in easy} == {(1.0, 0.0, 0.0)}
    hard = [take(picture, np.random.default_rng(seed), hard=1.0) for seed in range(60)]
    for told in ([o.exposure != 1 for o in hard], [o.blur > 0 for o in hard], [o.spoilt > 0 for o in hard]):
        assert 5 < sum(told) < 58
    for one in hard:
        if one.exposure < 0.2:
            assert one.image.mean() < 0.5 * picture.mean()
