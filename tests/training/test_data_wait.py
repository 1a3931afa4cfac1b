"""The share of a training's time that goes into waiting for data."""

import time

from aulens.training.data_wait import DataWaitTimer


def test_waiting_and_working_are_told_apart(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])

    def slow():
        for item in range(3):
            clock[0] += 10 if item == 0 else 1  # the first item is the loader's start
            yield item
        clock[0] += 5  # an end is no wait

    measured = DataWaitTimer()
    assert measured.share == 0.0
    seen = []
    for item in measured.measure(slow()):
        clock[0] += 3
        seen.append(item)
    assert seen == [0, 1, 2]
    # Two waits of 1 s after two pieces of work of 3 s.
    assert measured.share == 2 / 8


def test_nothing_to_iterate_is_no_wait():
    assert list(DataWaitTimer().measure([])) == []
