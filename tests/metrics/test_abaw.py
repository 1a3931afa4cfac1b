"""The challenges' measures: paper B's table, scikit-learn, a case by hand, MISSING, intervals."""

import json
import math

import numpy as np
import pytest
from sklearn import metrics as oracle

from aulens.aus import AFFWILD2, MISSING
from aulens.errors import InputError
from aulens.metrics import abaw2_score, abaw_report, mean_f1, report, total_accuracy


def decided(true_positives: int, wrong: int, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """One AU, coded in `frames` frames: F1 = 2 tp / (2 tp + wrong), accuracy = 1 - wrong / frames."""
    labels, decisions = np.zeros((2, frames, 1), np.int8)
    labels[:true_positives] = decisions[:true_positives] = 1
    decisions[true_positives : true_positives + wrong] = 1
    return labels, decisions


def random_case(seed: int = 0, frames: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels with MISSING (of some AUs more than of others), decisions, subjects."""
    random = np.random.default_rng(seed)
    labels = (random.random((frames, 12)) < np.linspace(0.1, 0.8, 12)).astype(np.int8)
    decisions = np.where(random.random(labels.shape) < 0.7, labels, 1 - labels)
    labels[random.random(labels.shape) < np.linspace(0, 0.8, 12)] = MISSING
    return labels, decisions, random.choice(["F001", "F002", "M001", "M002", "M003"], frames)


@pytest.mark.parametrize(
    ("true_positives", "wrong", "frames", "f1", "accuracy", "score"),
    [
        (13431, 33638, 278000, 0.444, 0.879, 0.662),  # JAA-Net; 0.6615 is printed as .662
        (1401, 3198, 26650, 0.467, 0.880, 0.674),  # the paper; 0.6735 is printed as .674
    ],
)
def test_paper_b_table_1(
    true_positives: int, wrong: int, frames: int, f1: float, accuracy: float, score: float
) -> None:
    labels, decisions = decided(true_positives, wrong, frames)
    assert mean_f1(labels, decisions) == pytest.approx(f1, abs=1e-12)
    assert total_accuracy(labels, decisions) == pytest.approx(accuracy, abs=1e-12)
    assert abaw2_score(labels, decisions) == pytest.approx(score, abs=0.00051)


@pytest.mark.parametrize("seed", range(3))
def test_equal_scikit_learn(seed: int) -> None:
    labels, decisions, _ = random_case(seed)
    coded = labels != MISSING
    f1 = np.mean([oracle.f1_score(labels[c, a], decisions[c, a]) for a, c in enumerate(coded.T)])
    accuracy = oracle.accuracy_score(labels[coded], decisions[coded])
    assert mean_f1(labels, decisions) == pytest.approx(f1)
    assert total_accuracy(labels, decisions) == pytest.approx(accuracy)
    assert abaw2_score(labels, decisions) == pytest.approx((f1 + accuracy) / 2)


def test_by_hand() -> None:
    labels = [[1, 1], [1, MISSING], [0, MISSING], [0, MISSING]]
    decisions = [[1, 0], [0, 1], [1, 1], [0, 1]]
    # AU 1: tp 1, fn 1, fp 1, tn 1: F1 1/2. AU 2: fn 1: F1 0. Right: 2 of 5, not the mean of 1/2 and 0.
    assert mean_f1(labels, decisions) == 0.25
    assert total_accuracy(labels, decisions) == 0.4
    assert abaw2_score(labels, decisions) == pytest.approx(0.325)


def test_missing_rows_change_nothing() -> None:
    labels, decisions, _ = random_case()
    more = np.concatenate([labels, np.full((7, 12), MISSING)])
    assert abaw2_score(more, np.concatenate([decisions, np.ones((7, 12))])) == abaw2_score(labels, decisions)


def test_an_au_without_f1_is_left_out_and_nothing_coded_is_nan() -> None:
    labels, decisions = [[1, 0], [0, 0]], [[1, 0], [0, 0]]  # the second neither occurs nor is decided
    assert mean_f1(labels, decisions) == 1
    assert abaw2_score(labels, decisions) == 1
    nothing = [[MISSING, MISSING]], [[1, 0]]
    assert all(math.isnan(measure(*nothing)) for measure in (mean_f1, total_accuracy, abaw2_score))


class TestReport:
    def test_values_are_the_measures_and_intervals_hold_them(self) -> None:
        labels, decisions, subjects = random_case()
        found = abaw_report(labels, decisions, subjects, bootstrap=200)
        for measure, expected in (
            (found.mean_f1, mean_f1(labels, decisions)),
            (found.total_accuracy, total_accuracy(labels, decisions)),
            (found.abaw2, abaw2_score(labels, decisions)),
        ):
            assert measure.value == expected
            assert measure.low < measure.value < measure.high
        assert (found.frames, found.subjects) == (np.count_nonzero((labels != MISSING).any(1)), 5)

    def test_mean_f1_and_its_interval_are_those_of_the_report_of_aus(self) -> None:
        labels, decisions, subjects = random_case(1)
        whole = report(labels, decisions, decisions, subjects, AFFWILD2, bootstrap=100, seed=3)
        found = abaw_report(labels, decisions, subjects, bootstrap=100, seed=3)
        assert found.mean_f1 == whole.metrics["f1"].of_macro()

    def test_two_subjects_by_hand(self) -> None:
        """Resamples are the first alone, the second alone, both: accuracy 1, 0, 1/2."""
        found = abaw_report([[1], [0]], [[1], [1]], ["a", "b"], bootstrap=300)
        assert (found.total_accuracy.low, found.total_accuracy.value, found.total_accuracy.high) == (
            0,
            0.5,
            1,
        )

    def test_as_json_and_markdown(self) -> None:
        labels, decisions, subjects = random_case()
        found = abaw_report(labels, decisions, subjects, bootstrap=50)
        assert json.loads(json.dumps(found.to_dict()))["abaw2"]["value"] == found.abaw2.value
        assert f"{found.abaw2.value:.3f} [{found.abaw2.low:.3f}" in found.to_markdown()
        bare = abaw_report([[MISSING]], [[1]], ["a"])
        assert bare.to_dict()["mean_f1"] == {"value": None, "low": None, "high": None}
        assert "| n/a | n/a | n/a |" in bare.to_markdown()

    def test_shapes_that_do_not_fit_are_refused(self) -> None:
        labels, decisions, subjects = random_case()
        with pytest.raises(InputError, match=r"subjects \(N,\), got \(200, 12\), \(200, 12\) and \(199,\)"):
            abaw_report(labels, decisions, subjects[1:])
        with pytest.raises(InputError, match="0 or more, got -1"):
            abaw_report(labels, decisions, subjects, bootstrap=-1)


def test_values_of_another_code_are_refused() -> None:
    with pytest.raises(InputError, match=r"decisions must be 0 or 1, got also \[0.7\]"):
        abaw2_score([[1]], [[0.7]])
    with pytest.raises(InputError, match=r"labels must be 0, 1 or -1"):
        abaw2_score([[9]], [[1]])
