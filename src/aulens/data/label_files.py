"""Label files as text: tables of numbers, and their codes as {0, 1, MISSING}."""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.aus import MISSING, AUSet
from aulens.contents import text_of
from aulens.data.index import Problem
from aulens.errors import DatasetError
from aulens.named import first_of, several

PRESENT_FROM: Final = 2
"""The least intensity (of 0 to 5) that counts as present, as in DISFA's publications."""


@dataclass(frozen=True, eq=False)
class Table:
    """A file of numbers.

    Attributes:
        header: the cells of its first line, if that is a header.
        values: (N, C) float64, a row per line, also for a blank line; blank cells are NaN.
        cut: rows, from 1, that have fewer cells than the others; those that lack are NaN.
    """

    header: tuple[str, ...]
    values: NDArray[np.float64]
    cut: tuple[int, ...] = ()

    @property
    def blank(self) -> NDArray[np.bool_]:
        """(N,) whether a line holds nothing."""
        return np.asarray(np.isnan(self.values).all(1))


def read_table(path: Path, *, header: bool) -> Table:
    """Read a text file of numbers, apart by commas, semicolons or blanks.

    Line k is row k, so a blank line is a row of NaN; those at the end are none.

    Raises:
        DatasetError: it can't be opened, is empty, or holds what is no number.
    """
    try:
        lines = text_of(path).rstrip().split("\n")
    except OSError as error:
        raise DatasetError(f"cannot be opened ({error.strerror})") from None
    except UnicodeDecodeError:
        raise DatasetError("is no text") from None
    first = next(filter(str.strip, lines), "")
    apart = next((mark for mark in ",;" if mark in first), r"\s+")
    cells = tuple(cell.strip() for cell in re.split(apart, first.strip()))
    rows = lines[1:] if header else lines
    # pandas takes the columns from the first line, so it is given those lines only that have some.
    filled = np.array([bool(line.strip()) for line in rows], dtype=bool)
    try:
        table = pd.read_csv(
            io.StringIO("\n".join(line for line in rows if line.strip())),
            sep=apart,
            header=None,
            dtype=np.float64,
        )
    except pd.errors.EmptyDataError:
        raise DatasetError("is empty") from None
    except ValueError as error:
        # pandas' ParserError is a ValueError too, and neither says which row of the file it was.
        raise DatasetError(f"is no table ({_first_fault(rows, apart) or str(error).strip()})") from None
    if header and len(cells) != table.shape[1]:
        raise DatasetError(f"is no table (the header has {len(cells)} cells, the rows {table.shape[1]})")
    values = np.full((len(rows), table.shape[1]), np.nan)
    values[filled] = table.to_numpy(np.float64)
    cut = tuple(
        row for row, line in enumerate(rows, 1) if line.strip() and _cells(line, apart) < table.shape[1]
    )
    return Table(cells if header else (), values, cut)


def _cells(line: str, apart: str) -> int:
    return line.count(apart) + 1 if len(apart) == 1 else len(line.split())


def _first_fault(rows: Sequence[str], apart: str) -> str:
    """What is wrong with the first row that has a word, or more cells than the rows before."""
    wanted = 0
    for row, line in enumerate(rows, 1):
        cells = [cell.strip() for cell in re.split(apart, line.strip())] if line.strip() else []
        for cell in cells:
            try:
                float(cell or "nan")
            except ValueError:
                return f"row {row}: {cell[:20]!r} is no number"
        wanted = wanted or len(cells)
        if len(cells) > wanted:
            return f"row {row} has {len(cells)} cells, expected {wanted}"
    return ""


