"""The stored picture: upright and level, with room around every crop that a model will take from it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens import align
from aulens.data.prepare.settings import PrepareSettings
from aulens.errors import DatasetError


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
    scale = float(np.sqrt(np.linalg.det(align.crop_matrix(landmarks, size)[:, :2])))
    inner = max(1, min(size, int(size / scale)))
    edge = round(margin * inner)
    shift = np.array([[1.0, 0.0, edge], [0.0, 1.0, edge]])
    return align.compose(shift, align.crop_matrix(landmarks, inner)), inner + 2 * edge


def cut(image: NDArray[np.uint8], landmarks: NDArray[np.floating], settings: PrepareSettings) -> StoredFace:
    """Cut a face (K, 2) out of a frame (H, W, 3) uint8 RGB; grey lies where the frame ends.

    Raises:
        InputError: the landmarks fix no crop.
    """
    matrix, side = stored_matrix(landmarks, settings.size, settings.margin)
    picture = align.warp(image, matrix, side)
    options = [cv2.IMWRITE_JPEG_QUALITY, settings.quality]
    done, data = cv2.imencode(".jpg", picture[..., ::-1], options)
    if not done:
        raise DatasetError(f"A picture of {side} x {side} pixels could not be stored as JPEG.")
    return StoredFace(data.tobytes(), side, align.transform(matrix, landmarks).astype(np.float32))
