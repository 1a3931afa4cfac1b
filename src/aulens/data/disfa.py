"""DISFA as delivered: left-camera videos, an intensity file per subject and AU, 66 landmarks per frame."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.aus import MISSING
from aulens.data.coded import CodedSequence, gather, noted, subject_problems, usable_rows
from aulens.data.folders import delivered_root, listing, walk
from aulens.data.frames import count_frames
from aulens.data.index import FrameIndex, LostVideo, Problem
from aulens.data.jaanet import within_lists
from aulens.data.label_files import intensity_labels, line_problems, read_table
from aulens.data.matlab import as_points, read_matrix
from aulens.data.protocols import DISFA_PROTOCOL, DISFA_SEQUENCE
from aulens.data.registry import DatasetEntry
from aulens.errors import DatasetError
from aulens.landmarks import IBUG66
from aulens.named import several

_SHORT: Final = {"SN010": 4844}  # a subject whose labels are known to be a line short of the others' 4,845
_SUBJECT: Final = re.compile(r"SN\d{3}")
_LABELS: Final = re.compile(r"(?P<subject>SN\d{3})_au(?P<au>\d+)\.txt", re.IGNORECASE)
_VIDEO: Final = re.compile(r"(?P<side>Left|Right)Video(?P<subject>SN\d{3}).*\.(?:avi|mp4|mkv)", re.IGNORECASE)
_LANDMARKS: Final = re.compile(r"(?:.*\D)?(?P<number>\d+)_lm\.mat", re.IGNORECASE)
_DELIVERED: Final = ("ActionUnit_Labels", "Landmark_Points", "Videos_LeftCamera", "Video_LeftCamera")


@dataclass
class _Found:
    """Where things lie, by subject."""

    labels: dict[str, dict[int, Path]] = field(default_factory=dict)
    videos: dict[str, Path] = field(default_factory=dict)
    right: set[str] = field(default_factory=set)
    landmarks: dict[str, dict[int, Path]] = field(default_factory=dict)


def read_disfa(root: Path) -> FrameIndex:
    """The coded frames of DISFA: line t of the label files is frame t - 1 of the left camera's video.

    An AU is present from intensity 2. `FrameIndex.frame` is the line's number, from 1; `position` is one
    less.

    Args:
        root: the folder that holds ActionUnit_Labels, the videos and Landmark_Points, up to 3 levels down.

    Raises:
        DatasetError: there is no such folder, or no label file in it.
    """
    found = _find(delivered_root(root, _DELIVERED))
    if not found.labels:
        raise DatasetError(
            f"No DISFA labels below {root}: looked for ActionUnit_Labels/SN001/SN001_au1.txt down to 3 "
            "levels; give the folder that holds ActionUnit_Labels and the videos."
        )
    problems: list[Problem] = []
    if not found.videos:
        message = "no LeftVideoSN001_comp.avi was found; put the left camera's videos beside the labels."
        problems.append(Problem("error", "missing_video", "videos", message))
    if not found.landmarks:
        message = "no Landmark_Points/SN001/.../SN001_0000_lm.mat was found; landmarks have to be detected."
        problems.append(Problem("warning", "missing_landmarks", "Landmark_Points", message))
    read = (_read_subject(subject, found, problems) for subject in sorted(found.labels))
    sequences = [one for one in read if one is not None]
    bare = set(found.videos) - set(found.labels)
    problems += subject_problems(sequences, bare, "ActionUnit_Labels", "a video")
    return gather("disfa", DISFA_PROTOCOL.aus, sequences, problems)


def _find(root: Path) -> _Found:
    found = _Found()
    for folder in walk(root, _SUBJECT):
        _note_files(found, folder.path, folder.files)
        for subject in filter(_SUBJECT.fullmatch, folder.folders):
            inside = listing(folder.path / subject)
            _note_files(found, inside.path, inside.files)
            for name in ("", *inside.folders):
                _note_landmarks(found, subject, inside.path / name if name else inside.path)
    return found


def _note_files(found: _Found, folder: Path, files: tuple[str, ...]) -> None:
    for file in files:
        if match := _LABELS.fullmatch(file):
            found.labels.setdefault(match["subject"].upper(), {}).setdefault(int(match["au"]), folder / file)
        elif match := _VIDEO.fullmatch(file):
            subject = match["subject"].upper()
            if match["side"].lower() == "left":
                found.videos.setdefault(subject, folder / file)
            else:
                found.right.add(subject)


def _note_landmarks(found: _Found, subject: str, folder: Path) -> None:
    files = {
        int(m["number"]): folder / m.string for m in map(_LANDMARKS.fullmatch, listing(folder).files) if m
    }
    if files:
        found.landmarks.setdefault(subject, files)


def _read_subject(subject: str, found: _Found, problems: list[Problem]) -> CodedSequence | None:
    aus = DISFA_PROTOCOL.aus
    columns: dict[int, NDArray[np.float64]] = {}
    for number in aus:
        path = found.labels[subject].get(number)
        where = f"{subject}_au{number}.txt"
        if path is None:
            message = "the file is missing; the AU is taken as not coded in this subject."
            problems.append(Problem("error", "missing_labels", where, message))
            continue
        message = "{}; the AU is taken as not coded in this subject, get the file again."
        with noted(problems, Problem("error", "unreadable_labels", where, message)):
            columns[number] = _read_intensities(path, problems)
    if not columns:
        return None
    lengths = {number: len(values) for number, values in columns.items()}
    n = max(lengths.values())
    codes, written = np.full((n, len(aus)), np.nan), np.zeros((n, len(aus)), bool)
    for number, values in columns.items():
        codes[: len(values), aus.index(number)] = values
        written[: len(values), aus.index(number)] = True
    labels, wrong = intensity_labels(codes, written, aus, subject)
    problems += [*_length_problems(subject, lengths), *wrong]
    media, lost = _video_frames(subject, n, found, problems)
    landmarks = _read_landmarks(subject, n, found, problems) if found.landmarks else None
    frame = np.arange(1, n + 1)
    rows, unused = usable_rows(frame, labels, subject)
    problems += unused
    return CodedSequence(
        subject,
        DISFA_SEQUENCE,
        DISFA_PROTOCOL.part_of(subject),
        [media[row] for row in rows],
        frame[rows],
        labels[rows],
        None if landmarks is None else landmarks[rows],
        lost,
        np.where(labels == MISSING, np.nan, codes)[rows].astype(np.float32),
        (frame - 1)[rows].astype(np.int32),
    )


def _read_intensities(path: Path, problems: list[Problem]) -> NDArray[np.float64]:
    """Intensities by line; lines that number themselves otherwise than 1, 2, ... are put in their place."""
    table = read_table(path, header=False)
    problems += line_problems(table, path.name, counted=False)
    values = table.values[~table.blank]
    if values.shape[1] != 2:
        raise DatasetError(f"has {values.shape[1]} columns, expected frame and intensity")
    frame, intensity = values.T
    n = len(frame)
    if np.array_equal(frame, np.arange(1, n + 1)):
        return np.asarray(intensity)
    order = np.argsort(frame, kind="stable")
    whole = (
        np.isfinite(frame).all() and (np.diff(frame[order]) > 0).all() and (frame == np.floor(frame)).all()
    )
    # One frame in a hundred may be lacking, but a number gone wild must not make a file of millions.
    if whole and frame[order[0]] == 1 and frame[order[-1]] <= 1.1 * n + 10:
        placed = np.full(int(frame.max()), np.nan)
        placed[frame.astype(np.int64) - 1] = intensity
        done = "lines are put where their numbers say"
    elif whole and np.array_equal(frame[order], np.arange(n)):
        placed = np.asarray(intensity[order])
        done = "they are taken as numbered from 0"
    else:
        placed = np.asarray(intensity)
        done = "the order of the lines counts"
    message = f"frame numbers run {frame[0]:g} to {frame[-1]:g} in {n} lines, not 1 to {n} in order; {done}."
    problems.append(Problem("warning", "frame_order", path.name, message, n))
    return placed


def _video_frames(
    subject: str, n: int, found: _Found, problems: list[Problem]
) -> tuple[list[str], LostVideo | None]:
    """The left camera's video for each of n labelled frames, "" beyond its end; and why frames are lost."""
    path = found.videos.get(subject)
    if path is None:
        if found.videos:
            right = subject in found.right
            seen = "; the right camera's is there, the protocols use the left" if right else ""
            message = f"there is no LeftVideo{subject}_comp.avi{seen}."
            problems.append(Problem("warning", "missing_video", subject, message, n))
        return [""] * n, LostVideo("", "missing_video")
    try:
        count = count_frames(path)
    except DatasetError as error:
        problems.append(Problem("error", "unreadable_video", path.name, f"{error}", n))
        return [""] * n, LostVideo(str(path), "unreadable_video")
    if count != n:
        known = _SHORT.get(subject) == n == count - 1
        message = (
            f"the video has {count} frames, the labels {n} lines; they are matched from the first, "
            f"the last {abs(count - n)} {'frames have no label' if count > n else 'labels have no picture'}."
        )
        level: Final = "note" if known else "warning"
        problems.append(Problem(level, "label_length", path.name, message, abs(count - n)))
    lost = LostVideo(str(path), "video_ended") if count < n else None
    return [str(path) if t < count else "" for t in range(n)], lost


