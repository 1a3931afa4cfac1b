"""CSV files of others: read as a whole, checked line by line.

pandas reads the numbers. It fills lines that are too short without a word, Python's csv takes no long fields
(its limit is one for the whole process), and pyarrow is no part of the core: so lines are checked here.
"""

from __future__ import annotations

import csv
import io
import re
import reprlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from aulens.contents import bytes_of, size_of
from aulens.errors import InputError
from aulens.tables.ranges import check_cells, range_of

if TYPE_CHECKING:
    import pandas as pd

_NO_NUMBER: Final = (
    "", "NaN", "nan", "NAN", "-NaN", "-nan", "nan(ind)", "-nan(ind)", "NA", "N/A", "<NA>", "null", "None",
)  # fmt: skip

# Nothing here backtracks (`*+`), so that a quote left open costs no more than one pass.
_QUOTED: Final = rb' *+"[^"]*+(?:""[^"]*+)*+'
_FIELD: Final = rb'(?:%b(?:"|(\Z)))?+[^,\r\n]*+' % _QUOTED
_RECORD: Final = re.compile(rb"%b(?:,%b)*+(?:\r\n?|\n|\Z)" % (_FIELD, _FIELD))
_BLANK: Final = b'", \t\r\n'
_QUOTED_FIELD: Final = re.compile(rb'(?:\A|(?<=,))%b"' % _QUOTED)


