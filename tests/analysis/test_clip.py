import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from aulens.analysis.clip import analyze_clip
from aulens.faces.detector import Face
from aulens.faces.tracker import Tracked
from aulens.video import Frame


class NoFaces:
    """Finds none, follows none, analyzes none."""

    def __call__(self, frame: Frame) -> Tracked:
        return Tracked((), (), ())

    def state(self) -> dict[str, Any]:
        return {}

    def analyze_frames(self, frames: Sequence[Any]) -> list[tuple[()]]:
        return [()] * len(frames)


def test_nothing_of_a_camera_waits_while_the_newest_is_due():
    asked: list[int] = []
    closed: list[bool] = []

    def camera() -> Iterator[Frame]:
        try:
            for index in range(100):
                asked.append(index)
                yield Frame(index, index / 25, np.zeros((2, 2, 3), np.uint8))
        finally:
            closed.append(True)

    frames = camera()
    steps = analyze_clip(NoFaces().analyze_frames, frames, NoFaces(), max_waiting=16, live=True)
    assert next(steps)[0].index == 0
    time.sleep(0.05)
    # One was given, one waits, and one is in the tracker's hand.
    assert asked == [0, 1, 2]
    steps.close()
    assert closed == [True]


class OneEach:
    """Sees as many people as a frame's first pixel says, and calls them by its number."""

    def __call__(self, frame: Frame) -> Tracked:
        ids = tuple(range(frame.index, frame.index + int(frame.image[0, 0, 0])))
        return Tracked(tuple(Face(np.array([0.0, 0, 1, 1]), np.empty((0, 2))) for _ in ids), ids, (1000,))

    def state(self) -> dict[str, Any]:
        return {}

    def analyze_frames(self, frames: Sequence[Any]) -> list[tuple[int, ...]]:
        return [ids for _, _, ids in frames]


@pytest.mark.parametrize("waiting", [1, 2, 16])
def test_each_result_is_of_its_own_frame_however_many_go_through_the_model_at_once(waiting: int):
    people = (0, 1, 3, 0, 5, 1, 1, 0)
    frames = [
        Frame(10 * k, k / 7, np.full((2, 2, 3), count, np.uint8), f"{k}.png")
        for k, count in enumerate(people)
    ]
    found = [
        result
        for result, _ in analyze_clip(OneEach().analyze_frames, iter(frames), OneEach(), max_waiting=waiting)
    ]
    assert len(found) == len(frames)
    for result, frame, count in zip(found, frames, people, strict=True):
        assert (result.index, result.time, result.picture) == (frame.index, frame.time, frame.picture)
        assert result.image is frame.image
        assert (result.faces, result.lost) == (tuple(range(frame.index, frame.index + count)), (1000,))
