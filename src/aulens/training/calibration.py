"""From scores to probabilities and decisions, fitted on validation subjects only.

For each AU, probability = sigmoid(a * score + b) by Platt's method (J. Platt, "Probabilistic outputs for
support vector machines", 1999: maximum likelihood with smoothed targets, which keeps separable scores
finite), and the threshold on that probability that maximises F1. The same (a, b) serves the AU and both
of its sides, so that an AU's probability is the larger of its sides'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aulens.aus import MISSING, AUSet
from aulens.card_file import Pair
from aulens.checked import Natural, Probability, checked
from aulens.contents import json_of
from aulens.errors import ModelError
from aulens.models.family import au_family
from aulens.runtime.intensity import Curve, side_intensities
from aulens.runtime.model import sigmoid

FORMAT: Final = "aulens-calibration/1"
FALLBACK: Final = (4.0, 0.0)
"""(a, b) where nothing can be fitted: the paper's rule, present when the score is above 0. The slope takes
the ideal scores of +1 and -1 to 0.98 and 0.02."""
FALLBACK_OF_LOGITS: Final = (1.0, 0.0)
"""The same for models whose scores are logits: their own probability."""


def fallback_of(variant: str) -> tuple[float, float]:
    """(a, b) where nothing can be fitted, of a variant."""
    return FALLBACK_OF_LOGITS if au_family(variant).decoder(variant) == "direct" else FALLBACK


@dataclass(frozen=True)
class Calibration:
    """How scores of A AUs become probabilities and decisions.

    Attributes:
        aus: the AUs.
        platt: (A, 2) float64, columns a > 0 and b.
        threshold: (A,) float64 probability from which on an AU is present.
        fitted: (A,) bool; False where validation samples do not suffice and the fallback stands.
        samples: how many validation samples it was fitted on.
        subjects: how many people they show.
        curves: (A,) from score to intensity, None for AUs without; () where no intensities are coded.
    """

    aus: AUSet
    platt: NDArray[np.float64]
    threshold: NDArray[np.float64]
    fitted: NDArray[np.bool_]
    samples: int
    subjects: int
    curves: tuple[Curve | None, ...] = ()

    def probability(self, scores: NDArray[Any]) -> NDArray[np.float64]:
        """Turn scores (..., A) into probabilities of the same shape."""
        a, b = self.platt.T
        return sigmoid(a * scores.astype(np.float64) + b)

    def side_probability(self, sides: NDArray[Any]) -> NDArray[np.float64]:
        """Turn side scores (..., A, 2) into probabilities of the same shape."""
        return np.moveaxis(self.probability(np.moveaxis(sides, -1, 0)), 0, -1)

    def side_intensities(self, sides: NDArray[Any]) -> NDArray[np.float64] | None:
        """Turn side scores (..., A, 2) into intensities of the same shape; None where no AU has a curve."""
        return side_intensities(self.curves, sides) if any(self.curves) else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, keyed by AU label; `read_calibration` reads them back from JSON."""
        names = self.aus.labels
        return {
            "format": FORMAT,
            "aus": list(self.aus.numbers),
            "platt": {name: [float(a), float(b)] for name, (a, b) in zip(names, self.platt, strict=True)},
            "threshold": {name: float(t) for name, t in zip(names, self.threshold, strict=True)},
            "fitted": {name: bool(f) for name, f in zip(names, self.fitted, strict=True)},
            "split": "val",
            "samples": self.samples,
            "subjects": self.subjects,
            "intensity": {
                name: curve and asdict(curve) for name, curve in zip(names, self.curves, strict=False)
            },
        }


FitAU = Callable[
    [NDArray[np.bool_], NDArray[np.float64], NDArray[np.bool_]], tuple[float, float, float] | None
]
"""Presence of an AU (n,), its scores (n,), which of N samples these are -> a, b and threshold."""


def _fit_au(
    present: NDArray[np.bool_], score: NDArray[np.float64], coded: NDArray[np.bool_]
) -> tuple[float, float, float] | None:
    found = platt_scale(present, score)
    return found and (*found, best_threshold(present, sigmoid(found[0] * score + found[1])))


