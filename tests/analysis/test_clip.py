import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from aulens.analysis.clip import analyze_clip
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
    steps = analyze_clip(NoFaces(), frames, NoFaces(), most=16, live=True)
    assert next(steps).result.index == 0
    time.sleep(0.05)
    # One was given, one waits, and one is in the tracker's hand.
    assert asked == [0, 1, 2]
    steps.close()
    assert closed == [True]
