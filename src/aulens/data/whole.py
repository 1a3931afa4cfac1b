"""Files that appear whole or not at all, whatever kills the writer, and however many write the same."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from aulens.locks import HOST, runs_here

_ABANDONED: Final = 24 * 3600.0
"""Seconds after which a file that another machine left unfinished is taken for a dead one's."""


@contextmanager
def whole(path: Path, *, to_disk: bool = True) -> Iterator[Path]:
    """A name to write to; what was written is put in place of `path` when the block ends without an error.

    Args:
        path: the file to make or replace; its folder exists.
        to_disk: bring the bytes to disk before they get their name, so that it is whole after a power cut
            too; without, of thousands of small files, that costs no time.
    """
    # Of this process alone: another one, here or on another machine, may be writing the same file.
    part = path.with_name(f".{path.name}.{HOST}-{os.getpid()}.part")
    try:
        yield part
        if to_disk:
            with part.open("rb+") as file:
                os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file, UTF-8, whole or not at all."""
    with whole(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write JSON, NaN as null, whole or not at all."""
    write_text(path, json.dumps(plain(value), indent=2) + "\n")


def plain(value: Any) -> Any:
    """Return nested plain values; not-a-number becomes None, as JSON has no NaN."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def clear_parts(folder: Path) -> None:
    """Delete what killed writers left in a folder, and nothing that a living one is at."""
    for part in folder.glob(".*.part"):
        if not _is_written(part):
            part.unlink(missing_ok=True)


def _is_written(part: Path) -> bool:
    host, _, process = part.name.removesuffix(".part").rpartition(".")[2].rpartition("-")
    if not process.isdecimal():
        return False  # of a version that did not name its writer
    if host in ("", HOST):
        return runs_here(int(process))
    try:  # of another machine, whose processes can't be seen from here
        return time.time() - part.stat().st_mtime < _ABANDONED
    except FileNotFoundError:
        return False
