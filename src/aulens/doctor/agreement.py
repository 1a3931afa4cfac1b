"""Do the labels follow the faces? Rank statistics of landmarks for labels, within each sequence.

Within one clip the person, the camera and the light stay the same, so a smile must widen the mouth. Where it
does not, columns are swapped, rows are shuffled, or labels and landmarks are of different clips or frames.

Shapes: N frames, A AUs, M measures, G subjects.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.aus import MISSING
from aulens.doctor.measures import Floats
from aulens.metrics.counts import ratio

MIN_EACH: Final = 3
"""Frames with an AU, and frames without it, that a sequence needs to count for that AU."""

_Span = tuple[str, NDArray[np.intp]]


@dataclass(frozen=True, eq=False)
class Agreement:
    """How well M measures separate frames with each of A AUs from those without.

    Attributes:
        auc: (A, M) mean ROC-AUC over sequences, weighted by their frames (pairs of frames over frames); NaN
            where no sequence counts.
        error: (A, M) its standard error over subjects; NaN with fewer than 2 subjects.
        subjects: (A, M) subjects with a sequence that counts.
        frames: (A, M) sum of the sequences' weights: 1 for a sequence with 2 frames of each code.
        by_subject: for each subject its (A, M) ROC-AUC and weight.
    """

    auc: Floats
    error: Floats
    subjects: NDArray[np.intp]
    frames: Floats
    by_subject: dict[str, tuple[Floats, Floats]]

    @property
    def low(self) -> Floats:
        """(A, M) lower end of the 90 % interval."""
        return self.auc - self._reach()

    @property
    def high(self) -> Floats:
        """(A, M) upper end of the 90 % interval."""
        return self.auc + self._reach()

    def _reach(self) -> Floats:
        # Student's t at 95 % one-sided (6.31, 2.92, 2.35, 2.13, ... 1.645), within 3 %.
        freedom = np.maximum(self.subjects - 1, 1)
        reach: Floats = self.error * (1.645 + 1.53 / freedom + 2.1 / freedom**2 + 1.0 / freedom**4)
        return reach


def agreement(labels: NDArray[np.int8], values: Floats, sequences: Sequence[_Span]) -> Agreement:
    """Compare labels (N, A) with measures (N, M), NaN where a frame has none.

    Args:
        labels: in {0, 1, MISSING}.
        values: as of `measures.measure`.
        sequences: (subject, indices of frames) of each clip.
    """
    shape = labels.shape[1], values.shape[1]
    sums: dict[str, tuple[Floats, Floats]] = {}
    for subject, rows in sequences:
        won, weight = sums.setdefault(subject, (np.zeros(shape), np.zeros(shape)))
        seen = rows[np.isfinite(values[rows]).all(1)]
        for columns, auc, pairs in _within(labels[seen], values[seen]):
            won[columns] += auc * pairs[:, None]
            weight[columns] += pairs[:, None]
    won = np.reshape([won for won, _ in sums.values()], (-1, *shape))
    weight = np.reshape([weight for _, weight in sums.values()], (-1, *shape))
    total, count = weight.sum(0), (weight > 0).sum(0)
    auc, own = ratio(won.sum(0), total), ratio(won, weight)
    off = np.where(weight > 0, weight * (own - auc), 0.0)
    error = ratio(np.sqrt(ratio((off**2).sum(0) * count, count - 1)), total)
    by_subject = {name: (own[i], weight[i]) for i, name in enumerate(sums)}
    return Agreement(auc, error, count, total, by_subject)


def _within(labels: NDArray[np.int8], values: Floats) -> Iterator[tuple[NDArray[np.intp], Floats, Floats]]:
    """For AUs coded in the same frames of one clip: their columns, ROC-AUC (a, M), weights (a,)."""
    from scipy.stats import rankdata  # half a second, and only for labels with landmarks

    coded = labels != MISSING
    patterns, which = np.unique(coded, axis=1, return_inverse=True)
    for number, pattern in enumerate(patterns.T):
        columns = np.flatnonzero(np.ravel(which) == number)
        present = (labels[np.ix_(pattern, columns)] == 1).astype(np.float64)
        positives = present.sum(0)
        negatives = len(present) - positives
        enough = (positives >= MIN_EACH) & (negatives >= MIN_EACH)
        if not enough.any():
            continue
        columns, present = columns[enough], present[:, enough]
        positives, negatives = positives[enough, None], negatives[enough, None]
        wins = present.T @ rankdata(values[pattern], axis=0) - positives * (positives + 1) / 2
        yield columns, wins / (positives * negatives), (positives * negatives / len(present[:, :1]))[:, 0]
