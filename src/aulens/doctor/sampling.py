"""Which frames are sampled, and reading them: a few of each clip stand for the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from aulens.data.index import PICTURE, FrameIndex
from aulens.doctor.measures import EVIDENT

Image = NDArray[np.uint8]
Rows = NDArray[np.intp]
T = TypeVar("T")

WINDOW: Final = 24
"""Neighbouring frames that are sampled together: about a second."""


def clips(index: FrameIndex, count: int) -> list[tuple[str, str, Rows]]:
    """At most so many clips with pictures: one of each subject, then a second one, and so on."""
    there = np.array([bool(path) for path in index.media])
    turns: dict[str, int] = {}
    found = []
    for subject, sequence, rows in index.sequences():
        seen = rows[there[rows]]
        if len(seen):
            turns[subject] = turns.get(subject, 0) + 1
            found.append((turns[subject], subject, sequence, seen))
    found.sort(key=lambda clip: clip[:3])
    if found and found[-1][0] > 1 and len(found) > count:
        return [clip[1:] for clip in found[:count]]
    return [clip[1:] for clip in spread(found, count)]


def spread(items: Sequence[T], count: int) -> list[T]:
    """At most `count` of them, evenly spaced, ends included."""
    if len(items) <= count:
        return list(items)
    return [items[i] for i in np.unique(np.linspace(0, len(items) - 1, count).round().astype(int))]


def busiest_window(index: FrameIndex, rows: Rows, landmarks: NDArray[np.float32]) -> Rows:
    """The WINDOW neighbouring frames of a clip in which the face moves most; fewer if there are no more."""
    breaks = np.flatnonzero((np.diff(index.frame[rows]) != 1) | (np.diff(rows) != 1)) + 1
    best, most = rows[:0], -1.0
    for run in np.split(rows, breaks):
        run = run[np.isfinite(landmarks[run]).all((1, 2))]
        run = max(np.split(run, np.flatnonzero(np.diff(run) != 1) + 1), key=len)
        if len(run) < 2:
            continue
        step = np.hypot(*np.diff(landmarks[run].mean(1), axis=0).T)
        # A jump of a failed tracker is no motion.
        step = np.minimum(step, 5 * np.median(step) + 1e-6)
        total = np.concatenate([[0.0], np.cumsum(step)])
        length = min(WINDOW, len(run)) - 1
        sums = total[length:] - total[:-length]
        start = int(sums.argmax())
        if sums[start] > most or len(best) < length + 1:
            best, most = run[start : start + length + 1], float(sums[start])
    return best


def read_rows(index: FrameIndex, rows: Rows) -> Iterator[tuple[int, Image]]:
    """The pictures (H, W, 3) uint8 RGB of rows that have one, in order; runs of a video are read in one go.

    Raises:
        DatasetError: a picture or video is damaged, or ends before its frame.
    """
    # PyAV is in an extra; labels and landmarks can be examined without it.
    from aulens.data.frames import read_frame_range, read_picture
    from aulens.errors import DatasetError

    start = 0
    while start < len(rows):
        path, first = index.media[rows[start]], int(index.position[rows[start]])
        if first == PICTURE:
            yield int(rows[start]), read_picture(path)
            start += 1
            continue
        end = start + 1
        while (
            end < len(rows)
            and index.media[rows[end]] == path
            and index.position[rows[end]] == first + end - start
        ):
            end += 1
        for image in read_frame_range(Path(path), first, first + end - start):
            yield int(rows[start]), image
            start, first = start + 1, first + 1
        if start < end:
            raise DatasetError(f"{path} ends before its frame {first + 1}, {index.keys[rows[start]]}.")


def rows_to_detect(index: FrameIndex, clips_each: int = 12, frames_each: int = 4) -> Rows:
    """Frames to detect landmarks in where the data set gives none: of each evident AU some with it and some
    without, from clips of different subjects."""
    there = np.array([bool(path) for path in index.media])
    chosen: set[int] = set()
    for number in sorted(EVIDENT & set(index.aus)):
        codes = index.labels[:, index.aus.index(number)]
        found: dict[str, list[Rows]] = {}
        for subject, _, rows in index.sequences():
            groups = [rows[(codes[rows] == code) & there[rows]] for code in (0, 1)]
            if min(len(group) for group in groups) >= frames_each:
                found.setdefault(subject, groups)
        for groups in spread(list(found.values()), clips_each):
            for group in groups:
                chosen.update(int(row) for row in spread(group.tolist(), frames_each))
    return np.array(sorted(chosen), np.intp)
