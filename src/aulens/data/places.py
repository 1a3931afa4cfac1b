"""Names and places of N pictures as a table: a million cost megabytes, as Python objects a gigabyte."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import pyarrow
from numpy.typing import NDArray

from aulens.data.shards import ByteRange

Rows = slice | NDArray[np.intp]


def as_rows(indices: Sequence[int] | NDArray[np.intp]) -> Rows:
    """The same indices, as a slice where they are consecutive: numpy then gives views, no copies."""
    rows = np.asarray(indices, dtype=np.intp)
    if rows.size and rows[0] >= 0 and (np.diff(rows) == 1).all():
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


@dataclass(frozen=True, eq=False)
class StoredImages(Sequence[str]):
    """N pictures by their names, "FILE/NAME" of those that lie within a file.

    Attributes:
        table: a pyarrow.Table, a row per picture: the `file` that it lies in, "" if it is one of its own, its
            `name` (in there), `offset` and `length` of its bytes.
    """

    table: Any

    @classmethod
    def within(
        cls, files: Sequence[str], file: NDArray[np.int32], names: Any, offset: Any, length: Any
    ) -> StoredImages:
        """Of N pictures within some files, `file` (N,) says which."""
        known = pyarrow.DictionaryArray.from_arrays(
            pyarrow.array(file), pyarrow.array(files, pyarrow.string())
        )
        columns = [known, pyarrow.array(names, pyarrow.large_string())]
        columns += [pyarrow.array(numbers, pyarrow.int64()) for numbers in (offset, length)]
        return cls(pyarrow.table(columns, ["file", "name", "offset", "length"]))

    @classmethod
    def of(cls, paths: Sequence[str]) -> StoredImages:
        """Of pictures that are files of their own."""
        nothing = np.zeros(len(paths), np.int32)
        return cls.within([""], nothing, list(paths), nothing, nothing)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> StoredImages: ...
    def __getitem__(self, index: int | slice) -> str | StoredImages:
        if isinstance(index, slice):
            return self.take(index)
        row = range(len(self))[index]
        file, name = (self.table[column][row].as_py() for column in ("file", "name"))
        return f"{file}/{name}" if file else str(name)

    def place(self, row: int) -> ByteRange | None:
        """Where the bytes of a picture lie; None if it is a file of its own."""
        row = range(len(self))[row]
        file, *where = (self.table[column][row].as_py() for column in ("file", "offset", "length"))
        return ByteRange(file, *where) if file else None

    @property
    def places(self) -> list[ByteRange | None]:
        """Where the bytes of each picture lie."""
        return [self.place(row) for row in range(len(self))]

    def take(self, rows: Rows) -> StoredImages:
        """Those of some rows."""
        if isinstance(rows, slice):
            first, last, _ = rows.indices(len(self))
            return StoredImages(self.table.slice(first, max(0, last - first)))
        return StoredImages(self.table.take(pyarrow.array(rows)))


def take_names(names: Sequence[str], rows: Rows) -> Sequence[str]:
    """Some of N names, however they are kept."""
    if isinstance(names, StoredImages):
        return names.take(rows)
    return tuple(names[rows]) if isinstance(rows, slice) else tuple(names[row] for row in rows)


def basenames(names: Sequence[str], rows: Rows) -> list[str]:
    """What follows the last "/" of some of N names."""
    taken = take_names(names, rows)
    texts = taken.table["name"].to_pylist() if isinstance(taken, StoredImages) else taken
    return [os.path.basename(text) for text in texts]


def join_names(parts: Sequence[Sequence[str]]) -> Sequence[str]:
    """All names, one after the other."""
    if not any(isinstance(part, StoredImages) for part in parts):
        return tuple(name for part in parts for name in part)
    stored = [part if isinstance(part, StoredImages) else StoredImages.of(part) for part in parts]
    return StoredImages(pyarrow.concat_tables([part.table for part in stored]).unify_dictionaries())
