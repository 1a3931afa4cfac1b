"""Our tables as Parquet files; pyarrow, which the extra `parquet` brings, is loaded when it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from aulens import extras

if TYPE_CHECKING:
    import pandas as pd

GROUP: Final = 20_000
"""Rows that are written at a time, so that memory stays bounded."""


def import_pyarrow() -> Any:
    """pyarrow, with its module `parquet`.

    Raises:
        ConfigError: it is not installed; says what to install.
    """
    extras.library("pyarrow.parquet", "parquet", "Parquet tables")
    return extras.library("pyarrow", "parquet", "Parquet tables")


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

    def write(self, frame: pd.DataFrame) -> None:
        """Write rows; a table without any has its columns too, once no rows were written."""
        table = self._pyarrow.Table.from_pandas(frame, preserve_index=False)
        if self._writer is None:
            self._writer = self._pyarrow.parquet.ParquetWriter(self._target, table.schema)
        self._writer.write_table(table)

    def close(self) -> None:
        """Finish the file, if something was written."""
        if self._writer is not None:
            self._writer.close()
