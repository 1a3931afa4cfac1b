"""A detector of an installed package is as able as it was made: a follower is followed with."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from stub_detectors import GREY, Following, Scripted, Tracing, face, frame

from aulens.errors import InputError
from aulens.faces.detector import (
    AlignedFollower,
    Face,
    FaceDetector,
    FaceFollower,
    LandmarkFollower,
)
from aulens.faces.foreign import of_package
from aulens.faces.tracker import FaceTracker

KINDS = (FaceFollower, LandmarkFollower, AlignedFollower)


class Aligned(Following):
    """A follower that can find landmarks in an aligned picture."""

    aligned_box = (0.1, 0.2, 0.8, 0.9)


class Both(Tracing):
    """One that can do all."""

    aligned_box = (0.1, 0.2, 0.8, 0.9)


@pytest.mark.parametrize("kind", [Scripted, Following, Tracing, Aligned, Both])
def test_it_stays_what_it_is(kind: type[Scripted]) -> None:
    given = kind({})
    wrapped = of_package(given, "toy")
    assert [isinstance(wrapped, each) for each in KINDS] == [isinstance(given, each) for each in KINDS]
    if isinstance(wrapped, AlignedFollower):
        assert wrapped.aligned_box == (0.1, 0.2, 0.8, 0.9)


@pytest.mark.parametrize("kind", [Following, Tracing])
def test_a_follower_need_not_look_at_each_frame(kind: type[Following]) -> None:
    """Frame by frame the same faces as without a wrapper, and the detector is asked as often."""

    def tracked(wrap: bool) -> tuple[list[list[float]], int]:
        given = kind({n: [face(80 + n, 100)] for n in range(40)})
        detector: FaceDetector = of_package(given, "toy") if wrap else given
        tracker = FaceTracker(detector, None)
        seen = [tracker(f).faces for f in map(frame, range(40))]
        return [[float(v) for one in faces for v in one.box] for faces in seen], len(given.calls)

    plain, calls = tracked(False)
    assert tracked(True) == (plain, calls)
    assert calls < 40


class Wrong(Tracing):
    """Answers with what is no answer."""

    def landmarks(self, image: NDArray[np.uint8], box: NDArray[np.float64]) -> Any:
        return [1.0, 2.0]

    def follow_all(self, image: NDArray[np.uint8], landmarks: NDArray[np.float64]) -> list[Face]:
        return []


def test_answers_that_are_none_are_said_of_it() -> None:
    wrapped = of_package(Wrong({}), "toy")
    assert isinstance(wrapped, LandmarkFollower)
    with pytest.raises(InputError, match=r"detector 'toy' gave array\(\[1\., 2\.\]\) instead of landmarks"):
        wrapped.landmarks(GREY, np.array([0.0, 0, 9, 9]))
    with pytest.raises(InputError, match=r"detector 'toy' gave \[\] instead of 1 faces; its package must"):
        wrapped.follow_all(GREY, np.zeros((1, 68, 2)))
