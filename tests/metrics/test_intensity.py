"""Agreement of intensities: against a published table, formulae by hand and resampling by a loop."""

import numpy as np
import pytest

from aulens.aus import AUSet
from aulens.errors import InputError
from aulens.metrics import icc, intensity_report

PAIR = AUSet("pair", (6, 12))
# Shrout and Fleiss 1979, table 2: six targets, four judges. Their table 4: ICC(3,1) = .71.
PUBLISHED = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def drawn(n: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    coded = random.integers(0, 6, (n, 2)).astype(float)
    predicted = np.clip(0.7 * coded + random.normal(0.5, 0.8, (n, 2)), 0, 5)
    coded[random.random((n, 2)) < 0.1] = np.nan
    return coded, predicted, random.choice(list("abcde"), n)


def test_the_published_example() -> None:
    assert icc(PUBLISHED) == pytest.approx(0.71, abs=0.005)
    # By their analysis of variance (table 3): BMS 11.24, EMS 1.02.
    assert icc(PUBLISHED) == pytest.approx((11.24 - 1.02) / (11.24 + 3 * 1.02), abs=1e-3)


def test_by_hand() -> None:
    # Means of the faces 0.5 and 1.5, of the raters 1 and 1: BMS = 1, EMS = 1.
    assert icc([[0, 1], [2, 1]]) == pytest.approx(0)
    assert icc([[0, 3], [1, 4], [2, 5]]) == 1  # an offset does not count
    assert icc([[0, 2], [2, 0]]) == -1
    assert np.isnan(icc([[1, 1], [1, 1]]))


@pytest.mark.parametrize("ratings", [[1, 2], [[1, 2]], [[1], [2]], [[1, np.nan], [2, 3]]])
def test_what_can_not_be_compared(ratings: list) -> None:
    with pytest.raises(InputError, match="finite ratings"):
        icc(ratings)


def test_a_report_is_of_what_both_tell() -> None:
    coded, predicted, subjects = drawn()
    found = intensity_report(coded, predicted, subjects, PAIR, bootstrap=0)
    for a in range(2):
        rows = np.isfinite(coded[:, a])
        x, y = coded[rows, a], predicted[rows, a]
        assert found.coded[a] == rows.sum()
        assert found.mean[a] == pytest.approx(x.mean())
        assert found.metrics["icc"].value[a] == pytest.approx(icc(np.stack([x, y], 1)))
        assert found.metrics["pearson"].value[a] == pytest.approx(np.corrcoef(x, y)[0, 1])
        assert found.metrics["mae"].value[a] == pytest.approx(np.abs(x - y).mean())
    assert found.metrics["icc"].macro == pytest.approx(found.metrics["icc"].value.mean())
    assert "| AU12 |" in found.to_markdown()
    assert found.to_dict()["aus"]["AU12"]["icc"]["low"] is None


def test_intervals_are_those_of_faces_drawn_again() -> None:
    coded, predicted, subjects = drawn()
    found = intensity_report(coded, predicted, subjects, PAIR, bootstrap=50, seed=3)
    names = np.unique(subjects)
    draws = np.random.default_rng(3).multinomial(len(names), np.full(len(names), 1 / len(names)), 50)
    values = []
    for draw in draws:
        rows = np.concatenate(
            [np.tile(np.flatnonzero(subjects == s), k) for s, k in zip(names, draw, strict=True)]
        )
        rows = rows[np.isfinite(coded[rows, 1])]
        values.append(icc(np.stack([coded[rows, 1], predicted[rows, 1]], 1)))
    assert found.metrics["icc"].low[1] == pytest.approx(np.quantile(values, 0.025))
    assert found.metrics["icc"].high[1] == pytest.approx(np.quantile(values, 0.975))


def test_what_is_undefined_is_nan_and_in_no_mean() -> None:
    coded, predicted, subjects = drawn()
    predicted[:, 0] = np.nan  # an AU without a curve
    found = intensity_report(coded, predicted, subjects, PAIR, bootstrap=10)
    assert np.isnan([e.value[0] for e in found.metrics.values()]).all()
    assert found.metrics["mae"].macro == found.metrics["mae"].value[1]
    constant = intensity_report(np.zeros((5, 2)), np.full((5, 2), 0.1), list("aabbc"), PAIR, bootstrap=10)
    assert np.isnan(constant.metrics["icc"].value).all()
    assert constant.metrics["mae"].value == pytest.approx([0.1, 0.1])
    with pytest.raises(InputError, match=r"must be \(N, 2\)"):
        intensity_report(coded, predicted[:5], subjects, PAIR)
