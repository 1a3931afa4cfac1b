"""Numbers with intervals: whole persons are drawn with replacement, 1,000 times, always the same ones.

N pictures, A Action Units, R draws, S persons.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aulens.aus import MISSING
from aulens.metrics import Measure, Report, report
from aulens.metrics.bootstrap import measured, subject_draws
from aulens.metrics.intensity import IntensityReport, intensity_report
from aulens.metrics.ranking import drawn_ranking
from coded.predictions import Predictions
from coded.truth import Coded

Floats = NDArray[np.float64]

LEAST = 5
"""Pictures with and without an AU from which on it is scored."""
BOOTSTRAP, SEED = 1000, 0


def scored(labels: NDArray[np.int8], least: int = LEAST) -> NDArray[np.bool_]:
    """(A,): which AUs have enough pictures with them and without."""
    with_it, without = (labels == 1).sum(0), (labels == 0).sum(0)
    return np.asarray((with_it >= least) & (without >= least))


def ranks(coded: Coded, predictions: Predictions, least: int = LEAST) -> Report | None:
    """ROC-AUC, F1 and more of the AUs that are `scored` and told; None where there are none."""
    labels = np.where(scored(coded.labels, least) & np.isfinite(predictions.scores), coded.labels, MISSING)
    if (labels == MISSING).all():
        return None
    return report(labels, predictions.scores, predictions.said, coded.persons, coded.aus, BOOTSTRAP, SEED)


def said_per_face(coded: Coded, predictions: Predictions) -> Measure:
    """How many AUs are said of a face that was found."""
    return rate(predictions.said.sum(1)[predictions.found], coded.persons[predictions.found])


def rate(values: NDArray[np.generic], persons: NDArray[np.str_]) -> Measure:
    """Mean of (N,) values."""
    return measured(drawn_rate(values, persons)) if len(values) else Measure(*(float("nan"),) * 3)


def drawn_rate(values: NDArray[np.generic], persons: NDArray[np.str_]) -> Floats:
    """Mean of (N,) values in each draw; N > 0."""
    who, draws = subject_draws(persons, BOOTSTRAP, SEED)
    sums = np.bincount(who, values.astype(np.float64), draws.shape[1])
    return np.asarray((draws @ sums) / (draws @ np.bincount(who, minlength=draws.shape[1])))


def two_kinds(present: NDArray[np.bool_], scores: Floats, persons: NDArray[np.str_]) -> Measure:
    """ROC-AUC of (N,) scores."""
    return measured(drawn_two_kinds(present, scores, persons))


def drawn_two_kinds(present: NDArray[np.bool_], scores: Floats, persons: NDArray[np.str_]) -> Floats:
    """ROC-AUC of (N,) scores in each draw."""
    who, draws = subject_draws(persons, BOOTSTRAP, SEED)
    return drawn_ranking(present, scores, who, draws)[0]


def strength(
    coded: Coded, predictions: Predictions, least: int = LEAST, *, present: bool = False
) -> tuple[IntensityReport, bool]:
    """How well intensities are told of the AUs that are `scored`, where a face was found (and shows it).

    Returns:
        The report, and whether intensities are told at all: else it is of scores, and only r means something.
    """
    values = predictions.scores if predictions.intensities is None else predictions.intensities
    use = scored(coded.labels, least) & predictions.found[:, None]
    if present:
        use &= coded.labels == 1
    told_there = np.where(use, values, np.nan)
    report = intensity_report(coded.intensities, told_there, coded.persons, coded.aus, BOOTSTRAP, SEED)
    return report, predictions.intensities is not None
