"""Units of work: a data set's frames in pieces of a sequence, and the pictures of a piece in turn."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.data import digest
from aulens.data.frames import read_frame_range, read_picture
from aulens.data.index import PICTURE, FrameIndex
from aulens.errors import DatasetError

UNIT_FRAMES: Final = 500
"""Frames in a unit, at most: what a kill costs, times the number of processes."""


@dataclass(frozen=True)
class Unit:
    """Frames of one sequence, or of several of one frame each, that become one shard.

    Attributes:
        name: of its files, "00001_F001_T1", after its first sequence.
        rows: (n,) indices into the FrameIndex.
    """

    name: str
    rows: NDArray[np.intp]


@dataclass(frozen=True)
class Missing:
    """Why a frame has no picture: one of `REASONS`."""

    reason: str


Picture = NDArray[np.uint8] | Missing

REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "missing_picture": "there is no such picture",
        "unreadable_picture": "the picture is damaged",
        "missing_video": "there is no such video",
        "unreadable_video": "the video is damaged here or before",
        "video_ended": "the video ends before this frame",
        "no_landmarks": "no landmarks are given, and none were to be detected",
        "bad_landmarks": "the landmarks given make no face in the picture, and none were to be detected",
        "no_face": "no face was detected",
    }
)
"""Why a frame is not stored: the words of missing.csv."""


def divide(index: FrameIndex, max_frames: int = UNIT_FRAMES) -> list[Unit]:
    """All frames, each in one unit of at most so many.

    They are pieces of a sequence, of nearly equal length, or single frames.
    """
    pieces = [
        (subject, sequence, piece)
        for subject, sequence, rows in _singles_joined(index.sequences())
        for piece in np.array_split(rows, -(-len(rows) // max_frames))
    ]
    return [
        Unit(f"{number:05d}_{_in_a_file_name(subject)}_{_in_a_file_name(sequence)}", piece)
        for number, (subject, sequence, piece) in enumerate(pieces)
    ]


def _singles_joined(
    sequences: Iterable[tuple[str, str, NDArray[np.intp]]],
) -> Iterator[tuple[str, str, NDArray[np.intp]]]:
    """Sequences as they are, and runs of sequences of one frame as one: a shard for each face is slow."""
    for single, run in groupby(sequences, lambda sequence: len(sequence[2]) == 1):
        first, *others = run
        if single:
            yield first[0], first[1], np.concatenate([first[2], *(rows for _, _, rows in others)])
        else:
            yield from (first, *others)


def _in_a_file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]+", "-", name)[:60]


def fingerprint(index: FrameIndex) -> str:
    """Hash what decides the result: frames, labels, landmarks, file names (not folders: data may move)."""
    arrays = (index.position, index.frame, index.labels, index.landmarks, index.one_sided)
    return digest.fingerprint([array for array in arrays if array is not None], _lines(index))


def _lines(index: FrameIndex) -> Iterator[str]:
    yield f"{index.dataset} {index.aus.numbers} {index.aligned}"
    for first in range(0, len(index), digest.PIECE):
        rows = slice(first, first + digest.PIECE)
        columns = (index.subject, index.sequence, index.frame, index.part)
        names = map(os.path.basename, index.media[rows])
        for subject, sequence, frame, part, name in zip(
            *(column[rows].tolist() for column in columns), names, strict=True
        ):
            yield f"{subject}/{sequence}/{frame} {part} {name}"


def pictures(media: Sequence[str], position: NDArray[np.int32]) -> Iterator[tuple[int, Picture]]:
    """Each frame once, (place in `media`, picture or why not); frames of a video in the video's order.

    Args:
        media: n files.
        position: (n,), the place in a video, PICTURE (-1) for a picture.
    """
    videos: dict[str, list[int]] = {}
    for row, path in enumerate(media):
        if position[row] == PICTURE:
            yield row, _picture(path)
        elif not path:
            yield row, Missing("missing_video")
        else:
            videos.setdefault(path, []).append(row)
    for path, rows in videos.items():
        yield from _frames(path, rows, position)


def _picture(path: str) -> Picture:
    if not path or not Path(path).is_file():
        return Missing("missing_picture")
    try:
        return read_picture(path)
    except DatasetError:
        return Missing("unreadable_picture")


def _frames(path: str, rows: list[int], position: NDArray[np.int32]) -> Iterator[tuple[int, Picture]]:
    waiting = sorted(rows, key=lambda row: int(position[row]))
    why = Missing("video_ended")
    if not Path(path).is_file():
        why = Missing("missing_video")
    else:
        first, last = int(position[waiting[0]]), int(position[waiting[-1]])
        try:
            with closing(read_frame_range(Path(path), first, last + 1)) as frames:
                for place, image in enumerate(frames, first):
                    while waiting and position[waiting[0]] == place:
                        yield waiting.pop(0), image
        except DatasetError:
            why = Missing("unreadable_video")
    yield from ((row, why) for row in waiting)