class CSVFile:
    """A CSV file whose rows all have as many fields as its header; rows that are wholly empty are none.

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
            self._data = bytes_of(path, size_of(path)).removeprefix(b"\xef\xbb\xbf")
            self._data.decode("utf-8")
        except OSError as error:
            raise InputError(f"{path}: the table can't be read ({error.strerror})") from error
        except UnicodeDecodeError as error:
            line = len((self._data[: error.start] + b".").splitlines())
            raise InputError(
                f"{path}, line {line}: not a CSV table: it is not text in UTF-8 (byte "
                f"0x{self._data[error.start]:02x}, {error.reason}); save it as CSV in UTF-8"
            ) from error
        self._blanks = False
        records = self._rows()
        names = self._names(next(records, (1, b""))[1])
        check_cells(path, 0, len(names))
        self.columns = tuple(name.strip() for name in names)
        self._spaced = any(name.startswith(" ") for name in names)
        if not any(self.columns):
            raise InputError(f"{path}: the file is empty; a table has a line of column names")
        for mark, marks in ((";", "semicolons"), ("\t", "tabs")):
            if len(names) == 1 and mark in names[0]:
                raise InputError(
                    f"{path}: its columns are set apart by {marks}, as some spreadsheets do; save it as "
                    "CSV with commas between columns and points in numbers"
                )
        twice = sorted(name for name, count in Counter(self.columns).items() if name and count > 1)
        if twice:
            raise InputError(f"{path}: its header names {', '.join(twice[:5])} more than once")
        # A table written with its index has a column without a name.
        self.columns = tuple(name or f"unnamed {i}" for i, name in enumerate(self.columns))
        self._lines = np.array([self._checked(line, record) for line, record in records], dtype=np.int64)
        if self._blanks:  # pandas must read the rows that were counted
            self._data = b"\n".join(record for _, record in self._rows())

    def read(self, names: Sequence[str], text: Sequence[str] = ()) -> pd.DataFrame:
        """Columns as float64, those in `text` as text; an empty field is NA.

        Raises:
            InputError: a field of a number is something else; says in which line.
        """
        import pandas as pd

        wanted = [*names, *text]
        try:
            frame = pd.read_csv(
                io.BytesIO(self._data),
                names=list(self.columns),
                header=0,
                usecols=wanted,
                dtype=dict.fromkeys(text, "str"),
                na_values={name: [""] if name in text else list(_NO_NUMBER) for name in wanted},
                keep_default_na=False,
                skipinitialspace=self._spaced or not text,
                encoding="utf-8",
                low_memory=False,
            )
        except ValueError as error:  # pandas' own are among them
            raise InputError(f"{self.path}: the table can't be read: {error}") from error
        if len(frame) != len(self._lines):
            raise InputError(
                f"{self.path}: {len(self._lines)} rows, of which {len(frame)} can be read: a quote stands "
                "where none belongs; save it as CSV anew"
            )
        return pd.DataFrame(
            {name: frame[name] if name in text else self._numbers(frame[name]) for name in wanted}
        )

    def column(self, frame: pd.DataFrame, name: str, ours: str | None = None, *, first: int = 0) -> pd.Series:
        """A column of `read` as one of ours: of its type, and within its range.

        Args:
            frame: from `read`.
            name: of the column.
            ours: which of our columns it becomes; the one of that name if None.
            first: from where it counts frames or people.

        Raises:
            InputError: a number is out of range; says in which line.
        """
        numbers, allowed = frame[name], range_of(ours or name, first=first)
        wrong = np.flatnonzero(allowed.outside(numbers.to_numpy(dtype=np.float64)))
        if len(wrong):
            raise self.refused(int(wrong[0]), name, str(allowed), numbers.iloc[wrong[0]])
        return numbers.astype("Int64") if allowed.whole else numbers

    def refused(self, row: int, name: str, expected: str, found: object) -> InputError:
        """The error for one field; `row` counts from 0."""
        return refused(f"{self.path}, line {self._lines[row]}", name, expected, found)

    def _numbers(self, column: pd.Series) -> pd.Series:
        import pandas as pd

        if pd.api.types.is_numeric_dtype(column):  # bool too
            return column.astype("float64")
        numbers = pd.to_numeric(column, errors="coerce").astype("float64")
        wrong = np.flatnonzero(numbers.isna() & column.notna())
        if len(wrong):
            raise self.refused(int(wrong[0]), str(column.name), "a number", column.iloc[wrong[0]])
        return numbers

    def _names(self, header: bytes) -> list[str]:
        try:
            return next(csv.reader([header.decode("utf-8").rstrip("\r\n")]), [])
        except csv.Error as error:
            raise InputError(f"{self.path}: the line of column names can't be read ({error})") from error

    def _checked(self, line: int, record: bytes) -> int:
        """The line, if the record has as many fields as the header."""
        plain = record if b'"' not in record else _QUOTED_FIELD.sub(b"", record)
        found, expected = plain.count(b",") + 1, len(self.columns)
        if found != expected:
            raise InputError(
                f"{self.path}, line {line}: {found} fields, but the header names {expected} columns; the "
                "file was cut off or is damaged: mend the line or remove it"
            )
        return line

    def _rows(self) -> Iterator[tuple[int, bytes]]:
        """The records that hold something; a spreadsheet leaves rows of commas behind."""
        for line, record in self._records():
            if record.strip(_BLANK):
                yield line, record
            else:
                self._blanks = True

    def _records(self) -> Iterator[tuple[int, bytes]]:
        """The number of its first line, and the bytes of each record; a quoted field may go over lines."""
        if b'"' not in self._data:
            yield from ((i, record) for i, record in enumerate(self._data.splitlines(), 1) if record)
            return
        line = 1
        for found in _RECORD.finditer(self._data):
            record = found[0]
            if found[1] is not None or found[2] is not None:
                raise InputError(
                    f"{self.path}, line {line}: a quote is opened and never closed; mend the line"
                )
            if record.strip(b"\r\n"):
                yield line, record
            line += len(record.splitlines())


def heads(columns: Sequence[str]) -> str:
    """The first of some columns, for messages."""
    cut = [name if len(name) <= 40 else f"{name[:40]}..." for name in columns[:8]]
    shown = [name if name.isprintable() else repr(name) for name in cut]
    return ", ".join([*shown, "..."] if len(columns) > 8 else shown) or "none"


def refused(place: str, name: str, expected: str, found: object) -> InputError:
    """The error for one cell of a table, of which only the beginning and end are shown."""
    shown = reprlib.repr(found if isinstance(found, list | dict) else str(found))
    return InputError(f"{place}: {name} must be {expected}, found {shown}; mend the line or remove it")
