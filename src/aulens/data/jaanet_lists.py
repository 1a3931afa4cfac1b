"""JAA-Net's list files: which frames it uses, their labels, their landmarks in aligned faces."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aulens.contents import text_of
from aulens.data.coded import noted
from aulens.data.columns import distinct_pairs
from aulens.data.folders import delivered_root, walk
from aulens.data.index import PICTURE, FrameIndex, Problem, leak_problems
from aulens.data.label_files import binary_labels, line_problems, read_table
from aulens.data.protocols import DISFA_SEQUENCE, PROTOCOLS, Protocol
from aulens.errors import DatasetError
from aulens.landmarks import IBUG49, LEFT_EYE, RIGHT_EYE

NOT_CODED: Final = (9,)
"""The code for "unknown" in the lists."""
SIZE: Final = 200
"""The side of the aligned faces in which the lists' landmarks are given, pixels."""

_LIST: Final = re.compile(r"(?P<dataset>BP4D|DISFA)_part(?P<part>[123])_path\.txt", re.IGNORECASE)
_PATH: Final = re.compile(
    r"(?:.*/)?(?P<subject>[FM]\d{3}|SN\d{3})(?:/(?P<task>T\d+))?/(?P<number>\d{1,9})\.\w+"
)
_SUBJECT: Final = re.compile(r"[FM]\d{3}|SN\d{3}")
_COLUMNS: Final = ("subject", "sequence", "part", "frame", "labels", "landmarks")


def read_lists(folder: Path, dataset: str | None = None) -> FrameIndex:
    """Read the parts 1 to 3: PREFIX_path.txt, _AUoccur.txt and _land.txt, and _biocular.txt if it is there.

    The frames come part by part, without files; landmarks are in pixels of the 200-pixel faces, from 0. A
    frame's number is that of the data set itself: DISFA's pictures are numbered from 0, its labels from 1.

    Args:
        folder: where they lie, up to 3 levels down.
        dataset: "bp4d" or "disfa"; None = the one whose lists are there.

    Raises:
        DatasetError: there are no lists, or those of both data sets and none was asked for.
    """
    files = _find(delivered_root(folder, ()), dataset)
    published = PROTOCOLS[next(iter(files)).partition("/")[0]]
    problems: list[Problem] = []
    parts = []
    for part in "123":
        path = files.get(f"{published.name}/{part}")
        name = f"{published.title}_part{part}"
        if path is None:
            message = f"there is no {name}_path.txt; its frames are lost."
            problems.append(Problem("error", "missing_labels", name, message))
            continue
        message = "{}; its frames are lost, get the lists again."
        with noted(problems, Problem("error", "unreadable_labels", name, message)):
            parts.append(_read_part(path, part, published, problems))
    if not parts:
        raise DatasetError(f"No list in {folder} can be used: {problems[0].where}: {problems[0].message}")
    columns: dict[str, Any] = dict(zip(_COLUMNS, map(np.concatenate, zip(*parts, strict=True)), strict=True))
    n = len(columns["frame"])
    position = np.full(n, PICTURE, np.int32)
    listed = FrameIndex(published.name, published.aus, ("",) * n, position, **columns)
    return replace(listed, problems=(*problems, *_part_problems(listed, published)))


def _find(folder: Path, dataset: str | None) -> dict[str, Path]:
    """ "bp4d/1" → its path list."""
    found: dict[str, Path] = {}
    for place in walk(folder, _SUBJECT):
        for match in filter(None, map(_LIST.fullmatch, place.files)):
            found.setdefault(f"{match['dataset'].lower()}/{match['part']}", place.path / match.string)
    wanted = {key: path for key, path in found.items() if dataset in (None, key.partition("/")[0])}
    if not wanted:
        name = (dataset or "BP4D").upper()
        raise DatasetError(
            f"No JAA-Net lists in {folder}: looked for {name}_part1_path.txt, _AUoccur.txt and _land.txt."
        )
    if len({key.partition("/")[0] for key in wanted}) > 1:
        raise DatasetError(f"{folder} has lists of BP4D and of DISFA; ask for jaanet-bp4d or jaanet-disfa.")
    return wanted