def _length_problems(subject: str, lengths: Mapping[int, int]) -> list[Problem]:
    n = max(lengths.values())
    if len(set(lengths.values())) > 1:
        each = ", ".join(f"au{number} {length}" for number, length in lengths.items() if length != n)
        message = (
            f"label files differ in length: {each}, the others {n}; see whether those files are damaged."
        )
        return [Problem("warning", "label_length", subject, message, n - min(lengths.values()))]
    if _SHORT.get(subject) == n:
        message = f"{n} lines, one less than the other subjects; known of this subject."
        return [Problem("note", "label_length", subject, message)]
    return []


def _read_landmarks(subject: str, n: int, found: _Found, problems: list[Problem]) -> NDArray[np.float32]:
    points = np.full((n, IBUG66.count, 2), np.nan, np.float32)
    files = found.landmarks.get(subject)
    if files is None:
        message = f"there is no Landmark_Points/{subject}; its landmarks have to be detected."
        problems.append(Problem("warning", "missing_landmarks", subject, message, n))
        return points
    first, doubt = _first_number(subject, n, files)
    problems += doubt
    lost, damaged = [], {}
    for t in range(n):
        path = files.get(t + first)
        try:
            points[t] = as_points(None if path is None else read_matrix(path, "pts"), IBUG66.count)
        except DatasetError as error:
            damaged[files[t + first].name] = str(error)
            continue
        if np.isnan(points[t]).any():
            lost.append(t + 1)
    if lost:
        message = f"{len(lost)} of {n} frames have no landmarks ({several(lost)})."
        problems.append(Problem("note", "missing_landmarks", subject, message, len(lost)))
    if damaged:
        name, reason = next(iter(damaged.items()))
        message = f"{len(damaged)} of {n} landmark files can't be read; the first, {name}, {reason}."
        problems.append(Problem("warning", "unreadable_landmarks", subject, message, len(damaged)))
    return points


def _first_number(subject: str, n: int, files: Mapping[int, Path]) -> tuple[int, list[Problem]]:
    """The number, 0 or 1, of the file for line 1; a warning if it isn't certain."""
    frames = n + (_SHORT.get(subject) == n)
    if 0 in files:
        return 0, []
    if max(files) >= frames:
        return 1, []
    # Either file 0 is lost, or numbers begin with 1 and the last file is lost. Most subjects' files bear the
    # subject's name and count from 0; those that don't (SN031) count from 1.
    first = 0 if files[min(files)].name.upper().startswith(subject) else 1
    message = (
        f"landmark files are numbered {min(files)} to {max(files)} for {n} lines, so either 0 or {frames} is "
        f"lost; by their names ({files[min(files)].name}) they are taken as counted from {first}. Otherwise "
        "they are one frame off: get the files again, or detect landmarks (--landmarks detect)."
    )
    return first, [Problem("warning", "frame_order", subject, message, n)]


ENTRY: Final = DatasetEntry(read_disfa, within_lists(read_disfa, "disfa"), DISFA_PROTOCOL)
