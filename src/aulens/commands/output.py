"""Where rows go: to the terminal, to standard output for a program, or into a folder."""

import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from aulens.aus import AUS, AUSet
from aulens.errors import ConfigError
from aulens.files import atomic_write
from aulens.output.names import free_name, names_beside
from aulens.runtime.card import ModelCard
from aulens.runtime.result import FrameResult
from aulens.tables import TABLE_FORMATS, TableFormat
from aulens.tables.dictionary import FILE_NAME, write_full_dictionary
from aulens.tables.parquet import GROUP, ParquetWriter
from aulens.tables.schema import Row, rows_of, to_frame, write_csv_header, write_csv_rows, write_jsonl_rows


class Format(StrEnum):
    """Formats of the table."""

    TABLE = "table"
    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    OPENFACE = "openface"
    PYFEAT = "pyfeat"
    PYFEAT2 = "pyfeat2"

    @property
    def stored(self) -> "Format":
        """In a folder a table for reading is CSV."""
        return Format.CSV if self is Format.TABLE else self

    @property
    def dialect(self) -> TableFormat | None:
        """Another tool's format, or None for ours."""
        return TABLE_FORMATS.get(self.value)


class Sink(Protocol):
    """Takes one picture, or one frame of a video, after another."""

    def add(self, name: str, result: FrameResult, *, picture: bool) -> None:
        """Take the result of one picture or frame of the file `name`."""
        ...

    def close(self) -> None:
        """Write what is left."""
        ...


def rows_for(name: str, result: FrameResult, aus: AUSet, *, picture: bool) -> list[Row]:
    """Rows of a picture, which has no number and no time, or of a frame."""
    if picture:
        return rows_of(name, result.faces, aus)
    return rows_of(name, result.faces, aus, frame=result.index, time=result.time, lost=result.lost)


class TextSink:
    """CSV or JSON lines of our rows, written as they come, to standard output or a file.

    An earlier file is replaced at the end, and stays if nothing could be read.
    """

    def __init__(self, kind: Format, aus: AUSet, path: Path | None = None) -> None:
        self._kind, self._aus, self._path = kind, aus, path
        self._stack = ExitStack()
        self._file: TextIO | None = None if path is not None and path.exists() else self._begin()

    def add(self, name: str, result: FrameResult, *, picture: bool) -> None:
        """See `Sink`."""
        rows = rows_for(name, result, self._aus, picture=picture)
        self._file = self._file or self._begin()
        if self._kind is Format.CSV:
            write_csv_rows(self._file, rows, self._aus)
        else:
            write_jsonl_rows(self._file, rows)
        self._file.flush()

    def close(self) -> None:
        """See `Sink`."""
        self._stack.close()

    def _begin(self) -> TextIO:
        file = _opened(self._path, self._stack)
        if self._kind is Format.CSV:
            write_csv_header(file, self._aus)
        return file


class DialectSink:
    """Rows as another tool writes them, as they come, to standard output or files.

    Args:
        dialect: whose.
        aus: of the model.
        out: folder; None for standard output.
        clips: names of the videos whose files are in it too.
    """

    def __init__(
        self, dialect: TableFormat, aus: AUSet, out: Path | None = None, clips: Iterable[str] = ()
    ) -> None:
        self._dialect, self._aus, self._out = dialect, aus, out
        self._stack = ExitStack()
        self._taken = names_beside(clips)
        self._file: TextIO | None = None

    def add(self, name: str, result: FrameResult, *, picture: bool) -> None:
        """See `Sink`."""
        dialect = self._dialect.for_pictures() if picture else self._dialect
        if self._file is None or (self._out is not None and not dialect.names_files):
            self._stack.close()
            self._file = _opened(self._path(name, dialect), self._stack)
            csv.writer(self._file, lineterminator="\n").writerow(dialect.columns(self._aus))
        rows = dialect.rows(name, result)
        csv.writer(self._file, lineterminator="\n").writerows(row.values() for row in rows)
        self._file.flush()

    def close(self) -> None:
        """See `Sink`."""
        self._stack.close()

    def _path(self, name: str, dialect: TableFormat) -> Path | None:
        if self._out is None:
            return None
        stem = "results" if dialect.names_files else free_name(Path(name).stem, self._taken)
        return self._out / f"{stem}.csv"