def _read_part(
    path: Path, part: str, published: Protocol, problems: list[Problem]
) -> tuple[NDArray[Any], ...]:
    """The `_COLUMNS` of a part."""
    prefix = path.name[: -len("_path.txt")]
    subjects, sequences, numbers = _read_paths(path)
    n = len(numbers)
    table = read_table(path.with_name(f"{prefix}_AUoccur.txt"), header=False)
    codes = np.where(table.blank[:, None], NOT_CODED[0], table.values)
    if codes.shape != (n, len(published.aus)):
        raise DatasetError(
            f"{prefix}_AUoccur.txt has {codes.shape[0]} lines of {codes.shape[1]} codes, "
            f"the path list {n} lines, expected {len(published.aus)} codes a line"
        )
    labels, wrong = binary_labels(codes, published.aus, NOT_CODED, f"{prefix}_AUoccur.txt")
    problems += [*line_problems(table, f"{prefix}_AUoccur.txt", counted=True), *wrong]
    landmarks = _read_landmarks(path.with_name(f"{prefix}_land.txt"), n, problems)
    problems += _order_problems(path.with_name(f"{prefix}_biocular.txt"), landmarks)
    frame = np.array(numbers, dtype=np.int64) + (published.name == "disfa")
    return np.array(subjects), np.array(sequences), np.full(n, part), frame, labels, landmarks


def _read_paths(path: Path) -> tuple[list[str], list[str], list[int]]:
    try:
        content = text_of(path).replace("\\", "/").rstrip()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path.name} can't be read ({error})") from None
    subjects, sequences, numbers = [], [], []
    if not content:
        raise DatasetError(f"{path.name} is empty")
    # Line k of each list is one frame, so a blank line is an error here, and none to be skipped.
    for at, line in enumerate(map(str.strip, content.split("\n")), 1):
        match = _PATH.fullmatch(line)
        if match is None:
            raise DatasetError(f"line {at} of {path.name} is {line[:60]!r}, expected BP4D/F001/T1/2440.jpg")
        subjects.append(match["subject"])
        sequences.append(match["task"] or DISFA_SEQUENCE)
        numbers.append(int(match["number"]))
    return subjects, sequences, numbers


def _read_landmarks(path: Path, n: int, problems: list[Problem]) -> NDArray[np.float32]:
    with noted(problems, Problem("warning", "unreadable_landmarks", path.name, "the file {}.", n)):
        table = read_table(path, header=False)
        lines, numbers = table.values.shape
        if (lines, numbers) == (n, 2 * IBUG49.count):
            problems += line_problems(table, path.name, counted=True)
            # Made with a scale of (200 - 1) pixels from landmarks less 1: 0 is the first pixel's centre.
            return table.values.reshape(n, IBUG49.count, 2).astype(np.float32)
        raise DatasetError(f"has {lines} lines of {numbers} numbers, expected {n} of {2 * IBUG49.count}")
    return np.full((n, IBUG49.count, 2), np.nan, np.float32)


def _order_problems(path: Path, landmarks: NDArray[np.float32]) -> list[Problem]:
    """The squared distance of the eye centres, listed apart, must be that of the landmarks' line."""
    if not path.is_file() or np.isnan(landmarks).all():
        return []
    try:
        listed = read_table(path, header=False).values
    except DatasetError as error:
        return [Problem("warning", "unreadable_landmarks", path.name, f"the file {error}.")]
    right, left = (landmarks[:, IBUG49.positions(eye)].mean(1) for eye in (RIGHT_EYE, LEFT_EYE))
    squared = ((right - left) ** 2).sum(1)
    if listed.shape != (len(squared), 1):
        message = f"{listed.shape[0]} lines, expected {len(squared)}; the lists are not of one kind."
        return [Problem("warning", "label_length", path.name, message, len(squared))]
    both = np.isfinite(listed[:, 0]) & np.isfinite(squared)
    away = int((both & ~np.isclose(listed[:, 0], squared, rtol=0.01)).sum())
    if not away:
        return []
    message = f"{away} of {len(squared)} eye distances are not those of the landmarks: lists in other orders."
    return [Problem("warning", "frame_order", path.name, message, away)]


def _part_problems(listed: FrameIndex, published: Protocol) -> list[Problem]:
    problems = leak_problems(listed.subject, listed.part)
    leaks = {problem.where for problem in problems}
    for subject, part in sorted(distinct_pairs(listed.subject, listed.part)):
        home = published.part_of(subject)
        if subject not in leaks and part != home:
            message = f"is listed in part {part}, published is {home or 'none'}."
            count = int((listed.subject == subject).sum())
            problems.append(Problem("warning", "unknown_subject", subject, message, count))
    return problems
