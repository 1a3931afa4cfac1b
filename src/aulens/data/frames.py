"""Frames of pictures and videos, counted and numbered as they decode. No other file knows PyAV."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from aulens.errors import DatasetError, InputError
from aulens.runtime.image import read_image

_INDEXED: Final = frozenset({"avi", "matroska", "mov"})
"""Containers that keep time stamps per frame; in others (MPEG) they are guessed anew after each jump."""

_HEAD: Final = 40
"""Frames at the start of a video that must come in the order that its packets promise."""


def read_picture(path: str | Path) -> NDArray[np.uint8]:
    """A picture as (H, W, 3) uint8 RGB, upright.

    Raises:
        DatasetError: it is missing, damaged, or not a picture.
    """
    try:
        return read_image(path)
    except InputError as error:
        raise DatasetError(str(error)) from error


def count_frames(path: Path) -> int:
    """The number of frames that a video gives, whatever its header claims.

    Packets are counted, and both ends of the video are decoded to see that each packet is a frame; where one
    is not, the whole video is decoded, up to its end or to damage.

    Raises:
        DatasetError: there is no such file, or it holds no video that can be decoded.
    """
    clock = _clock(path)
    if clock is not None and _tail_agrees(path, clock):
        return len(clock.times)
    count = 0
    try:
        for _ in _decode(path):
            count += 1
    except DatasetError:
        if not count:
            raise
    if not count:
        raise DatasetError(f"{path}: the video has no frames.")
    return count


def read_frame_range(path: Path, start: int, stop: int) -> Generator[NDArray[np.uint8], None, None]:
    """Frames `start` (from 0) to `stop` (excluded) of a video, (H, W, 3) uint8 RGB, upright, one at a time.

    It jumps to `start` where the video's time stamps can be trusted, and else decodes all that comes before.
    A video that ends earlier gives fewer frames.

    Raises:
        DatasetError: there is no such file, it holds no video, or a frame up to `stop` can't be decoded.
    """
    if start < 0 or stop < start:
        raise DatasetError(f"Frames {start} to {stop} of {path} are no range; count from 0.")
    given = start
    clock = _clock(path) if start > _HEAD else None
    if clock is not None:
        stop = min(stop, len(clock.times))
        if start >= stop:
            return
        with closing(_decode(path, clock.key_before(start))) as frames:
            # Time stamps tell which frame it is. At the first surprise we go on from the beginning instead.
            for frame in frames:
                if given == start and frame.pts is not None and frame.pts < clock.times[start]:
                    continue
                if given == stop or frame.pts != clock.times[given]:
                    break
                yield _rgb(frame)
                given += 1
    if given < stop:
        with closing(_decode(path)) as frames:
            for frame in islice(frames, given, stop):
                yield _rgb(frame)


@dataclass(frozen=True)
class _Clock:
    """Time stamps of a video's frames in the order they are shown, and those at which decoding can begin."""

    times: list[int]
    keys: list[int]

    def key_before(self, index: int) -> int | None:
        """The last key frame's time at or before frame `index`; None if there is none."""
        return max((time for time in self.keys if time <= self.times[index]), default=None)


def _clock(path: Path) -> _Clock | None:
    """None where the packets' time stamps are missing, double, or not those of the decoded frames."""
    times: list[int] = []
    keys: list[int] = []
    with _opened(path) as (container, stream):
        if _INDEXED.isdisjoint(container.format.name.split(",")):
            return None
        for packet in container.demux(stream):
            if packet.size == 0 or packet.is_discard:
                continue
            if packet.pts is None or packet.is_corrupt:
                return None
            times.append(packet.pts)
            if packet.is_keyframe:
                keys.append(packet.pts)
    times.sort()
    if len(set(times)) != len(times) or not keys:
        return None
    try:
        with closing(_decode(path)) as frames:
            head = [frame.pts for frame in islice(frames, _HEAD)]
    except DatasetError:
        return None
    return _Clock(times, keys) if head == times[:_HEAD] else None


def _tail_agrees(path: Path, clock: _Clock) -> bool:
    last = max(clock.keys)
    try:
        with closing(_decode(path, last)) as frames:
            tail = [frame.pts for frame in frames if frame.pts is None or frame.pts >= last]
    except DatasetError:
        return False
    return tail == [time for time in clock.times if time >= last]


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """The container and its first video stream; what FFmpeg says against them becomes a DatasetError."""
    if not Path(path).is_file():
        raise DatasetError(f"{path}: there is no such video.")
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            if not container.streams.video:
                raise DatasetError(f"{path} holds no video stream.")
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1  # one video per process: threads would fight for the cores
            yield container, stream
    except FFmpegError as error:
        raise DatasetError(
            f"{path}: the video is damaged, or of an unknown kind ({error.strerror})."
        ) from error


def _decode(path: Path, time: int | None = None) -> Generator[Any, None, None]:
    """Decoded frames from the beginning, or from the key frame at or before `time`."""
    with _opened(path) as (container, stream):
        if time is not None:
            container.seek(time, stream=stream)
        yield from container.decode(stream)


def _rgb(frame: Any) -> NDArray[np.uint8]:
    image = frame.to_ndarray(format="rgb24")
    # Telephones store videos lying and note the turn, degrees against the clock.
    return np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90)), np.uint8)
