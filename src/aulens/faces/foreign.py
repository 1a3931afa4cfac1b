"""A detector of an installed package: what it does wrong is said of it, and of the picture, in a sentence."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from aulens.errors import InputError
from aulens.faces.detector import (
    AlignedFollower,
    Face,
    FaceDetector,
    FaceFollower,
    LandmarkFollower,
    described,
)
from aulens.registry import blamed


def of_package(detector: FaceDetector, name: str) -> FaceDetector:
    """The detector that a package enters under a name; a follower stays what it is."""
    for kind, wrapper in _KINDS:
        if isinstance(detector, kind):
            return wrapper(detector, name)
    return _Detector(detector, name)


class _Detector:
    def __init__(self, detector: FaceDetector, name: str) -> None:
        self._detector, self._who = detector, f"The face detector {name!r}"

    def __call__(self, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        """See `FaceDetector`."""
        return tuple(self._asked(lambda: self._detector(image)))

    def __repr__(self) -> str:
        return described(self._detector)

    def _asked(self, ask: Callable[[], object]) -> list[Face]:
        with blamed(self._who, InputError):
            found = ask()
        if not isinstance(found, tuple | list) or not all(isinstance(face, Face) for face in found):
            raise InputError(f"{self._who} gave {found!r:.200} instead of faces; its package must mend that")
        return list(found)


class _Follower(_Detector):
    _detector: FaceFollower

    def glance(self, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        """See `FaceFollower`."""
        return tuple(self._asked(lambda: self._detector.glance(image)))

    def near(self, image: NDArray[np.uint8], box: NDArray[np.float64]) -> tuple[Face, ...]:
        """See `FaceFollower`."""
        return tuple(self._asked(lambda: self._detector.near(image, box)))


class _LandmarkFollower(_Follower):
    _detector: LandmarkFollower

    def follow_all(self, image: NDArray[np.uint8], landmarks: NDArray[np.float64]) -> list[Face]:
        """See `LandmarkFollower`."""
        return self._asked(lambda: self._detector.follow_all(image, landmarks))


class _AlignedFollower(_Follower):
    _detector: AlignedFollower

    @property
    def aligned_box(self) -> tuple[float, float, float, float]:
        """See `AlignedFollower`."""
        return self._detector.aligned_box


_KINDS = (
    (LandmarkFollower, _LandmarkFollower),
    (AlignedFollower, _AlignedFollower),
    (FaceFollower, _Follower),
)
