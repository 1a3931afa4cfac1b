"""Where rows go: to the terminal, to standard output for a program, or into a folder."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import pyarrow
import pyarrow.parquet
from rich.console import Console
from rich.table import Table
from rich.text import Text

from aulens.aus import AUS, AUSet
from aulens.errors import ConfigError
from aulens.runtime.card import ModelCard
from aulens.runtime.result import AUResult
from aulens.tables.schema import Row, to_frame, write_csv_header, write_csv_rows, write_jsonl_rows


class Format(StrEnum):
    """Formats of the table."""

    TABLE = "table"
    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


class Sink(Protocol):
    """Takes the results of one picture after another."""

    def add(self, name: str, results: tuple[AUResult, ...], rows: list[Row]) -> None:
        """Take one picture: its name, its faces, and the same as rows."""
        ...

    def close(self) -> None:
        """Write what is left."""
        ...


class TextSink:
    """CSV or JSON lines, written picture by picture, to standard output or a file."""

    def __init__(self, kind: Format, aus: AUSet, path: Path | None = None) -> None:
        self._kind, self._aus = kind, aus
        self._stack = ExitStack()
        if path is None:
            self._file = sys.stdout
        else:
            self._file = self._stack.enter_context(path.open("w", encoding="utf-8", newline=""))
        if kind is Format.CSV:
            write_csv_header(self._file, aus)

    def add(self, name: str, results: tuple[AUResult, ...], rows: list[Row]) -> None:
        """See `Sink`."""
        if self._kind is Format.CSV:
            write_csv_rows(self._file, rows, self._aus)
        else:
            write_jsonl_rows(self._file, rows)
        self._file.flush()

    def close(self) -> None:
        """See `Sink`."""
        self._stack.close()


class ParquetSink:
    """One Parquet file, written at the end, to standard output or a file."""

    def __init__(self, aus: AUSet, path: Path | None = None) -> None:
        self._aus, self._path = aus, path
        self._rows: list[Row] = []

    def add(self, name: str, results: tuple[AUResult, ...], rows: list[Row]) -> None:
        """See `Sink`."""
        self._rows += rows

    def close(self) -> None:
        """See `Sink`."""
        table = pyarrow.Table.from_pandas(to_frame(self._rows, self._aus), preserve_index=False)
        if self._path is not None:
            pyarrow.parquet.write_table(table, self._path)
            return
        buffer = pyarrow.BufferOutputStream()
        pyarrow.parquet.write_table(table, buffer)
        sys.stdout.buffer.write(buffer.getvalue().to_pybytes())
        sys.stdout.buffer.flush()


class TableSink:
    """A table for reading: the Action Units that are present, a line each, with their sides if told."""

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

    def add(self, name: str, results: tuple[AUResult, ...], rows: list[Row]) -> None:
        """See `Sink`."""
        if not results:
            self._table.add_row(Text(name), "", "", Text("no face", style="dim"))
        for result in results:
            first = Text(name), str(result.face_id)
            if not result.present:
                self._table.add_row(*first, "", Text("no Action Unit present", style="dim"))
            for label in result.present:
                sides = result.sides(label)
                side = [] if sides is None or not self._sides else [_side(*sides)]
                self._table.add_row(*first, label, _NAMES[label], f"{result.probability[label]:.0%}", *side)
                first = Text(""), ""
        self._table.add_section()

    def close(self) -> None:
        """See `Sink`."""
        if self._table.row_count:
            self._console.print(self._table)


_NAMES = {au.label: au.name for au in AUS.values()}


def _side(right: bool, left: bool) -> str:
    return "both" if right and left else "right" if right else "left"


def sinks(kind: Format, card: ModelCard, out: Path | None) -> list[Sink]:
    """Where a model's rows go: to standard output in the asked format, and to `out`/results.* if given.

    A table is for reading, so what goes into the folder is CSV then; Parquet goes to the folder only.
    """
    chosen: list[Sink] = []
    aus = card.aus
    if kind is Format.TABLE:
        chosen.append(TableSink(card.tells_sides))
    elif kind is not Format.PARQUET:
        chosen.append(TextSink(kind, aus))
    elif out is None:
        chosen.append(ParquetSink(aus))
    if out is not None:
        path = results_path(kind, out)
        chosen.append(
            ParquetSink(aus, path) if kind is Format.PARQUET else TextSink(_stored(kind), aus, path)
        )
    return chosen


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
    """The file in `out` that holds the rows."""
    return out / f"results.{_stored(kind).value}"


def _stored(kind: Format) -> Format:
    return Format.CSV if kind is Format.TABLE else kind
