"""Files on their way from a browser to its page: each has a place of its own, which nobody can guess."""

import os
import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.app.source import renamed
from aulens.errors import InputError
from aulens.image import read_image

_NOT_IN_NAMES: Final = re.compile(r'[\x00-\x1f<>:"/\\|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]')
"""What systems forbid, and what turns the direction of text, by which an ending can be hidden."""
_LONGEST: Final = 180
"""Bytes of a name: a file system takes 255, and names of results are longer by an ending or two."""


class Uploads:
    """Where the server puts what browsers send, until a page takes it.

    Args:
        folder: an empty one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._places: dict[str, None] = {}
        self._lock = threading.Lock()

    def hand_out(self, path: str) -> str:
        """Give an upload a place of its own, which nobody can guess; returns where it is now.

        Raises:
            OSError: it is not there.
        """
        place = self.folder / secrets.token_urlsafe(16) / Path(path).name
        place.parent.mkdir()
        try:
            Path(path).rename(place)
        except OSError:
            place.parent.rmdir()
            raise
        drop_empty(Path(path).parent)
        with self._lock:
            self._places[str(place)] = None
        return str(place)

    def refuse(self, path: str) -> None:
        """Delete a file that arrived and is not wanted; nothing that is no upload."""
        place = Path(path)
        if place.resolve().is_relative_to(self.folder.resolve()):
            place.unlink(missing_ok=True)
            drop_empty(place.parent)

    def is_upload(self, path: str) -> bool:
        """Whether this very path was given to an upload; no other one is for anybody to name."""
        with self._lock:
            return path in self._places

    @contextmanager
    def shown(self, path: str) -> Iterator[Path | None]:
        """An upload to be read, under a name of its own, as it may be taken in meanwhile; None: it was."""
        place = self.folder / f"{secrets.token_urlsafe(16)}{Path(path).suffix}"
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
        check_upload(path, self.folder)
        try:
            return read_image(path)
        except InputError as error:
            raise InputError(renamed(error, path, "The camera's picture")) from error
        finally:
            path.unlink(missing_ok=True)
            drop_empty(path.parent)

    def sweep(self, max_age: float, max_waiting: int) -> None:
        """Delete what nobody took for so many seconds, and the oldest if more than so many wait."""
        with self._lock:
            waiting = [path for path in self._places if os.path.lexists(path)]
            many, self._places = waiting[:-max_waiting], dict.fromkeys(waiting[-max_waiting:])
        for place in many:
            self.refuse(place)
        before = time.time() - max_age
        for folder, _, names in os.walk(self.folder, topdown=False):
            for path in (Path(folder, name) for name in names):
                with suppress(OSError):  # it is taken just now
                    if path.lstat().st_mtime < before:
                        path.unlink()
                        if path.parent != self.folder:
                            drop_empty(path.parent)


def check_upload(path: Path, uploads: Path) -> None:
    """Whoever asks names the file: it must be one that was sent, not any of this computer, nor a link to one.

    Raises:
        InputError: it is not.
    """
    if path.resolve() != path or not path.is_relative_to(uploads.resolve()) or not path.is_file():
        raise InputError("This file did not arrive; drop it in once more.")


def safe_name(name: str) -> str:
    """A file name that any system can hold, which still says what it was."""
    name = name.encode("utf-8", "replace").decode("utf-8")
    clean = _NOT_IN_NAMES.sub("_", name.replace("\\", "/").rsplit("/", 1)[-1]).strip().rstrip(" .")
    stem, dot, ending = clean.rpartition(".")
    if not dot:
        stem, ending = ending, ""
    ending = dot + ending[:12]
    room = _LONGEST - len(ending.encode("utf-8"))
    stem = stem.lstrip(" .").encode("utf-8")[:room].decode("utf-8", "ignore")
    return f"{stem or 'file'}{ending}"


def drop_empty(folder: Path) -> None:
    """Remove the folder that an upload had for itself."""
    with suppress(OSError):  # it holds another upload
        folder.rmdir()
