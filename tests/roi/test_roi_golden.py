"""Centres and attention maps against numbers that JAA-Net's published code gave."""

import numpy as np
import pytest
import torch

from aulens.align import rotation_scale, transform
from aulens.aus import AFFWILD2, BP4D, DISFA, GFT, AUSet
from aulens.landmarks import IBUG49, IBUG68, convert
from aulens.models.jaa_net import InitialAttention
from aulens.roi import centres
from synthetic_faces import face68

Golden = dict[int, tuple[float, float, float, tuple[tuple[int, int], ...]]]

# The first face of golden_au_maps.npz: 49 landmarks in a crop of 176 pixels (at 112: 112 / 176 of it).
LANDMARKS = """
    29.222916 31.736912 51.662796 26.360661 49.651577 36.397884 54.813316 25.854692
    72.683647 31.446934 95.361290 31.132723 111.143089 31.600801 114.514740 21.336618
    143.632690 37.027325 137.314758 37.266041 82.403481 44.548550 83.759842 61.334526
    95.720848 82.295601 90.684799 90.283768 71.234573 97.342117 84.833107 96.334030
    89.086899 100.944313 96.625626 101.921333 105.908867 106.541084 39.526340 62.109829
    48.171577 44.230709 60.636387 50.068275 68.979523 63.523685 64.876266 60.618320
    46.694260 57.337284 116.741051 56.031143 108.367599 43.724693 121.807869 54.557331
    133.200897 66.829514 129.462753 58.625370 114.052437 63.615795 53.951603 114.416054
    68.306480 112.636093 83.885864 108.821716 71.432899 114.906052 88.951096 119.288261
    121.170517 111.515564 110.245674 113.427902 116.463165 133.364029 97.365387 140.929779
    100.600227 145.569290 78.858070 145.018219 68.860817 138.704254 69.745010 117.423035
    83.548279 115.390549 107.813782 116.096840 100.724785 122.877922 84.526352 133.694778
    70.836029 123.562111
"""
FACE_176 = np.array(LANDMARKS.split(), np.float64).reshape(49, 2)

# Its attention maps by JAA-Net's published code, from golden_au_maps.npz. Per AU: the sum of the map, the
# sums of x * map and y * map, and the two pixels (x, y) of value 1. Made by:
#   m = z["maps176_au12"][0, a].astype(float); y, x = np.mgrid[:52, :52]
#   m.sum(), (m * x).sum(), (m * y).sum(), sorted((x, y) for y, x in np.argwhere(m == 1))
GOLDEN_176 = {
    1: (78.7692, 1929.85, 221.54, ((21, 2), (28, 2))),
    2: (101.9231, 2968.15, 484.46, ((15, 3), (42, 6))),
    4: (106.6154, 2612.08, 1386.0, ((15, 15), (34, 11))),
    6: (106.6154, 2772.0, 3305.08, ((14, 31), (38, 31))),
    7: (106.6154, 2665.38, 1492.62, ((18, 15), (32, 13))),
    9: (85.6923, 2313.69, 1885.23, ((25, 21), (29, 23))),
    10: (106.6154, 2825.31, 3678.23, ((21, 35), (32, 34))),
    12: (106.6154, 2612.08, 3624.92, ((16, 34), (33, 34))),
    14: (106.6154, 2612.08, 3624.92, ((16, 34), (33, 34))),
    15: (106.6154, 2612.08, 3624.92, ((16, 34), (33, 34))),
    17: (70.0, 1838.38, 3388.38, ((23, 50), (29, 49))),
    23: (106.6154, 2718.69, 4104.69, ((21, 34), (30, 43))),
    24: (106.6154, 2718.69, 4104.69, ((21, 34), (30, 43))),
    25: (106.6154, 2718.69, 4104.69, ((21, 34), (30, 43))),
    26: (70.0, 1838.38, 3388.38, ((23, 50), (29, 49))),
}
GOLDEN_112 = {
    1: (33.4444, 577.22, 58.22, ((15, 2), (20, 1))),
    2: (36.6667, 733.33, 110.0, ((11, 2), (29, 4))),
    4: (36.6667, 605.0, 348.33, ((10, 11), (23, 8))),
    6: (36.6667, 660.0, 788.33, ((10, 21), (26, 22))),
    7: (36.6667, 623.33, 348.33, ((12, 10), (22, 9))),
    9: (31.3333, 579.67, 485.67, ((17, 15), (20, 16))),
    10: (36.6667, 660.0, 880.0, ((14, 24), (22, 24))),
    12: (36.6667, 623.33, 843.33, ((11, 23), (23, 23))),
    14: (36.6667, 623.33, 843.33, ((11, 23), (23, 23))),
    15: (36.6667, 623.33, 843.33, ((11, 23), (23, 23))),
    17: (24.5556, 449.56, 829.44, ((16, 35), (20, 34))),
    23: (36.6667, 660.0, 990.0, ((15, 24), (21, 30))),
    24: (36.6667, 660.0, 990.0, ((15, 24), (21, 30))),
    25: (36.6667, 660.0, 990.0, ((15, 24), (21, 30))),
    26: (24.5556, 449.56, 829.44, ((16, 35), (20, 34))),
}
GOLDEN = [(176, GOLDEN_176), (112, GOLDEN_112)]


