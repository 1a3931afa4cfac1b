"""Apexes while a clip goes by: the frame of each event in which its AU was strongest, the best of them kept.

`events` finds them in a whole table; here no frame is seen twice, for what is to be kept of it must be kept
at once.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from aulens.tables.events import MERGE_GAP

_SLACK: Final = 1e-6


class Apex(msgspec.Struct, frozen=True, array_like=True):
    """Where an AU of a person was strongest in one event."""

    frame: int
    face_id: int
    label: str
    probability: float


class Run(Apex, frozen=True, array_like=True):
    """An event that goes on: its strongest frame so far, and when the AU was last present."""

    last: float

    @property
    def apex(self) -> Apex:
        """The apex, were the event over."""
        return Apex(self.frame, self.face_id, self.label, self.probability)


class Apexes:
    """Follows events; an AU may be absent for `MERGE_GAP` within one.

    Args:
        limit: frames at most with apexes of events that are over.

    Attributes:
        kept: apexes of events that are over, as they ended.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.kept: list[Apex] = []
        self._runs: dict[tuple[int, str], Run] = {}

    @property
    def frames(self) -> set[int]:
        """The frames that are apexes, or may become some."""
        return {apex.frame for apex in (*self.kept, *self._runs.values())}

    def add(self, frame: int, now: float, present: Mapping[int, Mapping[str, float]]) -> list[Apex]:
        """Take in the next frame.

        Args:
            frame: its number.
            now: when it is, seconds.
            present: of each person in it the AUs that are present, with their probabilities.

        Returns:
            Events that are stronger in this frame than before.
        """
        stronger = []
        for face_id, shares in present.items():
            for label, share in shares.items():
                key = face_id, label
                run = self._runs.get(key)
                if run is not None and _is_over(run, now):
                    self._end(key)
                    run = None
                apex = Apex(frame, face_id, label, round(share, 6))
                if run is None or apex.probability > run.probability:
                    stronger.append(apex)
                else:
                    apex = run.apex
                self._runs[key] = Run(apex.frame, face_id, label, apex.probability, now)
        for key in [key for key, run in self._runs.items() if _is_over(run, now)]:
            self._end(key)
        return stronger

    def close(self) -> None:
        """The clip is over: so are its events."""
        for key in list(self._runs):
            self._end(key)

    def state(self) -> tuple[tuple[Apex, ...], tuple[Run, ...]]:
        """All that `restore` needs: events that are over, and those that go on."""
        return tuple(self.kept), tuple(self._runs.values())

    def restore(self, over: Iterable[Apex], runs: Iterable[Run]) -> None:
        """Go on from `state()`."""
        self.kept = list(over)
        self._runs = {(run.face_id, run.label): run for run in runs}

    def _end(self, key: tuple[int, str]) -> None:
        """An event is over: keep its apex, and let go of the weakest if there are too many."""
        self.kept.append(self._runs.pop(key).apex)
        while len({apex.frame for apex in self.kept}) > self._limit:
            weakest = self._weakest()
            self.kept = [apex for apex in self.kept if apex.frame != weakest]

    def _weakest(self) -> int:
        """The frame to let go of: each AU of each person keeps its strongest events the longest."""
        order = sorted(self.kept, key=lambda apex: (-apex.probability, apex.frame))
        count: dict[tuple[int, str], int] = {}
        best: dict[int, tuple[int, float]] = {}
        for apex in order:
            key = apex.face_id, apex.label
            count[key] = count.get(key, 0) + 1
            rank = count[key], -apex.probability
            best[apex.frame] = min(best.get(apex.frame, rank), rank)
        return max(best, key=lambda frame: (best[frame], frame))


def _is_over(run: Run, now: float) -> bool:
    return now - run.last > MERGE_GAP + _SLACK
