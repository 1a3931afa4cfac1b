"""A manifest's file as a table of texts, and its columns of whole numbers and names; faults by their rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.contents import frame_of, size_of
from aulens.errors import DatasetError
from aulens.named import several

_REQUIRED: Final = ("path", "subject", "sequence", "frame")
_NAMES: Final = ("manifest.parquet", "manifest.csv")
_SEPARATORS: Final = ",;\t"
_LONG_ROW: Final = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")

FRAME_BELOW: Final = 2**53
"""Frame numbers are exact up to here."""
POSITION_BELOW: Final = 2**31
"""Places in a video are 32-bit numbers."""


def manifest_file(path: Path) -> Path:
    """The file of a manifest that is given as such, or by its folder.

    Raises:
        DatasetError: it is missing.
    """
    if path.is_dir():
        found = [path / name for name in _NAMES if (path / name).is_file()]
        if not found:
            raise DatasetError(f"No {' or '.join(_NAMES)} in {path}; give the manifest's own name.")
        return found[0]
    if not path.is_file():
        raise DatasetError(f"There is no file {path}; a manifest is a .csv or .parquet file.")
    return path


def read_manifest_table(file: Path) -> pd.DataFrame:
    """The table with lower-case column names, every text as it is written ("001" stays "001").

    Its index is the number of the row, from 1, the header not counted.

    Raises:
        DatasetError: it can't be read, or lacks a column or has one twice.
    """
    table = _parquet(file) if file.suffix.lower() == ".parquet" else _csv(file)
    table.columns = pd.Index([str(name).strip().lower() for name in table.columns])
    lacking = [name for name in _REQUIRED if name not in table]
    if lacking:
        seen = ", ".join(table.columns[:12])
        raise DatasetError(f"{file} lacks the columns {', '.join(lacking)}; it has {seen:.300}.")
    twice = sorted(set(table.columns[table.columns.duplicated()]))
    if twice:
        raise DatasetError(f"{file} has the columns {', '.join(twice)} more than once.")
    table.index = pd.RangeIndex(1, len(table) + 1)
    for name in ("path", "subject", "sequence", "part"):
        if name in table:
            table[name] = table[name].fillna("").astype(str).str.strip()
    return table


def _parquet(file: Path) -> pd.DataFrame:
    try:
        table: pd.DataFrame = frame_of(file)
        return table
    except (OSError, ValueError):
        raise DatasetError(f"{file} can't be read as a Parquet table; write it again.") from None


def _csv(file: Path) -> pd.DataFrame:
    try:
        size_of(file)
        with file.open(encoding="utf-8-sig") as lines:
            filled = filter(str.strip, lines)
            header = next(filled, "")
            apart = max(_SEPARATORS, key=header.count)
            _check_cut(file, filled, apart, header.count(apart))
        # The header is read as a row: pandas would take longer rows for ones with names.
        table = pd.read_csv(
            file, sep=apart, header=None, dtype=str, keep_default_na=False, encoding="utf-8-sig"
        )
    except UnicodeDecodeError:
        raise DatasetError(f"{file} can't be read: it is no UTF-8 text; save it as UTF-8.") from None
    except pd.errors.EmptyDataError:
        raise DatasetError(f"{file} can't be read: it is empty.") from None
    except pd.errors.ParserError as error:
        raise DatasetError(f"{file} can't be read: {_fault(str(error))}.") from None
    except OSError as error:
        raise DatasetError(f"{file} can't be read: {error.strerror or error}.") from None
    return table.iloc[1:].set_axis(table.iloc[0].tolist(), axis=1)


def _check_cut(file: Path, rows: Iterator[str], apart: str, wanted: int) -> None:
    """Raise DatasetError if a row has fewer separators than the header: pandas would fill it in silence."""
    for number, row in enumerate(rows, 1):
        if row.count(apart) < wanted and '"' not in row:
            raise DatasetError(
                f"{file} can't be read: row {number} has {row.count(apart) + 1} cells, the header "
                f"{wanted + 1}; was it cut?"
            )


def _fault(message: str) -> str:
    """A message of pandas' parser in our words."""
    if match := _LONG_ROW.search(message):
        return f"row {int(match[2]) - 1} has {match[3]} cells, the header {match[1]}"
    if "EOF inside string" in message:
        return "a quotation mark is not closed"
    return "it is no table"


def whole_numbers(table: pd.DataFrame, name: str, file: Path, below: int) -> NDArray[np.float64]:
    """A column's whole numbers, NaN where blank.

    Raises:
        DatasetError: one is not whole, less than -1, or not less than `below`.
    """
    column = table[name]
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    blank = column.isna().to_numpy() | (column.astype(str).str.strip() == "").to_numpy()
    wrong = ~blank & ~((numbers == np.floor(numbers)) & (numbers >= -1) & (numbers < below))
    if wrong.any():
        seen = column[wrong].astype(str).tolist()
        raise DatasetError(
            f"{file}: {name} must be whole numbers from 0, less than {below:,}, found {several(seen)} "
            f"in row {table.index[wrong][0]}."
        )
    return np.asarray(numbers)


def check_names(table: pd.DataFrame, file: Path) -> None:
    """Raise DatasetError if a subject or sequence can't name a file: they do so in shards."""
    for column in ("subject", "sequence"):
        for name in dict.fromkeys(table[column].tolist()):
            if name and not _may_name_a_file(name):
                row = table.index[table[column] == name][0]
                raise DatasetError(
                    f"{file}: {column} {name!r} in row {row} can't name a file; leave out '..', '\\', and "
                    "'/' at the ends."
                )


def _may_name_a_file(name: str) -> bool:
    return (
        name.isprintable()
        and not re.search(r"\\|^[A-Za-z]:", name)
        and not {"", ".", ".."} & set(name.split("/"))
    )
