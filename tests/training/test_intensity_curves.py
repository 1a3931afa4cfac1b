"""The curve from scores to intensities: known curves are found again, whatever says nothing gives none."""

import numpy as np
import pytest

from aulens.aus import AUSet
from aulens.runtime.intensity import Curve, side_intensities
from aulens.training.intensity import KNOTS, fit_curves

AUS = AUSet("pair", (12, 25))


def drawn(curve: Curve, noise: float, n: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Intensities and scores (n, 2, 2): evenly spread scores, intensities by the curve with noise."""
    random = np.random.default_rng(seed)
    sides = random.uniform(-1, 1, (n, 2, 2))
    intensities = np.clip(curve(sides) + random.normal(0, noise, (n, 2, 2)), 0, 5)
    for both in (sides, intensities):
        both[:, 1] = both[:, 1, :1]  # AU25 is the same on both sides
    return intensities, sides


@pytest.mark.parametrize("has_side_scores", [True, False])
def test_a_known_curve_is_found_again(has_side_scores: bool) -> None:
    truth = Curve((-0.5, 0.25, 0.9), (0.5, 1.5, 4.5))
    intensities, sides = drawn(truth, 0.3)
    if not has_side_scores:
        sides, intensities = np.repeat(sides[..., :1], 2, -1), np.repeat(intensities[..., :1], 2, -1)
    for curve in fit_curves(AUS, intensities, sides, has_side_scores):
        assert len(curve.scores) == KNOTS
        at = np.linspace(-0.95, 0.95, 50)
        np.testing.assert_allclose(curve(at), truth(at), atol=0.25)


def test_errors_are_near_those_of_an_isotonic_regression() -> None:
    """Oracle: scikit-learn's, which may step anywhere; few knots cost little."""
    isotonic = pytest.importorskip("sklearn.isotonic")
    truth = Curve((-0.6, -0.2, 0.4, 1), (0, 0.3, 3.2, 4.6))
    intensities, sides = drawn(truth, 0.8)
    (curve, _) = fit_curves(AUS, intensities, sides, True)
    x, y = sides[:, 0].ravel(), intensities[:, 0].ravel()
    best = isotonic.IsotonicRegression().fit(x, y).predict(x)
    assert np.square(curve(x) - y).mean() <= 1.03 * np.square(best - y).mean()


def test_what_is_not_coded_changes_nothing() -> None:
    intensities, sides = drawn(Curve((-1, 1), (0, 5)), 0.2, 500)
    more = np.concatenate([intensities, np.full((300, 2, 2), np.nan)])
    found = fit_curves(AUS, more, np.concatenate([sides, np.full((300, 2, 2), 7.0)]), True)
    assert found == fit_curves(AUS, intensities, sides, True)


def test_a_midline_au_is_as_intense_as_its_stronger_side() -> None:
    intensities, sides = drawn(Curve((-1, 1), (0, 5)), 0.0, 500)
    intensities[:, 1, 0] = 0  # coded on the left only
    _, curve = fit_curves(AUS, intensities, sides, True)
    np.testing.assert_allclose(curve(np.array([-0.5, 0.5])), [1.25, 3.75], atol=0.05)


def test_curves_are_fitted_where_they_can_be() -> None:
    intensities, sides = drawn(Curve((-1, 1), (0, 5)), 0.2, 500)
    for wrong in (
        -sides,  # the stronger, the lower
        np.zeros_like(sides),  # constant
        np.random.default_rng(1).uniform(-1, 1, sides.shape),  # says nothing
    ):
        assert fit_curves(AUS, intensities, wrong, True) == (None, None)
    assert fit_curves(AUS, np.full_like(intensities, np.nan), sides, True) == (None, None)
    assert fit_curves(AUS, np.full_like(intensities, 3), sides, True) == (None, None)
    assert fit_curves(AUS, intensities[:3], sides[:3], True) == (None, None)


def test_an_aus_intensity_is_the_larger_of_its_sides() -> None:
    curve, sides = Curve((-1, 1), (0, 5)), np.random.default_rng(0).normal(size=(50, 2, 2))
    found = side_intensities((curve, None), sides)
    np.testing.assert_array_equal(found[:, 0].max(-1), curve(sides[:, 0].max(-1)))
    assert np.isnan(found[:, 1]).all()
    assert found.min(initial=9, where=np.isfinite(found)) >= 0
    assert found.max(initial=0, where=np.isfinite(found)) <= 5
