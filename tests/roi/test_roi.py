import numpy as np
import pytest
import torch
from numpy.typing import ArrayLike

from aulens.align import flip_matrix, rotation_scale, transform
from aulens.aus import AUS, BP4D, DISFA, MISSING, RENDERS, AUSet
from aulens.errors import ConfigError, InputError
from aulens.landmarks import IBUG49, IBUG66, IBUG68, convert, mirror
from aulens.models import regions
from aulens.roi import CENTRES, CentreRule, RoiGrid, centres, decode, side_scores
from synthetic_faces import face68

EVERY = AUSet("every", tuple(AUS))


def region_masks(windows: ArrayLike, map: int) -> np.ndarray:
    return regions.region_masks(torch.tensor(windows), map).numpy()


def region_labels(side_labels: ArrayLike, aus: AUSet) -> np.ndarray:
    return regions.Regions(aus).region_labels(torch.tensor(np.array(side_labels))).numpy()


def roi_maps(
    labels: ArrayLike, windows: ArrayLike, map: int, positives_only: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    given = torch.tensor(labels), torch.tensor(windows)
    target, valid, _ = regions.roi_maps(*given, map, positives_only)
    return target.numpy(), valid.numpy()


def faces(count: int, crop: int, seed: int = 0) -> np.ndarray:
    """Faces at any angle and size in a crop, (count, 68, 2)."""
    random = np.random.default_rng(seed)
    moves = [
        rotation_scale(random.uniform(-40, 40), crop * random.uniform(0.3, 0.5), (0, 0), (crop / 2, crop / 2))
        for _ in range(count)
    ]
    return transform(np.stack(moves), face68() + random.normal(0, 0.02, (count, 68, 2)))


# --- the table ------------------------------------------------------------------------------------


def test_every_au_has_a_rule_and_the_right_side_comes_first() -> None:
    assert set(CENTRES) == set(AUS)
    found = centres(face68(), EVERY)
    assert found.shape == (26, 2, 2)
    for number, (right, left) in zip(EVERY, found, strict=True):
        if CENTRES[number].midline:
            assert number in {18, 22, 23, 24, 25, 28}
            assert right[0] == pytest.approx(left[0])
            assert right[1] < left[1]  # the upper lip, then the lower
        else:
            assert right[0] < 0 < left[0]  # in a picture, the subject's right is at the left
            np.testing.assert_allclose(right * [-1, 1], left, atol=1e-12)  # the face is symmetric


def test_our_own_rules_lie_where_the_muscles_show() -> None:
    face = face68()
    at = dict(zip(EVERY, centres(face, EVERY)[:, 0], strict=True))
    brow, lid, under_eye = face[19, 1], face[37, 1], face[41, 1]
    nose, lip, corner, chin = face[31, 1], face[50, 1], face[48, 1], face[8, 1]
    assert brow < at[5][1] <= lid  # the upper lid's edge
    assert lid < at[43][1] < under_eye  # inside the open eye
    assert nose < at[11][1] < lip  # the nasolabial fold
    assert nose < at[13][1] < corner  # above the lip corner
    assert face[66, 1] < at[16][1] < at[17][1] < chin  # the lower lip; below it the chin
    assert at[27].tolist() == at[26].tolist()
    assert at[20].tolist() == face[48].tolist()


def test_centres_move_with_the_face() -> None:
    """Centres of the transformed landmarks are the transformed centres, whatever the rotation."""
    random = np.random.default_rng(1)
    face = face68() + random.normal(0, 0.02, (68, 2))
    for degrees in (-180, -90, -30, 10, 77):
        move = rotation_scale(degrees, random.uniform(10, 200), (0, 0), tuple(random.uniform(0, 500, 2)))
        np.testing.assert_allclose(
            centres(transform(move, face), EVERY), transform(move, centres(face, EVERY)), atol=1e-9
        )


def test_centres_of_a_level_face_are_those_of_jaa_net() -> None:
    np.testing.assert_allclose(centres(face68(), EVERY), centres(face68(), EVERY, upright=True), atol=1e-12)


def test_centres_by_hand() -> None:
    """AU6: one inner-eye-corner distance down the face from landmark 41."""
    points = np.zeros((68, 2))
    points[39], points[42], points[41] = (10, 20), (16, 20), (7, 22)
    aus = AUSet("one", (6,))
    assert centres(points, aus)[0, 0].tolist() == [7, 28]
    points[42] = (10, 26)  # the face lies on its side: its down is the picture's left
    assert centres(points, aus)[0, 0].tolist() == [1, 22]


def test_centres_do_not_depend_on_the_layout() -> None:
    points = faces(3, 256)
    for layout in (IBUG66, IBUG49):
        np.testing.assert_array_equal(centres(convert(points, IBUG68, layout), EVERY), centres(points, EVERY))


@pytest.mark.parametrize(
    ("right", "left", "message"),
    [
        (54, 48, "subject's right side"),  # sides swapped
        (48, 53, "mirror partners"),
        (48, 57, "mirror partners"),
        (51, 68, "among 0 to 67"),
    ],
)
def test_a_rule_checks_itself(right: int, left: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        CentreRule(right, left)


# --- regions --------------------------------------------------------------------------------------


def test_windows_by_hand() -> None:
    """A 256-pixel crop on a 64-pixel map: crop pixels 40..43 lie under map pixel 10."""
    grid = RoiGrid(crop=256, map=64, side=7)
    centre = [[[[40, 80], [43, 83]], [[44, 84], [39, 79]]]]
    assert grid.windows(centre).tolist() == [
        [[[7, 17, 13, 23], [7, 17, 13, 23]], [[8, 18, 14, 24], [6, 16, 12, 22]]]
    ]


@pytest.mark.parametrize(
    ("centre", "window"),
    [
        ((0, 0), [0, 0, 3, 3]),
        ((255, 128), [60, 29, 63, 35]),
        ((-8, 128), [0, 29, 1, 35]),
        ((-1e6, 128), [0, 29, 0, 35]),  # nothing would be left: one column is
        ((128, 1e6), [29, 63, 35, 63]),
    ],
)
def test_windows_at_the_border(centre: tuple[float, float], window: list[int]) -> None:
    assert RoiGrid(crop=256, map=64).windows(centre).tolist() == window


def test_windows_are_never_empty() -> None:
    grid = RoiGrid(crop=128, map=32, side=5)
    x0, y0, x1, y1 = np.moveaxis(grid.windows(np.random.default_rng(2).normal(64, 200, (1000, 2))), -1, 0)
    assert ((x0 >= 0) & (x0 <= x1) & (x1 < 32) & (y0 >= 0) & (y0 <= y1) & (y1 < 32)).all()


@pytest.mark.parametrize(("crop", "size", "side"), [(256, 64, 6), (256, 4, 7), (256, 64, 0), (0, 64, 7)])
def test_a_grid_checks_itself(crop: int, size: int, side: int) -> None:
    with pytest.raises(ConfigError, match=f"got crop {crop}, map {size}, side {side}"):
        RoiGrid(crop, size, side)


def test_windows_refuse() -> None:
    grid = RoiGrid(crop=256, map=64)
    with pytest.raises(InputError, match="not finite"):
        grid.windows([np.nan, 3])
    with pytest.raises(InputError, match=r"\(\.\.\., 2\)"):
        grid.windows([1, 2, 3])


def test_region_masks_mark_x_along_columns() -> None:
    mask = region_masks([2, 5, 3, 7], 10)
    assert mask.shape == (10, 10)
    assert sorted(np.argwhere(mask).tolist()) == [[y, x] for y in (5, 6, 7) for x in (2, 3)]


def test_a_region_of_the_paper_has_49_pixels() -> None:
    masks = region_masks(RoiGrid(256, 64, 7).windows(np.full((4, 12, 2, 2), 128.0)), 64)
    assert masks.shape == (4, 12, 2, 64, 64)
    assert (masks.sum((-1, -2)) == 49).all()


# --- ROI maps -------------------------------------------------------------------------------------

APART = np.array([[[1, 4, 3, 6], [6, 4, 8, 6]]])  # one AU, two regions of 3 x 3 on a 10 x 10 map
TOUCHING = np.array([[[1, 4, 3, 6], [3, 4, 5, 6]]])  # they share the column x = 3


@pytest.mark.parametrize(
    ("labels", "right", "left"), [((1, 0), 1, -1), ((0, 1), -1, 1), ((1, 1), 1, 1), ((0, 0), -1, -1)]
)
def test_roi_maps_are_plus_and_minus_one(labels: tuple[int, int], right: int, left: int) -> None:
    target, valid = roi_maps([labels], APART, 10)
    assert target.shape == valid.shape == (1, 10, 10)
    assert target.dtype == np.float32
    assert valid.all()
    assert (target[0, 4:7, 1:4] == right).all()
    assert (target[0, 4:7, 6:9] == left).all()
    assert np.count_nonzero(target) == 18


def test_positives_only_leaves_absent_aus_at_zero() -> None:
    target, valid = roi_maps([[1, 0]], APART, 10, positives_only=True)
    assert valid.all()
    assert target.sum() == 9
    assert target.min() == 0


def test_where_regions_overlap_the_target_is_their_mean() -> None:
    target, _ = roi_maps([[1, 0]], TOUCHING, 10)
    assert target[0, 5].tolist() == [0, 1, 1, 0, -1, -1, 0, 0, 0, 0]
    target, _ = roi_maps([[1, 1]], TOUCHING, 10)
    assert target[0, 5].tolist() == [0, 1, 1, 1, 1, 1, 0, 0, 0, 0]


def test_a_missing_au_is_valid_nowhere_and_a_missing_side_not_in_its_region() -> None:
    windows = np.concatenate([APART, TOUCHING, TOUCHING])
    target, valid = roi_maps([[MISSING, MISSING], [1, MISSING], [0, 1]], windows, 10)
    assert not valid[0].any()
    assert valid[1, 5].tolist() == [True, True, True, False, False, False, True, True, True, True]
    assert target[1, 5].tolist() == [0, 1, 1, 0, 0, 0, 0, 0, 0, 0]
    assert valid[2].all()
    assert not target[~valid].any()


def test_a_missing_au_changes_no_other() -> None:
    windows = RoiGrid(128, 32, 5).windows(centres(faces(4, 128), BP4D))
    labels = np.random.default_rng(3).integers(0, 2, (4, 12, 2))
    with_missing = labels.copy()
    with_missing[:, 5] = MISSING
    (a, _), (b, valid) = roi_maps(labels, windows, 32), roi_maps(with_missing, windows, 32)
    others = [i for i in range(12) if i != 5]
    np.testing.assert_array_equal(a[:, others], b[:, others])
    assert valid[:, others].all()


@pytest.mark.parametrize("aus", [BP4D, DISFA, RENDERS], ids=lambda aus: aus.name)
def test_flip_commutes_with_drawing(aus: AUSet) -> None:
    """The maps of the mirrored face with swapped sides are the mirrored maps, midline AUs included."""
    grid = RoiGrid(crop=128, map=32, side=5)
    points = faces(20, 128)
    sides = np.random.default_rng(4).integers(-1, 2, (20, len(aus), 2))

    def draw(points: np.ndarray, sides: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return roi_maps(region_labels(sides, aus), grid.windows(centres(points, aus)), 32)

    target, valid = draw(points, sides)
    flipped_target, flipped_valid = draw(mirror(points, 128, IBUG68), sides[..., ::-1])
    np.testing.assert_array_equal(flipped_target, target[..., ::-1])
    np.testing.assert_array_equal(flipped_valid, valid[..., ::-1])
    in_pixels = transform(flip_matrix(128), centres(points, aus))
    mirrored = centres(mirror(points, 128, IBUG68), aus)
    midline = np.array([CENTRES[n].midline for n in aus])
    np.testing.assert_allclose(mirrored[:, ~midline], in_pixels[:, ~midline, ::-1], atol=1e-9)
    np.testing.assert_allclose(mirrored[:, midline], in_pixels[:, midline], atol=1e-9)


def test_region_labels_give_a_midline_au_to_both_lips() -> None:
    aus = AUSet("two", (12, 25))
    labels = region_labels([[1, 0], [1, 0]], aus)
    assert labels.tolist() == [[1, 0], [1, 1]]
    assert region_labels([[0, MISSING], [0, MISSING]], aus).tolist() == [[0, MISSING], [MISSING, MISSING]]


# --- reading scores back ----------------------------------------------------------------------------


def test_decode_is_the_mean_inside_each_region() -> None:
    random = np.random.default_rng(5)
    windows = RoiGrid(128, 32, 7).windows(centres(faces(5, 128), EVERY) + random.normal(0, 40, (5, 26, 2, 2)))
    maps = random.normal(size=(5, 26, 32, 32)).astype(np.float32)
    scores = decode(maps, windows)
    assert scores.shape == (5, 26, 2)
    assert scores.dtype == np.float32
    for i in np.ndindex(5, 26, 2):
        x0, y0, x1, y1 = windows[i]
        assert scores[i] == pytest.approx(maps[i[0], i[1], y0 : y1 + 1, x0 : x1 + 1].mean(), abs=1e-5)


def test_what_was_drawn_is_read_back() -> None:
    sides = np.array([[[0, 0], [1, 0]], [[0, 1], [1, 1]]])
    windows = np.stack([np.concatenate([APART, APART])] * 2)
    target, _ = roi_maps(sides, windows, 10)
    np.testing.assert_array_equal(decode(target, windows), sides * 2 - 1)


def test_decode_ignores_what_lies_outside_the_regions() -> None:
    maps = np.random.default_rng(6).normal(0, 100, (1, 10, 10))
    inside = region_masks(APART, 10).any(1)
    maps[inside] = 0.25
    np.testing.assert_allclose(decode(maps, APART), 0.25)


def test_side_scores_give_a_midline_au_one_score() -> None:
    aus = AUSet("two", (12, 25))
    scores = np.array([[0.25, -0.5], [0.25, -0.5]])
    assert side_scores(scores, aus).tolist() == [[0.25, -0.5], [0.25, 0.25]]
    np.testing.assert_array_equal(side_scores(scores, aus).max(-1), scores.max(-1))
    with pytest.raises(InputError, match=r"\(\.\.\., 2, 2\), got shape \(3, 2\)"):
        side_scores(np.zeros((3, 2)), aus)


def test_decode_refuses_shapes_that_do_not_fit() -> None:
    with pytest.raises(InputError, match="decode needs maps"):
        decode(np.zeros((3, 10, 10)), APART)
    with pytest.raises(InputError, match="decode needs maps"):
        decode(np.zeros((10, 10)), APART)
