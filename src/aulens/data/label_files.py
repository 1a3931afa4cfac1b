"""Label files as text: tables of numbers, and their codes as {0, 1, MISSING}."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.aus import MISSING, AUSet
from aulens.data.index import Problem
from aulens.errors import DatasetError


@dataclass(frozen=True, eq=False)
class Table:
    """A file of numbers: the cells of its first line if that is a header, and (N, C) float64; blank = NaN."""

    header: tuple[str, ...]
    values: NDArray[np.float64]


def read_table(path: Path, *, header: bool) -> Table:
    """Read a text file of numbers, apart by commas, semicolons or blanks.

    Raises:
        DatasetError: it can't be opened, is empty, or holds what is no number.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            first = file.readline()
        apart = next((mark for mark in ",;" if mark in first), r"\s+")
        cells = tuple(cell.strip() for cell in re.split(apart, first.strip()))
        frame = pd.read_csv(
            path,
            sep=apart,
            header=None,
            skiprows=1 if header else 0,
            dtype=np.float64,
            encoding="utf-8-sig",
        )
    except OSError as error:
        raise DatasetError(f"cannot be opened ({error.strerror})") from None
    except (pd.errors.EmptyDataError, UnicodeDecodeError):
        raise DatasetError("is empty or no text") from None
    except ValueError as error:
        # pandas' ParserError is a ValueError too.
        raise DatasetError(f"is no table ({str(error).strip()})") from None
    if header and len(cells) != frame.shape[1]:
        raise DatasetError(f"is no table (the header has {len(cells)} cells, the rows {frame.shape[1]})")
    return Table(cells if header else (), frame.to_numpy(np.float64))


def au_number(text: str) -> int | None:
    """The number in "AU12", "au_12", "AU01", "12" or "12.0"; None in anything else."""
    digits = text.strip().lower().removeprefix("au").lstrip("_ ")
    digits = digits.removesuffix(".0")
    return int(digits) if digits.isascii() and digits.isdigit() else None


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
    return labels, code_problems(codes, wrong, aus, where, f"0, 1 or {_words(sorted(not_coded))}")


def code_problems(
    codes: NDArray[np.float64], wrong: NDArray[np.bool_], aus: AUSet, where: str, allowed: str
) -> list[Problem]:
    """The Problem of codes that are out of range, none if there are none."""
    if not wrong.any():
        return []
    columns = [aus.labels[axis] for axis in np.unique(np.nonzero(wrong)[1])]
    seen = ["blank" if np.isnan(value) else f"{value:g}" for value in np.unique(codes[wrong])]
    message = (
        f"{int(wrong.sum())} codes of {', '.join(columns)} are {_words(seen)}, expected {allowed}; "
        "they are taken as not coded, see whether the file is damaged."
    )
    return [Problem("warning", "code_range", where, message, int(wrong.any(1).sum()))]


def _words(values: Sequence[object], most: int = 5) -> str:
    shown = [str(value) for value in values[:most]]
    return ", ".join(shown) + (", ..." if len(values) > most else "")
