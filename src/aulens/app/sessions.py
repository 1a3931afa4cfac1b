"""Who is on the page, and the files that are theirs: gone when they leave, and at the end."""

import asyncio
import os
import secrets
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Final

from aulens.app.job_queue import JobQueue, Stopped, Ticket
from aulens.app.source import Source
from aulens.app.uploads import Uploads, check_upload, drop_empty, safe_name
from aulens.app.work import PageResult, Work
from aulens.errors import InputError

_AWAY: Final = 600.0
"""Seconds that an upload waits to be taken, and a visit to come back; a page takes its own at once."""
_MAX_AWAY: Final = 50
"""Uploads that wait to be taken, and visits that are not on their page, of which the latest are kept."""
_MAX_LEFT: Final = 10_000
"""Visits that are known to be over."""
LOST: Final = (
    "This page lost its connection to aulens, and what it held was deleted, as if it had been closed. "
    "Load it anew."
)


@dataclass(eq=False)
class Session:
    """One open page.

    Attributes:
        folder: holds all that is this page's.
        uploads: where the server puts what browsers send.
        source: what was dropped in last.
        result: what the last analysis gave.
        ticket: of the last analysis.
        token: by which the files of `made` are asked for; nobody can guess it.
        version: of what is drawn, so that no browser shows an old one.
        turn: held while something comes in or is begun.
        seen: when it was heard of last, by `time.monotonic`.
    """

    folder: Path
    uploads: Path
    source: Source | None = None
    result: PageResult | None = None
    ticket: Ticket[PageResult] | None = None
    token: str = ""
    version: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    seen: float = field(default_factory=time.monotonic)
    _count: int = 0
    _busy: bool = False
    _gone: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, path: Path, name: str) -> Path:
        """Move an uploaded file in, in place of the last one and all that was made of it.

        Args:
            path: where it was uploaded to.
            name: what the visitor calls it.

        Returns:
            Where it is now.

        Raises:
            InputError: the file is no upload, or no longer there, or the page was closed meanwhile.
        """
        check_upload(path, self.uploads)
        with self._lock:  # what moves in after they left would stay
            if self._gone:
                path.unlink()
                drop_empty(path.parent)
                raise InputError("This page was closed.")
            self.forget()
            place = self.folder / "source" / safe_name(name)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, place)
        drop_empty(path.parent)
        return place

    def forget(self) -> None:
        """Delete what was dropped in and what was made of it; only while nothing is being done."""
        self.source = None
        shutil.rmtree(self.folder / "source", ignore_errors=True)
        self.forget_result()

    def forget_result(self) -> None:
        """Delete what was made."""
        if self.result is not None:
            shutil.rmtree(self.result.folder, ignore_errors=True)
        self.result, self.token = None, ""

    def begin(self, work: Work, queue: JobQueue) -> Ticket[PageResult]:
        """Wait in the queue with an analysis; its files go into a new folder.

        Raises:
            InputError: the queue is too long.
        """
        self.forget_result()
        self._count += 1
        folder = self.folder / f"result-{self._count}"

        def run(ticket: Ticket[PageResult]) -> PageResult:
            with self._lock:
                if self._gone:
                    raise Stopped
                self._busy = True
            try:
                folder.mkdir(parents=True)
                made = work(folder, ticket)
                ticket.check()
                self.result, self.token = made, secrets.token_urlsafe(16)
                return made
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            finally:
                with self._lock:
                    self._busy = False
                    if self._gone:
                        shutil.rmtree(self.folder, ignore_errors=True)

        self.ticket = queue.enter(run)
        return self.ticket

    def leave(self, queue: JobQueue) -> None:
        """Stop what is being done for them, and delete all that is theirs."""
        with self._lock:
            self._gone = True
        if self.ticket is not None:
            queue.stop(self.ticket)
        with self._lock:
            if not self._busy:  # else the work does it when it ends
                shutil.rmtree(self.folder, ignore_errors=True)
        self.result, self.token, self.source = None, "", None


class Sessions:
    """All open pages.

    Args:
        folder: an empty one, for everybody's files.
        uploads: an empty one, where the server puts what browsers send.
        queue: does the work.

    Attributes:
        uploads: what was sent and not yet taken.
    """

    def __init__(self, folder: Path, uploads: Path, queue: JobQueue) -> None:
        self._folder, self.uploads, self._queue = folder, Uploads(uploads), queue
        self._open: dict[str, Session] = {}
        self._here: Counter[str] = Counter()
        self._left: dict[str, None] = {}
        self._count = 0
        self._lock = threading.Lock()

    def of(self, key: str) -> Session:
        """The session of a page, by the name that its browser made up for it.

        Raises:
            InputError: it was closed: nobody would report its end a second time, and its files would stay.
        """
        with self._lock:
            if key in self._left:
                raise InputError(LOST)
            if key not in self._open:
                self._count += 1
                self._open[key] = Session(self._folder / f"session-{self._count}", self.uploads.folder)
            session = self._open[key]
            session.seen = time.monotonic()
            return session

    @contextmanager
    def here(self, key: str) -> Iterator[None]:
        """While a browser holds the line by which it says that a page is open."""
        with self._lock:
            self._here[key] += 1
        try:
            yield
        finally:
            with self._lock:
                self._here[key] -= 1
                if not self._here[key]:
                    del self._here[key]
                if key in self._open:
                    self._open[key].seen = time.monotonic()

    def held(self) -> int:
        """Bytes of all files: uploads, those taken in, and what was made."""
        held = 0
        for folder, _, names in chain(os.walk(self.uploads.folder), os.walk(self._folder)):
            for name in names:
                with suppress(OSError):  # it goes just now
                    held += os.lstat(os.path.join(folder, name)).st_size
        return held

    def known(self, key: str) -> Session | None:
        """The session of a page; None if it was closed, or nothing came from it yet."""
        with self._lock:
            return self._open.get(key)

    def leave(self, key: str) -> None:
        """A page was closed."""
        with self._lock:
            session = self._open.pop(key, None)
            self._left[key] = None
            if len(self._left) > _MAX_LEFT:
                del self._left[next(iter(self._left))]
        if session is not None:
            session.leave(self._queue)

    def file(self, token: str, name: str) -> Path | None:
        """A file that was made for whoever knows this token; None if there is none."""
        with self._lock:
            sessions = list(self._open.values())
        for session in sessions:
            made = session.result
            if made is not None and session.token and secrets.compare_digest(session.token, token):
                path = made.folder / name
                return path if path.parent == made.folder and path.is_file() else None
        return None

    def sweep(self) -> None:
        """Delete uploads that nobody took, and visits that never came back: by age, and the oldest of many.

        Their browser was cut off or killed, or it was none.
        """
        with self._lock:
            away = sorted(self._open.keys() - self._here.keys(), key=lambda key: self._open[key].seen)
            old = time.monotonic() - _AWAY
            gone = [key for key in away if self._open[key].seen < old]
        for key in dict.fromkeys((*gone, *away[:-_MAX_AWAY])):
            self.leave(key)
        self.uploads.sweep(_AWAY, _MAX_AWAY)

    def close(self) -> None:
        """Everybody leaves."""
        for key in list(self._open):
            self.leave(key)
