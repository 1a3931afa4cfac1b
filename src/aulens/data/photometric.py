"""Photometric augmentation of a face crop: fast, in numpy and OpenCV, below 1 ms at 128 px.

All functions take and return (H, W, 3) uint8 RGB and never change their argument; `random` is their only
source of randomness.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.checked import Checked, Probability
from aulens.data.occluders import draw_glasses, draw_occluder

Image = NDArray[np.uint8]

_LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class Photometric(Checked):
    """Probability of each change, 0..1; all zero = none."""

    colour: Probability = 0.0
    """Of white balance, hue, saturation, contrast and brightness changes."""
    grey: Probability = 0.0
    gamma: Probability = 0.0
    shading: Probability = 0.0
    """Of a smooth, slightly coloured light gradient."""
    blur: Probability = 0.0
    """Of a Gaussian or motion blur."""
    resolution: Probability = 0.0
    """Of shrinking to 20..80 % and enlarging again."""
    noise: Probability = 0.0
    """Of Gaussian + shot noise."""
    jpeg: Probability = 0.0
    """Of JPEG recompression at quality 10..90."""
    occlusion: Probability = 0.0
    """Of a foreign object: box, ellipse, or hand-like blob."""
    glasses: Probability = 0.0
    """Of a drawn pair of glasses."""
    exposure: Probability = 0.0
    """Of 8 to 180 % of the light, in 8 bits."""


def change(
    image: Image, landmarks: NDArray[np.float64], chance: Photometric, random: np.random.Generator
) -> Image:
    """Apply randomly chosen changes, in the order in which a camera would make them.

    First what is in front of the lens (glasses, objects, light), then colour, optics, sensor, compression.

    Args:
        image: (H, W, 3) uint8 RGB crop.
        landmarks: (68, 2) crop pixels, for the glasses.
        chance: probabilities.
    """
    # All are drawn whether used or not: changing one knob does not reshuffle which others apply.
    draw = random.random(11)
    if draw[0] < chance.glasses:
        image = draw_glasses(image, landmarks, random)
    if draw[1] < chance.occlusion:
        image = draw_occluder(image, random)
    if draw[2] < chance.shading:
        image = shading(image, random)
    grey = bool(draw[3] < chance.grey)
    if grey or draw[4] < chance.colour:
        image = colour(image, random, grey=grey)
    if draw[5] < chance.gamma:
        image = gamma(image, random)
    if draw[10] < chance.exposure:
        image = exposed(image, float(np.exp(random.uniform(np.log(0.08), np.log(1.8)))))
    if draw[6] < chance.blur:
        image, _ = blurred(image, random)
    if draw[7] < chance.resolution:
        image = coarse(image, random.uniform(0.2, 0.8), random)
    if draw[8] < chance.noise:
        image = noise(image, random)
    if draw[9] < chance.jpeg:
        image = jpeg(image, random)
    return image


def colour(image: Image, random: np.random.Generator, *, grey: bool = False) -> Image:
    """Change white balance, hue, saturation, contrast and brightness by one 3x4 matrix."""
    gain = np.exp(random.normal(0.0, 0.1, 3)) * np.exp(random.normal(0.0, 0.1))
    saturation = 0.0 if grey else float(random.uniform(0.3, 1.6))
    angle = float(random.normal(0.0, 0.15))
    contrast, brightness = random.uniform(0.6, 1.3), random.normal(0.0, 14.0)
    # Contrast turns around the picture's own mean, so that a bright face is not pushed out of range.
    mean = float(cv2.mean(image)[1])
    # Saturation pulls each channel to the luma; hue turns around the grey axis (Rodrigues' formula).
    fade = saturation * np.eye(3) + (1 - saturation) * np.tile(_LUMA, (3, 1))
    axis = np.full((3, 3), 1 / 3)
    cross = np.array([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    hue = np.cos(angle) * np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * axis
    # A grey picture is grey whatever the white balance was.
    linear = np.diag(gain) @ hue @ fade if not grey else float(gain.mean()) * fade
    matrix = np.empty((3, 4))
    matrix[:, :3] = contrast * linear
    matrix[:, 3] = mean * (1 - contrast) + brightness
    return np.asarray(cv2.transform(image, matrix), dtype=np.uint8)


def gamma(image: Image, random: np.random.Generator) -> Image:
    """Apply a power curve, exponent log-uniform in [0.55, 1.8]."""
    power = np.exp(random.uniform(np.log(0.55), np.log(1.8)))
    table = (255 * np.linspace(0, 1, 256) ** power + 0.5).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table), dtype=np.uint8)


def exposed(image: Image, factor: float) -> Image:
    """Multiply by `factor` and clip, as an 8-bit file of a dark or burnt-out picture is."""
    table = np.clip(np.arange(256) * factor + 0.5, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table), np.uint8)


def shading(image: Image, random: np.random.Generator) -> Image:
    """Multiply by a smooth field: light from a side, slightly coloured, or a soft shadow."""
    height, width = image.shape[:2]
    rows, columns = random.integers(2, 5, 2)
    light = random.normal(0.0, random.uniform(0.1, 0.45), (rows, columns, 1))
    tint = random.normal(0, 0.04, (rows, columns, 3))
    # The brightest place gains little: a face that is white throughout teaches nothing.
    field = np.exp(light - 0.75 * max(float(light.max()), 0.0) + tint)
    smooth = cv2.resize(field.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.multiply(image, smooth, dtype=cv2.CV_8U), dtype=np.uint8)


def blurred(image: Image, random: np.random.Generator) -> tuple[Image, float]:
    """Blur by a Gaussian (sigma up to 1.6 % of the side) or along a line (up to 6 %).

    Returns:
        The picture, and how much it was blurred: sigma in pixels, of a line along it.
    """
    side = image.shape[0]
    if random.random() < 0.6:
        sigma = float(random.uniform(0.003, 0.016)) * side
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.uint8), sigma
    length = max(3, round(float(random.uniform(0.02, 0.06)) * side)) | 1
    angle = random.uniform(0, np.pi)
    reach = np.array([np.cos(angle), np.sin(angle)]) * (length - 1) / 2
    middle = (length - 1) / 2
    kernel = np.zeros((length, length), np.float32)
    ends = np.rint([middle - reach, middle + reach]).astype(int)
    cv2.line(kernel, ends[0].tolist(), ends[1].tolist(), 1.0)
    moved = np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), dtype=np.uint8)
    return moved, length / math.sqrt(12)


def coarse(image: Image, factor: float, random: np.random.Generator) -> Image:
    """Shrink to `factor` of the size, and enlarge again: a face that was small in its picture."""
    height, width = image.shape[:2]
    small = cv2.resize(
        image, (max(8, round(width * factor)), max(8, round(height * factor))), interpolation=cv2.INTER_AREA
    )
    up = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST)[int(random.choice(3, p=(0.6, 0.3, 0.1)))]
    return np.asarray(cv2.resize(small, (width, height), interpolation=up), dtype=np.uint8)


def noise(image: Image, random: np.random.Generator) -> Image:
    """Add Gaussian noise (sigma up to 12) and shot noise (sigma up to 8 at mid grey)."""
    height, width = image.shape[:2]
    table = _noise_table(2 * max(height, width))
    y, x = random.integers(0, table.shape[0] - height), random.integers(0, table.shape[1] - width)
    field = table[y : y + height, x : x + width]
    if random.random() < 0.3:  # a grey sensor: the same noise in all channels
        field = np.repeat(field[..., :1], 3, axis=2)
    sigma = np.float32(random.uniform(0, 12) * random.choice((-1, 1)))
    shot = float(random.uniform(0, 8))
    if random.random() < 0.5:
        levels = np.arange(256, dtype=np.float32)
        spread = np.sqrt(sigma**2 + shot**2 * levels / 128)[image]
        return np.asarray(cv2.add(image, field * spread, dtype=cv2.CV_8U), dtype=np.uint8)
    return np.asarray(
        cv2.scaleAdd(field, float(sigma), image.astype(np.float32)).round().clip(0, 255), dtype=np.uint8
    )


def jpeg(image: Image, random: np.random.Generator) -> Image:
    """Compress and decode at quality 10..90."""
    quality = int(random.integers(10, 91))
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)


@lru_cache(maxsize=2)
def _noise_table(side: int) -> NDArray[np.float32]:
    # Drawing 3 x 128 x 128 normal numbers costs 0.4 ms; a random window of a fixed table costs 0.01.
    table = np.random.default_rng(20).standard_normal((side, side, 3), dtype=np.float32)
    table.setflags(write=False)
    return table
