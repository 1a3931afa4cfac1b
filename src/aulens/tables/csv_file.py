"""CSV files of others: read as a whole, checked line by line."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from aulens.errors import InputError

_NO_NUMBER: Final = (
    "", "NaN", "nan", "NAN", "-NaN", "-nan", "nan(ind)", "-nan(ind)", "NA", "N/A", "<NA>", "null", "None",
)  # fmt: skip


class CSVFile:
    """A CSV file whose rows all have as many fields as its header.

    Spaces after commas are ignored, but in columns of text only if the header has some too: a file's name may
    begin with one.

    Args:
        path: of the file.

    Attributes:
        path: as given.
        columns: the names in its header, without spaces around them.

    Raises:
        InputError: it can't be read, is empty or no text, or a line has more or fewer fields than the header.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            records = _records(path)
            _, header = next(records, (0, b""))
            names = _fields(header.removeprefix(b"\xef\xbb\xbf"), spaced=False)
            self.columns = tuple(name.strip() for name in names)
            self._spaced = any(name.startswith(" ") for name in names)
            if not any(self.columns):
                raise InputError(f"{path}: the file is empty; a table has a line of column names")
            for mark, said in ((";", "semicolons"), ("\t", "tabs")):
                if len(names) == 1 and mark in names[0]:
                    raise InputError(
                        f"{path}: its columns are set apart by {said}, as some spreadsheets do; save it as "
                        "CSV with commas between columns and points in numbers"
                    )
            self._check_names()
            self._lines = np.array([line for line, _ in self._checked(records)], dtype=np.int64)
        except OSError as error:
            raise InputError(f"{path}: the table can't be read ({error.strerror})") from error
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: not a CSV table: it is not text in UTF-8 ({error})") from error

    @property
    def heads(self) -> str:
        """The first columns, for messages."""
        more = ", ..." if len(self.columns) > 8 else ""
        return ", ".join(self.columns[:8]) + more

    def read(self, names: Sequence[str], text: Sequence[str] = ()) -> pd.DataFrame:
        """Columns as float64, those in `text` as text; an empty field is NA.

        Raises:
            InputError: a field of a number is something else; says in which line.
        """
        wanted = [*names, *text]
        try:
            frame = pd.read_csv(
                self.path,
                names=list(self.columns),
                header=0,
                usecols=wanted,
                dtype=dict.fromkeys(text, "str"),
                na_values={name: [""] if name in text else list(_NO_NUMBER) for name in wanted},
                keep_default_na=False,
                skipinitialspace=self._spaced or not text,
                encoding="utf-8-sig",
                low_memory=False,
            )
        except (pd.errors.ParserError, UnicodeDecodeError) as error:
            raise InputError(f"{self.path}: the table can't be read: {error}") from error
        return pd.DataFrame(
            {name: frame[name] if name in text else self._numbers(frame, name) for name in wanted}
        )

    def whole(self, frame: pd.DataFrame, name: str, *, least: int = 0, most: int | None = None) -> pd.Series:
        """A column of `read` as whole numbers (Int64) from `least` to `most`; empty is NA.

        Raises:
            InputError: a number is not whole or out of range; says in which line.
        """
        column = frame[name]
        wrong = column.notna() & ((column % 1 != 0) | (column < least))
        if most is not None:
            wrong |= column > most
        if wrong.any():
            allowed = f"from {least} to {most}" if most is not None else f"from {least} on"
            raise self._bad(frame, name, wrong, f"a whole number {allowed}")
        return column.astype("Int64")

    def _numbers(self, frame: pd.DataFrame, name: str) -> pd.Series:
        column = frame[name]
        if pd.api.types.is_numeric_dtype(column):  # bool too
            return column.astype("float64")
        numbers = pd.to_numeric(column, errors="coerce")
        wrong = numbers.isna() & column.notna()
        if wrong.any():
            raise self._bad(frame, name, wrong, "a number")
        return numbers.astype("float64")

    def _bad(self, frame: pd.DataFrame, name: str, wrong: pd.Series, expected: str) -> InputError:
        row = int(np.argmax(wrong.to_numpy()))
        return InputError(
            f"{self.path}, line {self._lines[row]}: {name} must be {expected}, "
            f"found {str(frame[name].iloc[row])!r}; mend the line or remove it"
        )

    def _check_names(self) -> None:
        twice = sorted({name for name in self.columns if name and self.columns.count(name) > 1})
        if twice:
            raise InputError(f"{self.path}: its header names {', '.join(twice[:5])} more than once")
        # A table written with its index has a column without a name.
        self.columns = tuple(name or f"unnamed {i}" for i, name in enumerate(self.columns))

    def _checked(self, records: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
        expected = len(self.columns)
        for line, record in records:
            found = record.count(b",") + 1 if b'"' not in record else len(_fields(record))
            if found != expected:
                raise InputError(
                    f"{self.path}, line {line}: {found} fields, but the header names {expected} columns; the "
                    "file was cut off or is damaged: mend the line or remove it"
                )
            yield line, record


def _records(path: Path) -> Iterator[tuple[int, bytes]]:
    """The number of its first line, and the bytes of each record; a quoted field may go over lines."""
    with path.open("rb") as file:
        record, start = b"", 0
        for number, line in enumerate(file, 1):
            start = number if not record else start
            record += line
            if record.count(b'"') % 2 == 0:
                if record.rstrip(b"\r\n"):
                    yield start, record
                record = b""
        if record:
            yield start, record


def _fields(record: bytes, *, spaced: bool = True) -> list[str]:
    text = record.decode("utf-8")
    return next(csv.reader([text], skipinitialspace=spaced), [])
