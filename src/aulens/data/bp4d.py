"""BP4D as delivered: pictures F001/T1/NNNN.jpg, labels AU_OCC/F001_T1.csv, 49 landmarks in 2DFeatures."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.data.coded import CodedSequence, find_media, gather, noted, subject_problems, usable_rows
from aulens.data.folders import delivered_root, walk
from aulens.data.index import FrameIndex, Problem
from aulens.data.jaanet import within_lists
from aulens.data.label_files import au_columns, binary_labels, line_problems, read_table
from aulens.data.matlab import as_points, read_cells
from aulens.data.protocols import BP4D_PROTOCOL
from aulens.data.registry import DatasetEntry
from aulens.errors import DatasetError
from aulens.landmarks import IBUG49
from aulens.named import several

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
    found = _find(delivered_root(root, _DELIVERED))
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
    for key, path in sorted(found.labels.items()):
        where, message = "/".join(key), f"{path.name} {{}}; its frames are lost, get the file again."
        with noted(problems, Problem("error", "unreadable_labels", where, message)):
            sequences.append(_read_sequence(key, found, problems))
    bare = set(found.pictures) - {subject for subject, _ in found.labels}
    problems += subject_problems(sequences, bare, "AU_OCC", "pictures")
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


def _read_sequence(key: _Key, found: _Found, problems: list[Problem]) -> CodedSequence:
    subject, task = key
    where = f"{subject}/{task}"
    frame, labels = _read_labels(found.labels[key], where, problems)
    media = [""] * len(frame)
    if found.pictures:
        # Some archives unpack to F001/F001/T1.
        places = [p for top in found.pictures.get(subject, []) for p in (top / task, top / subject / task)]
        message = f"coded frames have no picture ({{}}) in {several(places) or f'a folder {subject}'}."
        media = find_media(places, frame, Problem("warning", "missing_picture", where, message), problems)
    landmarks = _landmarks(key, frame, found, problems) if found.landmarks else None
    return CodedSequence(*key, BP4D_PROTOCOL.part_of(subject), media, frame, labels, landmarks)


def _read_labels(
    path: Path, where: str, problems: list[Problem]
) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Numbers (N,) and labels (N, A) of the coded frames of one file."""
    aus = BP4D_PROTOCOL.aus
    table = read_table(path, header=True)
    filled, found = table.values[~table.blank], line_problems(table, where, counted=False)
    # The first column holds the frame whatever its name: "0" here, "1" in BP4D+.
    frames, rest = filled[:, 0], replace(table, header=table.header[1:], values=filled[:, 1:])
    codes, lacking = au_columns(rest, aus, NOT_CODED[0])
    if lacking:
        names = ", ".join(f"AU{number}" for number in lacking)
        message = (
            f"the header must name {names} once each, it is {','.join(table.header)[:80]!r}; these AUs are "
            "taken as not coded."
        )
        found.append(Problem("error", "label_columns", where, message, len(frames)))
    if not len(frames) or not ((frames == np.floor(frames)) & (frames >= 0) & (frames < 2**31)).all():
        raise DatasetError("has rows without a frame number in the first column")
    labels, wrong = binary_labels(codes, aus, NOT_CODED, where)
    if (np.diff(frames) < 0).any() and len(np.unique(frames)) == len(frames):
        message = "the rows are not in the order of their frame numbers; they are sorted by them."
        found.append(Problem("warning", "frame_order", where, message, len(frames)))
    rows, unused = usable_rows(frames.astype(np.int64), labels, where)
    problems += [*found, *unused, *wrong]
    return frames[rows].astype(np.int64), labels[rows]


def _landmarks(
    key: _Key, frame: NDArray[np.int64], found: _Found, problems: list[Problem]
) -> NDArray[np.float32]:
    where = "/".join(key)
    points = np.full((len(frame), IBUG49.count, 2), np.nan, np.float32)
    if key not in found.landmarks:
        message = f"there is no {key[0]}_{key[1]}.mat in 2DFeatures; its landmarks have to be detected."
        problems.append(Problem("warning", "missing_landmarks", where, message, len(frame)))
        return points
    file = found.landmarks[key]
    message = f"{file.name} {{}}; get it again, or its landmarks have to be detected."
    with noted(problems, Problem("warning", "unreadable_landmarks", where, message, len(frame))):
        cells = read_cells(file, "fit/pred", (frame - 1).tolist())
        points[:] = [as_points(cell, IBUG49.count) for cell in cells]
        if lost := frame[np.isnan(points).any((1, 2))].tolist():
            message = f"{len(lost)} of {len(cells)} coded frames have no landmarks ({several(lost)})."
            problems.append(Problem("note", "missing_landmarks", where, message, len(lost)))
    return points


ENTRY: Final = DatasetEntry(read_bp4d, within_lists(read_bp4d, "bp4d"), BP4D_PROTOCOL)
