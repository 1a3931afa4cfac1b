from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from aulens.aus import MISSING, AUSet
from aulens.training.evaluation import Evaluation
from aulens.training.sides import side_report

TWO = AUSet("two", (12, 25))  # lip corners; and the whole lips, which have no side


def test_by_hand():
    labels = np.array([[1, 0], [0, 1], [1, 1], [0, 0], [MISSING, 1], [1, 0]], np.int8)
    scores = np.array([[0.9, 0.1], [0.2, 0.6], [0.7, 0.7], [0.1, 0.1], [0.9, 0.9], [0.4, 0.8]])
    decided = scores > 0.5
    both = np.stack([labels, labels], 1), np.stack([scores, scores], 1), np.stack([decided, decided], 1)
    found = side_report(*both, TWO)
    # Right: samples 1-4 all four sides right, 5 its coded side, 6 both wrong -> 9 of 11 sides.
    assert found.accuracy[0] == pytest.approx(9 / 11)
    assert found.balanced_accuracy[0] == pytest.approx((5 / 6 + 4 / 5) / 2)
    assert found.asymmetric.tolist() == [3, 0]
    assert found.true_side[0] == pytest.approx(2 / 3)
    assert found.confusion[0].tolist() == [[0, 1, 1, 0], [0, 0, 1, 0]]
    assert np.isnan(found.true_side[1])
    assert "| AU12 | 0.818" in found.to_markdown()
    assert found.to_dict()["macro"]["true_side"] == pytest.approx(2 / 3)


def test_nothing_coded_is_undefined():
    labels = np.full((3, 2, 2), MISSING, np.int8)
    found = side_report(labels, np.zeros((3, 2, 2)), np.zeros((3, 2, 2), bool), TWO)
    assert np.isnan(found.accuracy).all()
    assert np.isnan(found.balanced_accuracy).all()


def test_equal_scores_are_chance():
    labels = np.tile(np.array([1, 0], np.int8), (4, 2, 1))
    found = side_report(labels, np.zeros((4, 2, 2)), np.ones((4, 2, 2), bool), TWO)
    assert found.true_side[0] == 0.5


def test_a_report_without_one_sided_faces_has_no_table_of_sides() -> None:
    """As of BP4D, whose labels are of the whole face; and an AU that nobody coded has no base rate."""
    aus, random = AUSet("two", (1, 7)), np.random.default_rng(0)
    both = np.repeat(random.integers(0, 2, (20, 2, 1)).astype(np.int8), 2, axis=2)
    one = both.copy()
    one[0, 0] = (1, 0)
    row, page = SimpleNamespace(mean_f1="", total_accuracy="", abaw2=""), SimpleNamespace(to_markdown=str)
    for labels, told in ((both, False), (one, True)):
        sides = side_report(labels, random.random(labels.shape), labels == 1, aus)
        rates: Any = {"AU1": 0.25, "AU7": float("nan")}
        parts: Any = (page, row, row, sides, None)
        text = Evaluation("m", "test", "", 20, 3, False, rates, *parts).to_markdown()
        assert ("## Sides" in text) == told
        assert "Base rates: AU1 25.0%." in text
