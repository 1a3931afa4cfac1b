"""BP4D as delivered: pictures F001/T1/NNNN.jpg, labels AU_OCC/F001_T1.csv, 49 landmarks in 2DFeatures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.aus import MISSING
from aulens.data.coded import CodedSequence, gather
from aulens.data.folders import find_pictures, several, start, walk
from aulens.data.index import PICTURE, FrameIndex, Problem
from aulens.data.jaanet import within_lists
from aulens.data.label_files import au_number, binary_labels, filled_rows, read_table
from aulens.data.matlab import as_points, read_cells
from aulens.data.protocols import BP4D_PROTOCOL
from aulens.data.registry import DatasetEntry
from aulens.errors import DatasetError
from aulens.landmarks import IBUG49

NOT_CODED: Final = (9,)
"""The code for "unknown" in AU_OCC."""

_SUBJECT: Final = re.compile(r"[FM]\d{3}")
_FILE: Final = re.compile(r"(?P<subject>[FM]\d{3})_(?P<task>T\d+)\.(?:csv|mat)", re.IGNORECASE)
_DELIVERED: Final = ("AUCoding", "AU_OCC", "2DFeatures")

_Key = tuple[str, str]


@dataclass
class _Found:
    """Where things lie: label and landmark files by (subject, task), picture folders by subject.

    `strange` are tables in AU_OCC with other names.
    """

    labels: dict[_Key, Path] = field(default_factory=dict)
    landmarks: dict[_Key, Path] = field(default_factory=dict)
    pictures: dict[str, list[Path]] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)


def read_bp4d(root: Path) -> FrameIndex:
    """The coded frames of BP4D: every row of every AU_OCC file in which some AU of the protocol is coded.

    Args:
        root: the folder that holds AUCoding, the pictures and 2DFeatures, up to 3 levels down.

    Raises:
        DatasetError: there is no such folder, or no label file in it.
    """
    found = _find(start(root, _DELIVERED))
    if not found.labels:
        raise DatasetError(
            f"No BP4D labels below {root}: looked for AU_OCC/F001_T1.csv (in AUCoding) down to 3 levels; "
            "give the folder that holds AUCoding and the pictures."
        )
    problems: list[Problem] = []
    if not found.pictures:
        message = "no folder F001/T1 of pictures was found; unpack the 2D sequences beside AUCoding."
        problems.append(Problem("error", "missing_picture", "pictures", message))
    if not found.landmarks:
        message = "no file 2DFeatures/F001_T1.mat was found; landmarks have to be detected."
        problems.append(Problem("warning", "missing_landmarks", "2DFeatures", message))
    sequences = []
    for key in sorted(found.labels):
        sequence = _read_sequence(key, found, problems)
        if sequence is not None:
            sequences.append(sequence)
    unknown = sorted({s.subject for s in sequences if not s.part})
    if unknown:
        message = f"{several(unknown)} are in no published part; their frames are in no fold."
        problems.append(Problem("note", "unknown_subject", "AU_OCC", message))
    problems += _without_labels(found)
    if found.strange:
        message = f"{several(sorted(found.strange))} are not named like F001_T1.csv and are not read."
        problems.append(Problem("note", "other_files", "AU_OCC", message))
    return gather("bp4d", BP4D_PROTOCOL.aus, sequences, problems)


def _find(root: Path) -> _Found:
    found = _Found()
    # Label files lying elsewhere count only where AU_OCC has none.
    for folder in sorted(walk(root, _SUBJECT), key=lambda folder: folder.path.name.upper() != "AU_OCC"):
        for subject in filter(_SUBJECT.fullmatch, folder.folders):
            found.pictures.setdefault(subject, []).append(folder.path / subject)
        for file in folder.files:
            match = _FILE.fullmatch(file)
            if match is None:
                if folder.path.name.upper() == "AU_OCC" and file.lower().endswith(".csv"):
                    found.strange.append(file)
                continue
            key = match["subject"].upper(), match["task"].upper()
            if file.lower().endswith(".csv"):
                found.labels.setdefault(key, folder.path / file)
            # 3DFeatures has files of the same names.
            elif "3d" not in folder.path.name.lower():
                found.landmarks.setdefault(key, folder.path / file)
    return found


def _read_sequence(key: _Key, found: _Found, problems: list[Problem]) -> CodedSequence | None:
    where = "/".join(key)
    try:
        frame, labels, seen = _read_labels(found.labels[key], where)
    except DatasetError as error:
        message = f"{found.labels[key].name} {error}; its frames are lost, get the file again."
        problems.append(Problem("error", "unreadable_labels", where, message))
        return None
    problems += seen
    media = _pictures(key, frame, found, problems)
    landmarks = _landmarks(key, frame, found, problems) if found.landmarks else None
    position = np.full(len(frame), PICTURE, np.int32)
    return CodedSequence(*key, BP4D_PROTOCOL.part_of(key[0]), media, position, frame, labels, landmarks)


def _read_labels(path: Path, where: str) -> tuple[NDArray[np.int64], NDArray[np.int8], list[Problem]]:
    """Frame numbers (N,) and labels (N, A) of one file, and what is wrong with it."""
    aus = BP4D_PROTOCOL.aus
    table = read_table(path, header=True)
    values, problems = filled_rows(table, where)
    # The first column holds the frame whatever its name: "0" here, "1" in BP4D+.
    numbers = [au_number(cell) for cell in table.header[1:]]
    lacking = [label for label, number in zip(aus.labels, aus, strict=True) if numbers.count(number) != 1]
    if lacking:
        message = (
            f"the header must name {', '.join(lacking)} once each, it is {','.join(table.header)[:80]!r}; "
            "these AUs are taken as not coded."
        )
        problems.append(Problem("error", "label_columns", where, message, len(values)))
    codes = np.full((len(values), len(aus)), NOT_CODED[0], np.float64)
    for axis, number in enumerate(aus):
        if numbers.count(number) == 1:
            codes[:, axis] = values[:, 1 + numbers.index(number)]
    frames = values[:, 0]
    if not len(frames) or not (np.isfinite(frames) & (frames == np.floor(frames)) & (frames >= 0)).all():
        raise DatasetError("has rows without a frame number in the first column")
    labels, wrong = binary_labels(codes, aus, NOT_CODED, where)
    frame, first = np.unique(frames.astype(np.int64), return_index=True)
    if len(frame) < len(frames):
        count = len(frames) - len(frame)
        rows = "1 row repeats" if count == 1 else f"{count} rows repeat"
        message = f"{rows} a frame number; the first of each is taken."
        problems.append(Problem("warning", "duplicate_frame", where, message, count))
    elif (np.diff(first) < 0).any():
        message = "the rows are not in the order of their frame numbers; they are sorted by them."
        problems.append(Problem("warning", "frame_order", where, message, len(frame)))
    labels = labels[first]
    coded = (labels != MISSING).any(1)
    if not coded.all():
        count = int((~coded).sum())
        message = (
            f"{count} of {len(coded)} rows have no coded AU (9 in all); they stay out, as in the protocols."
        )
        problems.append(Problem("note", "not_coded", where, message, count))
    return frame[coded], labels[coded], [*problems, *wrong]


def _pictures(key: _Key, frame: NDArray[np.int64], found: _Found, problems: list[Problem]) -> list[str]:
    subject, task = key
    if not found.pictures:
        return [""] * len(frame)
    # Some archives unpack to F001/F001/T1.
    places = [p for top in found.pictures.get(subject, []) for p in (top / task, top / subject / task)]
    media, lost = find_pictures(places, frame.tolist())
    if lost:
        looked = several(places) or f"a folder {subject}"
        message = f"{len(lost)} of {len(media)} coded frames have no picture ({several(lost)}) in {looked}."
        problems.append(Problem("warning", "missing_picture", f"{subject}/{task}", message, len(lost)))
    return media


def _landmarks(
    key: _Key, frame: NDArray[np.int64], found: _Found, problems: list[Problem]
) -> NDArray[np.float32]:
    where = "/".join(key)
    points = np.full((len(frame), IBUG49.count, 2), np.nan, np.float32)
    if key not in found.landmarks:
        message = f"there is no {key[0]}_{key[1]}.mat in 2DFeatures; its landmarks have to be detected."
        problems.append(Problem("warning", "missing_landmarks", where, message, len(frame)))
        return points
    try:
        cells = read_cells(found.landmarks[key], "fit/pred", (frame - 1).tolist())
    except DatasetError as error:
        message = f"{found.landmarks[key].name} {error}; get it again, or its landmarks have to be detected."
        problems.append(Problem("warning", "unreadable_landmarks", where, message, len(frame)))
        return points
    given = [as_points(cell, IBUG49.count) for cell in cells]
    lost: list[int] = []
    for i, one in enumerate(given):
        if one is None:
            lost.append(int(frame[i]))
        else:
            points[i] = one
    problems += _lost(lost, cells, where)
    return points


def _lost(lost: Sequence[int], cells: Sequence[object], where: str) -> list[Problem]:
    if not lost:
        return []
    message = f"{len(lost)} of {len(cells)} coded frames have no landmarks ({several(lost)})."
    return [Problem("note", "missing_landmarks", where, message, len(lost))]


def _without_labels(found: _Found) -> list[Problem]:
    """Subjects with pictures but no label file."""
    labelled = {subject for subject, _ in found.labels}
    bare = sorted(set(found.pictures) - labelled)
    if not bare:
        return []
    message = f"{several(bare)} have pictures but no label file; their frames are not used."
    return [Problem("warning", "missing_labels", "AU_OCC", message)]


ENTRY: Final = DatasetEntry(read_bp4d, within_lists(read_bp4d, "bp4d"), BP4D_PROTOCOL)
