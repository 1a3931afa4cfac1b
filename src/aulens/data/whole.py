"""Files that appear whole or not at all, whatever kills the writer, and however many write the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A name to write to; what was written is put in place of `path` when the block ends without an error."""
    # Of this process alone: one that outlives its killed parent must not mix with those of a restart.
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def clear_parts(folder: Path) -> None:
    """Delete what killed writers left in a folder."""
    for part in folder.glob(".*.part"):
        part.unlink(missing_ok=True)
