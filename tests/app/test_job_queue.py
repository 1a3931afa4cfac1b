"""The queue: one at a time, in order, each can be stopped; files follow their visitor."""

import threading
import time

import pytest

from aulens.app.job_queue import JobQueue, Stopped, Ticket
from aulens.errors import InputError


def test_one_at_a_time_in_the_order_in_which_they_came() -> None:
    queue, gate, done = JobQueue(5), threading.Event(), []

    def work(name: str):
        def run(ticket: Ticket[str]) -> str:
            assert gate.wait(10)
            done.append(name)
            return name.upper()

        return run

    tickets = [queue.enter(work(name)) for name in "abc"]
    assert [queue.ahead(ticket) for ticket in tickets] == [0, 1, 2]
    assert not queue.idle
    gate.set()
    assert all(ticket.wait(10) for ticket in tickets)
    assert (done, [ticket.result() for ticket in tickets]) == (["a", "b", "c"], ["A", "B", "C"])
    queue.close()


def test_who_waits_is_stopped_at_once_and_who_works_at_the_next_check() -> None:
    queue, begun = JobQueue(5), threading.Event()

    def work(ticket: Ticket[int]) -> int:
        begun.set()
        while True:
            ticket.check()
            time.sleep(0.001)

    first, second, third = (queue.enter(work) for _ in range(3))
    assert begun.wait(10)
    queue.stop(second)
    assert second.over
    assert queue.ahead(third) == 1
    assert not first.over
    queue.stop(first)
    assert first.wait(10)
    for ticket in (first, second):
        with pytest.raises(Stopped):
            ticket.result()
    queue.close()
    assert third.over


def test_errors_are_given_to_who_asks_and_the_next_one_goes_on() -> None:
    queue = JobQueue(5)
    broken = queue.enter(lambda ticket: 1 // 0)
    sound = queue.enter(lambda ticket: 7)
    assert sound.wait(10)
    assert sound.result() == 7
    with pytest.raises(ZeroDivisionError):
        broken.result()
    queue.close()
    with pytest.raises(InputError, match="being closed"):
        queue.enter(lambda ticket: 1)


def test_too_many_are_told_so() -> None:
    queue, gate, begun = JobQueue(2), threading.Event(), threading.Event()
    queue.enter(lambda ticket: begun.set() or gate.wait(10))
    assert begun.wait(10)
    waiting = [queue.enter(lambda ticket: True) for _ in range(2)]
    with pytest.raises(InputError, match="2 others are waiting"):
        queue.enter(lambda ticket: True)
    gate.set()
    assert all(ticket.wait(10) for ticket in waiting)
    queue.close()
