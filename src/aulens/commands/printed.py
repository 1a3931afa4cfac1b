"""What goes to standard output: rows for a program, or a table for reading."""

import csv
import math
import shutil
import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from rich.table import Table
from rich.text import Text

from aulens.aus import NAMES
from aulens.commands.terminal import name_cell, stdout, to_stdout
from aulens.output.pictures import AnalyzedPicture, numbered
from aulens.output.writers import open_writer, rows_in
from aulens.runtime.card import ModelCard
from aulens.runtime.result import FrameResult
from aulens.tables import TABLE_FORMATS, TableFormat
from aulens.tables.schema import Row
from aulens.tables.usable import Limits


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
    def theirs(self) -> TableFormat | None:
        """Another tool's format, or None for ours."""
        return TABLE_FORMATS.get(self.value)

    @property
    def goes_to_folders_only(self) -> bool:
        """Whether standard output has nothing of it where there is a folder of results."""
        return self is Format.PARQUET or self.theirs is not None


class PrintedRows:
    """Rows in a format, as they come.

    Args:
        format: of the rows.
        card: of the model.
        limits: on the faces in frames of videos; those on pictures have been kept already.
        pictures: whether the rows are of pictures.
        named: whether the rows are of frames that are pictures with names.
    """

    def __init__(
        self, format: Format, card: ModelCard, limits: Limits, *, pictures: bool, named: bool
    ) -> None:
        self._format, self._aus, self._count, self._limits = format.value, card.aus, 0, limits
        self._writer = open_writer(self._format, stdout(), card.aus, picture=pictures, named=named)

    def picture(self, seen: AnalyzedPicture) -> None:
        """Print the rows of the next picture."""
        if seen.failed is None:
            self._writer.write(numbered(seen, self._count, self._format))
            self._count += 1
            sys.stdout.flush()

    def frame(self, name: str, result: FrameResult) -> None:
        """Print the rows of the next frame of the video `name`."""
        rows = rows_in(self._format, name, result, self._aus, picture=False, limits=self._limits)
        self._writer.write(rows)
        sys.stdout.flush()

    def close(self) -> None:
        """Print what is left."""
        self._writer.close()
        sys.stdout.flush()


class PictureTable:
    """A table for reading: the Action Units that are present, a line each, with their sides if known."""

    def __init__(self, card: ModelCard) -> None:
        self._card = card
        self._console = to_stdout()
        self._table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
        for title in ("Picture", "Face", "AU", "Name"):
            self._table.add_column(title, overflow="fold")
        self._table.add_column("Probability", justify="right")
        if card.has_side_scores:
            self._table.add_column("Side")
        self._file: str | None = None

    def picture(self, seen: AnalyzedPicture) -> None:
        """Take the next picture."""
        self.rows(seen.file, seen.rows)

    def frame(self, name: str, result: FrameResult) -> None:
        """Leave it to `ClipTable`."""

    def rows(self, name: str, rows: Iterable[Row]) -> None:
        """Take rows of the picture `name`, in our columns."""
        if self._file not in (name, None):
            self._table.add_section()
        self._file = name
        for row in rows:
            if not int(row["success"] or 0):
                found = row["face_id"] not in (None, "")
                why = Text("left out" if found else "no face", style="dim")
                self._table.add_row(name_cell(name), str(row["face_id"]) if found else "", "", why)
                continue
            first = name_cell(name), str(row["face_id"])
            for label, threshold in zip(self._card.aus.labels, self._card.threshold, strict=True):
                if not int(row[f"{label}_c"] or 0):
                    continue
                side = [_side(row, label, threshold)] if self._card.has_side_scores else []
                share = f"{float(row[f'{label}_p'] or 0):.0%}"
                self._table.add_row(*first, label, NAMES[label], share, *side)
                first = Text(""), ""
            if str(first[0]):
                self._table.add_row(*first, "", Text("no Action Unit present", style="dim"))

    def close(self) -> None:
        """Print it, if there was a picture."""
        if self._table.row_count:
            self._console.print(self._table)


def _side(row: Row, label: str, threshold: float) -> str:
    right, left = (float(row[f"{label}_{side}_p"] or math.nan) >= threshold for side in ("right", "left"))
    return "both" if right and left else "right" if right else "left"


Printed = PrintedRows | PictureTable
"""What prints rows as they come."""


def print_table(path: Path, format: Format, card: ModelCard) -> None:
    """Print the table of pictures that was written to a folder, in the format that was asked for."""
    if format.goes_to_folders_only:
        return
    with path.open(encoding="utf-8", newline="") as file:
        if format is not Format.TABLE:
            shutil.copyfileobj(file, stdout())
            return
        table = PictureTable(card)
        for row in csv.DictReader(file):
            table.rows(row["file"], [row])
        table.close()
