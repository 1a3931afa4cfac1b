"""What the workers of a run leave for each other in OUT/.cluster: locks, tries, a sign that OUT is shared."""

import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from aulens.errors import BusyError
from aulens.files import make_folder, refuse_links
from aulens.locks import Held, hold
from aulens.output.plan import Job
from aulens.output.video import hold_clip

MOST_TRIES: Final = 3
"""So often may workers die at one place of an input, before it is given up."""

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

    def sees(self, token: str) -> bool:
        """Whether this machine sees what the driver wrote."""
        return (self._folder / token).exists()

    @contextmanager
    def alone(self, job: Job, *, ask_each: float = 1.0) -> Iterator[Held]:
        """Nobody else does this job while the block runs; waits for a worker that is at it.

        That may be one whose machine was cut off, so that Ray takes it for dead. It is asked for each
        `ask_each` seconds.
        """
        alone = (
            partial(hold, self._locks / f"{job.name}.lock", f"part {job.name} of the pictures")
            if job.kind == "pictures" else partial(hold_clip, self._folder.parent, job.name)
        )  # fmt: skip
        with ExitStack() as stack:
            while True:
                try:
                    held = stack.enter_context(alone())
                    break
                except BusyError:
                    time.sleep(ask_each)
            yield held

    def begin(self, job: str, place: int) -> tuple[int, int]:
        """Note that a job is begun at a place; how often in this run, and in a row at this place.

        Args:
            job: its name.
            place: how far it was done before, in whatever it counts.
        """
        path = self._tries / job
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{place}\n")
        places = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
        here = 0
        for other in reversed(places):
            if other != str(place):
                break
            here += 1
        return len(places), here
