"""Crops of single faces for the landmark network: drawn as a detector or the last frame would place them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens import align
from aulens.align.template import five_points
from aulens.data import photometric
from aulens.data.face_nets import camera, covers
from aulens.data.face_nets.camera import Take
from aulens.data.face_nets.covers import Cover
from aulens.data.face_nets.cutouts import Cutout, draw_background
from aulens.landmarks import IBUG68

Points = NDArray[np.float64]

TEMPLATE: Final = ((0.36, 0.35), (0.64, 0.35), (0.5, 0.5), (0.385, 0.645), (0.615, 0.645))
"""Where five points lie in the crop, as shares of its side: right eye, left eye, tip of the nose, corners of
the mouth. An open mouth's chin and raised brows are still inside."""

_FAR: Final = 0.2
_FAR_SCALES: Final = (0.1, 0.5)
_FALSE: Final = 0.65  # of so many crops without a face FaceNet took them for one
_BORDERS: Final = (cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT_101)


@dataclass(frozen=True, eq=False)
class FaceCrop:
    """A sample.

    Attributes:
        image: (S, S, 3) uint8 RGB.
        landmarks: (68, 2) float32, pixels of the crop.
        visible: (68,) float32, 0 to 1.
        quality: 0 to 1; see `quality`.
        present: whether there is a face; else the rest is 0.
    """

    image: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    visible: NDArray[np.float32]
    quality: float
    present: bool = True


def crop_matrix(points: Points, size: int) -> Points:
    """The matrix (2, 3) picture → crop for five points (5, 2) or landmarks (K, 2) of a face."""
    return align.similarity(five_points(points), np.array(TEMPLATE) * size - 0.5)


def draw_crop(
    cutout: Cutout,
    size: int,
    random: np.random.Generator,
    *,
    hard: float = 1.0,
    far: float = _FAR,
    far_scales: tuple[float, float] = _FAR_SCALES,
    take: Take = camera.take,
    cover: Cover = covers.cover,
) -> FaceCrop:
    """One random crop of a face.

    Args:
        cutout: the face.
        size: S, side of the crop in pixels.
        hard: 0 to 1: how far off, hidden and spoilt crops are; 0 = as it is, cut by its true points.
        far: of so many crops the pixels are few, as of somebody far away.
        far_scales: pixels there really are then per pixel of the crop, along a line: from, to.
        take: the camera.
        cover: paints what hides the face.
    """
    share = _detail(random, far, far_scales) if hard else 1.0
    off = hard * (2.0 if random.random() < 0.15 else 1.0)
    if share < 1:  # a detector's points of a small face are far off, those of a second look are not
        off = float(random.uniform(0, 2))
    middle = (size - 1) / 2
    degrees, zoom = float(random.normal(0, 9)), float(random.normal(0, 0.09))
    shift_x, shift_y = (random.normal(0, 0.035, 2) * size * off).tolist()
    shift = shift_x, shift_y
    jitter = align.rotation_scale(degrees * off, float(np.exp(zoom * off)), (middle, middle), shift)
    matrix = align.compose(jitter, crop_matrix(cutout.landmarks, size))
    flipped = bool(hard and random.random() < 0.5)
    if flipped:
        matrix = align.compose(align.flip_matrix(size), matrix)
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    image = _warp(cutout, matrix, size, random)
    points = align.transform(matrix, cutout.landmarks)
    height, width = cutout.levels[0].shape[:2]
    x, y = cutout.landmarks.T
    visible = cutout.visible * ((x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1))
    if flipped:
        mirror = list(IBUG68.mirror)
        points, visible = points[mirror], visible[mirror]
    hidden = np.zeros((size, size), np.float32)
    if random.random() < 0.4 * hard:
        for _ in range(1 + int(random.random() < 0.25)):
            kind = covers.KINDS[int(random.integers(len(covers.KINDS)))]
            hidden = np.maximum(hidden, cover(image, points, kind, random))
    visible = visible * (1 - covers.hidden_at(hidden, points))
    if share < 1:
        image = photometric.coarse(image, share, random)
    taken = take(image, random, hard=hard) if hard else camera.Taken(image, 1.0, 0.0, 0.0)
    detail = 1 / np.hypot(max(1.0, scale, 1 / share), 1.5 * taken.blur)
    worth = quality(taken.image, points, visible, cutout.yaw, detail, taken.spoilt)
    return FaceCrop(taken.image, points.astype(np.float32), visible.astype(np.float32), worth)


