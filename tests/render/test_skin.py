import numpy as np
import pytest

from aulens.render.skin import WRINKLING, lip_cover, smooth, wrinkle

# A point of the canonical face (subject's left) that each AU folds or raises.
FOLDED = {
    1: (0.4, 8.0), 2: (4.1, 8.0), 4: (0.75, 5.6), 6: (5.8, 3.6), 7: (3.1, 2.25), 9: (0.75, 3.4),
    10: (2.3, -2.0), 12: (2.3, -2.0), 14: (3.0, -3.5), 15: (3.0, -4.5), 17: (1.2, -6.1), 18: (1.2, -4.6),
}  # fmt: skip


def height(au, side, x, y):
    strength = np.zeros((len(WRINKLING), 2), np.float32)
    strength[WRINKLING.index(au), side] = 1
    rest = np.zeros_like(strength)
    return wrinkle(x, y, strength, 0.3) - wrinkle(x, y, rest, 0.3)


@pytest.mark.parametrize("au", WRINKLING)
def test_each_au_wrinkles_the_skin_on_its_own_side(au):
    x, y = FOLDED[au]
    assert abs(height(au, 1, x, y)) > 0.003
    assert abs(height(au, 0, -x, y)) > 0.003
    if x > 0.9:  # nearer the midline the sides are blended
        assert height(au, 1, -x, y) == height(au, 0, x, y) == 0


def test_lips_are_where_their_landmarks_are():
    assert lip_cover(0.0, -4.0, 11.4) == 1  # lower lip
    assert lip_cover(0.0, -6.0, 10.5) == lip_cover(4.0, -3.5, 9.5) == 0


def test_smooth_goes_both_ways():
    assert (smooth(0.0, 1.0, -1.0), smooth(0.0, 1.0, 0.5), smooth(0.0, 1.0, 2.0)) == (0, 0.5, 1)
    assert (smooth(1.0, 0.0, -1.0), smooth(1.0, 0.0, 2.0)) == (1, 0)
