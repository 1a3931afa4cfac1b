"""What a data set's folder says, before any picture is opened: its coded frames, and what is wrong with them.

An adapter (``bp4d``, ``disfa``, ``affwild2``, ``jaanet_lists``, ``manifest``) turns a delivered folder into
a :class:`FrameIndex`. Nothing is dropped in silence: what an adapter can't use is a :class:`Problem`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from aulens.aus import AUSet
from aulens.data.columns import (
    changes,
    check_codes,
    check_intensities,
    check_shape,
    distinct_pairs,
    rows_of,
)
from aulens.errors import DatasetError

Level = Literal["error", "warning", "note"]

PICTURE: Final = -1
"""The position of a frame whose file is a picture, not a video."""

BOTH: Final = 0
RIGHT_ONLY: Final = 1
LEFT_ONLY: Final = 2
"""Which of the subject's sides show an AU: values of `FrameIndex.one_sided`."""


@dataclass(frozen=True)
class Problem:
    """Something that is wrong, or not as published.

    Attributes:
        level: "error" = the published protocol can't be had from these data; "warning" = some frames are lost
            or doubtful; "note" = known of this data set, or harmless.
        code: a fixed word, "missing_picture".
        where: file or sequence, as short as it is clear.
        message: what was seen, what was expected, what to do: one sentence.
        frames: how many coded frames it touches; 0 = not counted in frames.
    """

    level: Level
    code: str
    where: str
    message: str
    frames: int = 0


@dataclass(frozen=True)
class LostVideo:
    """Why frames of a video have no file: "missing_video", "unreadable_video" or "video_ended".

    Attributes:
        path: of the video; "" if there is none.
        reason: a reason of `aulens.data.prepare.units.REASONS`.
    """

    path: str
    reason: str


@dataclass(frozen=True, eq=False)
class FrameIndex:
    """N coded frames of A Action Units, with K landmarks; sorted by subject, sequence, frame.

    Attributes:
        dataset: "bp4d", "disfa", "affwild2", or a manifest's own name.
        aus: the meaning of axis A.
        media: N files, a picture or a video each; "" where it does not exist.
        position: (N,) int32, the frame's place in a video, from 0; PICTURE (-1) if the file is a picture.
        subject: (N,) str, who is seen, as the data set names them.
        sequence: (N,) str, the clip: unique within a subject.
        frame: (N,) int64, the frame's number as the data set writes it.
        labels: (N, A) int8 in {0, 1, MISSING}.
        landmarks: (N, K, 2) float32, (x, y) pixels of the picture, integer = pixel centre; NaN where the data
            set gives none for a frame. None if it gives none at all.
        part: (N,) str, the published part of the subject: "1", "2", "3", or "train", "validation"; "" if it
            is in none.
        aligned: the pictures are crops of one face each, which fills them.
        problems: what could not be used, in the order it was met.
        renders: it is a look-alike of `aulens render --layout`, so its faces are no people.
        intensities: (N, A) float32, 0 (absent) to 5 (FACS's E), NaN where not coded; None if none are.
        one_sided: (N, A) int8, BOTH, RIGHT_ONLY or LEFT_ONLY: the other side does not show the AU. None:
            sides are not coded.
        lost: (subject, sequence) → why its frames without a file have none, where that is known of a video.
    """

    dataset: str
    aus: AUSet
    media: tuple[str, ...]
    position: NDArray[np.int32]
    subject: NDArray[np.str_]
    sequence: NDArray[np.str_]
    frame: NDArray[np.int64]
    labels: NDArray[np.int8]
    landmarks: NDArray[np.float32] | None
    part: NDArray[np.str_]
    aligned: bool = False
    problems: tuple[Problem, ...] = ()
    renders: bool = False
    lost: Mapping[tuple[str, str], LostVideo] = field(default_factory=dict)
    intensities: NDArray[np.float32] | None = None
    one_sided: NDArray[np.int8] | None = None

    def __post_init__(self) -> None:
        n = len(self.media)
        for name in ("position", "subject", "sequence", "frame", "part"):
            check_shape(name, getattr(self, name), n)
        check_shape("labels", self.labels, n, len(self.aus))
        check_shape("landmarks", self.landmarks, n, "K", 2)
        check_codes(self.labels)
        check_intensities(self.intensities, self.labels.shape)
        check_shape("one_sided", self.one_sided, *self.labels.shape)
        known = BOTH, RIGHT_ONLY, LEFT_ONLY
        if self.one_sided is not None and not np.isin(self.one_sided, known).all():
            seen = np.unique(self.one_sided).tolist()
            raise DatasetError(f"one_sided must be one of {known}; found {seen[:5]}.")

    def __len__(self) -> int:
        return len(self.media)

    @property
    def keys(self) -> list[str]:
        """A name for each frame: "F001/T1/2440"."""
        rows = zip(self.subject.tolist(), self.sequence.tolist(), self.frame.tolist(), strict=True)
        return [f"{subject}/{sequence}/{frame}" for subject, sequence, frame in rows]

    def take(self, indices: Sequence[int] | NDArray[np.intp]) -> FrameIndex:
        """The frames at these indices, in this order; problems stay."""
        index = np.asarray(indices, dtype=np.intp)
        return replace(self, media=tuple(self.media[i] for i in index), **rows_of(self, index))

    def sequences(self) -> list[tuple[str, str, NDArray[np.intp]]]:
        """(subject, sequence, indices of its frames in order), in the order of the index."""
        starts = np.flatnonzero(changes(self.subject, self.sequence))[1:]
        found: dict[tuple[str, str], list[NDArray[np.intp]]] = {}
        for run in np.split(np.arange(len(self)), starts):
            if len(run):
                key = str(self.subject[run[0]]), str(self.sequence[run[0]])
                found.setdefault(key, []).append(run)
        return [(*key, np.concatenate(runs)) for key, runs in found.items()]


def leak_problems(subject: NDArray[np.str_], part: NDArray[np.str_]) -> list[Problem]:
    """A Problem for each subject that is in two parts, of N subjects and their parts (N,)."""
    homes: dict[str, list[str]] = {}
    for name, home in sorted(distinct_pairs(subject, part)):
        homes.setdefault(name, []).append(home)
    return [
        Problem(
            "error",
            "subject_leak",
            name,
            f"is in the parts {' and '.join(repr(part) if part else 'none' for part in parts)}: a test would "
            "measure memory of a face; put each subject into one part.",
            int((subject == name).sum()),
        )
        for name, parts in homes.items()
        if len(parts) > 1
    ]
