"""Small faces in large scenes: heads of portraits, pasted softly into photographs without people."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from aulens import read_image
from aulens.faces.detector import iou
from aulens.landmarks import face_box
from finding_faces.pictures import Image, Picture, Points, Portraits

LONGEST = 1920
_SOFT = 0.06  # sigma of a head's edge, in heights of the face
_TURN = 15  # degrees to which heads are tilted, either way


def scenes(
    portraits: Portraits,
    names: Sequence[str],
    backgrounds: Sequence[Path],
    *,
    height: float,
    faces: int,
    count: int,
) -> Iterator[Picture]:
    """Scenes of 1,920 pixels with faces of one size.

    Args:
        portraits: where faces come from.
        names: which.
        backgrounds: files of photographs without people.
        height: of a face's box, pixels.
        faces: in each scene.
        count: of scenes.
    """
    random = np.random.default_rng(zlib.crc32(f"{height:g} {faces} {count}".encode()))
    order = iter(random.permutation(np.tile(np.arange(len(names)), 1 + faces * count // len(names))))
    for number in range(count):
        image = _sized(read_image(backgrounds[int(random.integers(len(backgrounds)))]))
        taken: list[Points] = []
        points: list[Points] = []
        for _ in range(faces):
            head, mask, landmarks = _head(portraits.picture(names[int(next(order))]), height, random)
            at = _place(image, head, taken, random)
            if at is None:
                continue
            x, y = at
            part = image[y : y + head.shape[0], x : x + head.shape[1]]
            weight = mask[..., None]
            mixed = part * (1 - weight) + head * weight
            part[:] = np.rint(mixed).astype(np.uint8)
            points.append(landmarks + np.array(at))
        name = f"scene {number}, {faces} of {height:g} pixels"
        yield Picture(name, image, np.array(points).reshape(-1, 68, 2))


def _sized(image: Image) -> Image:
    """Scaled so that its longer side has 1,920 pixels; what is enlarged is soft."""
    scale = LONGEST / max(image.shape[:2])
    size = round(image.shape[1] * scale), round(image.shape[0] * scale)
    return np.asarray(
        cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC), np.uint8
    )


def _head(picture: Picture, height: float, random: np.random.Generator) -> tuple[Image, Points, Points]:
    """A head of that height (h, w, 3), its mask (h, w) 0 to 1, and its landmarks (68, 2)."""
    (box,) = picture.boxes
    scale = height / float(box[3] - box[1])
    size = np.maximum(np.rint(np.array(picture.size) * scale), 1).astype(int)
    small = cv2.resize(picture.image, size.tolist(), interpolation=cv2.INTER_AREA)
    points = (picture.landmarks[0] + 0.5) * (size / picture.size) - 0.5
    x0, y0, x1, y1 = face_box(points).tolist()
    x, y, wide, high = (x0 + x1) / 2, (y0 + y1) / 2 - 0.06 * height, 0.62 * (x1 - x0), 0.62 * (y1 - y0)
    side = int(np.ceil(2 * max(wide, high) + 6 * _SOFT * height)) | 1
    turn = np.array(cv2.getRotationMatrix2D((x, y), float(random.uniform(-_TURN, _TURN)), 1.0), np.float64)
    turn[:, 2] += (side - 1) / 2 - np.array([x, y])
    head = cv2.warpAffine(small, turn, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    across, down = np.meshgrid(np.arange(side) - (side - 1) / 2, np.arange(side) - (side - 1) / 2)
    mask = ((across / wide) ** 2 + (down / high) ** 2 <= 1).astype(np.float64)
    mask = cv2.GaussianBlur(mask, (0, 0), _SOFT * height)
    return np.asarray(head, np.uint8), mask, points @ turn[:, :2].T + turn[:, 2]


def _place(
    image: Image, head: Image, taken: list[Points], random: np.random.Generator
) -> tuple[int, int] | None:
    """Where the head has room beside those placed before."""
    side = len(head)
    for _ in range(50):
        x, y = (int(random.integers(0, limit - side)) for limit in (image.shape[1], image.shape[0]))
        box = np.array([x, y, x + side, y + side], np.float64)
        if all(iou(box, other) == 0 for other in taken):
            taken.append(box)
            return x, y
    return None
