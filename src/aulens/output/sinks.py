"""What grows with a video: tables, our own and another tool's, and the stills of its report."""

import csv
import os
from pathlib import Path
from typing import TextIO

from aulens.aus import AUSet
from aulens.output.checkpoint import cut_back
from aulens.runtime.card import ModelCard
from aulens.runtime.result import FrameResult
from aulens.show.stills import Stills
from aulens.tables.table_format import TableFormat
from aulens.tables.schema import columns, rows_of, write_csv_header, write_rows


class _TextPart:
    """A text file that is cut back to a length and then grows."""

    def __init__(self, path: Path, length: int) -> None:
        cut_back(path, length)
        self._file: TextIO = path.open("a", encoding="utf-8", newline="")

    def keep(self) -> int:
        """See `Part`."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        """See `Part`."""
        self._file.close()


class RowsPart(_TextPart):
    """Rows in our own schema, as CSV.

    Args:
        path: the file.
        length: bytes of it that are sound.
        name: what to call the video in the column `file`.
        aus: of the model.
    """

    def __init__(self, path: Path, length: int, name: str, aus: AUSet) -> None:
        super().__init__(path, length)
        self._name, self._aus, self._columns = name, aus, columns(aus)
        if length == 0:
            write_csv_header(self._file, aus)
        else:  # begun by an earlier version, it may have fewer columns, and goes on with those
            with path.open(encoding="utf-8", newline="") as begun:
                self._columns = tuple(next(csv.reader(begun)))

    def add(self, result: FrameResult) -> None:
        """See `Part`."""
        rows = rows_of(
            self._name,
            result.faces,
            self._aus,
            frame=result.index,
            time=result.time,
            lost=result.lost,
        )
        write_rows(self._file, self._columns, rows)


class DialectPart(_TextPart):
    """Rows as another tool writes them.

    Args:
        path: the file.
        length: bytes of it that are sound.
        name: what to call the video.
        dialect: whose rows.
        aus: of the model.
    """

    def __init__(self, path: Path, length: int, name: str, dialect: TableFormat, aus: AUSet) -> None:
        super().__init__(path, length)
        self._name, self._dialect, self._aus = name, dialect, aus
        self._writer = csv.writer(self._file, lineterminator="\n")
        if length == 0:
            self._writer.writerow(dialect.columns(aus))

    def add(self, result: FrameResult) -> None:
        """See `Part`."""
        self._writer.writerows(row.values() for row in self._dialect.rows(self._name, result))


class StillsPart:
    """Stills for the report.

    Args:
        folder: of the stills.
        length: frames that were taken in; 0 begins anew.
        card: of the model.
    """

    def __init__(self, folder: Path, length: int, card: ModelCard) -> None:
        self._stills = Stills(folder, card.aus, attention=card.attention, resume=length > 0)

    def add(self, result: FrameResult) -> None:
        """See `Part`."""
        self._stills.add(result)

    def keep(self) -> int:
        """See `Part`."""
        self._stills.save()
        return self._stills.last + 1

    def close(self) -> None:
        """See `Part`."""
        self._stills.save()
