"""Counts of right and wrong decisions per AU, and the ratios made of them. Counts add; ratios do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.aus import MISSING
from aulens.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Counts:
    """How often each AU was decided rightly and wrongly; `a + b` are the counts of both, `a[:1]` the first.

    Attributes:
        tp: (..., A) int64, present and found.
        fp: (..., A), absent and yet found.
        fn: (..., A), present and not found.
        tn: (..., A), absent and not found.
    """

    tp: NDArray[np.int64]
    fp: NDArray[np.int64]
    fn: NDArray[np.int64]
    tn: NDArray[np.int64]

    def __post_init__(self) -> None:
        if not self.tp.shape == self.fp.shape == self.fn.shape == self.tn.shape:
            shapes = self.tp.shape, self.fp.shape, self.fn.shape, self.tn.shape
            raise InputError(f"tp, fp, fn, tn must be of one shape, got {shapes}")

    def __add__(self, other: Counts) -> Counts:
        if self.tp.shape != other.tp.shape:
            raise InputError(f"counts of {self.tp.shape} and {other.tp.shape} AUs cannot be added")
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn)

    def __getitem__(self, index: Any) -> Counts:
        return Counts(self.tp[index], self.fp[index], self.fn[index], self.tn[index])

    @property
    def present(self) -> NDArray[np.int64]:
        """(..., A), in how many frames each AU is."""
        return self.tp + self.fn

    @property
    def coded(self) -> NDArray[np.int64]:
        """(..., A), in how many frames each AU is coded."""
        return self.present + self.fp + self.tn


def counts(labels: ArrayLike, decisions: ArrayLike) -> Counts:
    """Count the decisions of N frames.

    Args:
        labels: (N, A) in {0, 1, MISSING}; MISSING takes no part.
        decisions: (N, A) bool or {0, 1}.

    Returns:
        Counts of shape (A,).

    Raises:
        InputError: when shapes differ or a value is of another code.
    """
    truth, decided = checked_labels(labels), checked_decisions(decisions)
    if truth.shape != decided.shape:
        raise InputError(f"labels {truth.shape} and decisions {decided.shape} must be of one shape (N, A)")
    return Counts(*(kind.sum(0, dtype=np.int64) for kind in kinds(truth, decided)))


def kinds(truth: NDArray[Any], decided: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], ...]:
    """Which decisions (N, A) are true and false positives, false and true negatives; see `Counts`."""
    present, absent = truth == 1, truth == 0
    return present & decided, absent & decided, present & ~decided, absent & ~decided


def f1(counts: Counts) -> Floats:
    """2 TP / (2 TP + FP + FN), (..., A) float64; NaN when an AU neither occurs nor is ever decided."""
    return ratio(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn)


def accuracy(counts: Counts) -> Floats:
    """The share of right decisions, (..., A) float64; NaN when an AU is nowhere coded."""
    return ratio(counts.tp + counts.tn, counts.coded)


def balanced_accuracy(counts: Counts) -> Floats:
    """The mean of recall and specificity, (..., A) float64; NaN when an AU is always or never present."""
    recall = ratio(counts.tp, counts.present)
    return (recall + ratio(counts.tn, counts.tn + counts.fp)) / 2


def ratio(part: NDArray[Any], whole: NDArray[Any]) -> Floats:
    """part / whole, elementwise; NaN where whole is 0."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)


def checked_labels(labels: ArrayLike) -> NDArray[Any]:
    """Labels as an (N, A) array in {0, 1, MISSING}, or an InputError that says what else was there."""
    array = np.asarray(labels)
    if array.ndim != 2:
        raise InputError(f"labels must be (N, A), got shape {array.shape}")
    if not np.isin(array, (0, 1, MISSING)).all():
        raise InputError(f"labels must be 0, 1 or {MISSING} (MISSING), got also {_others(array)}")
    return array


def checked_decisions(decisions: ArrayLike) -> NDArray[np.bool_]:
    """Decisions as an (N, A) bool array, or an InputError that says what else was there."""
    array = np.asarray(decisions)
    if array.ndim != 2:
        raise InputError(f"decisions must be (N, A), got shape {array.shape}")
    if not np.isin(array, (0, 1)).all():
        raise InputError(f"decisions must be 0 or 1, got also {_others(array)}; apply the threshold first")
    return array.astype(np.bool_)


def _others(array: NDArray[Any]) -> list[Any]:
    found: list[Any] = np.unique(array[~np.isin(array, (0, 1, MISSING))])[:5].tolist()
    return found or [MISSING]
