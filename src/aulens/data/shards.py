"""Pictures in plain tar files: one file for hundreds of frames, and a random one is a single read.

A shard is an uncompressed tar that any ``tar`` and WebDataset can read. Who knows where a picture's bytes lie
(:class:`ByteRange`) needs neither: they are read where they are. docs/prepare.md compares this with others.
Names and places of a million are a table of some megabytes; as Python objects they would be a gigabyte.
"""

from __future__ import annotations

import os
import sys
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Final, overload

import cv2
import numpy as np
import pyarrow
from numpy.typing import NDArray

from aulens.contents import size_of
from aulens.errors import DatasetError
from aulens.files import atomic_write

Rows = slice | NDArray[np.intp]

OPEN_FILES: Final = 128
"""Shards that a process keeps open for reading."""
_LARGEST: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Where a picture's bytes lie: `length` bytes of the file `path`, from `offset` on."""

    path: str
    offset: int
    length: int


class ShardWriter:
    """Appends pictures to a tar file; :func:`write_shard` opens one.

    The same pictures give the same bytes: no times and no owners are stored.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def add(self, name: str, data: bytes) -> tuple[int, int]:
        """Append a member; returns the offset and the length of its data in the file."""
        header = tarfile.TarInfo(name)
        header.size = len(data)
        self._file.write(header.tobuf(tarfile.PAX_FORMAT))
        offset = self._file.tell()
        self._file.write(data)
        self._file.write(bytes(-len(data) % tarfile.BLOCKSIZE))
        return offset, len(data)


@contextmanager
def write_shard(path: Path) -> Iterator[ShardWriter]:
    """A new shard, which is there when the block ends without an error, and not before.

    Raises:
        OSError: it can't be written (a full disk, a read-only folder).
    """
    with atomic_write(path) as part, part.open("wb") as file:
        yield ShardWriter(file)
        file.write(bytes(2 * tarfile.BLOCKSIZE))


def read_bytes(path: str, offset: int, length: int) -> bytes:
    """The bytes of a range. Files stay open in each process, also in those forked or spawned later.

    Raises:
        DatasetError: the file is missing, or ends before the range does.
    """
    if not 0 <= offset <= _LARGEST or not 0 <= length <= _LARGEST:
        raise DatasetError(f"{path}: a picture can't be {length} bytes at {offset}. Prepare the data again.")
    try:
        if sys.platform == "win32":  # it has no pread
            with open(path, "rb") as file:
                file.seek(offset)
                data = file.read(length)
        else:
            data = os.pread(_opened(path).number, length, offset)
    except OSError as error:
        raise DatasetError(f"Cannot read {path}: {error.strerror}. Prepare the data again.") from error
    if len(data) != length:
        raise DatasetError(
            f"{path} ends before byte {offset + length}, where a picture should end. Was it copied whole?"
        )
    return data


def stored_picture(place: ByteRange, name: str) -> NDArray[np.uint8]:
    """The picture in a range, (H, W, 3) uint8 RGB; `name` is it, for messages.

    Raises:
        DatasetError: the shard is missing or damaged.
    """
    data = read_bytes(place.path, place.offset, place.length)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error:  # no bytes, or far too many pixels
        image = None
    if image is None:
        raise DatasetError(f"Cannot decode the picture {name}: the shard is damaged. Prepare the data again.")
    return np.asarray(image, dtype=np.uint8)


def read_rgb(path: str) -> NDArray[np.uint8]:
    """Decode a picture file to (H, W, 3) uint8 RGB; DatasetError names a bad file."""
    try:
        size_of(Path(path))  # a pipe could wait for ever
        image = cv2.imread(path, cv2.IMREAD_COLOR_RGB)
    except (OSError, cv2.error):
        image = None
    if image is None:
        raise DatasetError(f"Cannot decode the picture {path}: it is missing, truncated or not an image.")
    return np.asarray(image, dtype=np.uint8)


class _Opened:
    """An open file, closed when nobody holds it any more."""

    def __init__(self, path: str) -> None:
        size_of(Path(path))
        self.number = os.open(path, os.O_RDONLY)

    def __del__(self) -> None:
        if hasattr(self, "number"):
            os.close(self.number)


@lru_cache(maxsize=OPEN_FILES)
def _opened(path: str) -> _Opened:
    return _Opened(path)


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

    def take(self, rows: Rows) -> StoredImages:
        """Those of some rows."""
        if isinstance(rows, slice):
            first, last, _ = rows.indices(len(self))
            return StoredImages(self.table.slice(first, max(0, last - first)))
        return StoredImages(self.table.take(pyarrow.array(rows)))

    def basenames(self, rows: Rows) -> list[str]:
        """What follows the last "/" of the names of some rows."""
        return list(map(os.path.basename, self.take(rows).table["name"].to_pylist()))

    @staticmethod
    def joined(parts: Sequence[StoredImages]) -> StoredImages:
        """All pictures, one after the other."""
        return StoredImages(pyarrow.concat_tables([part.table for part in parts]).unify_dictionaries())
