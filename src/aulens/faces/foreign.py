"""A detector of an installed package: what it does wrong is said of it, and of the picture, in a sentence."""

from collections.abc import Callable
from typing import Any

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
    if not isinstance(detector, FaceFollower):
        return _Detector(detector, name)
    follower = (_LandmarkFollower if isinstance(detector, LandmarkFollower) else _Follower)(detector, name)
    if isinstance(detector, AlignedFollower):
        follower.aligned_box = detector.aligned_box  # which makes it one too
    return follower


class _Detector:
    def __init__(self, detector: Any, name: str) -> None:
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
            raise self._fault(found, "faces")
        return list(found)

    def _fault(self, found: object, wanted: str) -> InputError:
        return InputError(f"{self._who} gave {found!r:.200} instead of {wanted}; its package must mend that")


class _Follower(_Detector):
    aligned_box: tuple[float, float, float, float]

    def landmarks(self, image: NDArray[np.uint8], box: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `FaceFollower`."""
        with blamed(self._who, InputError):
            found = np.asarray(self._detector.landmarks(image, box), np.float64)
        if found.ndim != 2 or found.shape[1] != 2 or not np.isfinite(found).all():
            raise self._fault(found, "landmarks (K, 2)")
        return found

    def detect_quickly(self, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        """See `FaceFollower`."""
        return tuple(self._asked(lambda: self._detector.detect_quickly(image)))

    def near(self, image: NDArray[np.uint8], box: NDArray[np.float64]) -> tuple[Face, ...]:
        """See `FaceFollower`."""
        return tuple(self._asked(lambda: self._detector.near(image, box)))


class _LandmarkFollower(_Follower):
    def follow_all(self, image: NDArray[np.uint8], landmarks: NDArray[np.float64]) -> list[Face]:
        """See `LandmarkFollower`."""
        found = self._asked(lambda: self._detector.follow_all(image, landmarks))
        if len(found) != len(landmarks):
            raise self._fault(found, f"{len(landmarks)} faces")
        return found
