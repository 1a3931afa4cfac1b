"""What somebody names: whether it is a file that can be opened at all, and how a name is printed."""

import errno
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aulens.errors import InputError

MOVES_TERMINALS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal obeys, what turns the direction of writing, and bytes that were no text."""
_NOT_REGULAR: Final = (
    (stat.S_ISFIFO, "a named pipe (FIFO)"), (stat.S_ISSOCK, "a socket"), (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)  # fmt: skip


def regular_file(path: str | Path, kind: str = "file") -> os.stat_result:
    """What is known of a file before it is opened: what is none is never opened, which could wait for ever.

    Args:
        path: as it was given; links are followed.
        kind: what it should be, for the message.

    Raises:
        InputError: it is missing, a link that leads nowhere, a folder, a pipe, a socket, a device or empty.
    """
    try:
        about = os.stat(path)
    except OSError as error:
        raise InputError(f"{path}: {_missing(path, error, kind)}") from error
    except ValueError as error:  # a NUL in the name
        raise InputError(f"{path}: no file can have this name") from error
    if stat.S_ISDIR(about.st_mode):
        raise InputError(f"{path}: this is a folder, not a {kind}")
    for is_one, what in _NOT_REGULAR:
        if is_one(about.st_mode):
            raise InputError(f"{path}: this is {what}, not a file; write what comes from it to a file first")
    if about.st_size == 0:
        raise InputError(f"{path}: the file is empty (0 bytes)")
    return about


def _missing(path: str | Path, error: OSError, kind: str) -> str:
    if error.errno == errno.ELOOP:
        return "a link that leads back to itself"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        link = f"a link to {os.readlink(path)}, which is not there" if os.path.islink(path) else ""
        return link or f"there is no such {kind}"
    return f"the file can't be read ({error.strerror or error})"


def first_bytes(path: Path, count: int = 32) -> bytes:
    """What a file begins with; nothing if it can't be read, or is a pipe, which could wait for ever."""
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(count)
    except OSError:
        return b""


def real(path: str | Path) -> Path:
    """Where links lead, also if they lead nowhere or round in a circle (`Path.resolve` raises there)."""
    try:
        return Path(os.path.realpath(path))
    except OSError:  # a link that may not be read
        return Path(os.path.abspath(path))


def as_text(path: str | Path) -> str:
    """A path as tables can hold it: bytes of a name that are not UTF-8 are written out ("\\xe4")."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def several(names: Sequence[object], most: int = 4) -> str:
    """Some of them, for a message: "F001, F002, F003, F004 and 7 more"."""
    shown = ", ".join(map(str, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def first_of(names: Sequence[object], most: int = 3) -> str:
    """The first of them, for a message: "1 to 3, 5, 8, ..."."""
    return ", ".join([*map(str, names[:most]), *(["..."] if len(names) > most else [])])


def legible(text: object) -> str:
    """A path or a sentence as it can be printed: what would change the terminal is written out ("\\x1b")."""
    return MOVES_TERMINALS.sub(_written_out, str(text))


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was no text
        return f"\\x{code - 0xDC00:02x}"
    return found[0].encode("unicode_escape", "surrogatepass").decode("ascii")