def line_problems(table: Table, where: str, *, counted: bool) -> list[Problem]:
    """Problems of lines that are cut, and of blank ones.

    Args:
        table: the file's.
        where: its name.
        counted: each line is a frame, a blank one a frame that is not coded; else lines name their frames.
    """
    n, blank, problems = len(table.values), (1 + np.flatnonzero(table.blank)).tolist(), []
    if table.cut:
        last = "the last one, as if the file were cut; " if table.cut == (n,) else ""
        message = (
            f"{_rows(table.cut)} of {n} {'has' if len(table.cut) == 1 else 'have'} fewer than the "
            f"{table.values.shape[1]} cells of the others; {last}what lacks is not coded, get the file again."
        )
        problems.append(Problem("warning", "cut_row", where, message, len(table.cut)))
    if blank and counted:
        message = (
            f"{_rows(blank)} of {n} blank, taken as frames without values, as lines are counted. If such a "
            "line stands for no frame, all after it are shifted; get the file again."
        )
        problems.append(Problem("warning", "blank_line", where, message, len(blank)))
    elif blank:
        message = f"{_rows(blank)} of {n} blank; the other lines name their frames themselves."
        problems.append(Problem("note", "blank_line", where, message))
    return problems


def _rows(rows: Sequence[int]) -> str:
    return f"{'row' if len(rows) == 1 else 'rows'} {several(rows)}"


def au_number(text: str) -> int | None:
    """The number in "AU12", "au_12", "AU01", "12" or "12.0"; None in anything else."""
    match = re.fullmatch(r"(?:au)?[_ ]*(\d{1,9})(?:\.0)?", text.strip(), re.IGNORECASE | re.ASCII)
    return int(match[1]) if match else None


def binary_labels(
    codes: NDArray[np.float64], aus: AUSet, not_coded: Collection[int], where: str
) -> tuple[NDArray[np.int8], list[Problem]]:
    """(N, A) labels in {0, 1, MISSING} from a file's codes; codes that it should not have are a Problem.

    Args:
        codes: (N, A) as written; NaN = blank.
        aus: the meaning of axis A.
        not_coded: the codes for "not coded".
        where: the file's name for the Problem.
    """
    labels = np.full(codes.shape, MISSING, dtype=np.int8)
    labels[codes == 0] = 0
    labels[codes == 1] = 1
    wrong = (labels == MISSING) & ~np.isin(codes, list(not_coded))
    return labels, code_problems(codes, wrong, aus, where, f"0, 1 or {first_of(sorted(not_coded), 5)}")


def intensity_labels(
    codes: NDArray[np.float64], written: NDArray[np.bool_], aus: AUSet, where: str
) -> tuple[NDArray[np.int8], list[Problem]]:
    """(N, A) labels from intensities of 0 to 5; where another code is `written` is a Problem."""
    valid = np.isin(codes, range(6))
    labels = np.where(valid, codes >= PRESENT_FROM, MISSING).astype(np.int8)
    return labels, code_problems(codes, written & ~valid, aus, where, "an intensity of 0 to 5")


def au_columns(table: Table, aus: AUSet, not_coded: int) -> tuple[NDArray[np.float64], list[int]]:
    """Codes (N, A) of the AUs that the header names once each, `not_coded` for others; which these are."""
    numbers = [au_number(cell) for cell in table.header]
    codes = np.full((len(table.values), len(aus)), not_coded, np.float64)
    for axis, number in enumerate(aus):
        if numbers.count(number) == 1:
            codes[:, axis] = table.values[:, numbers.index(number)]
    return codes, [number for number in aus if numbers.count(number) != 1]


def code_problems(
    codes: NDArray[np.float64], wrong: NDArray[np.bool_], aus: AUSet, where: str, allowed: str
) -> list[Problem]:
    """The Problem of codes that are out of range, none if there are none."""
    if not wrong.any():
        return []
    columns = [aus.labels[axis] for axis in np.unique(np.nonzero(wrong)[1])]
    seen = ["blank" if np.isnan(value) else f"{value:g}" for value in np.unique(codes[wrong])]
    message = (
        f"{int(wrong.sum())} codes of {', '.join(columns)} are {first_of(seen, 5)}, expected {allowed}; "
        "they are taken as not coded, see whether the file is damaged."
    )
    return [Problem("warning", "code_range", where, message, int(wrong.any(1).sum()))]
