"""What grows with a video: tables, our own and another tool's, and the stills of its report."""

import csv
import os
from pathlib import Path
from typing import TextIO

from aulens.aus import AUSet
from aulens.output.checkpoint import cut_back
from aulens.output.writers import CsvWriter, open_writer, rows_in
from aulens.runtime.card import ModelCard
from aulens.runtime.result import FrameResult
from aulens.show.stills import Stills
from aulens.tables.usable import Limits


class TablePart:
    """A table as CSV, which is cut back to a length and then grows.

    Args:
        path: the file.
        length: bytes of it that are sound.
        name: what to call the video.
        format: whose rows: "csv" for ours, or another tool's.
        aus: of the model.
        named: whether its frames are pictures with names.
        limits: of the faces that count; None: all.
    """

    def __init__(
        self,
        path: Path,
        length: int,
        name: str,
        format: str,
        aus: AUSet,
        *,
        named: bool = False,
        limits: Limits | None = None,
    ) -> None:
        cut_back(path, length)
        self._name, self._format, self._aus, self._limits = name, format, aus, limits
        self._file: TextIO = path.open("a", encoding="utf-8", newline="")
        if length == 0:
            self._writer = open_writer(format, self._file, aus, picture=False, named=named)
        else:  # begun by an earlier version, it may have fewer columns, and goes on with those
            with path.open(encoding="utf-8", newline="") as begun:
                self._writer = CsvWriter(self._file, next(csv.reader(begun)), header=False)

    def add(self, result: FrameResult) -> None:
        """See `Part`."""
        rows = rows_in(self._format, self._name, result, self._aus, picture=False, limits=self._limits)
        self._writer.write(rows)

    def keep(self) -> int:
        """See `Part`."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self, *, lost: bool = False) -> None:
        """See `Part`."""
        self._file.close()


class StillsPart:
    """Stills for the report.

    Args:
        folder: of the stills.
        length: frames that were taken in; 0 begins anew.
        card: of the model.
    """

    def __init__(self, folder: Path, length: int, card: ModelCard) -> None:
        self._stills = Stills(folder, card.aus, resume=length > 0)

    def add(self, result: FrameResult) -> None:
        """See `Part`."""
        self._stills.add(result)

    def keep(self) -> int:
        """See `Part`."""
        self._stills.save()
        return self._stills.last + 1

    def close(self, *, lost: bool = False) -> None:
        """See `Part`. What was not kept comes again."""
