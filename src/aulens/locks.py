"""One process at a time: a lock file that a killed process does not leave closed.

The file holds "HOST PID" and is touched as long as its process lives. It is free again when its process
is seen to be gone, or, of another machine whose processes can't be seen, when it has not been touched for
a while. No lock of the operating system, which not all network drives know.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from aulens.errors import BusyError

HOST: Final = re.sub(r"[^\w-]", "_", socket.gethostname()) or "unnamed"
"""This machine's name as file names take it."""

_TOUCHED_EACH: Final = 20.0
_GONE_AFTER: Final = 300.0
"""Seconds: long enough for a clock that is off or a drive that hangs, short enough to wait for."""


@contextmanager
def hold(lock: Path, what: str) -> Iterator[None]:
    """Hold a lock file while the block runs.

    Args:
        lock: the file; its folder is made, and if the block leaves it empty, taken away again.
        what: that is held, for the message: "The run in runs/one".

    Raises:
        BusyError: a living process holds it, be it this one.
    """
    lock = Path(lock)
    new = [folder for folder in lock.absolute().parents if not folder.exists()]
    _take(lock, what)
    ended = threading.Event()
    threading.Thread(target=_touch, args=(lock, ended), daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        if _read(lock) == _own():  # another may have taken it while this machine slept
            lock.unlink(missing_ok=True)
        with suppress(OSError):  # not empty
            for folder in new:
                folder.rmdir()


def runs_here(process: int) -> bool:
    """Whether a process with this number runs on this machine; one that has ended does not."""
    if process == os.getpid():
        return True
    if sys.platform == "win32":
        # There os.kill(process, 0) would end it. Unknown counts as running: a lock then waits for its time.
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return not _ended(process)


def _ended(process: int) -> bool:
    """Whether it has ended and its parent took no note; in containers the first process may never do so."""
    try:
        state = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()[0]
    except (OSError, IndexError):  # no such folder on this system, or gone just now
        return False
    return state in (b"Z", b"X")


def _own() -> str:
    return f"{HOST} {os.getpid()}"


def _read(lock: Path) -> str | None:
    """Who holds it; None if nobody does, "" if that is being written."""
    try:
        return lock.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None


def _take(lock: Path, what: str) -> None:
    while True:
        try:
            # Here, as another process may take away the folder that it made.
            lock.parent.mkdir(parents=True, exist_ok=True)
            number = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileNotFoundError:
            continue
        except FileExistsError:
            holder = _read(lock)
            if holder is None:
                continue
            if _lives(lock, holder):
                host, _, process = holder.partition(" ")
                raise BusyError(
                    f"{what} is in use by process {process or '?'} on {host or 'another machine'}. Wait "
                    f"until it ends; if nothing runs there, delete {lock}."
                ) from None
            _remove(lock, holder)
            continue
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(_own())
        return


def _lives(lock: Path, holder: str) -> bool:
    host, _, process = holder.partition(" ")
    if host == HOST and process.isdecimal() and not runs_here(int(process)):
        return False
    try:
        return time.time() - lock.stat().st_mtime < _GONE_AFTER
    except FileNotFoundError:
        return False


def _remove(lock: Path, holder: str) -> None:
    """Take a dead process's lock away; of several that try, none takes away the lock of the first."""
    aside = lock.with_name(f"{lock.name}.{HOST}-{os.getpid()}-{threading.get_ident()}.part")
    try:
        os.rename(lock, aside)
    except FileNotFoundError:
        return
    if _read(aside) == holder:
        aside.unlink(missing_ok=True)
    else:
        os.rename(aside, lock)


def _touch(lock: Path, ended: threading.Event) -> None:
    while not ended.wait(_TOUCHED_EACH):
        try:
            if _read(lock) == _own():
                os.utime(lock)
        except OSError:
            return
