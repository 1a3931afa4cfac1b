"""Samples: what every data set becomes before training sees it.

N samples, A Action Units, K landmarks. Sides are the subject's own, in the order of
:mod:`aulens.roi`: ``[subject_right, subject_left]``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from aulens.aus import MISSING, AUSet, au_labels
from aulens.data.columns import check_codes, check_intensities, check_shape, distinct_pairs, joined, rows_of
from aulens.data.digest import PIECE, fingerprint
from aulens.data.index import leak_problems
from aulens.data.shards import Rows, StoredImages, as_rows
from aulens.errors import DatasetError

Split = Literal["train", "val", "test"]
RENDERS: Final = "renders"
SPLITS: Final[tuple[Split, ...]] = ("train", "val", "test")
NEAR_DUPLICATES: Final = "near-duplicates between its splits"
"""What a source says that was prepared with such ones allowed: a test on it may measure memory."""


@dataclass(frozen=True)
class Samples:
    """Aligned arrays over N samples; checked at birth.

    Attributes:
        paths: N names of pictures: the files to read, but for those that lie within one.
        subjects: (N,) str; who is in the picture. Unique over all data sets (prefixed by the adapter).
        splits: (N,) str, one of :data:`SPLITS`; no subject may be in two.
        side_labels: (N, A, 2) int8 in {0, 1, MISSING}.
        landmarks: (N, K, 2) float32, (x, y) pixels of the picture, integer = pixel centre.
        aus: the meaning of axis A.
        select_on_test: "val" means the test samples. Whatever is chosen on them says so.
        sources: the data sets that they are of, "renders" for those of `aulens render`; see NEAR_DUPLICATES.
        order: (N,) their places in the data as stored, for samples that are in another order: split by split,
            so that a split is a view of them and no copy. None = as stored.
        intensities: (N, A, 2) float32, 0 (absent) to 5 (FACS's E), NaN where not coded; None = none are.
        rendered: (N,) whose AUs a renderer made, where others' were coded; None = `sources` says it of all.
    """

    paths: StoredImages
    subjects: NDArray[np.str_]
    splits: NDArray[np.str_]
    side_labels: NDArray[np.int8]
    landmarks: NDArray[np.float32]
    aus: AUSet
    select_on_test: bool = False
    sources: tuple[str, ...] = (RENDERS,)
    order: NDArray[np.intp] | None = None
    intensities: NDArray[np.float32] | None = None
    rendered: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        """Check shapes, codes, and that the splits are subject-exclusive."""
        n = len(self.paths)
        for name in ("subjects", "splits", "rendered"):
            check_shape(name, getattr(self, name), n)
        check_shape("side_labels", self.side_labels, n, len(self.aus), 2)
        check_shape("landmarks", self.landmarks, n, "K", 2)
        check_codes(self.side_labels)
        check_intensities(self.intensities, self.side_labels.shape)
        check_subject_exclusive(self.subjects, self.splits)

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def labels(self) -> NDArray[np.int8]:
        """AU labels, (N, A) int8: see :func:`aulens.aus.au_labels`."""
        return au_labels(self.side_labels)

    def take(self, indices: Sequence[int] | NDArray[np.intp]) -> Samples:
        """Return the samples at these indices, in this order; consecutive ones share their arrays."""
        rows = as_rows(indices)
        return replace(self, paths=self.paths.take(rows), **rows_of(self, rows))

    def with_coded(self, times: int) -> Samples:
        """The samples, those whose AUs somebody coded so many times."""
        if times == 1:
            return self
        coded = np.flatnonzero(~self.from_renderer)
        return self.take(np.concatenate([np.arange(len(self)), *[coded] * (times - 1)]))

    @property
    def from_renderer(self) -> NDArray[np.bool_]:
        """(N,) whose AUs a renderer made; all others' were coded."""
        everybody = np.full(len(self), all(source.startswith(RENDERS) for source in self.sources))
        return everybody if self.rendered is None else self.rendered

    def split(self, name: str) -> Samples:
        """Return the samples of one split; DatasetError if there are none."""
        if name not in SPLITS:
            raise DatasetError(f"A split is one of {', '.join(SPLITS)}; got {name!r}.")
        if name == "val" and self.select_on_test:
            name = "test"
        chosen = np.flatnonzero(self.splits == name)
        if not chosen.size:
            raise DatasetError(f"The data hold no {name!r} samples ({len(self)} samples in other splits).")
        return self.take(chosen)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of labels, landmarks, subjects, splits and file names (not folders: data may move).

        Not of intensities: runs from before they were read go on.
        """
        order = None if self.order is None else np.argsort(self.order, kind="stable")
        return fingerprint((self.side_labels, self.landmarks), self._lines(order), order)

    def _lines(self, order: NDArray[np.intp] | None) -> Iterator[str]:
        for first in range(0, len(self), PIECE):
            rows: Rows = slice(first, first + PIECE) if order is None else order[first : first + PIECE]
            columns = (self.paths.basenames(rows), self.subjects[rows].tolist(), self.splits[rows].tolist())
            yield from map(" ".join, zip(*columns, strict=True))

    def base_rates(self) -> NDArray[np.float64]:
        """Return, per AU, the fraction of coded samples in which it occurs: (A,), NaN if never coded."""
        labels = self.labels
        coded = (labels != MISSING).sum(0)
        present = (labels == 1).sum(0)
        rates = np.full(len(self.aus), np.nan)
        np.divide(present, coded, out=rates, where=coded > 0)
        return rates


def join(parts: Sequence[Samples]) -> Samples:
    """Concatenate samples of the same AU set and landmark layout."""
    if not parts:
        raise DatasetError("No data given: name at least one data folder.")
    first = parts[0]
    for part in parts[1:]:
        if part.aus != first.aus:
            raise DatasetError(f"Cannot join AU sets {first.aus.labels} and {part.aus.labels}.")
        if part.landmarks.shape[1:] != first.landmarks.shape[1:]:
            raise DatasetError("Cannot join samples with different landmark layouts.")
    if not parts[1:]:
        return first
    every = ("subjects", "splits", "side_labels", "landmarks")
    return Samples(
        paths=StoredImages.joined([part.paths for part in parts]),
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in every},
        aus=first.aus,
        select_on_test=any(part.select_on_test for part in parts),
        sources=tuple(dict.fromkeys(source for part in parts for source in part.sources)),
        order=_joined_order(parts),
        intensities=joined([part.intensities for part in parts], [len(part) for part in parts]),
        rendered=np.concatenate([part.from_renderer for part in parts]),
    )


def _joined_order(parts: Sequence[Samples]) -> NDArray[np.intp] | None:
    if all(part.order is None for part in parts):
        return None
    starts = np.cumsum([0, *(len(part) for part in parts)])
    # Places within a part may have gaps, so each gets its rank.
    ranks = [
        np.arange(len(part)) if part.order is None else np.argsort(np.argsort(part.order)) for part in parts
    ]
    return np.concatenate([start + rank for start, rank in zip(starts[:-1], ranks, strict=True)])


def check_subject_exclusive(subjects: NDArray[np.str_], splits: NDArray[np.str_]) -> None:
    """Raise DatasetError, naming a subject, if any subject is in two splits."""
    unknown = sorted({split for _, split in distinct_pairs(subjects, splits)} - set(SPLITS))
    if unknown:
        raise DatasetError(f"A split is one of {', '.join(SPLITS)}; found {unknown[:5]}.")
    for leak in leak_problems(subjects, splits):
        raise DatasetError(f"Subject {leak.where!r} {leak.message}")
