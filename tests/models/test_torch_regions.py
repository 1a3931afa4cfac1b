"""The tensor twin of `aulens.roi` gives the same numbers as numpy's, and draws what paper A says."""

import numpy as np
import pytest
import torch

from aulens import roi
from aulens.aus import AU_SETS, AUS, MISSING, AUSet, au_labels
from aulens.landmarks import IBUG68, LAYOUTS, convert, mirror
from aulens.models import regions
from plain_roi import region_labels, region_masks, roi_maps

ALL = AUSet("all", tuple(AUS))
CROP, MAP = 128, 32
GRID = roi.RoiGrid(crop=CROP, map=MAP, side=7)


def random_faces(count: int, spread: float = 160.0, seed: int = 0) -> np.ndarray:
    """Landmarks (count, 68, 2) float32 all over the crop and past its borders."""
    return (np.random.default_rng(seed).random((count, 68, 2), np.float32) - 0.1) * spread


def random_labels(count: int, aus: AUSet = ALL, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-1, 2, (count, len(aus), 2)).astype(np.int8)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("aus", [ALL, *AU_SETS.values()], ids=lambda aus: aus.name)
def test_centres(aus: AUSet, layout: object) -> None:
    landmarks = convert(random_faces(5), IBUG68, layout)  # type: ignore[arg-type]
    twin = regions.Regions(aus).centres(torch.from_numpy(landmarks))
    np.testing.assert_allclose(twin.numpy(), roi.centres(landmarks, aus), rtol=0, atol=1e-9)


@pytest.mark.parametrize("side", [1, 3, 7])
def test_windows_and_masks(side: int) -> None:
    grid = roi.RoiGrid(crop=CROP, map=MAP, side=side)
    landmarks = random_faces(20)
    windows = regions.Regions(ALL).windows(torch.from_numpy(landmarks), grid)
    expected = grid.windows(roi.centres(landmarks, ALL))
    np.testing.assert_array_equal(windows.numpy(), expected)
    masks = regions.region_masks(windows, MAP)
    np.testing.assert_array_equal(masks.numpy(), region_masks(expected, MAP))
    assert masks.flatten(-2).any(-1).all()


@pytest.mark.parametrize("positives_only", [False, True])
@pytest.mark.parametrize("spread", [160.0, 12.0])  # all over the crop; on one spot, so that regions overlap
def test_targets(positives_only: bool, spread: float) -> None:
    landmarks, labels = random_faces(8, spread), random_labels(8)
    twin = regions.Regions(ALL)
    windows = twin.windows(torch.from_numpy(landmarks), GRID)
    drawn = twin.region_labels(torch.from_numpy(labels))
    np.testing.assert_array_equal(drawn.numpy(), region_labels(labels, ALL))
    target, valid, inside = regions.roi_maps(drawn, windows, MAP, positives_only)
    wanted, wanted_valid = roi_maps(drawn.numpy(), windows.numpy(), MAP, positives_only)
    np.testing.assert_array_equal(target.numpy(), wanted)
    np.testing.assert_array_equal(valid.numpy(), wanted_valid)
    np.testing.assert_array_equal(inside.numpy(), region_masks(windows.numpy(), MAP).any(-3))


def test_decoding() -> None:
    landmarks = random_faces(6)
    maps = np.random.default_rng(1).standard_normal((6, len(ALL), MAP, MAP)).astype(np.float32)
    twin = regions.Regions(ALL)
    windows = twin.windows(torch.from_numpy(landmarks), GRID)
    scores = regions.decode(torch.from_numpy(maps), windows)
    expected = roi.decode(maps, windows.numpy())
    np.testing.assert_allclose(scores.numpy(), expected, rtol=0, atol=1e-6)
    sides = twin.side_scores(scores).numpy()
    np.testing.assert_allclose(sides, roi.side_scores(expected, ALL), rtol=0, atol=1e-6)


def test_a_target_decodes_to_its_labels() -> None:
    landmarks = random_faces(4)
    labels = np.abs(random_labels(4))
    twin = regions.Regions(ALL)
    windows = twin.windows(torch.from_numpy(landmarks), GRID)
    target, _, _ = regions.roi_maps(twin.region_labels(torch.from_numpy(labels)), windows, MAP)
    scores = regions.decode(target, windows).amax(-1)
    np.testing.assert_array_equal((scores > 0).numpy(), au_labels(labels) == 1)


def test_a_flipped_face_swaps_the_sides() -> None:
    landmarks = random_faces(6, spread=100.0)
    maps = torch.randn(6, len(ALL), MAP, MAP)
    twin = regions.Regions(ALL)
    windows = twin.windows(torch.from_numpy(landmarks), GRID)
    mirrored = twin.windows(torch.from_numpy(mirror(landmarks, CROP)), GRID)
    sides = twin.side_scores(regions.decode(maps, windows))
    flipped = twin.side_scores(regions.decode(maps.flip(-1), mirrored))
    torch.testing.assert_close(flipped, sides.flip(-1))


def test_au_labels_agree() -> None:
    every = np.array([(a, b) for a in (0, 1, MISSING) for b in (0, 1, MISSING)], np.int8)
    np.testing.assert_array_equal(regions.au_labels(torch.from_numpy(every)).numpy(), au_labels(every))
