"""Holm's method and the bootstrap: worked examples, closed testing, and cases with a known answer."""

from itertools import chain, combinations
from math import erfc, sqrt

import numpy as np
import pytest

from aulens.aus import AUSet
from aulens.study.paired import bootstrap_p, holm
from aulens.study.results import RunResult
from aulens.study.statistics import Comparison, compare


def test_holm_by_hand() -> None:
    # 4 x 0.005, 3 x 0.01, 2 x 0.03, and 1 x 0.04, which may not be below the step before.
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.5, 0.6]), [1, 1])
    assert np.array_equal(holm([]), [])


@pytest.mark.parametrize("seed", range(5))
def test_holm_is_closed_testing_by_bonferroni(seed: int) -> None:
    # Corrected p = the largest Bonferroni p of all sets of hypotheses that have this one.
    p = np.random.default_rng(seed).random(5) ** 3
    sets = list(chain.from_iterable(combinations(range(5), size) for size in range(1, 6)))
    expected = [max(min(1, len(s) * min(p[j] for j in s)) for s in sets if i in s) for i in range(5)]
    np.testing.assert_allclose(holm(p), expected)


def test_holm_does_not_count_what_was_not_tested() -> None:
    np.testing.assert_allclose(holm([0.01, np.nan, 0.04, np.nan, 0.03]), [0.03, np.nan, 0.06, np.nan, 0.06])


def test_bootstrap_p_by_hand() -> None:
    drawn = np.array([[0.2, 0, 0.3, np.nan], [-0.1, 0, np.nan, 0.1], [0.1, 0, 0.1, 0.1], [0.3, 0, 0.2, 0.1]])
    np.testing.assert_allclose(bootstrap_p(drawn), [2 * 2 / 4, 1, 2 / 3, np.nan])
    assert np.isnan(bootstrap_p(drawn[:1])).all()


ONE = AUSet("one", (12,))


def people(right: dict[str, np.ndarray], frames: int, fold: str = "1") -> list[RunResult]:
    """One AU; variant → (S,) how many of each person's `frames` decisions are right."""
    results = []
    for variant, number in right.items():
        labels = np.tile(np.arange(frames) % 2, len(number)).astype(np.int8)[:, None]
        good = (np.arange(frames) < number[:, None]).reshape(-1, 1)
        decisions = np.where(good, labels == 1, labels != 1)
        who = np.repeat([f"{fold}-{s}" for s in range(len(number))], frames)
        scores = labels.astype(np.float32)
        results.append(
            RunResult("set", variant, fold, 0, ONE, who, labels, scores, decisions, decisions, False, "run")
        )
    return results


def test_the_interval_is_that_of_a_mean_over_people() -> None:
    # With as many frames of each, accuracy is a mean over people, and a fold's draw has variance s^2 / S.
    # Sorted, so that draws that were the same in folds of one size would add up.
    random = np.random.default_rng(0)
    numbers = {
        fold: np.sort(random.binomial(20, 0.7, size)) for fold, size in (("1", 50), ("2", 40), ("3", 50))
    }
    results = [run for fold, number in numbers.items() for run in people({"a": number}, 20, fold)]
    found = compare(results, decide="papers", bootstrap=8000).variants["a"].measures["accuracy"].estimate
    error = sqrt(sum(np.var(number / 20) / len(number) for number in numbers.values())) / 3
    mean = np.mean([np.mean(number / 20) for number in numbers.values()])
    assert found.macro == pytest.approx(mean)
    assert found.macro_high - mean == pytest.approx(1.96 * error, rel=0.05)
    assert mean - found.macro_low == pytest.approx(1.96 * error, rel=0.05)


def test_p_is_that_of_a_paired_mean() -> None:
    random = np.random.default_rng(1)
    first = random.binomial(40, 0.6, 80)
    second = np.clip(first + random.integers(-3, 5, 80), 0, 40)
    found = compared(first, second, 40, bootstrap=20_000).differences["b"]["accuracy"]
    gain = (second - first) / 40
    z = gain.mean() / (gain.std() / sqrt(80))
    assert found.p[-1] == pytest.approx(erfc(abs(z) / sqrt(2)), rel=0.25)
    assert found.p[-1] > 0.001  # resolved by this many resamples
    assert found.p[0] == found.p[-1]  # of one AU


def compared(first: np.ndarray, second: np.ndarray, frames: int, bootstrap: int) -> Comparison:
    runs = people({"a": first, "b": second}, frames)
    return compare(runs, decide="papers", reference="a", bootstrap=bootstrap)


@pytest.mark.slow
def test_intervals_cover_and_p_is_level() -> None:
    # People of known skill, the same on average in both variants: 95 % of intervals hold the truth, 5 % of
    # p fall below 0.05.
    random = np.random.default_rng(2)
    covered = found_something = 0
    for _ in range(150):
        skill = random.beta(6, 3, (2, 40))
        comparison = compared(*random.binomial(10, skill), 10, bootstrap=199)
        value = comparison.variants["a"].measures["accuracy"].estimate
        covered += value.macro_low <= 6 / 9 <= value.macro_high
        found_something += comparison.differences["b"]["accuracy"].p[-1] <= 0.05
    assert 0.90 <= covered / 150 <= 0.99
    assert 0.01 <= found_something / 150 <= 0.10