def fit(
    aus: AUSet,
    labels: NDArray[np.int8],
    scores: NDArray[Any],
    subjects: NDArray[np.str_],
    fallback: tuple[float, float] = FALLBACK,
    fit_au: FitAU = _fit_au,
) -> Calibration:
    """Fit all AUs.

    Args:
        aus: the AUs of axis A.
        labels: (N, A) in {0, 1, MISSING}, of validation samples.
        scores: (N, A).
        subjects: (N,).
        fallback: (a, b) where nothing can be fitted.
        fit_au: fits one.

    An AU without both classes among the coded samples, with constant scores, or whose scores fall where
    it occurs (a would not be positive), keeps ``fallback`` and threshold 0.5.
    """
    platt = np.tile(np.array(fallback), (len(aus), 1))
    threshold, fitted = np.full(len(aus), 0.5), np.zeros(len(aus), bool)
    for index in range(len(aus)):
        coded = labels[:, index] != MISSING
        found = fit_au(labels[coded, index] == 1, scores[coded, index].astype(np.float64), coded)
        if found is not None:
            platt[index], threshold[index], fitted[index] = found[:2], found[2], True
    return Calibration(aus, platt, threshold, fitted, len(labels), int(np.unique(subjects).size))


def platt_scale(
    present: NDArray[np.bool_], score: NDArray[np.float64], weight: NDArray[np.float64] | None = None
) -> tuple[float, float] | None:
    """Fit (a, b) of sigmoid(a * score + b) by Newton's method with halving; None where it cannot be fitted.

    Args:
        present: (N,) bool.
        score: (N,) float64.
        weight: (N,) how often each counts; None: once.
    """
    weight = np.ones(len(score)) if weight is None else weight
    positive, negative = float(weight[present].sum()), float(weight[~present].sum())
    spread = float(score.std()) if score.size else 0.0
    if not positive or not negative or not spread > 0:
        return None
    target = np.where(present, (positive + 1) / (positive + 2), 1 / (negative + 2))
    z = (score - score.mean()) / spread  # well-conditioned whatever the scores' unit
    design = np.stack([z, np.ones_like(z)], 1)
    weights = np.array([0.0, np.log((positive + 1) / (negative + 1))])
    value = _loss(design @ weights, target, weight)
    for _ in range(100):
        p = sigmoid(design @ weights)
        gradient = design.T @ (weight * (p - target))
        hessian = (design * (weight * p * (1 - p))[:, None]).T @ design + 1e-10 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        if float(np.abs(gradient).max()) < 1e-8 * len(z):
            break
        size = 1.0
        while size > 1e-10 and _loss(design @ (weights - size * step), target, weight) > value:
            size /= 2
        weights = weights - size * step
        value = _loss(design @ weights, target, weight)
    a, b = float(weights[0] / spread), float(weights[1] - weights[0] * score.mean() / spread)
    return (a, b) if a > 0 else None


def best_threshold(present: NDArray[np.bool_], probability: NDArray[np.float64]) -> float:
    """Return the threshold of best F1; among equals the one nearest to 0.5.

    Args:
        present: (N,) bool with at least one True.
        probability: (N,) in [0, 1]; decided present when at or above the threshold.
    """
    levels, where = np.unique(probability, return_inverse=True)
    hits = np.bincount(where, present, len(levels))[::-1].cumsum()[::-1]
    decided = np.bincount(where, minlength=len(levels))[::-1].cumsum()[::-1]
    f1 = 2 * hits / (decided + present.sum())
    # Any threshold in (level below, level] decides alike: take the middle, or 0.5 where it lies inside.
    below = np.concatenate([[0.0], levels[:-1]])
    middle = (below + levels) / 2
    candidates = np.where((below < 0.5) & (levels >= 0.5), 0.5, middle)
    best = np.flatnonzero(f1 >= f1.max() - 1e-12)
    return float(candidates[best[np.argmin(np.abs(candidates[best] - 0.5))]])


@dataclass(frozen=True)
class _Written:
    """What `Calibration.to_dict` gives; earlier versions have no intensities."""

    platt: Mapping[str, Pair]
    threshold: Mapping[str, Probability]
    fitted: Mapping[str, bool]
    samples: Natural
    subjects: Natural
    intensity: Mapping[str, Curve | None] = field(default_factory=dict)


def read_calibration(path: Path, aus: AUSet) -> Calibration | None:
    """Read a calibration file; None if there is none; ModelError if it is of other AUs or damaged."""
    if not path.is_file():
        return None
    other = f"{path} is not a calibration of {', '.join(aus.labels)}"
    try:
        found = checked(_Written, json_of(path), others=True)
        platt, threshold, fitted = (
            np.array([part[name] for name in aus.labels])
            for part in (found.platt, found.threshold, found.fitted)
        )
        curves = tuple(found.intensity[name] for name in aus.labels) if found.intensity else ()
    except KeyError as error:
        raise ModelError(f"{other}: it lacks {error}.") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{other}: {error}.") from error
    return Calibration(aus, platt, threshold, fitted, found.samples, found.subjects, curves)


def _loss(logit: NDArray[np.float64], target: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    return float((weight * (np.logaddexp(0, logit) - target * logit)).sum())
