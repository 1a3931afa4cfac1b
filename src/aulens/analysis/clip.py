"""A video's frames to results: reading, finding faces and the model at work at the same time.

Memory is bounded by what may wait between the steps, whatever the length of the video.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from aulens.analysis.ahead import ahead
from aulens.faces.detector import Face
from aulens.faces.tracker import Tracked
from aulens.runtime.result import FaceResult, FrameResult
from aulens.video.media import Frame, VideoInfo

_WAITING_BYTES: Final = 64 << 20
"""Pixels that may wait before each step; at least two frames do."""
_MOST_WAITING: Final = 16

_BATCH_FACES: Final = 4
"""Faces that are waited for, to go through the model at once."""


class Tracker(Protocol):
    """Finds the faces of one clip, frame by frame, and says who is who; see `aulens.FaceTracker`."""

    def __call__(self, frame: Frame) -> Tracked:
        """The faces of the next frame."""
        ...

    def state(self) -> dict[str, Any]:
        """All that it knows, for `restore`."""
        ...


class FrameAnalyzer(Protocol):
    """Analyzes faces of several pictures at once; see `aulens.Analyzer`."""

    def analyze_frames(
        self, frames: Sequence[tuple[NDArray[np.uint8], Sequence[Face], Sequence[int]]]
    ) -> list[tuple[FaceResult, ...]]:
        """The results of each picture's faces: picture, faces, ids."""
        ...


@dataclass(frozen=True, eq=False)
class Step:
    """One analyzed frame.

    Attributes:
        result: what was found.
        state: the tracker's state after this frame, each `keep` frames; else None.
    """

    result: FrameResult
    state: dict[str, Any] | None


@dataclass(frozen=True, eq=False)
class _Found:
    frame: Frame
    tracked: Tracked
    state: dict[str, Any] | None


def waiting(info: VideoInfo) -> int:
    """How many frames of a video may wait before each step."""
    return max(2, min(_MOST_WAITING, _WAITING_BYTES // (3 * info.width * info.height)))


def analyze_clip(
    analyzer: FrameAnalyzer,
    frames: Iterable[Frame],
    tracker: Tracker,
    *,
    most: int,
    keep: int = 0,
    live: bool = False,
) -> Generator[Step, None, None]:
    """Results of frames in their order, each when the model has seen it.

    Args:
        analyzer: of faces.
        frames: of one clip; a generator is closed at the end, also of an early one.
        tracker: of this clip.
        most: how many frames may wait before each step; see `waiting`.
        keep: take the tracker's state each so many frames; 0 never.
        live: `frames` are a camera's, the newest at each time: give each at once, at the price of smaller
            batches. One waits for the model, none before.
    """
    most = 1 if live else most
    with closing(ahead(_track(frames if live else ahead(frames, most), tracker, keep), most)) as found:
        yield from _analyze(analyzer, found, most)


def _analyze(analyzer: FrameAnalyzer, found: Iterable[_Found], most: int) -> Iterator[Step]:
    batch: list[_Found] = []
    for item in found:
        batch.append(item)
        if len(batch) == most or sum(len(one.tracked.faces) for one in batch) >= _BATCH_FACES:
            yield from _steps(analyzer, batch)
            batch = []
    yield from _steps(analyzer, batch)


def _steps(analyzer: FrameAnalyzer, batch: list[_Found]) -> Iterator[Step]:
    results = analyzer.analyze_frames(
        [(item.frame.image, item.tracked.faces, item.tracked.ids) for item in batch]
    )
    for item, faces in zip(batch, results, strict=True):
        frame = item.frame
        result = FrameResult(frame.index, frame.time, frame.image, faces, item.tracked.lost, frame.picture)
        yield Step(result, item.state)


def _track(frames: Iterable[Frame], tracker: Tracker, keep: int) -> Generator[_Found, None, None]:
    with closing(frames) if isinstance(frames, Generator) else nullcontext():
        for number, frame in enumerate(frames, 1):
            tracked = tracker(frame)
            yield _Found(frame, tracked, tracker.state() if keep and number % keep == 0 else None)
