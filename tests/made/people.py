"""Pictures for tests of faces: the public-domain astronaut of scikit-image, alone and in crowds."""

from functools import cache

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

from aulens.faces import net_detector
from aulens.faces.default import default_detector
from aulens.faces.detector import FaceFollower
from aulens.faces.dlib_detector import DlibDetector
from aulens.faces.registry import DetectorEntry

Image = NDArray[np.uint8]

# Corners of eyes and mouth of the astronaut, found by another library: MediaPipe 0.10.21's face mesh,
# vertices 33, 133, 362, 263, 61, 291, as (x, y) pixels, integer = pixel centre; key: its index in iBUG-68.
ASTRONAUT = {
    36: (194.7, 100.4),
    39: (212.8, 103.2),
    42: (236.5, 104.4),
    45: (255.3, 103.8),
    48: (201.3, 138.7),
    54: (244.5, 140.5),
}


@cache
def detector() -> FaceFollower:
    """The detector that is used where no other is asked for; one for all tests."""
    return default_detector()


ENTRY = DetectorEntry(
    lambda spec: (
        detector() if spec.model is None and spec.landmarks is None else net_detector.ENTRY.make(spec)
    ),
    options=net_detector.ENTRY.options,
    has_quality=True,
)
"""The detector "aulens", but made once for all tests."""


@cache
def dlib_detector() -> DlibDetector:
    """One detector for all tests: its file of 100 MB is read once."""
    return DlibDetector()


@cache
def _astronaut() -> Image:
    return np.asarray(skimage.data.astronaut())


def astronaut() -> Image:
    return _astronaut().copy()


def head() -> Image:
    """The astronaut's head, 180 x 180 pixels."""
    return astronaut()[40:220, 130:310].copy()


def crowd(rows: int, columns: int) -> Image:
    return np.tile(head(), (rows, columns, 1))


def resized(image: Image, factor: float) -> Image:
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=how), dtype=np.uint8)


def noise(height: int, width: int) -> Image:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
