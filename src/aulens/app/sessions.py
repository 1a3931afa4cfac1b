"""Who is on the page, and the files that are theirs: gone when they leave, and at the end."""

import asyncio
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.app.job_queue import JobQueue, Stopped, Ticket
from aulens.app.source import Source, renamed
from aulens.app.work import Made, Work
from aulens.errors import InputError
from aulens.image import read_image

_NOT_IN_NAMES: Final = re.compile(r'[\x00-\x1f<>:"/\\|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]')
"""What systems forbid, and what turns the direction of text, by which an ending can be hidden."""
_LONGEST: Final = 180
"""Bytes of a name: a file system takes 255, and names of results are longer by an ending or two."""
_UNTAKEN: Final = 3600.0
"""Seconds that an upload waits to be taken; a page takes its own at once."""
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
        made: what the last analysis gave.
        ticket: of the last analysis.
        token: by which the files of `made` are asked for; nobody can guess it.
        version: of what is drawn, so that no browser shows an old one.
        turn: held while something comes in or is begun.
    """

    folder: Path
    uploads: Path
    source: Source | None = None
    made: Made | None = None
    ticket: Ticket[Made] | None = None
    token: str = ""
    version: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
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
                _drop_empty(path.parent)
                raise InputError("This page was closed.")
            self.forget()
            place = self.folder / "source" / safe_name(name)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, place)
        _drop_empty(path.parent)
        return place

    def forget(self) -> None:
        """Delete what was dropped in and what was made of it; only while nothing is being done."""
        self.source = None
        shutil.rmtree(self.folder / "source", ignore_errors=True)
        self.forget_made()

    def forget_made(self) -> None:
        """Delete what was made."""
        if self.made is not None:
            shutil.rmtree(self.made.folder, ignore_errors=True)
        self.made, self.token = None, ""

    def begin(self, work: Work, queue: JobQueue) -> Ticket[Made]:
        """Wait in the queue with an analysis; its files go into a new folder.

        Raises:
            InputError: the queue is too long.
        """
        self.forget_made()
        self._count += 1
        folder = self.folder / f"result-{self._count}"

        def run(ticket: Ticket[Made]) -> Made:
            with self._lock:
                if self._gone:
                    raise Stopped
                self._busy = True
            try:
                folder.mkdir(parents=True)
                made = work(folder, ticket)
                ticket.check()
                self.made, self.token = made, secrets.token_urlsafe(16)
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
        self.made, self.token, self.source = None, "", None


class Sessions:
    """All open pages.

    Args:
        folder: an empty one, for everybody's files.
        uploads: where the server puts what browsers send.
        queue: does the work.
    """

    def __init__(self, folder: Path, uploads: Path, queue: JobQueue) -> None:
        self._folder, self._uploads, self._queue = folder, uploads, queue
        self._open: dict[str, Session] = {}
        self._left: set[str] = set()
        self._came: set[str] = set()
        self._count = 0
        self._lock = threading.Lock()

    def of(self, key: str) -> Session:
        """The session of a page, by the name that its browser made up for it.

        Raises:
            InputError: it was closed: nobody would tell of its end a second time, and its files would stay.
        """
        with self._lock:
            if key in self._left:
                raise InputError(LOST)
            if key not in self._open:
                self._count += 1
                self._open[key] = Session(self._folder / f"session-{self._count}", self._uploads)
            return self._open[key]

    def known(self, key: str) -> Session | None:
        """The session of a page; None if it was closed, or nothing came from it yet."""
        with self._lock:
            return self._open.get(key)

    def leave(self, key: str) -> None:
        """A page was closed."""
        with self._lock:
            session = self._open.pop(key, None)
            self._left.add(key)
        if session is not None:
            session.leave(self._queue)

    def file(self, token: str, name: str) -> Path | None:
        """A file that was made for whoever knows this token; None if there is none."""
        with self._lock:
            sessions = list(self._open.values())
        for session in sessions:
            made = session.made
            if made is not None and session.token and secrets.compare_digest(session.token, token):
                path = made.folder / name
                return path if path.parent == made.folder and path.is_file() else None
        return None

    def hand_out(self, path: str) -> str:
        """Give an upload a place of its own, which nobody can guess; returns where it is now.

        Raises:
            OSError: it is not there.
        """
        place = self._uploads / secrets.token_urlsafe(16) / Path(path).name
        place.parent.mkdir()
        try:
            Path(path).rename(place)
        except OSError:
            place.parent.rmdir()
            raise
        _drop_empty(Path(path).parent)
        with self._lock:
            self._came.add(str(place))
        return str(place)

    def came(self, path: str) -> bool:
        """Whether this very path was given to an upload; no other one is for anybody to name."""
        with self._lock:
            return path in self._came

    @contextmanager
    def shown(self, path: str) -> Iterator[Path | None]:
        """An upload to be read, under a name of its own, as it may be taken in meanwhile; None: it was."""
        place = self._uploads / f"{secrets.token_urlsafe(16)}{Path(path).suffix}"
        try:
            os.link(path, place)
        except OSError:
            yield None
            return
        try:
            yield place
        finally:
            place.unlink(missing_ok=True)

    def read_once(self, path: Path) -> NDArray[np.uint8]:
        """An uploaded picture, (H, W, 3) uint8 RGB, whose file is deleted.

        Raises:
            InputError: it is no upload, or can't be read.
        """
        check_upload(path, self._uploads)
        try:
            return read_image(path)
        except InputError as error:
            raise InputError(renamed(error, path, "The camera's picture")) from error
        finally:
            path.unlink(missing_ok=True)
            _drop_empty(path.parent)

    def sweep(self) -> None:
        """Delete uploads that nobody took: they were cut off, or their page was closed too early."""
        with self._lock:
            self._came = {path for path in self._came if os.path.lexists(path)}
        before = time.time() - _UNTAKEN
        for folder, _, names in os.walk(self._uploads, topdown=False):
            for path in (Path(folder, name) for name in names):
                with suppress(OSError):  # it is taken just now
                    if path.lstat().st_mtime < before:
                        path.unlink()
                        if path.parent != self._uploads:
                            _drop_empty(path.parent)

    def close(self) -> None:
        """Everybody leaves."""
        for key in list(self._open):
            self.leave(key)


def check_upload(path: Path, uploads: Path) -> None:
    """Whoever asks names the file: it must be one that was sent, not any of this computer, nor a link to one.

    Raises:
        InputError: it is not.
    """
    if path.resolve() != path or not path.is_relative_to(uploads.resolve()) or not path.is_file():
        raise InputError("This file did not arrive; drop it in once more.")


def safe_name(name: str) -> str:
    """A file name that any system can hold, which still tells what it was."""
    name = name.encode("utf-8", "replace").decode("utf-8")
    clean = _NOT_IN_NAMES.sub("_", name.replace("\\", "/").rsplit("/", 1)[-1]).strip().rstrip(" .")
    stem, dot, ending = clean.rpartition(".")
    if not dot:
        stem, ending = ending, ""
    ending = dot + ending[:12]
    room = _LONGEST - len(ending.encode("utf-8"))
    stem = stem.lstrip(" .").encode("utf-8")[:room].decode("utf-8", "ignore")
    return f"{stem or 'file'}{ending}"


def _drop_empty(folder: Path) -> None:
    """Remove the folder that an upload had for itself."""
    with suppress(OSError):  # it holds another upload
        folder.rmdir()
