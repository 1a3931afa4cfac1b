"""One process at a time: a lock file that a killed process does not leave closed.

The file says who holds it, "HOST PID STARTED BOOT", and is touched as long as its process lives. A process
of this machine loses it by ending only, however long it is stopped or asleep; of another machine, whose
processes can't be seen, a lock is free once it has not been touched for a while. Who may have lost it asks
`Held.check` before it writes. No lock of the operating system, which not all network drives know.
"""

from __future__ import annotations

import math
import os
import re
import socket
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aulens.errors import BusyError, ConfigError

HOST: Final = re.sub(r"[^\w-]", "_", socket.gethostname()) or "unnamed"
"""This machine's name as file names take it."""

_GONE_AFTER: Final = 300.0
"""Seconds: long enough for a drive that hangs, short enough to wait for."""
_SAME: Final = 1.0
"""Seconds by which two readings of when a process began may differ."""
_MAX_BYTES: Final = 1000


@dataclass(frozen=True)
class Held:
    """A lock that this process holds.

    Attributes:
        lock: the file.
        what: that is held, for messages.
        holder: what the file says.
    """

    lock: Path
    what: str
    holder: str

    def check(self) -> None:
        """Make sure that it is still held, before something is written that only its holder may write.

        Raises:
            BusyError: it was taken by a process of another machine, for which this one looked dead, or was
                deleted.
            FileNotFoundError: its folder is gone.
        """
        holder = _read(self.lock)
        if holder == self.holder:
            return
        if holder is None and not self.lock.parent.is_dir():
            raise FileNotFoundError(2, os.strerror(2), str(self.lock.parent))
        who = "somebody deleted its lock" if holder is None else f"{_named(holder)} took it over"
        raise BusyError(
            f"{self.what} is no longer this process's: it stood still for too long, or {self.lock} was "
            f"deleted, and {who}. Nothing more is written; the same command goes on once nobody else does"
        )


@contextmanager
def hold(lock: Path, what: str, *, touched_each: float = 20.0) -> Iterator[Held]:
    """Hold a lock file while the block runs.

    Args:
        lock: the file; its folder is made, and if the block leaves it empty, taken away again.
        what: that is held, for the message: "The run in runs/one".
        touched_each: seconds.

    Raises:
        BusyError: a living process holds it, be it this one.
        ConfigError: what lies there is a link or a folder.
    """
    lock = Path(lock)
    new = [folder for folder in lock.absolute().parents if not folder.exists()]
    held = Held(lock, what, _take(lock, what))
    ended = threading.Event()
    threading.Thread(target=_touch, args=(held, ended, touched_each), daemon=True).start()
    try:
        yield held
    finally:
        ended.set()
        with suppress(OSError, ConfigError):  # the drive is gone
            if _read(lock) == held.holder:
                lock.unlink(missing_ok=True)
        with suppress(OSError):  # not empty
            for folder in new:
                folder.rmdir()


def runs_here(process: int) -> bool:
    """Whether a process with this number runs on this machine; one that has ended does not."""
    return process == os.getpid() or _started(process) is not None


def _started(process: int) -> float | None:
    """Seconds from the machine's start to a process's; None if none runs; NaN if that can't be seen."""
    import psutil  # what only reads does not need it

    try:
        found = psutil.Process(process)
        if found.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):  # in containers it may stay so
            return None
        # Not by the clock, which may be set meanwhile.
        return float(found.create_time() - psutil.boot_time())
    except (psutil.NoSuchProcess, OverflowError, ValueError):
        return math.nan if _is_hidden(process) else None
    except psutil.AccessDenied:
        return math.nan


def _is_hidden(process: int) -> bool:
    """Whether it is another user's where nobody sees those of others (hidepid)."""
    if sys.platform == "win32":
        return False  # there os.kill(process, 0) would end it
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        pass
    return False


def _boot() -> str:
    """What differs between machines of the same name, between boots, and between containers; "-": unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return "-"


def _named(holder: str) -> str:
    host, process, *_ = *holder.split(), "", ""
    return f"process {process or '?'} on {host or 'another machine'}"


def _read(lock: Path) -> str | None:
    """Who holds it; None if nobody does, "" if that is being written."""
    try:
        if not stat.S_ISREG(lock.lstat().st_mode):
            raise ConfigError(f"{lock} is no file: aulens did not make it, and follows no link; delete it")
        number = os.open(lock, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return None
    with os.fdopen(number, "rb") as file:
        return file.read(_MAX_BYTES).decode("utf-8", "replace").strip()


def _take(lock: Path, what: str) -> str:
    """Become its holder; what the file says then."""
    own = f"{HOST} {os.getpid()} {_started(os.getpid()):.2f} {_boot()}"
    while True:
        # In the loop, as another process may take away the folder that it made.
        lock.parent.mkdir(parents=True, exist_ok=True)
        try:
            number = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileNotFoundError:
            continue
        except FileExistsError:
            holder = _read(lock)
            if holder is None:
                continue
            if _lives(lock, holder):
                raise BusyError(
                    f"{what} is in use by {_named(holder)}. Wait until it ends; if nothing runs there, "
                    f"delete {lock}."
                ) from None
            _remove(lock, holder)
            continue
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(own)
        return own


def _lives(lock: Path, holder: str) -> bool:
    match holder.split():
        case [host, process, *more] if host == HOST and process.isdecimal() and more[1:] in ([], [_boot()]):
            started = _started(int(process))
            if started is None:
                return False
            with suppress(ValueError):
                if more and abs(started - float(more[0])) < _SAME and int(process) != os.getpid():
                    return True  # it may be stopped, and goes on; this one is not, and touches what it holds
    try:
        return _now(lock) - lock.lstat().st_mtime < _GONE_AFTER
    except FileNotFoundError:
        return False


def _now(lock: Path) -> float:
    """The time by the clock of the drive, which also tells when a lock was touched."""
    beside = _beside(lock)
    try:
        beside.touch(exist_ok=False)
        return beside.stat().st_mtime
    finally:
        beside.unlink(missing_ok=True)


def _beside(lock: Path) -> Path:
    """A name that is this thread's alone."""
    return lock.with_name(f"{lock.name}.{HOST}-{os.getpid()}-{threading.get_ident()}.part")


def _remove(lock: Path, holder: str) -> None:
    """Take a dead process's lock away; of several that try, none takes away the lock of the first."""
    aside = _beside(lock)
    try:
        os.rename(lock, aside)
    except FileNotFoundError:
        return
    if _read(aside) == holder:
        aside.unlink(missing_ok=True)
    else:
        os.rename(aside, lock)


def _touch(held: Held, ended: threading.Event, touched_each: float) -> None:
    while not ended.wait(touched_each):
        with suppress(OSError, ConfigError):  # the drive may be back for the next time
            if _read(held.lock) == held.holder:
                os.utime(held.lock)
