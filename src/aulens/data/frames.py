"""Frames of pictures and videos, counted and numbered as they decode; for training and the doctor."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aulens.errors import DatasetError, InputError
from aulens.image import read_image
from aulens.video.clock import HEAD, Clock, read_clock
from aulens.video.container import opened
from aulens.video.to_rgb import ToRGB


def read_picture(path: str | Path) -> NDArray[np.uint8]:
    """A picture as (H, W, 3) uint8 RGB, upright.

    Raises:
        DatasetError: it is missing, damaged, or not a picture.
    """
    with _as_dataset_errors():
        return read_image(path)


def count_frames(path: Path) -> int:
    """The number of frames that a video gives, whatever its header claims.

    Packets are counted, and both ends of the video are decoded to see that each packet is a frame; where one
    is not, the whole video is decoded, up to its end or to damage.

    Raises:
        DatasetError: there is no such file, or it holds no video that can be decoded.
    """
    clock = _clock(path)
    if clock is not None and _tail_agrees(path, clock):
        return len(clock.marks)
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
    to_rgb = ToRGB()
    clock = _clock(path) if start > HEAD else None
    if clock is not None:
        stop = min(stop, len(clock.marks))
        if start >= stop:
            return
        with closing(_decode(path, clock.key_before(start))) as frames:
            # Time stamps tell which frame it is. At the first surprise we go on from the beginning instead.
            for frame in frames:
                if given == start and frame.pts is not None and frame.pts < clock.marks[start]:
                    continue
                if given == stop or frame.pts != clock.marks[given]:
                    break
                yield to_rgb(frame)
                given += 1
    if given < stop:
        with closing(_decode(path)) as frames:
            for frame in islice(frames, given, stop):
                yield to_rgb(frame)


def _clock(path: Path) -> Clock | None:
    with _as_dataset_errors():
        return read_clock(path)


def _tail_agrees(path: Path, clock: Clock) -> bool:
    last = clock.keys[-1]
    try:
        with closing(_decode(path, last)) as frames:
            tail = [frame.pts for frame in frames if frame.pts is None or frame.pts >= last]
    except DatasetError:
        return False
    return tail == [time for time in clock.marks if time >= last]


@contextmanager
def _as_dataset_errors() -> Iterator[None]:
    """What is wrong with a picture or a video is a fault of the data set."""
    try:
        yield
    except InputError as error:
        raise DatasetError(str(error)) from error


def _decode(path: Path, time: int | None = None) -> Generator[Any, None, None]:
    """Decoded frames from the beginning, or from the key frame at or before `time`."""
    with _as_dataset_errors(), opened(path) as (container, stream):
        if time is not None:
            container.seek(time, stream=stream)
        yield from container.decode(stream)