class ParquetSink:
    """One Parquet file, to standard output or a file; memory stays bounded. Earlier ones as in `TextSink`."""

    def __init__(self, aus: AUSet, path: Path | None = None) -> None:
        self._aus, self._rows, self._path = aus, list[Row](), path
        self._stack = ExitStack()
        self._writer: ParquetWriter | None = None

    def add(self, name: str, result: FrameResult, *, picture: bool) -> None:
        """See `Sink`."""
        self._rows += rows_for(name, result, self._aus, picture=picture)
        if len(self._rows) >= GROUP:
            self._write()

    def close(self) -> None:
        """See `Sink`."""
        earlier = self._path is not None and self._path.exists()
        if self._rows or (self._writer is None and not earlier):
            self._write()
        self._stack.close()

    def _write(self) -> None:
        if self._writer is None:
            self._writer = self._begin()
        self._writer.write(to_frame(self._rows, self._aus))
        self._rows = []

    def _begin(self) -> ParquetWriter:
        if self._path is None:
            target = sys.stdout.buffer
            self._stack.callback(target.flush)
        else:
            target = self._stack.enter_context(self._stack.enter_context(atomic_write(self._path)).open("wb"))
        writer = ParquetWriter(target)
        self._stack.callback(writer.close)
        return writer


class TableSink:
    """A table for reading: the Action Units that are present, a line each, with their sides if told.

    Frames of videos are left to `aulens.commands.clips`, which sums them up.
    """

    def __init__(self, sides: bool) -> None:
        self._sides = sides
        # A file or a pipe has no width of its own: wide enough for every line.
        self._console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 110)
        self._table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
        for title in ("Picture", "Face", "AU", "Name"):
            self._table.add_column(title, overflow="fold")
        self._table.add_column("Probability", justify="right")
        if sides:
            self._table.add_column("Side")

    def add(self, name: str, result: FrameResult, *, picture: bool) -> None:
        """See `Sink`."""
        if not picture:
            return
        if not result.faces:
            self._table.add_row(Text(name), "", "", Text("no face", style="dim"))
        for face in result.faces:
            first = Text(name), str(face.face_id)
            if not face.present:
                self._table.add_row(*first, "", Text("no Action Unit present", style="dim"))
            for label in face.present:
                sides = face.sides(label)
                side = [] if sides is None or not self._sides else [_side(*sides)]
                self._table.add_row(*first, label, _NAMES[label], f"{face.probability[label]:.0%}", *side)
                first = Text(""), ""
        self._table.add_section()

    def close(self) -> None:
        """See `Sink`."""
        if self._table.row_count:
            self._console.print(self._table)


_NAMES = {au.label: au.name for au in AUS.values()}


def _side(right: bool, left: bool) -> str:
    return "both" if right and left else "right" if right else "left"


def sinks(kind: Format, card: ModelCard, out: Path | None, clips: Iterable[str] = ()) -> list[Sink]:
    """Where a model's rows go: to standard output in the asked format, and to `out`/results.* if given.

    Of other tools' formats, some want a file for each picture: none takes a name of `clips`.

    A table is for reading, so what goes into the folder is CSV then; Parquet and other tools' formats go to
    the folder only.
    """
    aus, dialect = card.aus, kind.dialect
    chosen: list[Sink] = []
    if kind is Format.TABLE:
        chosen.append(TableSink(card.has_side_scores))
    elif kind in {Format.CSV, Format.JSONL}:
        chosen.append(TextSink(kind, aus))
    elif out is None:
        chosen.append(ParquetSink(aus) if dialect is None else DialectSink(dialect, aus))
    if out is not None:
        chosen.append(_stored(kind.stored, aus, out, clips))
    return chosen


def _stored(kind: Format, aus: AUSet, out: Path, clips: Iterable[str]) -> Sink:
    if kind.dialect is not None:
        return DialectSink(kind.dialect, aus, out, clips)
    path = results_path(kind, out)
    write_full_dictionary(out / FILE_NAME, aus)
    return ParquetSink(aus, path) if kind is Format.PARQUET else TextSink(kind, aus, path)


def _opened(path: Path | None, stack: ExitStack) -> TextIO:
    """Standard output, or a file that takes the place of an earlier one when the stack is closed."""
    if path is None:
        return sys.stdout
    return stack.enter_context(
        stack.enter_context(atomic_write(path)).open("w", encoding="utf-8", newline="")
    )


@contextmanager
def closing_all(chosen: Sequence[Sink]) -> Iterator[Sequence[Sink]]:
    """Close every sink at the end, also after an error: what was done is kept."""
    with ExitStack() as stack:
        for sink in chosen:
            stack.callback(sink.close)
        yield chosen


def refuse_inputs(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Raise `ConfigError` if one of the outputs is an input that would be overwritten."""
    barred = {path.resolve() for path in inputs}
    for path in outputs:
        if path.resolve() in barred:
            raise ConfigError(f"{path} is one of the inputs and would be overwritten; give another --out")


def results_path(kind: Format, out: Path) -> Path:
    """The file in `out` that holds the rows of pictures."""
    ending = "csv" if kind.dialect is not None else kind.stored.value
    return out / f"results.{ending}"
