import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aulens.aus import MISSING, AUSet
from aulens.errors import ModelError
from aulens.files import write_json
from aulens.runtime.intensity import Curve
from aulens.training.calibration import (
    FALLBACK,
    FALLBACK_OF_LOGITS,
    Calibration,
    best_threshold,
    fit,
    platt_scale,
    read_calibration,
    sigmoid,
)

PAIR = AUSet("pair", (2, 12))


@pytest.mark.parametrize(("a", "b"), [(3.0, -1.0), (0.4, 0.7), (12.0, 2.0)])
def test_known_slope_and_offset_are_found_again(a: float, b: float):
    random = np.random.default_rng(0)
    score = random.normal(0.1, 0.6, 60_000)
    present = random.random(score.size) < sigmoid(a * score + b)
    found = platt_scale(present, score)
    assert found is not None
    assert found[0] == pytest.approx(a, rel=0.1)  # 3 standard errors at a = 0.4
    assert found[1] == pytest.approx(b, abs=0.05)


def test_equals_an_independent_fit():
    # Oracle: scikit-learn's sigmoid calibration uses Platt's targets too, with a' = -a, b' = -b.
    calibration = pytest.importorskip("sklearn.calibration")
    random = np.random.default_rng(1)
    score = random.normal(0, 1, 400)
    present = random.random(400) < sigmoid(2 * score - 0.5)
    a, b = calibration._sigmoid_calibration(score, present.astype(int))
    assert platt_scale(present, score) == pytest.approx((-a, -b), abs=2e-3)


def test_separable_scores_stay_finite():
    score = np.array([-1.0, -0.9, 0.8, 1.0])
    a, b = platt_scale(score > 0, score)
    assert 0 < a < 100
    assert abs(b) < 100


@pytest.mark.parametrize(
    ("labels", "scores"),
    [
        ([0, 0, 0, 0], [0.1, 0.2, 0.3, 0.4]),  # never occurs
        ([1, 1, 1, 1], [0.1, 0.2, 0.3, 0.4]),  # always
        ([MISSING] * 4, [0.1, 0.2, 0.3, 0.4]),  # never coded
        ([1, 0, 1, 0], [0.5, 0.5, 0.5, 0.5]),  # says nothing
        ([1, 1, 0, 0], [-0.9, -0.8, 0.8, 0.9]),  # says the contrary
    ],
)
def test_what_cannot_be_fitted_falls_back(labels: list[int], scores: list[float]):
    labels_2 = np.stack([labels, [0, 1, 0, 1]], 1).astype(np.int8)
    scores_2 = np.stack([scores, [-1.0, 1, -0.5, 0.5]], 1)
    found = fit(PAIR, labels_2, scores_2, np.array(list("abcd")))
    assert tuple(found.platt[0]) == FALLBACK
    logits = fit(PAIR, labels_2, scores_2, np.array(list("abcd")), FALLBACK_OF_LOGITS)
    assert tuple(logits.platt[0]) == (1.0, 0.0)
    assert found.threshold[0] == 0.5
    assert found.fitted.tolist() == [False, True]
    assert (found.platt[:, 0] > 0).all()


def test_missing_rows_change_nothing():
    random = np.random.default_rng(2)
    labels = random.integers(0, 2, (50, 2)).astype(np.int8)
    scores = labels + random.normal(0, 1, (50, 2))
    more = np.concatenate([labels, np.full((20, 2), MISSING, np.int8)])
    a = fit(PAIR, labels, scores, np.arange(50).astype(str))
    b = fit(PAIR, more, np.concatenate([scores, np.full((20, 2), 99.0)]), np.arange(70).astype(str))
    np.testing.assert_array_equal(a.platt, b.platt)
    np.testing.assert_array_equal(a.threshold, b.threshold)


