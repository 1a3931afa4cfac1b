import numpy as np
import pytest

from aulens.render.combinations import CODED, SHARED, draw_combination, published


def test_the_tables_are_those_of_the_data_sets():
    tables = published()
    assert set(tables) == set(CODED)
    for name, table in tables.items():
        assert set().union(*table.sets) == set(CODED[name])
        assert table.shares.sum() == pytest.approx(1)
    none = tables["disfa"].sets.index(frozenset())
    assert tables["disfa"].shares[none] == pytest.approx(70164 / 128104)


@pytest.mark.parametrize(
    ("au", "given", "published_bp4d", "published_disfa"),
    [(6, 12, 0.6999, 0.4331), (2, 1, 0.5059, 0.6033), (4, 1, 0.2981, 0.3571)],
)
def test_conditional_probabilities_lie_between_those_published(au, given, published_bp4d, published_disfa):
    rng = np.random.default_rng(1)
    sets = [draw_combination(rng) for _ in range(6000)]
    share = np.mean([au in aus for aus in sets if given in aus])
    low, high = sorted((published_bp4d, published_disfa))
    assert low - 0.06 < share < high + 0.06  # the tables leave out what is in less than 0.1 % of frames


def test_what_one_does_not_code_comes_from_frames_alike():
    bp4d, rng = published()["bp4d"], np.random.default_rng(0)
    smile = np.array([au in (6, 12) for au in SHARED])
    for _ in range(50):
        assert {6, 12} <= bp4d.like(smile, rng)
