"""One frame of a clip, kept small with the evidence for each Action Unit of its faces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.aus import AUSet
from aulens.image import encode_jpeg
from aulens.runtime.result import FaceResult, FrameResult
from aulens.show.evidence import as_heat

LEVELS: Final = 15
"""Steps of evidence from 0 to 1, and from 0 to -1: a colour laid over a face shows no more."""

_LARGEST_MAP: Final = 48
_QUALITY: Final = 80
# Maps of few levels: other ways to compress save a twentieth and take 30 times as long.
_FAST: Final = [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY]


@dataclass(frozen=True)
class StillFace:
    """A face of a still.

    Attributes:
        face_id: whose.
        box: x0, y0, x1, y1 in pixels of the still.
        points: landmarks, x0, y0, x1, y1, ... in pixels of the still.
        probability: AU label to probability.
        right: AU label to probability on the subject's right; None: the model has none.
        left: as `right`.
        name: of the file with the evidence: grey PNG of the AUs' maps one below the other, 128 + 8 times the
            strength in steps of 1 / 15. None if it was not kept.
        map: width and height of one map, pixels.
        place: a, b, c, d, e, f: a point (x, y) of a map, pixel edges whole numbers, is in the still at
            (a x + c y + e, b x + d y + f).
    """

    face_id: int
    box: tuple[float, ...]
    points: tuple[int, ...]
    probability: Mapping[str, float]
    right: Mapping[str, float] | None
    left: Mapping[str, float] | None
    name: str | None
    map: tuple[int, int]
    place: tuple[float, ...]


@dataclass(frozen=True)
class Still:
    """A kept frame.

    Attributes:
        frame: its number in the clip.
        time: seconds; None where the clip has no time stamps.
        name: of the file with the picture (JPEG).
        width: of the picture, pixels.
        height: of the picture, pixels.
        faces: by `face_id`.
    """

    frame: int
    time: float | None
    name: str
    width: int
    height: int
    faces: tuple[StillFace, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """Names of all its files."""
        return (self.name, *(face.name for face in self.faces if face.name is not None))


@dataclass(frozen=True, eq=False)
class Shot:
    """A still that is still in memory: what it is, and its files' contents by name."""

    still: Still
    files: Mapping[str, bytes]


def take(result: FrameResult, aus: AUSet, side: int, evidence_of: Sequence[int]) -> Shot:
    """Make a still of a frame.

    Args:
        result: the frame.
        aus: of the model, in the maps' order.
        side: the picture's longer side, pixels; smaller frames stay as they are.
        evidence_of: ids of the faces whose evidence to keep.
    """
    height, width = result.image.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = result.image
    if scale < 1:
        small = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    stem = f"{result.index:09d}"
    files = {f"{stem}.jpg": encode_jpeg(small, _QUALITY)}
    ratio = np.array([size[0] / width, size[1] / height])
    faces = []
    for face in result.faces:
        name = f"{stem}.{face.face_id}.png" if face.face_id in evidence_of else None
        maps = _maps(face, aus)
        if name is not None:
            files[name] = cv2.imencode(".png", maps.reshape(-1, maps.shape[-1]), _FAST)[1].tobytes()
        faces.append(_face(face, ratio, name, (maps.shape[2], maps.shape[1])))
    time = None if np.isnan(result.time) else round(result.time, 6)
    return Shot(Still(result.index, time, f"{stem}.jpg", *size, tuple(faces)), files)


def _maps(face: FaceResult, aus: AUSet) -> NDArray[np.uint8]:
    """(A, h, w): how strongly each AU's evidence is shown, in steps."""
    shown = np.stack([as_heat(face.evidence.raw(label), face, label) for label in aus.labels])
    side = max(shown.shape[1:])
    if side > _LARGEST_MAP:
        ratio = _LARGEST_MAP / side
        small = max(1, round(shown.shape[2] * ratio)), max(1, round(shown.shape[1] * ratio))
        shown = np.stack([cv2.resize(one, small, interpolation=cv2.INTER_AREA) for one in shown])
    return np.asarray(128 + 8 * np.rint(LEVELS * np.clip(shown, -1, 1)), dtype=np.uint8)


def _face(face: FaceResult, ratio: NDArray[np.float64], name: str | None, size: tuple[int, int]) -> StillFace:
    # The picture counts from pixel centres, a canvas from edges.
    corners = (face.evidence.outline() + 0.5) * ratio
    across, down = (corners[1] - corners[0]) / size[0], (corners[3] - corners[0]) / size[1]
    box = ((face.box.reshape(2, 2) + 0.5) * ratio).ravel()
    points = np.rint((face.landmarks + 0.5) * ratio).astype(int).ravel()
    sides = [
        {label: round(p, 4) for label, p in side.items()} if face.has_side_scores else None
        for side in (face.right, face.left)
    ]
    return StillFace(
        face_id=face.face_id,
        box=tuple(np.round(box, 1).tolist()),
        points=tuple(points.tolist()),
        probability={label: round(p, 4) for label, p in face.probability.items()},
        right=sides[0],
        left=sides[1],
        name=name,
        map=size,
        place=tuple(np.round(np.concatenate([across, down, corners[0]]), 4).tolist()),
    )
