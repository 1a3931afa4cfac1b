"""Parts of pictures without people: anywhere, or about what a network took for a face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens import align

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Spot:
    """Where a network saw a face that is not there.

    Attributes:
        background: its number.
        quarters: by how many quarters it was turned, counter-clockwise.
        x, y: the place, pixels of the turned picture.
        side: of the square that fills a scene as it was seen, pixels.
    """

    background: int
    quarters: int
    x: float
    y: float
    side: float


def draw_background(backgrounds: Sequence[Image], size: int, random: np.random.Generator) -> Image:
    """A random part of a background, (S, S, 3) uint8 RGB, sometimes turned or mirrored.

    Args:
        backgrounds: pictures without people, (h, w, 3) uint8 RGB.
        size: S, pixels.
        random: the only source of randomness.
    """
    picture = backgrounds[int(random.integers(len(backgrounds)))]
    height, width = picture.shape[:2]
    most = min(height, width)
    least = min(most, max(0.5 * size, 0.3 * most))
    side = min(float(np.exp(random.uniform(np.log(least), np.log(most)))), most)
    x, y = random.uniform(0, width - side), random.uniform(0, height - side)
    return _part(picture, size, (x + side / 2, y + side / 2), side, random)


def draw_spot(backgrounds: Sequence[Image], spot: Spot, size: int, random: np.random.Generator) -> Image:
    """About what a network took for a face, (S, S, 3) uint8 RGB, as large as it was seen."""
    picture = np.rot90(backgrounds[spot.background], spot.quarters)
    side = spot.side * float(np.exp(random.normal(0, 0.15)))
    x, y = np.array([spot.x, spot.y]) + random.uniform(-0.4, 0.4, 2) * side
    return _part(np.ascontiguousarray(picture), size, (float(x), float(y)), side, random)


def _part(
    picture: Image, size: int, centre: tuple[float, float], side: float, random: np.random.Generator
) -> Image:
    """A square about a place of a picture, (S, S, 3), mirrored in half of the cases, turned in a quarter."""
    scale = size / side
    matrix = np.array([[scale, 0, size / 2 - centre[0] * scale], [0, scale, size / 2 - centre[1] * scale]])
    if random.random() < 0.25:
        turn = align.rotation_scale(float(random.uniform(-180, 180)), 1.3, (size / 2, size / 2))
        matrix = align.compose(turn, matrix)
    if scale < 0.7:
        picture = np.asarray(
            cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
        matrix = align.compose(matrix, np.array([[1 / scale, 0, 0.0], [0, 1 / scale, 0]]))
    flags, border = cv2.INTER_LINEAR, cv2.BORDER_REFLECT_101
    out = np.asarray(cv2.warpAffine(picture, matrix, (size, size), flags=flags, borderMode=border), np.uint8)
    return np.ascontiguousarray(out[:, ::-1]) if random.random() < 0.5 else out
