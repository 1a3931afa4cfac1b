"""Our tables as Parquet files; pyarrow, which the extra `parquet` brings, is loaded when it is needed."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from aulens import lazy
from aulens.aus import AUSet
from aulens.tables.schema import Row, to_frame

if TYPE_CHECKING:
    import pandas as pd

GROUP: Final = 20_000
"""Rows that are written at a time, so that memory stays bounded."""


def import_pyarrow() -> Any:
    """pyarrow, with its module `parquet`.

    Raises:
        ConfigError: it is not installed; says what to install.
    """
    lazy.library("pyarrow.parquet", "parquet", "Parquet tables")
    return lazy.library("pyarrow", "parquet", "Parquet tables")


class ParquetWriter:
    """Writes a table piece by piece; the first piece decides the types.

    Args:
        target: path, or what is open for writing bytes; it is not closed.

    Raises:
        ConfigError: pyarrow is not installed.
    """

    def __init__(self, target: Path | BinaryIO) -> None:
        self._pyarrow = import_pyarrow()
        self._target = target
        self._writer: Any = None
        self._stack = ExitStack()

    def write(self, frame: pd.DataFrame) -> None:
        """Write rows; a table without any has its columns too, once no rows were written."""
        table = self._pyarrow.Table.from_pandas(frame, preserve_index=False)
        if self._writer is None:
            self._writer = self._pyarrow.parquet.ParquetWriter(self._target, table.schema)
            self._stack.callback(self._writer.close)
        self._writer.write_table(table)

    def close(self) -> None:
        """Finish the file, if something was written."""
        self._stack.close()


def write_parquet(path: Path, rows: Iterable[Row], aus: AUSet) -> None:
    """Write rows as one Parquet file.

    Raises:
        ConfigError: pyarrow is not installed.
    """
    writer, left = ParquetWriter(path), iter(rows)
    group = list(islice(left, GROUP))
    writer.write(to_frame(group, aus))
    while group := list(islice(left, GROUP)):
        writer.write(to_frame(group, aus))
    writer.close()
