"""One analysis at a time, in the order in which they came; each can be stopped."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from aulens.errors import InputError

T = TypeVar("T")


class Stopped(BaseException):
    """Whoever asked for the work no longer wants it; nothing on the way may take this for its own error."""


class Ticket(Generic[T]):
    """One piece of work in a `JobQueue`.

    Args:
        work: does it; it calls `check` often, and may call `report`.
    """

    def __init__(self, work: "Callable[[Ticket[T]], T]") -> None:
        self._work = work
        self._stop, self._over = threading.Event(), threading.Event()
        self._result: T | None = None
        self._error: BaseException | None = None
        self.done = 0
        self.total: int | None = None
        self.stage = ""
        self._began = 0.0

    @property
    def seconds(self) -> float:
        """Since its turn came; only while it is being done."""
        return time.monotonic() - self._began

    @property
    def over(self) -> bool:
        """Whether it has ended, well or not."""
        return self._over.is_set()

    @property
    def stopping(self) -> bool:
        """Whether it was asked to end."""
        return self._stop.is_set()

    def stop(self) -> None:
        """For the queue: ask it to end at its next `check`."""
        self._stop.set()

    def check(self) -> None:
        """For the work: raises `Stopped` if it is no longer wanted."""
        if self._stop.is_set():
            raise Stopped

    def report(self, done: int, total: int | None, stage: str) -> None:
        """For the work: how far it is."""
        self.done, self.total, self.stage = done, total, stage

    def result(self) -> T:
        """What the work gave, after it is over; raises what the work raised."""
        if self._error is not None:
            raise self._error
        assert self._result is not None
        return self._result

    def wait(self, seconds: float) -> bool:
        """Wait for the end; whether it came."""
        return self._over.wait(seconds)

    def run(self) -> None:
        """For the queue: do the work."""
        self._began = time.monotonic()
        try:
            self.check()
            self._result = self._work(self)
        except BaseException as error:  # given to whoever asks for the result
            self._error = error
        finally:
            self._over.set()


class JobQueue:
    """Does one piece of work after another, in a thread of its own; `max_waiting` may wait meanwhile."""

    def __init__(self, max_waiting: int) -> None:
        self._max_waiting = max_waiting
        self._waiting: deque[Ticket[object]] = deque()
        self._now: Ticket[object] | None = None
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="aulens-app", daemon=True)
        self._thread.start()

    def enter(self, work: Callable[[Ticket[T]], T]) -> Ticket[T]:
        """Wait in the queue.

        Raises:
            InputError: too many are waiting, or the queue is closed.
        """
        ticket = Ticket(work)
        with self._changed:
            if self._closed:
                raise InputError("The page is being closed.")
            if len(self._waiting) >= self._max_waiting:
                raise InputError(f"{len(self._waiting)} others are waiting already; try again in a while.")
            self._waiting.append(ticket)  # type: ignore[arg-type]
            self._changed.notify_all()
        return ticket

    def ahead(self, ticket: Ticket[T]) -> int:
        """How many come before this one, the one that is being done included; 0 when it is its turn."""
        with self._changed:
            if ticket is self._now or ticket not in self._waiting:
                return 0
            return list(self._waiting).index(ticket) + (self._now is not None)  # type: ignore[arg-type]

    def stop(self, ticket: Ticket[T]) -> None:
        """End it: at once if it has not begun, else at its next `check`."""
        ticket.stop()
        with self._changed:
            if ticket not in self._waiting:
                return
            self._waiting.remove(ticket)  # type: ignore[arg-type]
        ticket.run()

    @property
    def idle(self) -> bool:
        """Whether nothing is being done and nobody waits."""
        with self._changed:
            return self._now is None and not self._waiting

    def close(self, seconds: float = 10.0) -> None:
        """Stop all, and wait so long at most for the one that is being done."""
        with self._changed:
            self._closed = True
            for ticket in (*self._waiting, *([self._now] if self._now is not None else [])):
                ticket.stop()
            self._changed.notify_all()
        self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._now = None
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if not self._waiting:
                    return
                self._now = self._waiting.popleft()
            self._now.run()
