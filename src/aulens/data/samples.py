"""Samples: what every data set becomes before training sees it.

N samples, A Action Units, K landmarks. Sides are the subject's own, in the order of
:mod:`aulens.roi`: ``[subject_right, subject_left]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from aulens.aus import MISSING, AUSet, au_labels
from aulens.data.shards import Span
from aulens.errors import DatasetError

Split = Literal["train", "val", "test"]
RENDERS: Final = "renders"
SPLITS: Final[tuple[Split, ...]] = ("train", "val", "test")


@dataclass(frozen=True)
class Samples:
    """Aligned arrays over N samples; checked at birth.

    Attributes:
        paths: N names of pictures, for people; where `spans` is None, the files to read.
        subjects: (N,) str; who is in the picture. Unique over all data sets (prefixed by the adapter).
        splits: (N,) str, one of :data:`SPLITS`; no subject may be in two.
        side_labels: (N, A, 2) int8 in {0, 1, MISSING}.
        landmarks: (N, K, 2) float32, (x, y) pixels of the picture, integer = pixel centre.
        aus: the meaning of axis A.
        spans: where each picture's bytes lie, None = in the file of its path; None = so for all.
        select_on_test: "val" means the test samples. Whatever is chosen on them says so.
        sources: the data sets that they are of, "renders" for those of `aulens render`.
    """

    paths: tuple[str, ...]
    subjects: NDArray[np.str_]
    splits: NDArray[np.str_]
    side_labels: NDArray[np.int8]
    landmarks: NDArray[np.float32]
    aus: AUSet
    spans: tuple[Span | None, ...] | None = None
    select_on_test: bool = False
    sources: tuple[str, ...] = (RENDERS,)

    def __post_init__(self) -> None:
        """Check shapes, codes, and that the splits are subject-exclusive."""
        n = len(self.paths)
        for name, array, shape in (
            ("subjects", self.subjects, (n,)),
            ("splits", self.splits, (n,)),
            ("side_labels", self.side_labels, (n, len(self.aus), 2)),
        ):
            if array.shape != shape:
                raise DatasetError(f"{name} must have shape {shape}, got {array.shape}.")
        if self.landmarks.ndim != 3 or self.landmarks.shape[0] != n or self.landmarks.shape[2] != 2:
            raise DatasetError(f"landmarks must have shape ({n}, K, 2), got {self.landmarks.shape}.")
        if self.spans is not None and len(self.spans) != n:
            raise DatasetError(f"There are {len(self.spans)} spans for {n} pictures.")
        wrong = np.setdiff1d(self.side_labels, [0, 1, MISSING])
        if wrong.size:
            raise DatasetError(f"Labels must be 0, 1 or MISSING ({MISSING}); found {wrong.tolist()[:5]}.")
        check_subject_exclusive(self.subjects, self.splits)

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def labels(self) -> NDArray[np.int8]:
        """AU labels, (N, A) int8: see :func:`aulens.aus.au_labels`."""
        return au_labels(self.side_labels)

    def take(self, indices: Sequence[int] | NDArray[np.intp]) -> Samples:
        """Return the samples at these indices, in this order."""
        index = np.asarray(indices, dtype=np.intp)
        return Samples(
            tuple(self.paths[i] for i in index),
            self.subjects[index],
            self.splits[index],
            self.side_labels[index],
            self.landmarks[index],
            self.aus,
            None if self.spans is None else tuple(self.spans[i] for i in index),
            self.select_on_test,
            self.sources,
        )

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
    spans = tuple(span for part in parts for span in part.spans or (None,) * len(part))
    return Samples(
        tuple(path for part in parts for path in part.paths),
        np.concatenate([part.subjects for part in parts]),
        np.concatenate([part.splits for part in parts]),
        np.concatenate([part.side_labels for part in parts]),
        np.concatenate([part.landmarks for part in parts]),
        first.aus,
        spans if any(spans) else None,
        any(part.select_on_test for part in parts),
        tuple(dict.fromkeys(source for part in parts for source in part.sources)),
    )


def check_subject_exclusive(subjects: NDArray[np.str_], splits: NDArray[np.str_]) -> None:
    """Raise DatasetError, naming a subject, if any subject is in two splits."""
    unknown = np.setdiff1d(splits, SPLITS)
    if unknown.size:
        raise DatasetError(f"A split is one of {', '.join(SPLITS)}; found {unknown.tolist()[:5]}.")
    home: dict[str, str] = {}
    for subject, split in sorted(set(zip(subjects.tolist(), splits.tolist(), strict=True))):
        if home.setdefault(subject, split) != split:
            raise DatasetError(
                f"Subject {subject!r} is in both {home[subject]!r} and {split!r}. A subject may be in one "
                "split only, else the test measures memory of a face; assign whole subjects to splits."
            )
