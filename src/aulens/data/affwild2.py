"""Aff-Wild2 as delivered for ABAW: cropped_aligned/VIDEO/00001.jpg and a label file per video."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.aus import MISSING
from aulens.contents import text_of
from aulens.data.coded import CodedSequence, find_media, gather, noted
from aulens.data.folders import Folder, delivered_root, listing, walk
from aulens.data.index import FrameIndex, Problem
from aulens.data.label_files import au_columns, au_number, binary_labels, line_problems, read_table
from aulens.data.protocols import AFFWILD2_PROTOCOL
from aulens.data.registry import DatasetEntry
from aulens.errors import DatasetError

NOT_CODED: Final = (-1,)
"""The code for "not annotated"."""

_PARTS: Final = {"train_set": "train", "training_set": "train", "validation_set": "validation"}
_SETS: Final = ("AU_Detection_Challenge", "AU_Set")
_DELIVERED: Final = (*_SETS, "annotations", "cropped_aligned", "Train_Set", "Training_Set", "Validation_Set")
_PERSON: Final = re.compile(r"_(?:left|right)$")
_CROPPED: Final = re.compile(r"cropped.*", re.IGNORECASE)
_ALIGNED: Final = re.compile(r"cropped_aligned.*", re.IGNORECASE)


def read_affwild2(root: Path) -> FrameIndex:
    """The annotated frames of Aff-Wild2's AU set: rows without any -1, as in the challenge's code.

    The persons of a video VIDEO_left, VIDEO_right are one subject VIDEO, so that no split parts them; the
    sequence is the full name. `part` is "train" or "validation", by folder. Training frames of subjects that
    are in both stay out: the test is then as delivered, and measures no memory of a face.

    Args:
        root: the folder that holds annotations and cropped_aligned, up to 3 levels down.

    Raises:
        DatasetError: there is no such folder, or no label file in it.
    """
    labels, pictures = _find(delivered_root(root, _DELIVERED))
    if not labels:
        raise DatasetError(
            f"No Aff-Wild2 AU labels below {root}: looked for AU_Detection_Challenge or AU_Set with "
            "Train_Set (or Training_Set) and Validation_Set of VIDEO.txt, down to 3 levels; "
            "give the folder that holds annotations and cropped_aligned."
        )
    problems: list[Problem] = []
    if not pictures:
        message = "no folder cropped_aligned was found; unpack it beside the annotations."
        problems.append(Problem("error", "missing_picture", "cropped_aligned", message))
    sequences = []
    for part, path in labels:
        where, message = f"{path.parent.name}/{path.name}", "{}; its frames are lost, get the file again."
        with noted(problems, Problem("error", "unreadable_labels", where, message)):
            sequences.append(_read_video(part, path, pictures, problems))
    sequences, leaks = _without_leaks(sequences)
    problems += leaks
    return gather("affwild2", AFFWILD2_PROTOCOL.aus, sequences, problems, aligned=True)


def subject_of(video: str) -> str:
    """The subject of a video: its name without _left or _right."""
    return _PERSON.sub("", video)


def _find(root: Path) -> tuple[list[tuple[str, Path]], dict[str, Path]]:
    """(part, label file) of each video, and the picture folder of each."""
    sets: list[Folder] = []
    pictures: dict[str, Path] = {}
    # Videos' folders can't be told by name; what lies in cropped_aligned isn't entered but listed.
    for folder in walk(root, _CROPPED):
        if any(name.lower() in _PARTS for name in folder.folders):
            sets.append(folder)
        for name in filter(_ALIGNED.fullmatch, folder.folders):
            _note_videos(listing(folder.path / name), pictures)
    preferred = {name: rank for rank, name in enumerate(_SETS)}
    for folder in sorted(sets, key=lambda folder: preferred.get(folder.path.name, len(_SETS))):
        labels = [
            (_PARTS[name.lower()], folder.path / name / file)
            for name in folder.folders
            if name.lower() in _PARTS
            for file in listing(folder.path / name).files
            if file.lower().endswith(".txt")
        ]
        # The challenge's other tasks (VA, EXPR) have folders of the same names.
        if any(_is_au_file(path) for _, path in labels):
            return labels, pictures
    return [], pictures


def _note_videos(folder: Folder, pictures: dict[str, Path]) -> None:
    nested = [name for name in folder.folders if name.lower().startswith(("cropped", "batch"))]
    for name in folder.folders:
        if name not in nested:
            pictures.setdefault(name, folder.path / name)
    for name in nested:
        _note_videos(listing(folder.path / name), pictures)


def _is_au_file(path: Path) -> bool:
    try:
        return text_of(path, "replace").lstrip()[:2].upper() == "AU"
    except OSError:
        return True  # reading it says what is wrong with it


def _read_video(part: str, path: Path, pictures: dict[str, Path], problems: list[Problem]) -> CodedSequence:
    aus = AFFWILD2_PROTOCOL.aus
    video = path.stem
    where = f"{path.parent.name}/{path.name}"
    table = read_table(path, header=True)
    codes, lacking = au_columns(table, aus, NOT_CODED[0])
    if lacking:
        known = len(table.header) == 8 and 20 in map(au_number, table.header)
        message = (
            f"{'the header of ABAW 2020: ' if known else ''}{','.join(table.header)[:80]!r} lacks "
            f"{', '.join(f'AU{number}' for number in lacking)}, which are taken as not coded."
        )
        problems.append(Problem("error", "other_aus", where, message, len(table.values)))
    if len(lacking) == len(aus):
        raise DatasetError("has no AU of the protocol in its header")
    # Row k is picture k: a blank line keeps its place.
    codes[table.blank] = NOT_CODED[0]
    problems += line_problems(table, where, counted=True)
    labels, wrong = binary_labels(codes, aus, NOT_CODED, where)
    problems += wrong
    there = [axis for axis, number in enumerate(aus) if number not in lacking]
    coded = ~np.isin(codes[:, there], NOT_CODED).any(1) & (labels != MISSING).any(1)
    frame = 1 + np.flatnonzero(coded)
    count = int((~coded & ~table.blank).sum())
    if count:
        message = f"{count} of {len(coded)} rows have an AU of -1; they stay out, as in the challenge."
        problems.append(Problem("note", "not_coded", video, message, count))
    media = _media(video, frame, pictures, problems)
    return CodedSequence(subject_of(video), video, part, media, frame, labels[coded])


def _media(
    video: str, frame: NDArray[np.intp], pictures: dict[str, Path], problems: list[Problem]
) -> list[str]:
    if not pictures:
        return [""] * len(frame)
    folder = pictures.get(video)
    if folder is None:
        message = "there is no folder of pictures of this name in cropped_aligned."
        problems.append(Problem("warning", "missing_picture", video, message, len(frame)))
        return [""] * len(frame)
    message = "annotated frames have no picture, no face found: {}."
    return find_media([folder], frame, Problem("note", "missing_picture", video, message), problems)


def _without_leaks(sequences: Sequence[CodedSequence]) -> tuple[list[CodedSequence], list[Problem]]:
    parts: dict[str, set[str]] = {}
    for one in sequences:
        parts.setdefault(one.subject, set()).add(one.part)
    lost: Counter[str] = Counter()
    kept = []
    for one in sequences:
        if one.part == "train" and len(parts[one.subject]) > 1:
            lost[one.subject] += len(one.media)
        else:
            kept.append(one)
    message = "its persons are in both train and validation; its {} frames of train stay out."
    return kept, [
        Problem("warning", "subject_leak", subject, message.format(frames), frames)
        for subject, frames in sorted(lost.items())
    ]


ENTRY: Final = DatasetEntry(read_affwild2, protocol=AFFWILD2_PROTOCOL)
