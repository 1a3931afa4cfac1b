"""Geometric augmentation: everything that moves pixels ends up in ONE matrix, hence one resample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aulens import align, landmarks
from aulens.checked import Checked, NotNegative, Probability

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Geometry(Checked):
    """Ranges of the geometric augmentation; all zero = the plain aligned crop."""

    rotation: NotNegative = 0.0
    """Uniform in +-rotation degrees."""
    scale: NotNegative = 0.0
    """Log-uniform zoom in [1/(1+scale), 1+scale]."""
    shift: NotNegative = 0.0
    """Uniform shift in +-shift crop sides, each axis."""
    flip: Probability = 0.0
    landmark_shift: NotNegative = 0.0
    """Detector imprecision common to all points: normal, in inter-ocular distances; scale likewise."""
    landmark_rotation: NotNegative = 0.0
    """Detector imprecision common to all points: normal, degrees."""
    landmark_noise: NotNegative = 0.0
    """Detector imprecision of each point: normal, in inter-ocular distances."""


def jitter(points: Points, geometry: Geometry, random: np.random.Generator) -> Points:
    """Return landmarks (K, 2) as an imprecise detector would: moved together, and each a little."""
    right, left, _ = align.anchors(points)
    distance = float(np.hypot(*(left - right)))
    x, y = points.mean(0).tolist()
    together, angle, zoom = random.standard_normal(2), random.standard_normal(), random.standard_normal()
    each = random.standard_normal(points.shape)
    turn = align.rotation_scale(
        geometry.landmark_rotation * angle,
        float(np.exp(geometry.landmark_shift * zoom)),
        (x, y),
        (geometry.landmark_shift * distance * together[0], geometry.landmark_shift * distance * together[1]),
    )
    return align.transform(turn, points) + geometry.landmark_noise * distance * each


def draw(
    points: Points, size: int, template: align.Template, geometry: Geometry, random: np.random.Generator
) -> tuple[NDArray[np.float64], bool]:
    """Draw a crop for landmarks (K, 2) in image pixels.

    Returns:
        The (2, 3) matrix image -> crop, mirror included, and whether it mirrors.
    """
    degrees, zoom, shift_x, shift_y = random.uniform(-1, 1, 4)
    flipped = bool(random.random() < geometry.flip)
    middle = (size - 1) / 2
    turn = align.rotation_scale(
        geometry.rotation * degrees,
        float((1 + geometry.scale) ** zoom),
        (middle, middle),
        (geometry.shift * size * shift_x, geometry.shift * size * shift_y),
    )
    matrix = align.compose(turn, template.matrix(points, size))
    if flipped:
        matrix = align.compose(align.flip_matrix(size), matrix)
    return matrix, flipped


def crop_landmarks(points: Points, matrix: NDArray[np.float64], size: int, flipped: bool) -> Points:
    """Carry landmarks (K, 2) from the image into the crop.

    In a mirrored crop the subject's right eye lies where a left one would, so the points are renamed:
    the result always reads as an unmirrored face.
    """
    moved = align.transform(matrix, points)
    if not flipped:
        return moved
    # mirror() reflects and renames; the matrix has already reflected, so undo that before.
    unmirrored = align.transform(align.flip_matrix(size), moved)
    return np.asarray(landmarks.mirror(unmirrored, size), dtype=np.float64)
