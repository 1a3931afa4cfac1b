"""Decisions for the faces that count, where these show some AUs too rarely to choose a threshold by.

A network that learns from renders and from coded faces is to be right on the latter: they are its judges
(`train.judges`). The others lend what the judges lack: whatever they say of an AU weighs as much as a few of
the judges' faces, and so does an AU's usual frequency.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aulens.aus import MISSING, AUSet
from aulens.data.samples import Samples
from aulens.errors import DatasetError
from aulens.runtime.intensity import Curve
from aulens.runtime.model import sigmoid
from aulens.training.calibration import FALLBACK, Calibration, fit, platt_scale
from aulens.training.intensity import fit_curves

LENT: Final = 8.0
"""The others' faces with an AU, and those without it, weigh as much as so many of the judges'."""
_USUAL_RATE: Final = 0.06  # how often an AU is there, where nothing is known
_USUAL_FACES: Final = 100.0  # as many of the judges' faces weigh as much as that
_MIN_FACES: Final = 5  # judges who show an AU that has a say in the choice of the epoch
_ENOUGH: Final = 25  # and whose intensities need no help
_MIN_PROBABILITY: Final = 0.15  # nothing is said at a lower one, however rare it is
_SCORE_ERROR: Final = 0.35  # log odds, standard deviation: how far scores of other people are off

Floats = NDArray[np.float64]


def judges_of(samples: Samples, judges: str) -> NDArray[np.bool_]:
    """Which of N validation samples are judges.

    Args:
        samples: the validation samples.
        judges: "all", or "coded" for those whose AUs somebody coded.

    Raises:
        DatasetError: none is.
    """
    chosen = np.full(len(samples), True) if judges == "all" else ~samples.from_renderer
    if not chosen.any():
        raise DatasetError(
            'train.judges is "coded", but the AUs of all validation samples were made by a renderer. Add '
            'data with coded faces, or leave it at "all".'
        )
    if judges != "all" and not ((samples.labels[chosen] == 1).sum(0) >= _MIN_FACES).any():
        raise DatasetError(
            f"The {chosen.sum()} coded validation samples show no AU {_MIN_FACES} times, so they can't "
            'choose the epoch (train.judges = "coded"). Add coded faces, or leave it at "all".'
        )
    return chosen


def judged(samples: Samples, judges: NDArray[np.bool_]) -> Samples:
    """The judges' samples, AUs that fewer than `_MIN_FACES` of them show not coded: a chance would choose."""
    kept = samples.take(np.flatnonzero(judges))
    rare = (kept.labels == 1).sum(0) < _MIN_FACES
    return replace(kept, side_labels=np.where(rare[:, None], np.int8(MISSING), kept.side_labels))


def judged_curves(
    samples: Samples, sides: NDArray[Any], has_side_scores: bool, judges: NDArray[np.bool_]
) -> tuple[Curve | None, ...]:
    """`fit_curves` of the judges where enough of them show an AU, else of all."""
    assert samples.intensities is not None
    everybody = fit_curves(samples.aus, samples.intensities, sides, has_side_scores)
    own = fit_curves(samples.aus, samples.intensities[judges], sides[judges], has_side_scores)
    enough = (samples.intensities[judges].max(-1) >= 1).sum(0) >= _ENOUGH
    return tuple(
        (mine if many else None) or shared for mine, shared, many in zip(own, everybody, enough, strict=True)
    )


def fit_judged(
    aus: AUSet,
    labels: NDArray[np.int8],
    scores: NDArray[Any],
    subjects: NDArray[np.str_],
    judges: NDArray[np.bool_],
    fallback: tuple[float, float] = FALLBACK,
) -> Calibration:
    """Fit probabilities and thresholds of all AUs, as `aulens.training.calibration.fit` does, for judges.

    An AU's frequency is the judges', drawn towards `_USUAL_RATE`. The threshold is the one of best F1 at that
    frequency if each score were off a little, so that it does not follow single faces, and at least
    `_MIN_PROBABILITY`.

    Arguments as there, and `judges` (N,) bool.
    """

    def fit_au(
        present: NDArray[np.bool_], score: Floats, coded: NDArray[np.bool_]
    ) -> tuple[float, float, float] | None:
        weight = _weights(present, judges[coded])
        found = platt_scale(present, score, weight) if weight is not None else None
        if found is None or weight is None:
            return None
        odds = _soft_threshold(present, found[0] * score + found[1], weight)
        return *found, max(_MIN_PROBABILITY, float(sigmoid(np.array(odds))))

    return fit(aus, labels, scores, subjects, fallback, fit_au)


def _weights(present: NDArray[np.bool_], judges: NDArray[np.bool_]) -> Floats | None:
    """What each of n samples counts, in all as many as judges, or 16; None where a class has nobody."""
    weight = np.where(judges, 1.0, 0.0)
    for which in (present, ~present):
        others = which & ~judges
        if others.any():
            weight[others] = LENT / others.sum()
        if not weight[which].sum() > 0:
            return None
    count = float(judges.sum())
    rate = (float((present & judges).sum()) + _USUAL_RATE * _USUAL_FACES) / (count + _USUAL_FACES)
    for which, share in ((present, rate), (~present, 1 - rate)):
        weight[which] *= share / weight[which].sum()
    return weight * max(count, 2 * LENT)


def _soft_threshold(present: NDArray[np.bool_], odds: Floats, weight: Floats) -> float:
    """The log odds from which on F1 is best if odds had an error of `_SCORE_ERROR`."""
    steps = np.linspace(odds.min() - 1, odds.max() + 1, 400)
    # A logistic's slope of 1.7 / deviation is about a normal's.
    over = sigmoid((odds[:, None] - steps) * (1.7 / _SCORE_ERROR)) * weight[:, None]
    hits, said = over[present].sum(0), over.sum(0)
    return float(steps[np.argmax(2 * hits / (said + weight[present].sum()))])
