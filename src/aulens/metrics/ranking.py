"""How well scores order the frames of an AU: ROC-AUC and average precision, ties counted right."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.aus import MISSING
from aulens.errors import InputError
from aulens.metrics.counts import Floats, checked_labels, ratio

_BLOCK = 1 << 17  # weights held at once: about what a processor's cache holds, twice as fast as 1 << 20


def roc_auc(labels: ArrayLike, scores: ArrayLike) -> Floats:
    """Per AU, the chance that a frame with it scores above a frame without; ties count half.

    Args:
        labels: (N, A) in {0, 1, MISSING}; MISSING takes no part.
        scores: (N, A) float, larger = more surely present; read only where coded.

    Returns:
        (A,) float64; NaN when an AU is always or never present.

    Raises:
        InputError: when shapes differ, a label is of another code, or a coded frame's score is not finite.
    """
    return _ranked(labels, scores)[0]


def average_precision(labels: ArrayLike, scores: ArrayLike) -> Floats:
    """Per AU, precision averaged over recall, without interpolation; tied scores share one threshold.

    (A,) float64; NaN when an AU never occurs. Arguments and errors as of `roc_auc`.
    """
    return _ranked(labels, scores)[1]


def checked_scores(labels: NDArray[Any], scores: ArrayLike) -> Floats:
    """Scores as float64 of the labels' shape and finite wherever coded, or an InputError."""
    array = np.asarray(scores, np.float64)
    if array.shape != labels.shape:
        raise InputError(f"labels {labels.shape} and scores {array.shape} must be of one shape (N, A)")
    bad = ~np.isfinite(array) & (labels != MISSING)
    if bad.any():
        rows = np.flatnonzero(bad.any(1))
        raise InputError(
            f"{len(rows)} coded frames have a score that is not finite, the first is row {rows[0]}; "
            "leave frames without a face out, or set their labels to MISSING"
        )
    return array


def drawn_ranking(
    present: NDArray[np.bool_], scores: Floats, subject: NDArray[np.intp], draws: NDArray[np.int32]
) -> Floats:
    """ROC-AUC and average precision of one AU for each of R draws of subjects.

    Args:
        present: (n,) bool.
        scores: (n,) finite.
        subject, draws: from `aulens.metrics.bootstrap.subject_draws`, of these frames.

    Returns:
        (2, R) float64: ROC-AUC, average precision; NaN where undefined.
    """
    out = np.full((2, len(draws)), np.nan)
    if not len(scores):
        return out
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))  # last of each group of equal scores
    sorted_present, sorted_subject = present[order, None], subject[order]
    columns = max(1, _BLOCK // len(scores))
    for start in range(0, len(draws), columns):
        # Frames down, draws across: the running sums then add whole rows.
        weight = draws[start : start + columns].T.astype(np.int64)[sorted_subject]
        seen = np.cumsum(weight, 0)[ends]
        found = np.cumsum(weight * sorted_present, 0)[ends]
        gained, positives = np.diff(found, axis=0, prepend=0), found[-1]
        negatives = seen[-1] - positives
        # A positive loses to the negatives above it, and half to those of its own score.
        above = 2 * (seen - found) - np.diff(seen - found, axis=0, prepend=0)
        lost = np.einsum("nr,nr->r", gained, above) / 2
        precise = np.einsum("nr,nr->r", gained, found / np.maximum(seen, 1))
        out[0, start : start + columns] = 1 - ratio(lost, positives * negatives)
        out[1, start : start + columns] = ratio(precise, positives)
    return out


def _ranked(labels: ArrayLike, scores: ArrayLike) -> tuple[Floats, Floats]:
    """(A,) each: ROC-AUC and average precision."""
    truth = checked_labels(labels)
    values = checked_scores(truth, scores)
    auc, precision = np.full((2, truth.shape[1]), np.nan)
    for a, column in enumerate(truth.T):
        coded = column != MISSING
        together = np.zeros(int(coded.sum()), np.intp)  # all frames of one subject, drawn once
        once = np.ones((1, 1), np.int32)
        (auc[a],), (precision[a],) = drawn_ranking(column[coded] == 1, values[coded, a], together, once)
    return auc, precision
