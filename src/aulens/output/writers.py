"""Rows into files: every format behind one protocol, of pictures and of frames alike.

A format is the columns, ours or another tool's, and how they lie in a file: CSV, JSON lines or Parquet.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from aulens.aus import AUSet
from aulens.files import atomic_write
from aulens.runtime.result import FrameResult
from aulens.tables import TABLE_FORMATS, TableFormat
from aulens.tables.parquet import GROUP, ParquetWriter, import_pyarrow
from aulens.tables.schema import Row, columns, rows_of, to_frame, without_scores, write_rows
from aulens.tables.usable import Limits


class Writer(ABC):
    """Takes rows, those of one picture or frame after another."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    @abstractmethod
    def write(self, rows: Iterable[Row]) -> None:
        """Take the next rows."""

    def close(self) -> None:
        """Write what is left; the file itself stays open."""
        self._file.flush()


class CsvWriter(Writer):
    """Rows as CSV, no spaces; an empty cell is an empty field; `header`: begun with the names of columns."""

    def __init__(self, file: TextIO, names: Sequence[str], *, header: bool = True) -> None:
        super().__init__(file)
        self._names = names
        write_rows(file, names, (), header=header)

    def write(self, rows: Iterable[Row]) -> None:
        """See `Writer`."""
        write_rows(self._file, self._names, rows)


class JsonLinesWriter(Writer):
    """Each row as one line of JSON; an empty cell is null."""

    def write(self, rows: Iterable[Row]) -> None:
        """See `Writer`."""
        for row in rows:
            self._file.write(json.dumps(row, ensure_ascii=False) + "\n")


class ParquetRows(Writer):
    """Our rows as Parquet, in bounded memory. `named`: with the names of pictures."""

    def __init__(self, file: TextIO, aus: AUSet, *, named: bool = False) -> None:
        self._aus, self._named, self._rows, self._any = aus, named, list[Row](), False
        self._parquet = ParquetWriter(file.buffer)

    def write(self, rows: Iterable[Row]) -> None:
        """See `Writer`."""
        for row in rows:
            self._rows.append(row)
            if len(self._rows) == GROUP:
                self._group()

    def close(self) -> None:
        """See `Writer`."""
        if self._rows or not self._any:
            self._group()
        self._parquet.close()

    def _group(self) -> None:
        self._parquet.write(to_frame(self._rows, self._aus, named=self._named))
        self._rows, self._any = [], True


def format_of(format: str, *, picture: bool) -> TableFormat | None:
    """Another tool's format, as it writes pictures or videos; None for ours."""
    found = TABLE_FORMATS.get(format)
    return found.for_pictures() if found is not None and picture else found


def ending(format: str) -> str:
    """What a file of a format ends with: "csv", "jsonl" or "parquet"."""
    return "csv" if format in TABLE_FORMATS else format


def rows_in(
    format: str, name: str, result: FrameResult, aus: AUSet, *, picture: bool, limits: Limits | None = None
) -> list[Row]:
    """The rows of a picture, which has no number and no time, or of a frame.

    Args:
        format: one of `aulens.output.settings.FORMATS`.
        name: what the column `file` says; see `aulens.tables.schema.plain`.
        result: what was found.
        aus: of the model.
        picture: whether it is one.
        limits: faces beyond them have rows without scores, `success` 0, as in `aulens.tables.usable`; in
            another tool's format, as if they had been lost.
    """
    out = [face.face_id for face in result.faces if limits and not limits.counts(face)]
    theirs = format_of(format, picture=picture)
    if theirs is not None:
        if out:
            kept = tuple(face for face in result.faces if face.face_id not in out)
            result = replace(result, faces=kept, lost=tuple(sorted((*result.lost, *out))))
        return theirs.rows(name, result)
    if picture:
        rows = rows_of(name, result.faces, aus)
    else:
        rows = rows_of(
            name, result.faces, aus, frame=result.index, time=result.time, lost=result.lost,
            picture=result.picture,
        )  # fmt: skip
    return [without_scores(row) if row["face_id"] in out else row for row in rows]


def open_writer(format: str, file: TextIO, aus: AUSet, *, picture: bool, named: bool = False) -> Writer:
    """What writes rows of a format into an open text file; of Parquet, into the bytes below it.

    `named`: of frames that are pictures with names.
    """
    if format == "parquet":
        return ParquetRows(file, aus, named=named)
    if format == "jsonl":
        return JsonLinesWriter(file)
    theirs = format_of(format, picture=picture)
    return CsvWriter(file, columns(aus, named=named) if theirs is None else theirs.columns())


def count_rows(path: Path) -> int:
    """Rows of a table that aulens wrote, whatever is in them.

    Raises:
        OSError: it is not there.
        ValueError: it is no Parquet file, or none that can be read here.
    """
    if path.suffix == ".parquet":
        return int(import_pyarrow().parquet.read_metadata(path).num_rows)
    csv, rows, quoted = path.suffix == ".csv", 0, False
    with path.open("rb") as file:
        for line in file:
            quoted ^= csv and line.count(b'"') % 2 == 1  # a text in quotes may go on in the next line
            rows += not quoted
    return rows - csv


@contextmanager
def table_of_pictures(path: Path, format: str, aus: AUSet) -> Iterator[Writer]:
    """A table that takes the place of an earlier one when the block ends without an error."""
    with atomic_write(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = open_writer(format, file, aus, picture=True)
        yield writer
        writer.close()
