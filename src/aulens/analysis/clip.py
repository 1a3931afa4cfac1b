"""A video's frames to results: reading, finding faces and the model at work at the same time.

Memory is bounded by what may wait between the steps, whatever the length of the video.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aulens.analysis.ahead import ahead
from aulens.faces.detector import Face
from aulens.faces.tracker import FaceTracker, Tracked
from aulens.runtime.result import FaceResult, FrameResult
from aulens.video.media import Frame, VideoInfo

_WAITING_BYTES: Final = 64 << 20
"""Pixels that may wait before each step; at least two frames do."""
_MAX_WAITING: Final = 16

_BATCH_FACES: Final = 4
"""Faces that are waited for, to go through the model at once."""


Analyze = Callable[
    [Sequence[tuple[NDArray[np.uint8], Sequence[Face], Sequence[int]]]], list[tuple[FaceResult, ...]]
]
"""`Analyzer.analyze_frames`."""


Step = tuple[FrameResult, dict[str, Any] | None]
"""What was found in a frame; and each `keep` frames, the tracker's state after it, else None."""
_Found = tuple[Frame, Tracked, dict[str, Any] | None]


def max_waiting(info: VideoInfo) -> int:
    """How many frames of a video may wait before each step."""
    return max(2, min(_MAX_WAITING, _WAITING_BYTES // (3 * info.width * info.height)))


def analyze_clip(
    analyze: Analyze,
    frames: Iterable[Frame],
    tracker: FaceTracker,
    *,
    max_waiting: int,
    keep: int = 0,
    live: bool = False,
) -> Generator[Step, None, None]:
    """Results of frames in their order, each when the model has seen it.

    Args:
        analyze: gives results of the faces of several frames.
        frames: of one clip; a generator is closed at the end, also of an early one.
        tracker: of this clip.
        max_waiting: how many frames may wait before each step; see the function.
        keep: take the tracker's state each so many frames; 0 never.
        live: `frames` are a camera's, the newest at each time: give each at once, at the price of smaller
            batches. One waits for the model, none before.
    """
    count = 1 if live else max_waiting
    with closing(ahead(_track(frames if live else ahead(frames, count), tracker, keep), count)) as found:
        batch: list[_Found] = []
        for item in found:
            batch.append(item)
            if len(batch) == count or sum(len(tracked.faces) for _, tracked, _ in batch) >= _BATCH_FACES:
                yield from _steps(analyze, batch)
                batch = []
        yield from _steps(analyze, batch)


def _steps(analyze: Analyze, batch: list[_Found]) -> Iterator[Step]:
    results = analyze([(frame.image, tracked.faces, tracked.ids) for frame, tracked, _ in batch])
    for (frame, tracked, state), faces in zip(batch, results, strict=True):
        result = FrameResult(frame.index, frame.time, frame.image, faces, tracked.lost, frame.picture)
        yield result, state


def _track(frames: Iterable[Frame], tracker: FaceTracker, keep: int) -> Generator[_Found, None, None]:
    with closing(frames) if isinstance(frames, Generator) else nullcontext():
        for number, frame in enumerate(frames, 1):
            tracked = tracker(frame)
            yield frame, tracked, tracker.state() if keep and number % keep == 0 else None
