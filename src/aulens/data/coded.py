"""The coded frames of one sequence, and how an adapter's sequences become a FrameIndex."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aulens.aus import MISSING, AUSet
from aulens.data.columns import changes
from aulens.data.index import FrameIndex, LostVideo, Problem
from aulens.errors import DatasetError


@dataclass(frozen=True, eq=False)
class CodedSequence:
    """N coded frames of one sequence, in the order of their numbers; see FrameIndex for the fields.

    Attributes:
        landmarks: (N, K, 2) float32, NaN where a frame has none; None if the sequence has none.
        lost: of a video, why frames have no file.
        intensities: (N, A) float32, 0 to 5, NaN where not coded; all of a data set's sequences or none.
    """

    subject: str
    sequence: str
    part: str
    media: Sequence[str]
    position: NDArray[np.int32]
    frame: NDArray[np.int64]
    labels: NDArray[np.int8]
    landmarks: NDArray[np.float32] | None = None
    lost: LostVideo | None = None
    intensities: NDArray[np.float32] | None = None


def gather(
    dataset: str,
    aus: AUSet,
    sequences: Sequence[CodedSequence],
    problems: Sequence[Problem],
    *,
    aligned: bool = False,
) -> FrameIndex:
    """One index of all sequences, sorted by subject and sequence.

    Raises:
        DatasetError: no frame is coded, or sequences differ in their number of landmarks.
    """
    ordered = sorted((s for s in sequences if len(s.media)), key=lambda s: (s.subject, s.sequence))
    if not ordered:
        # What can't be read explains it better than what is missing beside it.
        first = sorted(problems, key=lambda problem: not problem.code.startswith("unreadable"))[:1]
        why = "".join(f" {problem.where}: {problem.message}" for problem in first)
        raise DatasetError(f"No coded frame was found.{why}")
    counts = sorted({s.landmarks.shape[1] for s in ordered if s.landmarks is not None})
    if len(counts) > 1:
        raise DatasetError(f"Sequences differ in their number of landmarks: {counts}; give one layout.")
    points = None
    if counts:
        points = np.concatenate(
            [
                np.full((len(s.media), counts[0], 2), np.nan, np.float32)
                if s.landmarks is None
                else s.landmarks
                for s in ordered
            ]
        ).astype(np.float32, copy=False)
    lengths = [len(s.media) for s in ordered]
    given = [s.intensities for s in ordered if s.intensities is not None]
    return FrameIndex(
        dataset=dataset,
        aus=aus,
        media=tuple(path for s in ordered for path in s.media),
        position=np.concatenate([s.position for s in ordered]).astype(np.int32, copy=False),
        subject=np.repeat([s.subject for s in ordered], lengths),
        sequence=np.repeat([s.sequence for s in ordered], lengths),
        frame=np.concatenate([s.frame for s in ordered]).astype(np.int64, copy=False),
        labels=np.concatenate([s.labels for s in ordered]),
        landmarks=points,
        part=np.repeat([s.part for s in ordered], lengths),
        aligned=aligned,
        problems=tuple(problems),
        intensities=np.concatenate(given) if len(given) == len(ordered) else None,
        lost={(s.subject, s.sequence): s.lost for s in ordered if s.lost is not None},
    )


def usable_rows(
    subject: NDArray[np.str_],
    sequence: NDArray[np.str_],
    frame: NDArray[np.int64],
    labels: NDArray[np.int8],
    where: str,
) -> tuple[NDArray[np.intp], list[Problem]]:
    """Rows of a table of frames by subject, sequence, frame: each frame once, and only if some AU is coded.

    Args:
        subject, sequence, frame: (N,).
        labels: (N, A) in {0, 1, MISSING}.
        where: the table's name for the Problems.
    """
    problems = []
    order = np.lexsort((frame, sequence, subject))
    new = changes(*(column[order] for column in (subject, sequence, frame)))
    if not new.all():
        count = int((~new).sum())
        rows = "1 row repeats" if count == 1 else f"{count} rows repeat"
        message = f"{rows} a frame of the same sequence; the first of each is taken."
        problems.append(Problem("warning", "duplicate_frame", where, message, count))
    order = order[new]
    coded = (labels[order] != MISSING).any(1)
    if not coded.all():
        count = int((~coded).sum())
        message = f"{count} of {len(order)} frames have no coded AU; they stay out."
        problems.append(Problem("note", "not_coded", where, message, count))
    return order[coded], problems
