"""Any data set as one CSV or Parquet file: a row per frame with path, subject, sequence, frame, AUs."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.aus import AUS, MAX_INTENSITY, AUSet
from aulens.data.coded import usable_rows
from aulens.data.columns import point_columns
from aulens.data.folders import listing
from aulens.data.index import PICTURE, FrameIndex, Problem, leak_problems
from aulens.data.label_files import binary_labels, code_problems
from aulens.data.manifest_table import (
    FRAME_BELOW,
    POSITION_BELOW,
    check_names,
    manifest_file,
    read_manifest_table,
    whole_numbers,
)
from aulens.data.registry import DatasetEntry
from aulens.errors import DatasetError
from aulens.landmarks import LAYOUTS
from aulens.named import several

NOT_CODED: Final = (9, -1, 999)
"""The codes for "not coded" that are in use; a blank cell is not coded too."""

_DIFFERENT: Final = 2
"""Two different values between 0 and 5 that are not 1 are intensities, one may be a slip."""

_AU: Final = re.compile(r"au0*(\d{1,4})")
_INTENSITY: Final = re.compile(r"au0*(\d{1,4})_i")
_POINT: Final = re.compile(r"([xy])_(\d+)")


def read_manifest(path: Path) -> FrameIndex:
    """The coded frames of a manifest.

    Columns, in any order and case: `path` (a picture or a video; relative to the manifest), `subject`,
    `sequence`, `frame` (the frame's number); AU1 or AU01, ...: 0, 1, or 9, -1, 999, blank for "not coded".
    Optional: AU1_i, ... (intensity, 0 to 5, blank = not coded; presence stays what AU1 says), `part` (the
    fold's part), `position` (the frame's place in a video, from 0), `renders` (1 = the faces are rendered, no
    people), and landmarks x_0, y_0, ... of 49, 66 or 68 points in pixels of the picture, integer = pixel
    centre.

    Args:
        path: the file (.csv or .parquet), or a folder that holds manifest.csv or manifest.parquet.

    Raises:
        DatasetError: the file is missing, can't be read, lacks a column, or a row's name or number can't be
            used.
    """
    file = manifest_file(path)
    table = read_manifest_table(file)
    check_names(table, file)
    problems: list[Problem] = []
    aus, columns = _au_columns(table, file, problems)
    if (bare := table["subject"] == "").any():
        count = int(bare.sum())
        message = f"{count} rows name no subject and can be in no fold; they are left out, give each its own."
        problems.append(Problem("error", "missing_subject", file.name, message, count))
        table = table[~bare]
    labels = _labels(table, aus, columns, file, problems)
    intensities = _read_intensities(table, aus, file, problems)
    landmarks = _landmarks(table, file, problems)
    position = np.full(len(table), PICTURE, np.int32)
    if "position" in table:
        given = whole_numbers(table, "position", file, POSITION_BELOW)
        position = np.where(np.isnan(given), PICTURE, given).astype(np.int32)
    frame = whole_numbers(table, "frame", file, FRAME_BELOW)
    if np.isnan(frame).any():
        raise DatasetError(f"{file}: {int(np.isnan(frame).sum())} rows have no frame number.")
    media = _media(table["path"].tolist(), position, table, file, problems)
    part = np.array(table["part"].tolist() if "part" in table else [""] * len(table), dtype=np.str_)
    subject, sequence = (np.array(table[name].tolist(), dtype=np.str_) for name in ("subject", "sequence"))
    problems += _part_problems(subject, part)
    rows, found = usable_rows(frame.astype(np.int64), labels, file.name, subject, sequence)
    problems += found
    if not len(rows):
        raise DatasetError(f"{file} has no row with a coded AU.")
    return FrameIndex(
        dataset=file.stem,
        aus=aus,
        media=tuple(media),
        position=position,
        subject=subject,
        sequence=sequence,
        frame=frame.astype(np.int64),
        labels=labels,
        landmarks=landmarks,
        part=part,
        renders=_renders(table, file, problems),
        problems=tuple(problems),
        intensities=intensities,
    ).take(rows)


def _au_columns(table: pd.DataFrame, file: Path, problems: list[Problem]) -> tuple[AUSet, list[str]]:
    found = {name: int(match[1]) for name in table.columns if (match := _AU.fullmatch(name))}
    unknown = [name for name, number in found.items() if number not in AUS]
    if unknown:
        message = f"the columns {several(unknown)} are no AUs that aulens knows; they are left out."
        problems.append(Problem("note", "other_aus", file.name, message))
    known = [name for name in found if name not in unknown]
    numbers = tuple(found[name] for name in known)
    if not known or len(set(numbers)) < len(numbers):
        raise DatasetError(
            f"{file} must have one column per AU (AU1 or AU01, ...), found {several(list(found)) or 'none'}."
        )
    return AUSet(file.stem, numbers), known


def _labels(
    table: pd.DataFrame, aus: AUSet, columns: Sequence[str], file: Path, problems: list[Problem]
) -> NDArray[np.int8]:
    codes = np.full((len(table), len(aus)), np.nan)
    for axis, name in enumerate(columns):
        codes[:, axis] = _numbers(table[name], file, problems)
    codes[np.isnan(codes)] = NOT_CODED[0]
    labels, wrong = binary_labels(codes, aus, NOT_CODED, file.name)
    problems += _intensities(codes, aus, file) or wrong
    return labels


def _numbers(column: pd.Series[Any], file: Path, problems: list[Problem]) -> NDArray[np.float64]:
    """(N,), NaN where a cell is blank or no number."""
    numbers = pd.to_numeric(column, errors="coerce")
    words = column[numbers.isna() & ~column.isna()].astype(str).str.strip()
    words = words[~words.str.lower().isin(["", "nan", "na", "none"])]
    if len(words):
        message = f"{len(words)} cells of {column.name} are no numbers ({several(words.unique().tolist())})."
        problems.append(Problem("warning", "unreadable_labels", file.name, message, len(words)))
    return np.asarray(numbers.to_numpy(np.float64))


def _read_intensities(
    table: pd.DataFrame, aus: AUSet, file: Path, problems: list[Problem]
) -> NDArray[np.float32] | None:
    """(N, A); those of an AU without a column of its own are left out."""
    found = {int(match[1]): name for name in table.columns if (match := _INTENSITY.fullmatch(name))}
    if lone := [name for number, name in found.items() if number not in aus]:
        message = f"{several(lone)} are intensities of AUs that have no column of labels; they are left out."
        problems.append(Problem("warning", "other_aus", file.name, message))
    if len(lone) == len(found):
        return None
    codes = np.full((len(table), len(aus)), np.nan)
    for number, name in found.items():
        if number in aus:
            codes[:, aus.index(number)] = _numbers(table[name], file, problems)
    right = (codes >= 0) & (codes <= MAX_INTENSITY)
    allowed = f"an intensity of 0 to {MAX_INTENSITY}"
    problems += code_problems(codes, ~right & ~np.isnan(codes), aus, file.name, allowed)
    return np.where(right, codes, np.nan).astype(np.float32)


def _intensities(codes: NDArray[np.float64], aus: AUSet, file: Path) -> list[Problem]:
    """The Problem of codes that are no damage but another scale: several values of it occur."""
    strange = (codes > 0) & (codes <= MAX_INTENSITY) & (codes != 1)
    seen = np.unique(codes[strange])
    if len(seen) < _DIFFERENT:
        return []
    message = (
        f"codes of {several([aus.labels[axis] for axis in np.unique(np.nonzero(strange)[1])])} are "
        f"{several([f'{value:g}' for value in seen])} too, so they look like intensities: decide from which "
        "one an AU is present, and write 0 or 1."
    )
    return [Problem("error", "intensities", file.name, message, int(strange.any(1).sum()))]


def _renders(table: pd.DataFrame, file: Path, problems: list[Problem]) -> bool:
    if "renders" not in table:
        return False
    marked = whole_numbers(table, "renders", file, POSITION_BELOW) > 0
    if marked.any() and not marked.all():
        message = f"{int(marked.sum())} of {len(table)} rows are renders; all of it is taken as rendered."
        problems.append(Problem("warning", "mixed_renders", file.name, message, len(table)))
    return bool(marked.any())


def _landmarks(table: pd.DataFrame, file: Path, problems: list[Problem]) -> NDArray[np.float32] | None:
    axes = {name for name in table.columns if _POINT.fullmatch(name)}
    if not axes:
        return None
    count = len(axes) // 2  # not the largest number in a name, which may be any
    names = point_columns(count)
    counts = sorted(layout.count for layout in LAYOUTS.values())
    if count not in counts or set(names) != axes:
        last = ", ".join(f"x_{one - 1}" for one in counts)
        message = f"landmarks must be x_0, y_0, ... up to {last}, without gaps; they are left out."
        problems.append(Problem("error", "unreadable_landmarks", file.name, message, len(table)))
        return None
    numbers = table[names].apply(pd.to_numeric, errors="coerce").to_numpy(np.float32)
    points = np.where(np.isfinite(numbers).all(1)[:, None], numbers, np.nan).astype(np.float32)
    lost = int(np.isnan(points[:, 0]).sum())
    if lost:
        message = f"{lost} of {len(table)} rows have no landmarks, or not all of them."
        problems.append(Problem("note", "missing_landmarks", file.name, message, lost))
    return points.reshape(len(table), count, 2)


def _media(
    paths: Sequence[str],
    position: NDArray[np.int32],
    table: pd.DataFrame,
    file: Path,
    problems: list[Problem],
) -> list[str]:
    """The files' places; "" for those that don't exist, which is one Problem per sequence."""
    names: dict[str, dict[str, str]] = {}  # as tables may have them, and as they are stored
    media, lost = [], dict[tuple[str, str, str], list[str]]()
    where = zip(table["subject"].tolist(), table["sequence"].tolist(), position.tolist(), strict=True)
    for path, (subject, sequence, place) in zip(paths, where, strict=True):
        full = os.path.join(file.parent, path)
        folder, name = os.path.split(full)
        if folder not in names:
            found = listing(Path(folder)).files if os.path.isdir(folder) else ()
            names[folder] = {unicodedata.normalize("NFC", one): one for one in found}
        stored = names[folder].get(unicodedata.normalize("NFC", name))
        media.append("" if stored is None else os.path.join(folder, stored))
        if stored is None:
            code = "missing_picture" if place == PICTURE else "missing_video"
            lost.setdefault((subject, sequence, code), []).append(path)
    for (subject, sequence, code), files in lost.items():
        message = (
            f"{len(files)} rows name a file that does not exist ({several(list(dict.fromkeys(files)), 2)})."
        )
        problems.append(Problem("warning", code, f"{subject}/{sequence}", message, len(files)))
    return media


def _part_problems(subject: NDArray[np.str_], part: NDArray[np.str_]) -> list[Problem]:
    problems = leak_problems(subject, part)
    homeless = np.setdiff1d(subject, subject[part != ""])
    if 0 < len(homeless) < len(np.unique(subject)):
        message = f"{several(homeless.tolist())} are in no part, others are; their frames are in no fold."
        count = int(np.isin(subject, homeless).sum())
        problems.insert(0, Problem("warning", "unknown_subject", "part", message, count))
    return problems


ENTRY: Final = DatasetEntry(read_manifest)