@dataclass(frozen=True, eq=False)
class FalseFace:
    """What FaceNet took for a face in a background.

    Attributes:
        background: its number.
        points: (5, 2) pixels of it.
    """

    background: int
    points: Points


def draw_negative(
    cutout: Cutout,
    backgrounds: Sequence[NDArray[np.uint8]],
    size: int,
    random: np.random.Generator,
    false_faces: Sequence[FalseFace] = (),
) -> FaceCrop:
    """One random crop without a face in its place: a false face, a background, or beside a cutout's face."""
    if false_faces and random.random() < _FALSE:
        false = false_faces[int(random.integers(len(false_faces)))]
        jitter = align.rotation_scale(
            float(random.normal(0, 8)), float(np.exp(random.normal(0, 0.12))), ((size - 1) / 2,) * 2
        )
        matrix = align.compose(jitter, crop_matrix(false.points, size))
        if random.random() < 0.5:
            matrix = align.compose(align.flip_matrix(size), matrix)
        border = cv2.BORDER_REPLICATE
        picture = backgrounds[false.background]
        image = np.asarray(cv2.warpAffine(picture, matrix, (size, size), borderMode=border), np.uint8)
    elif random.random() < 0.7:
        image = draw_background(backgrounds, size, random)
    else:
        angle, away = random.uniform(0, 2 * np.pi), random.uniform(0.6, 1.3) * size
        x, y = away * float(np.cos(angle)), away * float(np.sin(angle))
        matrix = align.compose(np.array([[1, 0, x], [0, 1, y]]), crop_matrix(cutout.landmarks, size))
        image = _warp(cutout, matrix, size, random)
    if (share := _detail(random)) < 1:
        image = photometric.coarse(image, share, random)
    image = camera.take(image, random, hard=float(random.random())).image
    none = np.zeros((68, 2), np.float32)
    return FaceCrop(image, none, none[:, 0], 0.0, present=False)


def quality(
    image: NDArray[np.uint8],
    landmarks: Points,
    visible: NDArray[np.float64],
    yaw: float,
    detail: float,
    spoilt: float,
) -> float:
    """How far AUs read off a face can be trusted, 0 to 1: our measure, a product of five shares.

    In sight: the mean over brows, eyes, nose and mouth of what is seen, squared. Contrast: the standard
    deviation of the face's brightness, full from 24 of 255 on. Detail: pixels between the eyes that are
    really there, none below 6, full from 26 on. Noise, compression: down to 0.6. Turned: full to 25 degrees
    of yaw, 0.15 from 75 on.

    Args:
        image: (S, S, 3) uint8 RGB.
        landmarks: (68, 2) pixels.
        visible: (68,) 0 to 1.
        yaw: degrees.
        detail: real pixels per pixel of the crop, along a line.
        spoilt: 0 to 1.
    """
    sight = float(visible[17:].mean()) ** 2
    x0, y0 = np.clip(landmarks[17:].min(0), 0, image.shape[0] - 2).astype(int)
    x1, y1 = np.clip(landmarks[17:].max(0), 1, image.shape[0] - 1).astype(int)
    face = image[y0 : y1 + 1, x0 : x1 + 1]
    contrast = min(1.0, float(face.mean(-1).std()) / 24) if face.size else 0.0
    right, left, *_ = five_points(landmarks)
    across = max(float(np.hypot(*(left - right))), 0.26 * image.shape[0]) * detail
    sharp = float(np.clip((across - 6) / 20, 0, 1))
    turned = float(np.interp(abs(yaw), (25, 75), (1.0, 0.15)))
    worth: float = sight * contrast * sharp * (1 - 0.4 * spoilt) * turned
    return worth


def _detail(
    random: np.random.Generator, far: float = _FAR, scales: tuple[float, float] = _FAR_SCALES
) -> float:
    """A share of `scales`, each octave alike, in `far` of the crops; else 1: nothing is taken away."""
    low, high = np.log(scales)
    return float(np.exp(random.uniform(low, high))) if random.random() < far else 1.0


def _warp(cutout: Cutout, matrix: Points, size: int, random: np.random.Generator) -> NDArray[np.uint8]:
    level, of_level = cutout.source(matrix)
    border = _BORDERS[int(random.integers(3))]
    grey = (float(random.integers(0, 256)),) * 3
    flags = cv2.INTER_LINEAR
    out = cv2.warpAffine(level, of_level, (size, size), flags=flags, borderMode=border, borderValue=grey)
    return np.asarray(out, np.uint8)
