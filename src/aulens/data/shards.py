"""Pictures in plain tar files: one file for hundreds of frames, and a random one is a single read.

A shard is an uncompressed tar that any ``tar`` and WebDataset can read. Who knows where a picture's bytes lie
(:class:`ByteRange`) needs neither: they are read where they are. docs/prepare.md compares this with others.
"""

from __future__ import annotations

import os
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Final

from aulens.errors import DatasetError
from aulens.files import atomic_write

OPEN_FILES: Final = 128
"""Shards that a process keeps open for reading."""


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


class _Opened:
    """An open file, closed when nobody holds it any more."""

    def __init__(self, path: str) -> None:
        self.number = os.open(path, os.O_RDONLY)

    def __del__(self) -> None:
        if hasattr(self, "number"):
            os.close(self.number)


@lru_cache(maxsize=OPEN_FILES)
def _opened(path: str) -> _Opened:
    return _Opened(path)
