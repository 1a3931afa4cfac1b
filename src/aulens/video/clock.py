"""Numbers and time stamps of frames: as their packets promise, and as they come out of the decoder."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import islice
from pathlib import Path
from typing import Any, Final

from aulens.errors import InputError
from aulens.video.container import opened

INDEXED: Final = frozenset({"avi", "matroska", "mov"})
"""Containers that keep time stamps per frame; in others (MPEG) they are guessed anew after each jump."""

HEAD: Final = 40
"""Frames at the start of a video that must come in the order that its packets promise."""


def is_indexed(container: Any) -> bool:
    """Whether a container's time stamps can be trusted after a jump."""
    return not INDEXED.isdisjoint(container.format.name.split(","))


def counts_frames(container: Any) -> bool:
    """Whether the container has no time stamps but numbers of frames. FFmpeg makes wrong stamps of those."""
    return bool(container.format.name == "avi")


@dataclass(frozen=True, eq=False)
class Clock:
    """Time stamps of a video's frames in the order they are shown, in ticks of its stream.

    Attributes:
        marks: by which a decoded frame (its `pts`) is recognized, ascending.
        keys: marks at which decoding can begin, ascending.
        late: by how much marks come later than the frames are shown.
    """

    marks: Sequence[int]
    keys: Sequence[int]
    late: int = 0

    def key_before(self, index: int) -> int | None:
        """The last key frame's mark at or before frame `index`; None if there is none."""
        place = bisect_left(self.keys, self.marks[index] + 1)
        return self.keys[place - 1] if place else None

    def index(self, mark: int | None) -> int | None:
        """The number of a decoded frame; None if no packet promised it."""
        if mark is None:
            return None
        index = bisect_left(self.marks, mark)
        return index if index < len(self.marks) and self.marks[index] == mark else None


def read_clock(path: Path) -> Clock | None:
    """Read a video's packets without decoding them.

    None where their time stamps are missing, double, or not those of the decoded frames; also of a damaged
    video. Then only decoding from the start tells which frame is which.

    Raises:
        InputError: there is no such file, or it holds no video.
    """
    marks, slots, keys = array("q"), array("q"), array("q")
    with opened(path) as (container, stream):
        if not is_indexed(container):
            return None
        slotted = counts_frames(container)
        packets = container.demux(stream)
        # Damage of the file: `opened` would make an error of it.
        with suppress(ValueError, OSError):
            for packet in packets:
                if packet.size == 0 or packet.is_discard:
                    continue
                if packet.pts is None or packet.is_corrupt or (slotted and packet.dts is None):
                    return None
                marks.append(packet.pts)
                if slotted:
                    slots.append(packet.dts)
                if packet.is_keyframe:
                    keys.append(packet.pts)
    if len(set(marks)) != len(marks) or not keys:
        return None
    sorted_marks = array("q", sorted(marks))
    late = sorted_marks[0] - min(slots, default=sorted_marks[0])
    try:
        head = _head(path)
    except InputError:
        return None
    if head != sorted_marks[:HEAD].tolist():
        return None
    return Clock(sorted_marks, array("q", sorted(keys)), late)


def _head(path: Path) -> list[int | None]:
    with opened(path) as (container, stream):
        return [frame.pts for frame in islice(container.decode(stream), HEAD)]


class Counter:
    """Numbers decoded frames from the start of a video, as they come.

    A frame that a packet promised and the decoder did not give keeps its number: those after it have the same
    numbers and times as in a whole video. That takes trust in the packets: where the first `HEAD` frames
    don't come as promised, frames are just counted.

    Args:
        container: just opened.
        step: ticks from one frame to the next, for frames without a time stamp.
    """

    def __init__(self, container: Any, step: float) -> None:
        self._counting = not is_indexed(container)
        self._slotted = counts_frames(container)
        self._step = step
        self._promised: list[int] = []
        self._slots: list[int] = []
        self._late: int | None = None
        self._failed = 0
        self._waiting = 0
        self._shift = 0.0
        self._stamp: float | None = None
        self._given = 0
        self._index = -1
        self.jumped_back = False

    def promise(self, packet: Any) -> None:
        """A packet goes to the decoder."""
        if packet.size == 0 or packet.is_discard:
            return
        if packet.pts is None:
            self._counting = True
        else:
            heappush(self._promised, packet.pts)
        if self._slotted and packet.dts is not None:
            heappush(self._slots, packet.dts)

    def fail(self) -> None:
        """The packet could not be decoded."""
        self._failed += 1
        self._waiting += 1

    def number(self, frame: Any) -> tuple[int, float | None]:
        """The next frame's number and time stamp in ticks; None while there was no stamp at all."""
        before = self._index
        self._index += self._steps(frame.pts)
        self._given += 1
        self._waiting = 0
        return self._index, self._when(frame.pts, self._index - before)

    def missing(self) -> int:
        """How many frames were promised and did not come, at the end."""
        return self._waiting if self._counting else len(self._promised)

    def _steps(self, mark: int | None) -> int:
        if not self._counting and mark is not None:
            passed, last = 0, None
            while self._promised and self._promised[0] <= mark:
                last, passed = heappop(self._promised), passed + 1
            as_promised = passed == 1 or self._failed > 0 or self._given >= HEAD
            if last == mark and as_promised:
                return passed
        self._counting = True
        self._promised.clear()
        return 1 + self._waiting

    def _when(self, mark: int | None, steps: int) -> float | None:
        stamp: float | None = mark
        if self._slotted and len(self._slots) >= steps:
            for _ in range(steps):
                slot = heappop(self._slots)
            if self._late is None:
                self._late = (mark or 0) - slot
            stamp = slot if self._counting or mark is None else mark - self._late
        last = self._stamp
        if stamp is not None and self._shift == 0 and (last is None or stamp > last):
            self._stamp = stamp
        elif last is None:
            return None
        elif stamp is None:
            self._stamp = last + steps * self._step
        else:
            # Recordings joined without new time stamps: from there on counted on.
            if stamp + self._shift <= last:
                self._shift = last + self._step - stamp
                self.jumped_back = True
            self._stamp = stamp + self._shift
        return self._stamp
