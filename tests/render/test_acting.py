import numpy as np
import pytest

from aulens.aus import PRESENT_STRENGTH
from aulens.render.acting import draw_action, draw_joint
from aulens.render.expression import EXCLUSIVE, MEDIAN, RECIPES


def drawn(draw, n=3000):
    rng = np.random.default_rng(0)
    return [draw(rng) for _ in range(n)]


@pytest.mark.parametrize("draw", [draw_action, draw_joint])
def test_actions_are_possible_and_complete(draw):
    actions = drawn(draw)
    seen = {au for action in actions for au in action}
    assert seen == set(RECIPES)
    for action in actions:
        assert not any({*pair} <= set(action) for pair in EXCLUSIVE)
        for au, sides in action.items():
            assert all(side == 0 or PRESENT_STRENGTH <= side <= 1 for side in sides)
            assert max(sides) >= PRESENT_STRENGTH
            assert au not in MEDIAN or sides[0] == sides[1]
    rest = np.mean([not action for action in actions])
    assert 0.07 < rest < 0.15


def test_joint_aus_go_together_as_faces_show_them():
    shown = np.array([[max(a.get(au, (0, 0))) for au in (1, 2, 6, 12, 4, 27)] for a in drawn(draw_joint)])
    present = shown > 0
    together = np.corrcoef(present.T)
    assert together[0, 1] > 0.4  # AU1 and AU2
    assert together[2, 3] > 0.3  # AU6 and AU12
    smiling = present[:, 2] & present[:, 3]
    assert np.corrcoef(shown[smiling, 2], shown[smiling, 3])[0, 1] > 0.4
    freely = np.array([[max(a.get(au, (0, 0))) > 0 for au in (1, 2)] for a in drawn(draw_action)])
    assert together[0, 1] > np.corrcoef(freely.T)[0, 1] + 0.05


def test_au9_also_comes_alone():
    assert sum(set(action) == {9} for action in drawn(draw_joint)) > 20


def test_only_what_is_allowed_is_drawn():
    rng = np.random.default_rng(0)
    upper = frozenset({1, 2, 43})
    assert {au for _ in range(500) for au in draw_joint(rng, upper)} == upper
    assert draw_joint(rng, frozenset()) == {}


def test_winks_come_with_the_cheek_of_their_side():
    winks = [a for a in drawn(draw_joint) if 43 in a and min(a[43]) == 0 and 6 in a]
    assert len(winks) > 20
    leaning = [(a[43][0] - a[43][1]) * (a[6][0] - a[6][1]) for a in winks]
    assert np.mean(np.array(leaning) > 0) > 0.6
