"""Files that appear whole or not at all, and what is said when the disk does not take them."""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import numpy as np

from aulens.errors import AulensError, ConfigError
from aulens.locks import HOST, runs_here

_ABANDONED: Final = 24 * 3600.0
"""Seconds after which a file that another machine left unfinished is taken for a dead one's."""
_NAME: Final = 40
"""Letters of a file's own name in that of its unfinished one, which must not become too long for a disk."""
_UNFINISHED: Final = re.compile(r"\..+\.([\w-]+)-([0-9]+)\.part")

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_SAY_FULL: Final = (
    "No space left",
    "StorageFull",
    "Disk quota exceeded",
    "PytorchStreamWriter failed writing",  # it does not say why
)
"""In messages of safetensors and torch, which raise no OSError."""


@contextmanager
def atomic_write(path: Path, *, to_disk: bool = True, within: Path | None = None) -> Iterator[Path]:
    """A name to write to; what was written is put in place of `path` when the block ends without an error.

    Whatever kills the writer and however many write the same, `path` is as before or whole. Nothing is
    written through a symbolic link: one at `path` is replaced, and what it points to stays as it is.

    Args:
        path: the file to make or replace; its folder exists.
        to_disk: bring the bytes to disk before they get their name, and the name before this returns, so that
            it is whole after a power cut too; without, of thousands of small files, that costs no time.
        within: a folder on the same disk for the unfinished file; by default that of `path`.

    Raises:
        OSError: the disk is full, or does not take it.
    """
    part = unfinished(path, within)
    try:
        yield part
        put_in_place(part, path, to_disk=to_disk)
    finally:
        part.unlink(missing_ok=True)


def unfinished(path: Path, within: Path | None = None) -> Path:
    """A name for what is to become `path`; see `atomic_write`, which is for what one block writes."""
    # Of this call alone: another one, here or on another machine, may be writing the same file. And nobody
    # can know it before, to lay a link there.
    name = f".{path.name[:_NAME]}.{secrets.token_hex(4)}.{HOST}-{os.getpid()}.part"
    return (within or path.parent) / name


def put_in_place(part: Path, path: Path, *, to_disk: bool = True) -> None:
    """Give a file that is finished its name; see `atomic_write`."""
    if to_disk:
        with part.open("rb+") as file:
            os.fsync(file.fileno())
    os.replace(part, path)
    if to_disk:
        with suppress(OSError, AttributeError):  # Windows and some network drives know no such thing
            folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def write_bytes(path: Path, data: bytes, *, to_disk: bool = True) -> None:
    """Write a file, whole or not at all."""
    with atomic_write(path, to_disk=to_disk) as part:
        part.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write a text file, UTF-8 with plain line feeds, whole or not at all."""
    write_bytes(path, text.encode())


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


def make_folder(path: Path) -> None:
    """Make a folder to write into, where it is missing; what it lies in is there, or gone meanwhile.

    Raises:
        ConfigError: a link lies there, and whoever laid it would choose what is written over.
    """
    if path.is_symlink():
        raise ConfigError(f"{path} is a link, and nothing is written through one; move it away")
    path.mkdir(exist_ok=True)


def refuse_links(folder: Path) -> None:
    """Raise `ConfigError` if a folder in which files go on is a link, or has one in it, or a pipe."""
    for here, folders, files in os.walk(folder):
        for path in (here, *(os.path.join(here, name) for name in (*folders, *files))):
            try:
                mode = os.lstat(path).st_mode
            except FileNotFoundError:  # another run's lock, which it let go
                continue
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                what = "a link" if stat.S_ISLNK(mode) else "a pipe or a device"
                raise ConfigError(f"{path} is {what}, and nothing is written through one; move it away")


def clear_unfinished(folder: Path) -> None:
    """Delete what killed writers left in a folder, and nothing that a living one is at."""
    for part in folder.glob(".*.part"):
        if part.is_file() and _is_dead(part):
            part.unlink(missing_ok=True)


@contextmanager
def disk_errors(folder: Path, then: str) -> Iterator[None]:
    """An error of the disk in the block becomes a sentence: it is full, read-only, gone.

    An error about another place, such as a file that is read, stays as it is.

    Args:
        folder: where is written.
        then: what goes on once that is mended: "the same command with --resume".

    Raises:
        ConfigError: instead of the error, which is its cause.
    """
    try:
        yield
    except AulensError:
        raise
    except Exception as error:
        if is_full(error):
            why = os.strerror(errno.ENOSPC)
        elif isinstance(error, OSError) and _is_of(error, folder):
            why = error.strerror or str(error)
        else:
            raise
        raise ConfigError(
            f"{folder} can't be written ({why}). What was done so far is kept there where it could be; make "
            f"room or mend that, and {then} goes on."
        ) from error


def is_full(error: BaseException) -> bool:
    """Whether an error, or what it came from, is that of a full disk or a used-up quota."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    if any(words in str(error) for words in _SAY_FULL):
        return True
    before = error.__cause__ or error.__context__
    return before is not None and is_full(before)


def _is_of(error: OSError, folder: Path) -> bool:
    """Whether an error is of a folder, a file below it or one of the folders that it lies in."""
    if error.errno is None or isinstance(error, ConnectionError):
        return False
    if not isinstance(error.filename, str | os.PathLike):
        return True  # of a file that is open
    named, place = Path(os.path.abspath(error.filename)), Path(os.path.abspath(folder))
    return named.is_relative_to(place) or place.is_relative_to(named)


def _is_dead(part: Path) -> bool:
    named = _UNFINISHED.fullmatch(part.name)
    if named is None:
        return False
    host, process = named.groups()
    if host == HOST:
        return not runs_here(int(process))
    try:  # of another machine, whose processes can't be seen from here
        return time.time() - part.stat().st_mtime >= _ABANDONED
    except FileNotFoundError:
        return False
