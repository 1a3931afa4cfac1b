import numpy as np
import pytest

from aulens.errors import InputError
from aulens.landmarks import (
    IBUG49,
    IBUG66,
    IBUG68,
    INNER_EYE_CORNERS,
    LAYOUTS,
    LEFT_EYE,
    MOUTH_CORNERS,
    RIGHT_EYE,
    SUBJECT_RIGHT,
    LandmarkLayout,
    convert,
    layout_of,
    mirror,
)

# The flip permutation of JAA-Net's 49 points (its file reflect_49, 1-based).
REFLECT_49 = """
    10 9 8 7 6 5 4 3 2 1 11 12 13 14 19 18 17 16 15 29 28 27 26 31 30 23 22 21 20 25 24
    38 37 36 35 34 33 32 43 42 41 40 39 46 45 44 49 48 47
"""

# For the points that the 49 lack: the jaw is numbered from one ear to the other.
JAW_AND_INNER_CORNERS = {0: 16, 1: 15, 2: 14, 3: 13, 4: 12, 5: 11, 6: 10, 7: 9, 8: 8, 60: 64, 64: 60}


def test_mirror_partners_of_49_are_jaa_nets() -> None:
    assert IBUG49.mirror == tuple(int(i) - 1 for i in REFLECT_49.split())


def test_mirror_partners_of_68_agree_with_the_49_and_the_jaw() -> None:
    for position, point in enumerate(IBUG49.in68):
        assert IBUG68.mirror[point] == IBUG49.in68[IBUG49.mirror[position]]
    for point, partner in JAW_AND_INNER_CORNERS.items():
        assert IBUG68.mirror[point] == partner


def test_subsets_of_68() -> None:
    assert IBUG68.in68 == tuple(range(68))
    assert sorted(set(range(68)) - set(IBUG66.in68)) == [60, 64]
    # JAA-Net: the 49 are the last 49 of the 66, and the 68 without the jaw and the inner mouth corners.
    assert IBUG49.in68 == IBUG66.in68[-49:]
    assert IBUG49.in68[:43] == tuple(range(17, 60))
    assert IBUG49.in68[43:] == (61, 62, 63, 65, 66, 67)


def test_the_right_side_is_one_half_of_the_points() -> None:
    left = {IBUG68.mirror[i] for i in SUBJECT_RIGHT}
    midline = {i for i in range(68) if IBUG68.mirror[i] == i}
    assert not left & SUBJECT_RIGHT
    assert left | SUBJECT_RIGHT | midline == set(range(68))
    assert midline == {8, 27, 28, 29, 30, 33, 51, 57, 62, 66}


def test_named_points_are_partners() -> None:
    assert {IBUG68.mirror[i] for i in RIGHT_EYE} == set(LEFT_EYE)
    for right, left in (INNER_EYE_CORNERS, MOUTH_CORNERS):
        assert right in SUBJECT_RIGHT
        assert IBUG68.mirror[right] == left


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=str)
def test_layout_of_is_told_by_the_number_of_points(layout: LandmarkLayout) -> None:
    assert layout_of(np.zeros((3, 2, layout.count, 2))) is layout


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((5, 2), "no layout has 5 landmarks"),
        ((68, 3), r"\(\.\.\., K, 2\)"),
        ((2,), "shape"),
        ((2, 68), "shape"),
    ],
)
def test_layout_of_refuses(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        layout_of(np.zeros(shape))


def test_convert_takes_the_same_points() -> None:
    points = np.random.default_rng(0).normal(size=(3, 68, 2)).astype(np.float32)
    before = points.copy()
    in66, in49 = convert(points, IBUG68, IBUG66), convert(points, IBUG68, IBUG49)
    np.testing.assert_array_equal(in66, np.delete(points, [60, 64], axis=1))
    np.testing.assert_array_equal(in49, np.delete(points, [*range(17), 60, 64], axis=1))
    np.testing.assert_array_equal(convert(in66, IBUG66, IBUG49), in49)
    same = convert(points, IBUG68, IBUG68)
    same[:] = 0
    np.testing.assert_array_equal(points, before)
    assert in49.dtype == np.float32


def test_convert_refuses_points_that_are_not_there() -> None:
    with pytest.raises(InputError, match=r"layout 'ibug66' lacks the points \[60, 64\]"):
        convert(np.zeros((66, 2)), IBUG66, IBUG68)
    with pytest.raises(InputError, match=r"in ibug68 must be \(\.\.\., 68, 2\).* got shape \(49, 2\)"):
        convert(np.zeros((49, 2)), IBUG68, IBUG49)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=str)
def test_mirror_twice_gives_the_landmarks_back(layout: LandmarkLayout) -> None:
    points = np.random.default_rng(1).uniform(0, 100, (2, layout.count, 2))
    before = points.copy()
    np.testing.assert_allclose(mirror(mirror(points, 100, layout), 100), points, atol=1e-12)
    np.testing.assert_array_equal(points, before)


def test_mirror_convention_by_hand() -> None:
    """In a picture 10 wide, column 0 goes to column 9, and the right mouth corner to the left one."""
    points = np.zeros((68, 2), np.float32)
    points[48] = (0, 7)
    points[54] = (6, 8)
    flipped = mirror(points, 10, IBUG68)
    assert flipped[54].tolist() == [9, 7]
    assert flipped[48].tolist() == [3, 8]
    assert flipped.dtype == np.float32


def test_mirror_of_integers_is_not_truncated_or_wrapped() -> None:
    flipped = mirror(np.full((68, 2), 20, np.uint8), 10)
    assert flipped.dtype == np.float64
    assert (flipped[:, 0] == -11).all()


def test_a_layout_of_ones_own_mirrors_its_points() -> None:
    assert LandmarkLayout("eyes and nose", (36, 45, 30)).mirror == (1, 0, 2)
    with pytest.raises(InputError, match=r"layout 'one eye' lacks the points \[45\]"):
        _ = LandmarkLayout("one eye", (36,)).mirror