def attention_maps(points: np.ndarray, aus: AUSet, crop: int) -> np.ndarray:
    """(N, K, 2) → (N, A, S, S)."""
    return InitialAttention(aus, crop)(torch.tensor(points, dtype=torch.float32)).numpy()


@pytest.mark.parametrize(("crop", "golden"), GOLDEN, ids=["176", "112"])
@pytest.mark.parametrize("aus", [BP4D, DISFA, GFT, AFFWILD2], ids=lambda aus: aus.name)
def test_attention_maps_equal_the_published_code(aus: AUSet, crop: int, golden: Golden) -> None:
    (maps,) = attention_maps(FACE_176[None] * (crop / 176), aus, crop)
    size = crop // 4 + 8
    assert maps.shape == (len(aus), size, size)
    assert maps.dtype == np.float32
    y, x = np.mgrid[:size, :size]
    for number, one in zip(aus, maps.astype(float), strict=True):
        total, along_x, along_y, peaks = golden[number]
        assert one.sum() == pytest.approx(total, abs=1e-3)
        assert (one * x).sum() == pytest.approx(along_x, abs=1e-2)
        assert (one * y).sum() == pytest.approx(along_y, abs=1e-2)
        assert tuple(sorted((int(px), int(py)) for py, px in np.argwhere(one == 1))) == peaks


@pytest.mark.parametrize(("crop", "golden"), GOLDEN, ids=["176", "112"])
def test_centres_equal_the_published_code(crop: int, golden: Golden) -> None:
    aus = AUSet("golden", tuple(golden))
    scale = (crop // 4 + 8) / crop
    found = np.rint(centres(FACE_176 * (crop / 176), aus, upright=True) * scale).astype(int)
    for number, pair in zip(aus, found, strict=True):
        assert tuple(sorted((x, y) for x, y in pair.tolist())) == golden[number][3]


def test_attention_maps_of_many_faces_and_other_layouts() -> None:
    move = rotation_scale(8, 70, (0, 0), (88, 88))
    points = transform(move, face68() + np.random.default_rng(0).normal(0, 0.02, (6, 68, 2)))
    maps = attention_maps(points, BP4D, 176)
    assert maps.shape == (6, 12, 52, 52)
    np.testing.assert_array_equal(maps, attention_maps(convert(points, IBUG68, IBUG49), BP4D, 176))
    assert (maps >= 0).all()
    assert (maps <= 1).all()


def test_a_centre_outside_still_marks_the_nearest_border() -> None:
    points = np.full((68, 2), 88.0)
    points[48], points[54] = (-40, 88), (400, 88)
    one = attention_maps(points[None], AUSet("one", (12,)), 176)[0, 0]
    # On the left the centre is pixel (-12, 26): 1 - 12 / 13 in column 0. On the right it is too far to show.
    assert one[26, 0] == pytest.approx(1 / 13)
    one[26, 0] = 0
    assert one.max() < 1e-6
