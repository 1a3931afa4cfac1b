"""One unit of work: frames in, a shard and its rows out, both whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.data.columns import point_columns
from aulens.data.index import FrameIndex, LostVideo
from aulens.data.prepare.faces import FaceFinder, Located, StoredFace, centre, cut
from aulens.data.prepare.settings import PrepareSettings
from aulens.data.prepare.units import Missing, pictures
from aulens.data.shards import write_shard
from aulens.faces.default import MakeDetector
from aulens.faces.detector import FaceDetector
from aulens.files import atomic_write
from aulens.landmarks import IBUG68, LandmarkLayout, layout_of

SHARDS, PARTS = "shards", "parts"


@dataclass(frozen=True)
class Job:
    """What a process needs for one unit: its name, frames, settings, detector, the folder to write into."""

    name: str
    frames: FrameIndex
    settings: PrepareSettings
    detector: MakeDetector
    root: Path

    @property
    def shard(self) -> str:
        """The shard's file, below the root."""
        return f"{SHARDS}/{self.name}.tar"


def rows_file(root: Path, name: str) -> Path:
    """Where the rows of a unit lie until all are done; a unit is done if it is there."""
    return root / PARTS / f"{name}.parquet"


def layout_for(frames: FrameIndex, settings: PrepareSettings) -> LandmarkLayout:
    """The layout of all stored landmarks: the data set's own, or 68 points where none of those are used."""
    if frames.landmarks is None or settings.landmarks == "detect":
        return IBUG68
    return layout_of(frames.landmarks)


def work(job: Job) -> float:
    """Store the frames of a unit; returns the CPU seconds that they took.

    Raises:
        OSError: the files can't be written.
    """
    start = time.process_time()
    frames = job.frames
    keys = frames.keys
    layout = layout_for(frames, job.settings)
    rows: dict[int, tuple[str, int, int, int, str, str]] = {}
    landmarks = np.full((len(frames), layout.count, 2), np.nan, np.float32)
    with write_shard(job.root / job.shard) as shard:
        for row, face, found in _faces(job, layout):
            if isinstance(face, Missing):
                rows[row] = "", -1, 0, 0, found, face.reason
                continue
            offset, length = shard.add(f"{keys[row]}.jpg", face.jpeg)
            landmarks[row] = face.landmarks
            rows[row] = job.shard, offset, length, face.size, found, ""
    names = ("shard", "offset", "length", "size", "found", "reason")
    stored = dict(zip(names, zip(*(rows[row] for row in range(len(frames))), strict=True), strict=True))
    of_frames = {name: getattr(frames, name) for name in ("subject", "sequence", "frame", "part")}
    of_aus = {"": frames.labels, "_i": frames.intensities, "_side": frames.one_sided}
    table = pd.concat(
        [
            pd.DataFrame({"key": keys, **of_frames, **stored, "file": _files(frames)}),
            *(
                pd.DataFrame(values, columns=[f"{label}{suffix}" for label in frames.aus.labels])
                for suffix, values in of_aus.items()
                if values is not None
            ),
            pd.DataFrame(landmarks.reshape(len(frames), -1), columns=point_columns(layout.count)),
        ],
        axis=1,
    )
    with atomic_write(rows_file(job.root, job.name)) as part:
        table.to_parquet(part, index=False)
    return time.process_time() - start


def _faces(job: Job, layout: LandmarkLayout) -> Iterator[tuple[int, StoredFace | Missing, str]]:
    """(row, face or why there is none, where its landmarks come from), in the order they are read."""
    frames = job.frames
    finder = FaceFinder(
        job.settings.landmarks, layout, partial(_cached_detector, job.detector), frames.aligned
    )
    people = len(frames.sequences())
    near = _first_given(frames)
    for row, image in pictures(frames.media, frames.position):
        if isinstance(image, Missing):
            lost = _lost(frames, row)
            yield row, image if lost is None else Missing(lost.reason), ""
            continue
        given = None if frames.landmarks is None else frames.landmarks[row]
        if people > 1:
            near = _first_given(frames.take([row]))
        face = finder.locate(image, given, near)
        if isinstance(face, Located):
            near = centre(face.landmarks)
            yield row, cut(image, face.landmarks, job.settings), face.found
        else:
            yield row, face, ""


def _lost(frames: FrameIndex, row: int) -> LostVideo | None:
    """Why a frame without a file has none, if that is known."""
    if frames.media[row]:
        return None
    return frames.lost.get((str(frames.subject[row]), str(frames.sequence[row])))


def _files(frames: FrameIndex) -> list[str]:
    """The frames' files, also those that don't show them."""
    lost = (_lost(frames, row) for row in range(len(frames)))
    return [path if one is None else one.path for path, one in zip(frames.media, lost, strict=True)]


def _first_given(frames: FrameIndex) -> NDArray[np.float64] | None:
    points = frames.landmarks
    if points is None:
        return None
    there = np.flatnonzero(np.isfinite(points).all((1, 2)))
    return centre(points[there[0]]) if there.size else None


@lru_cache(maxsize=1)
def _cached_detector(detector: MakeDetector) -> FaceDetector:
    # Files of up to 100 MB: read once a process, and only where a face is to be detected.
    return detector()
