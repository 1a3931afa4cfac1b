"""How long a training waits for its data: time in which the model has nothing to do."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


class DataWaitTimer:
    """Measures, over an iteration, the time until each next item against the time spent on them.

    The first item is not counted: loader processes start then, once an epoch.
    """

    def __init__(self) -> None:
        self.waited = 0.0
        self.worked = 0.0

    @property
    def share(self) -> float:
        """Of the time, how much was waited, 0..1; 0 before the second item."""
        total = self.waited + self.worked
        return self.waited / total if total else 0.0

    def measure(self, items: Iterable[T]) -> Iterator[T]:
        """Yield the items, and take the times."""
        given, asked = None, time.perf_counter()
        for item in items:
            if given is not None:
                self.worked += asked - given
                self.waited += time.perf_counter() - asked
            given = time.perf_counter()
            yield item
            asked = time.perf_counter()
