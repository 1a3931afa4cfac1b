import queue
import threading
import time
from collections.abc import Iterator

import pytest

from aulens.analysis.ahead import ahead


def test_the_same_items_in_the_same_order():
    assert list(ahead(range(500), 3)) == list(range(500))
    assert list(ahead([], 1)) == []


def test_no_more_wait_than_allowed():
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    taken = ahead(items(), 3)
    assert next(taken) == 0
    time.sleep(0.2)
    # One was taken, three wait, and one is in the worker's hand.
    assert len(made) == 5
    taken.close()


def test_an_error_comes_behind_what_came_before_it():
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("spoilt")

    taken = ahead(items(), 5)
    assert [next(taken), next(taken)] == [1, 2]
    with pytest.raises(ValueError, match="spoilt"):
        next(taken)


def test_no_wait_is_without_a_limit(monkeypatch):
    """On Windows Ctrl-C does not end such a wait."""
    limits: list[float | None] = []

    get = queue.Queue.get

    def watched(self: queue.Queue, block: bool = True, timeout: float | None = None) -> object:
        limits.append(timeout)
        return get(self, block, timeout)

    def slow() -> Iterator[int]:
        time.sleep(0.03)
        yield 1

    monkeypatch.setattr(queue.Queue, "get", watched)
    taken = ahead(slow(), 1)
    assert next(taken) == 1
    assert limits
    assert all(0 < limit <= 1 for limit in limits)
    taken.close()


def test_closing_closes_the_source_in_its_own_thread_and_leaves_no_thread():
    closed: list[str] = []

    def items() -> Iterator[int]:
        try:
            while True:
                yield 0
        finally:
            closed.append(threading.current_thread().name)

    taken = ahead(ahead(items(), 2), 2)
    next(taken)
    taken.close()
    assert len(closed) == 1
    assert closed != [threading.current_thread().name]
    assert not [thread for thread in threading.enumerate() if thread.name == "aulens-ahead"]


def test_an_error_while_closing_the_source_is_not_swallowed_at_the_end():
    def items() -> Iterator[int]:
        try:
            yield 1
        finally:
            raise ValueError("does not close")

    with pytest.raises(ValueError, match="does not close"):
        list(ahead(items(), 2))
