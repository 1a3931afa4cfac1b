"""What a face is, and what every detector does: a picture in, faces out."""

import math
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from aulens.errors import InputError

LOOKS: Final = ("", "enlarged", "shrunk", "stretched", "turned90", "turned180", "turned270")
"""How a picture was looked at when a face was found: as it is, enlarged, shrunk, with its contrast stretched,
or turned clockwise by so many degrees."""


@dataclass(frozen=True, eq=False)
class Face:
    """One face in one picture.

    Coordinates are (x, y) in pixels, an integer is the centre of a pixel, y points down.

    Attributes:
        box: (4,) float64, x0, y0, x1, y1; may reach over the border of the picture.
        landmarks: (K, 2) float64 in a layout of `aulens.landmarks` (68, 66 or 49 points); or the five of
            `aulens.align.FIVE_POINTS`, or none, (0, 2), from which `aulens.JAALandmarks` finds 49.
        confidence: the detector's own score; comparable only within one detector.
        quality: 0 to 1, how far Action Units read off this face can be trusted (occluded, dark, blurred,
            small, turned away); NaN where the detector does not say.
        visibility: (K,) float64, 0 to 1 for each landmark: whether it can be seen, or is a guess behind a
            hand, a mask, the border of the picture; None where the detector does not say.
        look: which look found it, "" for the first; one of `LOOKS`.
    """

    box: NDArray[np.float64]
    landmarks: NDArray[np.float64]
    confidence: float = 1.0
    quality: float = math.nan
    visibility: NDArray[np.float64] | None = None
    look: str = ""

    def __post_init__(self) -> None:
        for name in ("box", "landmarks", "visibility"):
            if (given := getattr(self, name)) is not None:
                own = np.array(given, dtype=np.float64)
                own.flags.writeable = False
                object.__setattr__(self, name, own)
        box, landmarks, visibility = self.box, self.landmarks, self.visibility
        if box.shape != (4,) or not np.isfinite(box).all() or box[2] <= box[0] or box[3] <= box[1]:
            raise InputError(f"a face box must be (x0, y0, x1, y1) with x0 < x1 and y0 < y1, got {self.box}")
        if landmarks.ndim != 2 or landmarks.shape[1] != 2 or not np.isfinite(landmarks).all():
            raise InputError(f"landmarks must be finite numbers of shape (K, 2), got shape {landmarks.shape}")
        if visibility is not None and visibility.shape != landmarks.shape[:1]:
            raise InputError(
                f"visibility must be one number per landmark, ({len(landmarks)},), got {visibility.shape}"
            )
        if self.look not in LOOKS:
            raise InputError(f"a face's look must be one of {', '.join(map(repr, LOOKS))}, got {self.look!r}")

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return float((self.box[2] - self.box[0]) * (self.box[3] - self.box[1]))


class FaceDetector(Protocol):
    """Anything that finds faces: `detector(image)`, image (H, W, 3) uint8 RGB, faces largest first."""

    def __call__(self, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        """Return the faces of `image` (H, W, 3) uint8 RGB, largest first; () if there is none."""


@runtime_checkable
class FaceFollower(FaceDetector, Protocol):
    """A detector with which a face can be followed from frame to frame, so that it need not look everywhere.

    `aulens.faces.tracker.FaceTracker` detects now and then with it, and follows in between. Any other
    detector runs on every frame.
    """

    def landmarks(self, image: NDArray[np.uint8], box: NDArray[np.float64]) -> NDArray[np.float64]:
        """The landmarks (K, 2) of the face in a box (4,) like its own; invented if there is none."""

    def detect_quickly(self, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        """Like a call, but quick: may miss small faces."""

    def near(self, image: NDArray[np.uint8], box: NDArray[np.float64]) -> tuple[Face, ...]:
        """The faces about as large as `box` (4,), within half its size around it, nearest first.

        It may be less strict than a call, because a face was there a moment ago.
        """


@runtime_checkable
class LandmarkFollower(FaceFollower, Protocol):
    """A follower that finds landmarks from those of the last frame, of several faces at once."""

    def follow_all(self, image: NDArray[np.uint8], landmarks: NDArray[np.float64]) -> list[Face]:
        """The faces whose landmarks (N, K, 2) were these a moment ago.

        Their confidence, 0 to 1, is how sure it is that there is a face; landmarks are a face's where it is
        not 0.
        """


@runtime_checkable
class AlignedFollower(FaceFollower, Protocol):
    """A follower that can also find the landmarks of an aligned picture in which it sees no face."""

    @property
    def aligned_box(self) -> tuple[float, float, float, float]:
        """Where its box lies in an aligned picture that one face fills: x0, y0, x1, y1, shares of it."""


def described(detector: FaceDetector) -> str:
    """A detector and its options in a line; of one without a `__repr__` of its own, its type."""
    text = repr(detector)
    kind = type(detector)
    return f"{kind.__module__}.{kind.__qualname__}" if " at 0x" in text else text


def shared_area(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Area shared by two boxes (4,), square pixels."""
    width, height = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    return max(float(width), 0.0) * max(float(height), 0.0)


def iou(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Area shared by two boxes (4,) over the area of both (IoU), 0 to 1."""
    shared = shared_area(a, b)
    areas = float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]))
    return shared / (areas - shared)


def left_out_text(face: Face, why: str) -> str:
    """Which face of a picture is left out, and why."""
    x, y = (face.box[:2] + face.box[2:]) / 2
    return f"the face at ({x:.0f}, {y:.0f}) is left out: {why}"


def largest_first(faces: list[Face]) -> tuple[Face, ...]:
    """Order faces by the area of their boxes, ties from left to right, so that ids are stable."""
    return tuple(sorted(faces, key=lambda face: (-face.area, float(face.box[0]), float(face.box[1]))))


def check_image(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return `image` with contiguous memory, or raise `InputError` if it is not (H, W, 3) uint8."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        seen = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise InputError(
            f"an image must be an RGB array (H, W, 3) of uint8, got {seen}; aulens.read_image reads any file"
        )
    if image.shape[0] < 1 or image.shape[1] < 1:
        raise InputError(f"the image is empty, its shape is {image.shape}")
    return np.ascontiguousarray(image)
