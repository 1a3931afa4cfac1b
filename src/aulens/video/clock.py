"""Numbers and time stamps of frames: as their packets promise, and as they come out of the decoder."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import islice
from pathlib import Path
from typing import Any, Final

from aulens.errors import InputError
from aulens.video.container import counts_frames, opened

INDEXED: Final = frozenset({"avi", "matroska", "mov"})
"""Containers that keep time stamps per frame; in others (MPEG) they are guessed anew after each jump."""

_REORDERED: Final = 16
"""Frames that a decoder holds back at most, to show them later than others (H.264, H.265)."""

HEAD: Final = 40
"""Frames at the start of a video that must come in the order that its packets promise."""


def is_indexed(container: Any) -> bool:
    """Whether a container's time stamps can be trusted after a jump."""
    return not INDEXED.isdisjoint(container.format.name.split(","))


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

    None where their time stamps are missing, double, jump back, or are not those of the decoded frames; also
    of a video whose packets or first frames are damaged. Then only decoding from the start tells which frame
    is which, and what the decoder makes of it.

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
        head, held_back = _head(path)
    except InputError:
        return None
    if head != sorted_marks[:HEAD].tolist() or (not slotted and not _ascend(marks, held_back)):
        return None
    return Clock(sorted_marks, array("q", sorted(keys)), late)


def _head(path: Path) -> tuple[list[int | None], int]:
    """Marks of the first frames, none if a jump would spoil them; and how many the decoder holds back."""
    with opened(path) as (container, stream):
        frames = islice(container.decode(stream), HEAD)
        marks: list[int | None] = []
        for frame in frames:
            if frame.is_corrupt or frame.format.name == "pal8":  # FFmpeg loses a palette when it jumps
                return [], 0
            marks.append(frame.pts)
        reorders = _REORDERED if stream.codec_context.has_b_frames else 0
        return marks, getattr(stream.codec_context, "reorder_depth", reorders)


def _ascend(marks: Sequence[int], held_back: int) -> bool:
    """Whether packets come in the order of their marks, if a decoder holds so many frames back."""
    waiting: list[int] = []
    last = None
    for mark in marks:
        heappush(waiting, mark)
        if len(waiting) > held_back:
            earliest = heappop(waiting)
            if last is not None and earliest < last:
                return False
            last = earliest
    return True


class Counter:
    """Numbers decoded frames from the start of a video, as they come.

    A frame that a packet promised and the decoder did not give keeps its number: those after it have the same
    numbers and times as in a whole video. That takes trust in the packets: where the first `HEAD` frames
    don't come as promised, frames are just counted.

    Args:
        container: just opened.
        step: ticks from one frame to the next, for frames without a time stamp.

    Attributes:
        jumped_back: whether time stamps jumped back, as where recordings were joined.
        disordered: whether frames came in another order than their time stamps.
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
        self._shift: float = 0
        self._sent: int | None = None
        self._falls: deque[int] = deque(maxlen=_REORDERED)
        self._stamp: float | None = None
        self._given = 0
        self._index = -1
        self.jumped_back = self.disordered = False

    def promise(self, packet: Any) -> None:
        """A packet goes to the decoder."""
        if packet.size == 0 or packet.is_discard:
            return
        if packet.pts is None:
            self._counting = True
        elif not self._counting:
            heappush(self._promised, packet.pts)
        slot = packet.dts if self._slotted else packet.pts
        if slot is not None:
            heappush(self._slots, slot)
            if len(self._slots) > _REORDERED and not self._slotted:
                heappop(self._slots)
        if packet.dts is not None:
            if self._sent is not None and packet.dts <= self._sent:
                self._falls.append(self._sent - packet.dts)
            self._sent = packet.dts

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
        slot = None
        if len(self._slots) >= steps:
            for _ in range(steps):
                slot = heappop(self._slots)
        last, stamp = self._stamp, self._own(mark, slot)
        if last is None:
            self._stamp = stamp
        elif stamp is None:
            self._stamp = last + steps * self._step
        elif stamp + self._shift > last:
            self._stamp = stamp + self._shift
        elif self._joined(last - self._shift - stamp):
            # Recordings joined without new time stamps: from there on counted on.
            if not self._slotted:
                middle = (last - self._shift + stamp) / 2
                self._slots = sorted(slot for slot in self._slots if slot < middle)
            self._shift = last + self._step - stamp
            self._stamp = last + self._step
            self.jumped_back = True
        else:
            # Stamps that are those of another frame, as where the order of decoding was taken for that of
            # showing: from there on each frame takes the earliest that is left, see `_own`.
            self._stamp = last + 1
            self.disordered = True
        return self._stamp

    def _joined(self, back: float) -> bool:
        """Whether stamps go back because a recording begins: then those of decoding did too, about as far."""
        if self._sent is None:
            return True
        for place, fall in enumerate(self._falls, 1):
            if 2 * back >= fall:
                for _ in range(place):
                    self._falls.popleft()
                return True
        return False

    def _own(self, mark: int | None, slot: int | None) -> int | None:
        """A frame's time stamp: in AVI, and where stamps are out of order, not the one that it came with."""
        if self.disordered and not self._slotted:
            return slot
        if slot is None or not self._slotted:
            return mark
        if self._late is None:
            self._late = (mark or 0) - slot
        return slot if self._counting or mark is None else mark - self._late
