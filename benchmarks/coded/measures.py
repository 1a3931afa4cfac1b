"""Numbers with intervals: whole persons are drawn with replacement, 1,000 times, always the same ones.

N pictures, A Action Units, R draws, S persons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aulens.aus import MISSING
from aulens.metrics import Measure, Report, report
from aulens.metrics.bootstrap import mean_of_defined, measured, subject_draws
from aulens.metrics.ranking import drawn_ranking
from coded.told import Told
from coded.truth import Coded

Floats = NDArray[np.float64]

LEAST = 5
"""Pictures with and without an AU from which on it is scored."""
_BOOTSTRAP, _SEED = 1000, 0


def scored(labels: NDArray[np.int8], least: int = LEAST) -> NDArray[np.bool_]:
    """(A,): which AUs have enough pictures with them and without."""
    with_it, without = (labels == 1).sum(0), (labels == 0).sum(0)
    return np.asarray((with_it >= least) & (without >= least))


def ranks(coded: Coded, told: Told, least: int = LEAST) -> Report | None:
    """ROC-AUC, F1 and more of the AUs that are `scored` and told; None where there are none."""
    labels = np.where(scored(coded.labels, least) & np.isfinite(told.scores), coded.labels, MISSING)
    if (labels == MISSING).all():
        return None
    return report(labels, told.scores, told.said, coded.persons, coded.aus, _BOOTSTRAP, _SEED)


def said_per_face(coded: Coded, told: Told) -> Measure:
    """How many AUs are said of a face that was found."""
    return rate(told.said.sum(1)[told.found], coded.persons[told.found])


def rate(values: NDArray[np.generic], persons: NDArray[np.str_]) -> Measure:
    """Mean of (N,) values."""
    if not len(values):
        return Measure(*(float("nan"),) * 3)
    who, draws = subject_draws(persons, _BOOTSTRAP, _SEED)
    sums = np.bincount(who, values.astype(np.float64), draws.shape[1])
    return measured((draws @ sums) / (draws @ np.bincount(who, minlength=draws.shape[1])))


def two_kinds(present: NDArray[np.bool_], scores: Floats, persons: NDArray[np.str_]) -> Measure:
    """ROC-AUC of (N,) scores."""
    who, draws = subject_draws(persons, _BOOTSTRAP, _SEED)
    return measured(drawn_ranking(present, scores, who, draws)[0])


@dataclass(frozen=True)
class Strength:
    """How well intensities are told: means over AUs; the last two are NaN of bare scores."""

    r: Measure
    icc: Measure
    mae: Measure
    calibrated: bool
    r_of: Floats
    icc_of: Floats
    mae_of: Floats


def strength(coded: Coded, told: Told, least: int = LEAST) -> Strength:
    """Pearson's r, ICC(3,1) and mean absolute error of the AUs that are `scored`, where a face was found.

    Where no intensities are told, r is that of the scores.
    """
    calibrated = told.intensities is not None
    values = told.scores if told.intensities is None else told.intensities
    who, draws = subject_draws(coded.persons, _BOOTSTRAP, _SEED)
    results = np.full((3, len(draws), len(coded.aus)), np.nan)
    for k in np.flatnonzero(scored(coded.labels, least)):
        rows = told.found & np.isfinite(values[:, k]) & np.isfinite(coded.intensities[:, k])
        results[..., k] = _agreement(coded.intensities[rows, k], values[rows, k], who[rows], draws)
    if not calibrated:
        results[1:] = np.nan
    r, icc, mae = (measured(mean_of_defined(result)) for result in results)
    return Strength(r, icc, mae, calibrated, *results[:, 0])


def _agreement(x: Floats, y: Floats, who: NDArray[np.intp], draws: NDArray[np.int32]) -> Floats:
    """(3, R): Pearson's r, ICC(3,1) of two raters = 2 cov / (var + var), mean absolute error."""
    if not len(x):
        return np.full((3, len(draws)), np.nan)
    x0, y0 = x - x.mean(), y - y.mean()  # sums of squares lose no digits
    parts = (np.ones_like(x), x0, y0, x0 * x0, y0 * y0, x0 * y0, np.abs(x - y))
    sums = np.stack([np.bincount(who, part, draws.shape[1]) for part in parts])
    n, sx, sy, xx, yy, xy, off = sums @ draws.T
    with np.errstate(divide="ignore", invalid="ignore"):
        vx, vy, cov = xx / n - (sx / n) ** 2, yy / n - (sy / n) ** 2, xy / n - sx * sy / n**2
        return np.stack([cov / np.sqrt(vx * vy), 2 * cov / (vx + vy), off / n])


@dataclass(frozen=True)
class Gap:
    """Mean ROC-AUC of groups of people.

    Attributes:
        means: of each group.
        difference: the last group's less the first one's.
        aus: how many AUs are in the means.
    """

    means: tuple[float, ...]
    difference: Measure
    aus: int


def gap(coded: Coded, told: Told, groups: NDArray[np.str_], names: Sequence[str]) -> Gap:
    """Compare groups by the AUs that are `scored` in each, so that all are asked the same.

    Args:
        coded: N pictures.
        told: of them.
        groups: (N,) the name of each picture's group; others than `names` take no part.
        names: of the groups.
    """
    labels, (who, draws) = coded.labels, subject_draws(coded.persons, _BOOTSTRAP, _SEED)
    parts = [groups == name for name in names]
    usable = np.logical_and.reduce([scored(labels[part]) & np.isfinite(told.scores).all(0) for part in parts])
    means = []
    for part in parts:
        of_au = np.full((len(draws), len(usable)), np.nan)
        for k in np.flatnonzero(usable):
            rows = part & (labels[:, k] != MISSING)
            of_au[:, k] = drawn_ranking(labels[rows, k] == 1, told.scores[rows, k], who[rows], draws)[0]
        means.append(mean_of_defined(of_au))
    return Gap(tuple(float(mean[0]) for mean in means), measured(means[-1] - means[0]), int(usable.sum()))