@pytest.mark.parametrize("seed", range(8))
def test_threshold_is_the_best_of_all(seed: int):
    random = np.random.default_rng(seed)
    present = random.random(80) < 0.3
    probability = (np.clip(0.3 * present + random.random(80) * 0.7, 0, 1) * random.uniform(0.4, 1)).round(2)

    def f1(threshold: float) -> float:
        decided = probability >= threshold
        return 2 * (decided & present).sum() / (decided.sum() + present.sum())

    chosen = best_threshold(present, probability)
    assert f1(chosen) == max(f1(t) for t in np.linspace(0, 1, 2001))


def test_equal_thresholds_lean_to_a_half():
    assert best_threshold(np.array([False, True]), np.array([0.1, 0.9])) == 0.5
    assert best_threshold(np.array([False, True]), np.array([0.6, 0.8])) == pytest.approx(0.7)
    # F1 is 0.8 from 0.2 on and from 0.55 on: the second is nearer.
    present = np.array([True, False, True])
    assert best_threshold(present, np.array([0.3, 0.3, 0.3])) == pytest.approx(0.15)


def test_au_probability_is_the_larger_of_its_sides():
    random = np.random.default_rng(4)
    labels = random.integers(0, 2, (40, 2)).astype(np.int8)
    sides = random.normal(0, 1, (40, 2, 2)) + 2.0 * labels[..., None]
    found = fit(PAIR, labels, sides.max(-1), np.arange(40).astype(str))
    assert found.fitted.all()
    np.testing.assert_allclose(
        found.side_probability(sides).max(-1), found.probability(sides.max(-1)), rtol=1e-12
    )


def test_two_samples_of_two_aus_are_not_taken_for_sides():
    found = Calibration(PAIR, np.array([[1.0, 0], [5, 0]]), np.full(2, 0.5), np.ones(2, bool), 2, 2)
    scores = np.array([[1.0, 1], [1, 1]])
    np.testing.assert_array_equal(found.probability(scores)[0], found.probability(scores[0]))
    np.testing.assert_array_equal(found.side_probability(scores)[:, 0], found.probability(scores[:, 0]))


def test_a_file_keeps_it(tmp_path: Path):
    labels = np.array([[0, 1], [1, 0], [0, 1], [1, 0]], np.int8)
    found = fit(PAIR, labels, labels + 0.1 * np.arange(8).reshape(4, 2), np.array(list("aabb")))
    path = tmp_path / "calibration.json"
    write_json(path, found.to_dict())
    back = read_calibration(path, PAIR)
    np.testing.assert_array_equal(back.platt, found.platt)
    assert back.subjects == 2
    assert read_calibration(tmp_path / "none.json", PAIR) is None
    assert back.curves == ()
    curves = (None, Curve((-1.0, 0.5), (0.0, 4.5)))
    write_json(path, replace(found, curves=curves).to_dict())
    assert read_calibration(path, PAIR).curves == curves
    with pytest.raises(ModelError, match=r"is not a calibration of AU15: it lacks 'AU15'"):
        read_calibration(path, AUSet("other", (15,)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"threshold": {"AU1": 2, "AU2": 0.5}},
            r"'threshold\.AU1' must be a probability from 0 to 1, found 2",
        ),
        ({"platt": {"AU1": [1]}}, r"'platt\.AU1' must be two numbers"),
        ({"samples": None}, "'samples' must be a whole number of 0 or more, found None"),
        (
            {"intensity": {"AU1": {"scores": [1, 0], "intensities": [0, 1]}}},
            r"'intensity\.AU1' can't be used: a curve needs two or more ascending scores",
        ),
    ],
)
def test_a_damaged_file_says_what_is_wrong(tmp_path: Path, change: dict[str, object], message: str):
    labels = np.array([[0, 1], [1, 0]], np.int8)
    write_json(tmp_path / "a.json", fit(PAIR, labels, labels + 0.5, np.array(["a", "b"])).to_dict())
    content = json.loads((tmp_path / "a.json").read_text()) | change
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(ModelError, match=message):
        read_calibration(tmp_path / "a.json", PAIR)
