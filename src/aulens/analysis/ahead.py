"""Work ahead: one thread makes what the next step will ask for."""

from collections.abc import Generator, Iterable
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Final, TypeVar

T = TypeVar("T")

_POLL: Final = 0.05
"""Seconds after which is asked again whether the one who takes them has gone."""

_CTRL_C: Final = 0.5
"""Seconds that Ctrl-C may take."""


class _End:
    """Behind the last item: the error that ended the work, if one did."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def ahead(items: Iterable[T], max_waiting: int) -> Generator[T, None, None]:
    """The same items in the same order, made by a thread before they are asked for.

    An error is raised behind the last item that came before it. When the generator is closed, `items` is
    closed too, in its own thread, before `close` returns.

    Args:
        items: an iterable, used by the thread alone; a generator that is better closed than dropped.
        max_waiting: how many are made and not asked for yet, at least 1.
    """
    made: Queue[T | _End] = Queue(max_waiting)
    gone = Event()
    worker = Thread(target=_work, args=(items, made, gone), name="aulens-ahead", daemon=True)
    worker.start()
    try:
        while not isinstance(item := _get(made), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        gone.set()
        worker.join()


def _work(items: Iterable[T], made: "Queue[T | _End]", gone: Event) -> None:
    end = _End()
    try:
        try:
            for item in items:
                if not _put(made, item, gone):
                    break
        finally:
            if isinstance(items, Generator):
                items.close()
    except BaseException as error:  # goes to the one who asks
        end = _End(error)
    _put(made, end, gone)


def _put(made: "Queue[T | _End]", item: T | _End, gone: Event) -> bool:
    while not gone.is_set():
        with suppress(Full):
            made.put(item, timeout=_POLL)
            return True
    return False


def _get(made: "Queue[T | _End]") -> "T | _End":
    while True:
        # On Windows Ctrl-C does not end a wait without a limit.
        with suppress(Empty):
            return made.get(timeout=_CTRL_C)
