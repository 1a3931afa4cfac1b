"""The coded frames of one sequence, and how an adapter's sequences become a FrameIndex."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aulens.aus import MISSING, AUSet
from aulens.data.columns import changes, joined
from aulens.data.folders import listing, numbered_pictures
from aulens.data.index import PICTURE, FrameIndex, LostVideo, Problem
from aulens.errors import DatasetError
from aulens.named import several


@dataclass(frozen=True, eq=False)
class CodedSequence:
    """N coded frames of one sequence, in the order of their numbers; see FrameIndex for the fields.

    Attributes:
        landmarks: (N, K, 2) float32, NaN where a frame has none; None if the sequence has none.
        position: None for pictures.
        lost: of a video, why frames have no file.
        intensities: (N, A) float32, 0 to 5, NaN where not coded; all of a data set's sequences or none.
    """

    subject: str
    sequence: str
    part: str
    media: Sequence[str]
    frame: NDArray[np.int64]
    labels: NDArray[np.int8]
    landmarks: NDArray[np.float32] | None = None
    lost: LostVideo | None = None
    intensities: NDArray[np.float32] | None = None
    position: NDArray[np.int32] | None = None


@contextmanager
def noted(problems: list[Problem], problem: Problem) -> Iterator[None]:
    """A DatasetError ends the block, and becomes this problem; it stands for the "{}" of its message."""
    try:
        yield
    except DatasetError as error:
        problems.append(replace(problem, message=problem.message.replace("{}", str(error))))


def find_media(
    places: Iterable[Path], numbers: NDArray[np.integer], problem: Problem, problems: list[Problem]
) -> list[str]:
    """The pictures with these numbers (N,) in the first of the places that holds any, "" for those that lack.

    These are the problem, whose message is preceded by how many and which they are.
    """
    found = ((place, numbered_pictures(listing(place).files)) for place in places if place.is_dir())
    folder, names = next((one for one in found if one[1]), (Path(), {}))
    media = [str(folder / names[number]) if number in names else "" for number in numbers.tolist()]
    if lost := [number for number in numbers.tolist() if number not in names]:
        message = f"{len(lost)} of {len(media)} {problem.message.replace('{}', several(lost))}"
        problems.append(replace(problem, message=message, frames=len(lost)))
    return media


def subject_problems(
    sequences: Iterable[CodedSequence], unlabelled: Iterable[str], where: str, what: str
) -> list[Problem]:
    """Subjects of no published part; and those that have `what` ("pictures") but no label file."""
    problems = []
    if homeless := sorted({one.subject for one in sequences if not one.part}):
        message = f"{several(homeless)} are in no published part; their frames are in no fold."
        problems.append(Problem("note", "unknown_subject", where, message))
    if bare := sorted(unlabelled):
        message = f"{several(bare)} have {what} but no label file; their frames are not used."
        problems.append(Problem("warning", "missing_labels", where, message))
    return problems


def no_frames(problems: Sequence[Problem]) -> DatasetError:
    """What to raise of a data set without coded frames."""
    # What can't be read explains it better than what is missing beside it.
    first = sorted(problems, key=lambda problem: not problem.code.startswith("unreadable"))[:1]
    why = "".join(f" {problem.where}: {problem.message}" for problem in first)
    return DatasetError(f"No coded frame was found.{why}")


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
        raise no_frames(problems)
    counts = sorted({s.landmarks.shape[1] for s in ordered if s.landmarks is not None})
    if len(counts) > 1:
        raise DatasetError(f"Sequences differ in their number of landmarks: {counts}; give one layout.")
    lengths = [len(s.media) for s in ordered]
    position = [np.full(len(s.media), PICTURE) if s.position is None else s.position for s in ordered]
    return FrameIndex(
        dataset=dataset,
        aus=aus,
        media=tuple(path for s in ordered for path in s.media),
        position=np.concatenate(position).astype(np.int32, copy=False),
        subject=np.repeat([s.subject for s in ordered], lengths),
        sequence=np.repeat([s.sequence for s in ordered], lengths),
        frame=np.concatenate([s.frame for s in ordered]).astype(np.int64, copy=False),
        labels=np.concatenate([s.labels for s in ordered]),
        landmarks=joined([s.landmarks for s in ordered], lengths),
        part=np.repeat([s.part for s in ordered], lengths),
        aligned=aligned,
        problems=tuple(problems),
        intensities=joined([s.intensities for s in ordered], lengths),
        lost={(s.subject, s.sequence): s.lost for s in ordered if s.lost is not None},
    )


def usable_rows(
    frame: NDArray[np.int64], labels: NDArray[np.int8], where: str, *names: NDArray[np.str_]
) -> tuple[NDArray[np.intp], list[Problem]]:
    """Rows of a table of frames, sorted by names and frame: each frame once, and only if some AU is coded.

    Args:
        frame: (N,).
        labels: (N, A) in {0, 1, MISSING}.
        where: the table's name for the Problems.
        names: (N,) each, subject and sequence, where the table is of several.
    """
    problems = []
    order = np.lexsort((frame, *reversed(names)))
    new = changes(*(column[order] for column in (*names, frame)))
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
