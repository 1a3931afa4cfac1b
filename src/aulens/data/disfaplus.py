"""DISFA+ as delivered: pictures Images/SN001/TRIAL/000.jpg, intensities Labels/SN001/TRIAL/AU1.txt."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.aus import DISFA, MISSING
from aulens.contents import text_of
from aulens.data.coded import CodedSequence, find_media, gather, noted, usable_rows
from aulens.data.folders import delivered_root, listing, numbered_pictures, walk
from aulens.data.index import FrameIndex, Problem
from aulens.data.label_files import intensity_labels
from aulens.data.registry import DatasetEntry
from aulens.errors import DatasetError

_SUBJECT: Final = re.compile(r"SN\d{3}")
_FILE: Final = re.compile(r"AU0*(\d+)\.txt", re.IGNORECASE)
_LINE: Final = re.compile(r"(\d{1,9})\.\w+\s+(-?\d{1,9})")


def read_disfaplus(root: Path) -> FrameIndex:
    """The coded frames of DISFA+, with DISFA's 8 AUs; an AU is present from intensity 2.

    A picture is matched to its line by its name. DISFA+ has no published parts and its people are of DISFA
    too, under the same names: don't train on one and test on the other with the same subjects.

    Args:
        root: the folder that holds Images and Labels, up to 3 levels down.

    Raises:
        DatasetError: there is no such folder, or no label file in it.
    """
    labels: dict[tuple[str, str], list[Path]] = {}
    pictures: dict[tuple[str, str], Path] = {}
    for folder in walk(delivered_root(root, ("Images", "Labels")), _SUBJECT):
        for subject in filter(_SUBJECT.fullmatch, folder.folders):
            for trial in listing(folder.path / subject).folders:
                inside = listing(folder.path / subject / trial)
                if coded := [inside.path / file for file in inside.files if _FILE.fullmatch(file)]:
                    labels.setdefault((subject, trial), coded)
                elif numbered_pictures(inside.files):
                    pictures.setdefault((subject, trial), inside.path)
    if not labels:
        raise DatasetError(
            f"No DISFA+ labels below {root}: looked for Labels/SN001/TRIAL/AU1.txt down to 3 levels; "
            "give the folder that holds Labels and Images."
        )
    problems: list[Problem] = []
    sequences = []
    for (subject, trial), files in sorted(labels.items()):
        where = f"{subject}/{trial}"
        frame, occurs, codes = _read_trial(files, where, problems)
        rows, found = usable_rows(frame, occurs, where)
        problems += found
        places = [pictures[subject, trial]] if (subject, trial) in pictures else []
        lost = Problem("warning", "missing_picture", where, "coded frames have no picture ({}).")
        media = find_media(places, frame[rows], lost, problems)
        of_rows = frame[rows], occurs[rows]
        sequences.append(CodedSequence(subject, trial, "", media, *of_rows, intensities=codes[rows]))
    return gather("disfaplus", DISFA, sequences, problems)


def _read_trial(
    files: list[Path], where: str, problems: list[Problem]
) -> tuple[NDArray[np.int64], NDArray[np.int8], NDArray[np.float32]]:
    """Picture numbers (N,), labels (N, A) and intensities (N, A) of a trial."""
    columns: dict[int, dict[int, int]] = {}
    found = {int(match[1]): path for path in files if (match := _FILE.fullmatch(path.name))}
    for number in sorted(set(found) & set(DISFA)):
        message = "{}; the AU is taken as not coded in this trial, get the file again."
        with noted(problems, Problem("error", "unreadable_labels", f"{where}/{found[number].name}", message)):
            columns[number] = _read_intensities(found[number])
    if lacking := [f"AU{number}" for number in DISFA if number not in found]:
        message = f"no file for {', '.join(lacking)}; they are taken as not coded in this trial."
        problems.append(Problem("error", "missing_labels", where, message))
    frames = sorted(set().union(*columns.values()))
    codes = np.full((len(frames), len(DISFA)), np.nan)
    for number, column in columns.items():
        codes[:, DISFA.index(number)] = [column.get(frame, np.nan) for frame in frames]
        if len(column) < len(frames):
            message = f"{len(column)} lines of AU{number}, other AUs have {len(frames)}; matched by picture."
            problems.append(Problem("warning", "label_length", where, message, len(frames) - len(column)))
    labels, wrong = intensity_labels(codes, ~np.isnan(codes), DISFA, where)
    problems += wrong
    given = np.where(labels == MISSING, np.nan, codes).astype(np.float32)
    return np.array(frames, dtype=np.int64), labels, given


def _read_intensities(path: Path) -> dict[int, int]:
    """Picture number → intensity; lines of "#" and those before the first picture are remarks."""
    found: dict[int, int] = {}
    try:
        lines = text_of(path).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"can't be read ({error})") from None
    for at, line in enumerate(map(str.strip, lines), 1):
        match = _LINE.fullmatch(line)
        if match is not None:
            found[int(match[1])] = int(match[2])
        elif found and line and not line.startswith("#"):
            raise DatasetError(f"line {at} is {line[:40]!r}, expected a picture and an intensity")
    if not found:
        raise DatasetError("has no line of a picture and an intensity")
    return found


ENTRY: Final = DatasetEntry(read_disfaplus, same_people_as="disfa")
