"""What FaceNet takes for faces where nobody is: LandmarkNet learns that these are none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.data.face_nets.crops import FalseFace
from aulens.training.face_nets.measure import nms

_MIN_SCORE: Final = -0.8  # of an answer that a detector might take for a face
_EACH: Final = 4  # answers in a picture, at most
_LONGEST: Final = (320, 640)

Find = Callable[[NDArray[np.uint8]], tuple[NDArray[Any], ...]]


def false_faces(find: Find, backgrounds: Sequence[NDArray[np.uint8]]) -> list[FalseFace]:
    """The answers of FaceNet in pictures without people, turned each way, at one size or another.

    Args:
        find: boxes, points and scores that FaceNet gives for a picture (h, w, 3) uint8 RGB.
        backgrounds: (h, w, 3) uint8 RGB.
    """
    found = []
    for number, picture in enumerate(backgrounds):
        for quarters in range(4):
            turned = np.ascontiguousarray(np.rot90(picture, quarters))
            seen, scale = padded(turned, _LONGEST[(number + quarters) % 2])
            boxes, points, scores = find(seen)
            likely = np.flatnonzero(scores > _MIN_SCORE)
            for answer in likely[nms(boxes[likely], scores[likely])][:_EACH]:
                place = np.asarray(points[answer], np.float64) / scale - 0.5
                found.append(FalseFace(number, _back(place, quarters, turned.shape)))
    return found


def _back(points: NDArray[np.float64], quarters: int, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Points of a picture of `shape` (h, w) that was turned counter-clockwise, in the picture as it was."""
    height, width = shape[:2]
    for _ in range(quarters):  # one quarter back: clockwise
        points = np.stack([height - 1 - points[:, 1], points[:, 0]], 1)
        height, width = width, height
    return points


def padded(picture: NDArray[np.uint8], longest: int) -> tuple[NDArray[np.uint8], float]:
    """The picture with its longest side at most `longest`, framed to multiples of 32; and its scale."""
    scale = min(1.0, longest / max(picture.shape[:2]))
    if scale < 1:
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        picture = np.asarray(small, np.uint8)
    height, width = picture.shape[:2]
    down, right = -height % 32, -width % 32
    return np.asarray(cv2.copyMakeBorder(picture, 0, down, 0, right, cv2.BORDER_REPLICATE), np.uint8), scale
