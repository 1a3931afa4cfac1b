"""What the workers of a run leave for each other in OUT/.cluster: locks, tries, a sign that OUT is shared."""

import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from typing import Final

from aulens.errors import BusyError
from aulens.files import make_folder, refuse_links
from aulens.locks import Held, hold
from aulens.output.checkpoint import frames_kept
from aulens.output.plan import PARTS, Job
from aulens.output.video import hold_clip

MAX_TRIES: Final = 3
"""Workers that may die in a row at one place of an input, before it is given up."""

PATIENCE: Final = 600.0
"""Seconds without progress after which a worker waits no longer for a job that is done elsewhere.

A dead machine's lock lasts half as long.
"""

_FOLDER: Final = ".cluster"


class Scratch:
    """The folder OUT/.cluster.

    Args:
        out: the folder of the results.
    """

    def __init__(self, out: str | Path) -> None:
        self._folder = Path(out) / _FOLDER
        self._tries, self._locks = self._folder / "tries", self._folder / "locks"

    @contextmanager
    def run(self) -> Iterator[str]:
        """One run in this folder at a time; gives the token, and takes all away at the end.

        Raises:
            BusyError: another run works there.
            ConfigError: a link lies there.
        """
        make_folder(self._folder)
        refuse_links(self._folder)
        with ExitStack() as stack:
            stack.callback(self._remove_if_empty)
            stack.enter_context(hold(self._folder / "run.lock", f"The folder {self._folder.parent}"))
            self._clear()
            stack.callback(self._clear)
            self._tries.mkdir()
            self._locks.mkdir(exist_ok=True)
            token = self._folder / f"token-{uuid.uuid4().hex}"
            token.touch()
            yield token.name

    def _clear(self) -> None:
        shutil.rmtree(self._tries, ignore_errors=True)
        for token in self._folder.glob("token-*"):
            token.unlink()

    def _remove_if_empty(self) -> None:
        with suppress(OSError):  # a worker that was cut off still holds a lock
            self._locks.rmdir()
            self._folder.rmdir()

    def has(self, token: str) -> bool:
        """Whether what the driver wrote is there on this machine."""
        return (self._folder / token).exists()

    @contextmanager
    def alone(self, job: Job, *, ask_each: float = 1.0) -> Iterator[Held]:
        """Nobody else does this job while the block runs; waits for who is at it.

        That may be a worker whose machine was cut off, so that Ray takes it for dead, or a run without a
        cluster. It is asked for each `ask_each` seconds.

        Raises:
            BusyError: it is held elsewhere, and nothing is kept of it for PATIENCE; says by whom.
        """
        kept, until = self._kept(job), time.monotonic() + PATIENCE
        with ExitStack() as stack:
            while True:
                try:
                    held = stack.enter_context(self._hold(job))
                    break
                except BusyError as error:
                    before, kept = kept, self._kept(job)
                    if kept != before:  # it goes on there
                        until = time.monotonic() + PATIENCE
                    if time.monotonic() >= until:
                        raise BusyError(
                            f"{error} A worker waited {PATIENCE / 60:g} minutes, in which nothing was done "
                            "there; once it is free, the same command with --resume goes on"
                        ) from error
                    time.sleep(ask_each)
            yield held

    def _kept(self, job: Job) -> int:
        """How far a job is: bytes of its part of the pictures, or frames of its video."""
        if job.kind != "pictures":
            return frames_kept(self._folder.parent, job.name)
        part = self._folder.parent / PARTS / f"{job.name}.jsonl"
        return part.stat().st_size if part.is_file() else 0

    def _hold(self, job: Job) -> AbstractContextManager[Held]:
        if job.kind == "pictures":
            return hold(self._locks / f"{job.name}.lock", f"part {job.name} of the pictures")
        return hold_clip(self._folder.parent, job.name)

    def begin(self, job: str, place: int) -> tuple[int, int]:
        """Note that a job is begun at a place; how often in this run, and in a row at this place.

        Args:
            job: its name.
            place: how far it was done before, in whatever it counts.
        """
        path = self._tries / job
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{place}\n")
        places = path.read_text(encoding="utf-8").split()
        here = sum(1 for _ in takewhile(str(place).__eq__, reversed(places)))
        return len(places), here
