"""Labels follow what is visible, sides are the subject's own, exclusions hold."""

import numpy as np
import pytest

from aulens.aus import PRESENT_STRENGTH, RENDERS
from aulens.render.acting import draw_action
from aulens.render.expression import EXCLUSIVE, LEFT, MEDIAN, RECIPES, RIGHT, labels, lip_gap


def moved(muscles, action):
    return muscles.rig.neutral + muscles.move(action)


def label_of(muscles, action):
    return labels(action, lip_gap(moved(muscles, action), muscles.rig))


def test_recipes_cover_the_set_that_is_labelled():
    assert set(RECIPES) == set(RENDERS.numbers)


@pytest.mark.parametrize("au", [10, 22, 25, 26, 27])
def test_whatever_parts_the_lips_is_au25(muscles, au):
    assert label_of(muscles, {au: (1.0, 1.0)})[25][0] >= PRESENT_STRENGTH


@pytest.mark.parametrize("au", [1, 4, 6, 9, 12, 14, 15, 17, 18, 23, 24, 28, 43])
def test_closed_lips_are_not_au25(muscles, au):
    assert label_of(muscles, {au: (1.0, 1.0)})[25] == (0.0, 0.0)


def test_lips_between_closed_and_parted_are_not_coded():
    assert np.isnan(labels({}, 0.18)[25][0])


def test_au9_leaves_the_lips_alone(muscles):
    lips = muscles.rig.landmarks[48:68]
    sneer = np.abs(muscles.move({9: (1.0, 1.0)})[lips]).max()
    raise_lip = np.abs(muscles.move({10: (1.0, 1.0)})[lips]).max()
    assert sneer < 0.12 * raise_lip


@pytest.mark.parametrize("au", sorted(set(RECIPES) - MEDIAN))
def test_each_side_moves_its_own_half(muscles, au):
    """Subject's left is x > 0: a one-sided AU moves that half clearly more."""
    x = muscles.rig.neutral[:, 0]
    for side, half in ((RIGHT, x < -0.5), (LEFT, x > 0.5)):
        sides = [0.0, 0.0]
        sides[side] = 1.0
        length = np.linalg.norm(muscles.move({au: tuple(sides)}), axis=1)
        other = (x > 0.5) if side == RIGHT else (x < -0.5)
        assert length[half].sum() > 4 * length[other].sum()


def test_smile_raises_and_frown_lowers_the_corner(muscles):
    corner = muscles.rig.landmarks[54]  # subject's left
    assert muscles.move({12: (0.0, 1.0)})[corner, 1] > 0.3
    assert muscles.move({15: (0.0, 1.0)})[corner, 1] < -0.2


def test_draws_keep_the_rules():
    rng = np.random.default_rng(0)
    drawn = [draw_action(rng) for _ in range(3000)]
    for action in drawn:
        for pair in EXCLUSIVE:
            assert not set(pair) <= set(action)
        for au, sides in action.items():
            assert all(s == 0 or PRESENT_STRENGTH <= s <= 1 for s in sides)
            assert max(sides) > 0
            if au in MEDIAN:
                assert sides[0] == sides[1]
    assert not any({26, 27} <= set(a) for a in drawn)
    rates = {au: np.mean([au in a for a in drawn]) for au in RECIPES}
    assert min(rates.values()) > 0.03
    assert np.mean([not a for a in drawn]) > 0.1
    one_sided = np.mean([min(a[12]) == 0 for a in drawn if 12 in a])
    assert 0.15 < one_sided < 0.45
