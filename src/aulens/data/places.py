"""Names and places of N pictures in a few arrays: a million cost megabytes, as Python objects a gigabyte."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import pyarrow
import pyarrow.compute
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
class ImageNames(Sequence[str]):
    """N file names.

    Attributes:
        folders: F texts that names begin with: "" or one that ends with "/".
        folder: (N,) int32, which of them.
        rest: N texts, a pyarrow.LargeStringArray: what follows.
        ending: what all names end with.
    """

    folders: tuple[str, ...]
    folder: NDArray[np.int32]
    rest: Any
    ending: str = ""

    def __len__(self) -> int:
        return len(self.folder)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> ImageNames: ...
    def __getitem__(self, index: int | slice) -> str | ImageNames:
        if isinstance(index, slice):
            return self.take(index)
        row = range(len(self))[index]
        return f"{self.folders[self.folder[row]]}{self.rest[row].as_py()}{self.ending}"

    def take(self, rows: Rows) -> ImageNames:
        """The names of these rows."""
        return ImageNames(self.folders, self.folder[rows], take_texts(self.rest, rows), self.ending)

    def basenames(self, rows: Rows) -> list[str]:
        """What follows the last "/" of each name."""
        return [os.path.basename(text + self.ending) for text in take_texts(self.rest, rows).to_pylist()]


@dataclass(frozen=True, eq=False)
class ByteRanges(Sequence[ByteRange | None]):
    """N places of pictures within files; see ByteRange.

    Attributes:
        files: F files.
        file: (N,) int32, which of them; -1 = the picture is a file of its own, and its range None.
        offset: (N,) int64.
        length: (N,) int64.
    """

    files: tuple[str, ...]
    file: NDArray[np.int32]
    offset: NDArray[np.int64]
    length: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.file)

    @overload
    def __getitem__(self, index: int) -> ByteRange | None: ...
    @overload
    def __getitem__(self, index: slice) -> ByteRanges: ...
    def __getitem__(self, index: int | slice) -> ByteRange | ByteRanges | None:
        if isinstance(index, slice):
            return self.take(index)
        row = range(len(self))[index]
        if self.file[row] < 0:
            return None
        return ByteRange(self.files[self.file[row]], int(self.offset[row]), int(self.length[row]))

    def take(self, rows: Rows) -> ByteRanges:
        """The places of these rows."""
        return ByteRanges(self.files, self.file[rows], self.offset[rows], self.length[rows])

    @classmethod
    def none(cls, n: int) -> ByteRanges:
        """Those of n pictures that are files of their own."""
        return cls((), np.full(n, -1, np.int32), np.zeros(n, np.int64), np.zeros(n, np.int64))


def take_texts(texts: Any, rows: Rows) -> Any:
    """Some of a pyarrow array's."""
    if isinstance(rows, slice):
        first, last, _ = rows.indices(len(texts))
        return texts.slice(first, max(0, last - first))
    return texts.take(pyarrow.array(rows))


def take_names(names: Sequence[str], rows: Rows) -> Sequence[str]:
    """Some of N names, however they are kept."""
    if isinstance(names, ImageNames):
        return names.take(rows)
    return tuple(names[rows]) if isinstance(rows, slice) else tuple(names[row] for row in rows)


def basenames(names: Sequence[str], rows: Rows) -> list[str]:
    """What follows the last "/" of some of N names."""
    if isinstance(names, ImageNames):
        return names.basenames(rows)
    return [os.path.basename(name) for name in take_names(names, rows)]


def join_names(parts: Sequence[Sequence[str]]) -> Sequence[str]:
    """All names, one after the other."""
    if not any(isinstance(part, ImageNames) for part in parts):
        return tuple(name for part in parts for name in part)
    compact = [part if isinstance(part, ImageNames) else _compact(part) for part in parts]
    texts = pyarrow.large_string()
    ended = [
        pyarrow.compute.binary_join_element_wise(
            part.rest, pyarrow.scalar(part.ending, texts), pyarrow.scalar("", texts)
        )
        for part in compact
    ]
    return ImageNames(
        tuple(folder for part in compact for folder in part.folders),
        _shifted([part.folder for part in compact], [len(part.folders) for part in compact]),
        pyarrow.concat_arrays(ended),
    )


def join_byte_ranges(parts: Sequence[ByteRanges]) -> ByteRanges:
    """All places, one after the other."""
    return ByteRanges(
        tuple(file for part in parts for file in part.files),
        _shifted([part.file for part in parts], [len(part.files) for part in parts]),
        np.concatenate([part.offset for part in parts]),
        np.concatenate([part.length for part in parts]),
    )


def _compact(names: Sequence[str]) -> ImageNames:
    return ImageNames(("",), np.zeros(len(names), np.int32), pyarrow.array(names, pyarrow.large_string()))


def _shifted(codes: Sequence[NDArray[np.int32]], sizes: Sequence[int]) -> NDArray[np.int32]:
    """Codes into lists that are put one after the other; those below 0 stay."""
    starts = np.cumsum([0, *sizes])[:-1].tolist()
    moved = [np.where(one < 0, one, one + start) for one, start in zip(codes, starts, strict=True)]
    return np.concatenate(moved).astype(np.int32)
