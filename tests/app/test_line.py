"""The line: one at a time, in order, each can be stopped; files follow their visitor."""

import threading
import time

import pytest

from aulens.app.line import Line, Stopped, Ticket
from aulens.errors import InputError


def test_one_at_a_time_in_the_order_in_which_they_came() -> None:
    line, gate, done = Line(5), threading.Event(), []

    def work(name: str):
        def run(ticket: Ticket[str]) -> str:
            assert gate.wait(10)
            done.append(name)
            return name.upper()

        return run

    tickets = [line.enter(work(name)) for name in "abc"]
    assert [line.ahead(ticket) for ticket in tickets] == [0, 1, 2]
    assert not line.idle
    gate.set()
    assert all(ticket.wait(10) for ticket in tickets)
    assert (done, [ticket.result() for ticket in tickets]) == (["a", "b", "c"], ["A", "B", "C"])
    line.close()


def test_who_waits_is_stopped_at_once_and_who_works_at_the_next_check() -> None:
    line, begun = Line(5), threading.Event()

    def work(ticket: Ticket[int]) -> int:
        begun.set()
        while True:
            ticket.check()
            time.sleep(0.001)

    first, second, third = (line.enter(work) for _ in range(3))
    assert begun.wait(10)
    line.stop(second)
    assert second.over
    assert line.ahead(third) == 1
    assert not first.over
    line.stop(first)
    assert first.wait(10)
    for ticket in (first, second):
        with pytest.raises(Stopped):
            ticket.result()
    line.close()
    assert third.over


def test_errors_are_given_to_who_asks_and_the_next_one_goes_on() -> None:
    line = Line(5)
    broken = line.enter(lambda ticket: 1 // 0)
    sound = line.enter(lambda ticket: 7)
    assert sound.wait(10)
    assert sound.result() == 7
    with pytest.raises(ZeroDivisionError):
        broken.result()
    line.close()
    with pytest.raises(InputError, match="being closed"):
        line.enter(lambda ticket: 1)


def test_too_many_are_told_so() -> None:
    line, gate, begun = Line(2), threading.Event(), threading.Event()
    line.enter(lambda ticket: begun.set() or gate.wait(10))
    assert begun.wait(10)
    waiting = [line.enter(lambda ticket: True) for _ in range(2)]
    with pytest.raises(InputError, match="2 others are waiting"):
        line.enter(lambda ticket: True)
    gate.set()
    assert all(ticket.wait(10) for ticket in waiting)
    line.close()
