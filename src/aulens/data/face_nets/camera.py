"""What light, lens, sensor and file do to a picture, from nearly dark to burnt out. In numpy and OpenCV."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.data import photometric

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Taken:
    """A picture, and what was done to it that makes a face hard to read.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        exposure: brightness over that of the picture before, 1 = unchanged.
        blur: sigma in pixels, about.
        spoilt: 0 to 1: noise and compression, 1 = at their worst.
    """

    image: Image
    exposure: float
    blur: float
    spoilt: float


Take = Callable[..., Taken]
"""Takes a picture: `take`, or what stands for it, called as it is."""


def take(image: Image, random: np.random.Generator, *, hard: float = 0.5) -> Taken:
    """Photograph a scene under random conditions.

    Args:
        image: (H, W, 3) uint8 RGB.
        hard: 0 to 1, how often conditions are bad.
    """
    side = max(image.shape[:2])
    exposure, sigma, spoilt = 1.0, 0.0, 0.0
    draw = random.random(9)
    if draw[0] < 0.5:
        image = photometric.colour(image, random, grey=bool(random.random() < 0.2))
    if draw[1] < 0.06:
        image = infrared(image, random)
    if draw[2] < 0.3:
        image = photometric.shading(image, random)
    if draw[3] < 0.25:
        image = photometric.gamma(image, random)
    if draw[4] < 0.32 * hard:
        exposure = float(np.exp(random.uniform(np.log(0.04), np.log(2.0))))
        image = photometric.exposed(image, exposure)
    if draw[5] < 0.4 * hard:
        sigma = float(np.exp(random.uniform(np.log(0.003), np.log(0.018)))) * side
        if random.random() < 0.3:
            image, sigma = photometric.blurred(image, random)
        else:
            image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)
    if draw[6] < 0.4 * hard:
        factor = float(np.exp(random.uniform(np.log(0.15), np.log(0.8))))
        image, sigma = photometric.coarse(image, factor, random), max(sigma, 0.4 / factor)
    if draw[7] < 0.5 * hard:
        image, spoilt = photometric.noise(image, random), 0.5
    if draw[8] < 0.6 * hard:
        image, spoilt = photometric.jpeg(image, random), spoilt + 0.3
    return Taken(image, exposure, sigma, spoilt)


def infrared(image: Image, random: np.random.Generator) -> Image:
    """About how a near-infrared camera sees: mostly red, pale skin, soft contrast, bright middle."""
    weights = np.array([random.uniform(0.7, 1.1), random.uniform(-0.1, 0.3), random.uniform(-0.2, 0.1)])
    grey = cv2.transform(image, np.tile(weights, (3, 1)))
    table = (255 * np.linspace(0, 1, 256) ** random.uniform(0.5, 1.0) + 0.5).astype(np.uint8)
    grey = cv2.LUT(grey, table)
    height, width = grey.shape[:2]
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None]
    light = np.exp(
        -random.uniform(0, 1.2) * ((x - random.normal(0, 0.3)) ** 2 + (y - random.normal(0, 0.3)) ** 2)
    )
    return np.asarray(
        cv2.multiply(grey, np.repeat(light[..., None], 3, 2).astype(np.float32), dtype=cv2.CV_8U), np.uint8
    )
