"""Which face of a frame is stored, where its landmarks come from, and its picture, with room around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from aulens import align
from aulens.data.prepare.settings import LandmarkSource, PrepareSettings
from aulens.data.prepare.units import Missing
from aulens.errors import InputError
from aulens.faces.default import MakeDetector
from aulens.faces.detector import AlignedFollower, Face
from aulens.image import encode_jpeg
from aulens.landmarks import LandmarkLayout, convert, layout_of

Found = Literal["given", "detected", "prior"]
FOUND: Final[Mapping[Found, str]] = MappingProxyType(
    {
        "given": "landmarks of the data set",
        "detected": "landmarks of the detector",
        "prior": "landmarks of the detector, laid into an aligned picture in which it found no face",
    }
)
"""Where landmarks come from: the words of the manifest; prepared.json says which detector."""

MIN_SHARE: Final = 0.4
"""A smaller box, as a share of an aligned picture's width, is not the face that fills it."""


@dataclass(frozen=True, eq=False)
class Located:
    """A face's landmarks (K, 2) float64, pixels of the frame, and where they come from."""

    landmarks: NDArray[np.float64]
    found: Found


@dataclass(frozen=True)
class FaceFinder:
    """Finds the landmarks of one face per frame.

    Attributes:
        source: which landmarks are wanted.
        layout: that the landmarks are brought into.
        detector: gives what finds faces with 68 points; asked for where a face is to be found.
        aligned: the pictures are filled by one face each.
    """

    source: LandmarkSource
    layout: LandmarkLayout
    detector: MakeDetector
    aligned: bool = False

    def locate(
        self,
        image: NDArray[np.uint8],
        given: NDArray[np.floating] | None,
        near: NDArray[np.float64] | None,
    ) -> Located | Missing:
        """The face of a frame.

        Args:
            image: (H, W, 3) uint8 RGB.
            given: (K, 2) landmarks of the data set, NaN where it has none.
            near: (2,) where the face is in a frame close by; of several faces the nearest is taken, without
                it the largest.

        Raises:
            InputError: the detector's landmarks lack points of the layout.
            ModelError: the detector's files are missing or damaged.
        """
        why = Missing("no_landmarks")
        if self.source != "detect" and given is not None and np.isfinite(given).all():
            points = given.astype(np.float64)
            if makes_a_face(points, image.shape[:2]):
                return Located(points, "given")
            why = Missing("bad_landmarks")
        if self.source == "given":
            return why
        found: Found = "detected"
        detector = self.detector()
        height, width = image.shape[:2]
        min_width = MIN_SHARE * width if self.aligned else 0.0
        faces = [face for face in detector(image) if face.box[2] - face.box[0] >= min_width]
        if faces:
            points = _chosen(faces, near).landmarks
        elif self.aligned and isinstance(detector, AlignedFollower):
            box = np.array(detector.aligned_box) * (width, height, width, height) - 0.5
            found, points = "prior", detector.landmarks(image, box)
        else:
            return Missing("no_face")
        points = convert(points, layout_of(points), self.layout).astype(np.float64)
        return Located(points, found) if makes_a_face(points, image.shape[:2]) else Missing("no_face")


def centre(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """The middle of eyes and mouth of (K, 2) landmarks, the same in every layout: (2,)."""
    return np.asarray(align.anchors(points).mean(0), np.float64)


def makes_a_face(points: NDArray[np.floating], shape: tuple[int, ...]) -> bool:
    """Whether (K, 2) landmarks fix a crop, and the middle of the face lies in the picture (h, w)."""
    try:
        align.FACE.matrix(points, 100)
    except InputError:
        return False
    x, y = centre(points)
    height, width = shape
    return bool(-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5)


@dataclass(frozen=True, eq=False)
class StoredFace:
    """What is stored of a frame.

    Attributes:
        jpeg: the square picture, a JPEG file.
        size: its side in pixels.
        landmarks: (K, 2) float32, pixels of it.
    """

    jpeg: bytes
    size: int
    landmarks: NDArray[np.float32]


def stored_matrix(landmarks: NDArray[np.floating], size: int, margin: float) -> tuple[align.Matrix, int]:
    """The similarity frame → stored picture, (2, 3), and that picture's side.

    A crop by the template `align.FACE` of `size` pixels lies in its middle, `margin` * size away from the
    edges; it is smaller where that would enlarge the frame, which adds pixels but nothing to see.

    Raises:
        InputError: the landmarks fix no crop.
    """
    scale = float(np.sqrt(np.linalg.det(align.FACE.matrix(landmarks, size)[:, :2])))
    inner = max(1, min(size, int(size / scale)))
    edge = round(margin * inner)
    shift = np.array([[1.0, 0.0, edge], [0.0, 1.0, edge]])
    return align.compose(shift, align.FACE.matrix(landmarks, inner)), inner + 2 * edge


def cut(image: NDArray[np.uint8], landmarks: NDArray[np.floating], settings: PrepareSettings) -> StoredFace:
    """Cut a face (K, 2) out of a frame (H, W, 3) uint8 RGB; grey lies where the frame ends.

    Raises:
        InputError: the landmarks fix no crop.
    """
    matrix, side = stored_matrix(landmarks, settings.size, settings.margin)
    picture = align.warp(image, matrix, side)
    jpeg = encode_jpeg(picture, settings.quality)
    return StoredFace(jpeg, side, align.transform(matrix, landmarks).astype(np.float32))


def _chosen(faces: Sequence[Face], near: NDArray[np.float64] | None) -> Face:
    if near is None:
        return faces[0]
    return min(faces, key=lambda face: float(np.hypot(*(centre(face.landmarks) - near))))
