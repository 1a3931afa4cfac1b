"""Copies of a picture as a detector looks at them: smaller or larger, padded, turned, stretched in contrast.

Each keeps the matrix back to the picture: what is seen in any of them is reported in the picture's pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.align import Matrix, compose, stretch

STRIDE: Final = 32
"""The sides of what a network looks at are multiples of this."""

_GREY: Final = 128
_TURNS: Final = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
_MIDDLE: Final = 0.4  # of the way from black to white: not below that are the middle tones after stretching


@dataclass(frozen=True, eq=False)
class View:
    """A copy of a picture, or of a part of it.

    Attributes:
        pixels: (h, w, 3) uint8 RGB.
        matrix: (2, 3), from its pixels to the picture's; an integer is the centre of a pixel in both.
        look: which look this is; one of `aulens.faces.detector.LOOKS`.
    """

    pixels: NDArray[np.uint8]
    matrix: Matrix
    look: str = ""

    @property
    def scale(self) -> float:
        """Its pixels per pixel of the picture."""
        (a, b, _), (c, d, _) = self.matrix.tolist()
        return 1 / math.sqrt(abs(a * d - b * c))

    def framed(self, margin: float = 0.0) -> View:
        """Padded with grey to multiples of 32.

        Args:
            margin: at each side at least this share of the longer side; 0 pads only below and at the right.
        """
        height, width = self.pixels.shape[:2]
        border = round(margin * max(height, width))
        tall, wide = (-(-(side + 2 * border) // STRIDE) * STRIDE for side in (height, width))
        if (tall, wide) == (height, width):
            return self
        ends = tall - height - border, wide - width - border
        pixels = cv2.copyMakeBorder(
            self.pixels, border, ends[0], border, ends[1], cv2.BORDER_CONSTANT, value=(_GREY,) * 3
        )
        matrix = compose(self.matrix, [[1, 0, -border], [0, 1, -border]]) if border else self.matrix
        return View(np.asarray(pixels, np.uint8), matrix, self.look)

    def shrunk(self, margin: float) -> View:
        """Shrunk so that it is as large as before with such a margin, which it gets (see `framed`)."""
        smaller = view(self.pixels, 1 / (1 + 2 * margin))
        return View(smaller.pixels, compose(self.matrix, smaller.matrix), "shrunk").framed(margin)

    def turned(self, degrees: int) -> View:
        """Turned clockwise by 90, 180 or 270 degrees."""
        height, width = self.pixels.shape[:2]
        back = {
            90: [[0, 1, 0], [-1, 0, height - 1]],
            180: [[-1, 0, width - 1], [0, -1, height - 1]],
            270: [[0, -1, width - 1], [1, 0, 0]],
        }[degrees]
        pixels = np.asarray(cv2.rotate(self.pixels, _TURNS[degrees]), np.uint8)
        return View(pixels, compose(self.matrix, back), f"turned{degrees}")

    def stretched(self) -> View:
        """With its contrast stretched and its middle tones lifted."""
        pixels = np.asarray(cv2.LUT(self.pixels, self.tones.table()), np.uint8)
        return View(pixels, self.matrix, "stretched")

    @cached_property
    def tones(self) -> Tones:
        """How dark and how flat it is."""
        grey = np.asarray(cv2.cvtColor(self.pixels, cv2.COLOR_RGB2GRAY), np.uint8)
        share = np.cumsum(np.bincount(grey.ravel(), minlength=256)) / grey.size
        return Tones(*np.searchsorted(share, (0.01, 0.5, 0.99)).tolist())


@dataclass(frozen=True)
class Tones:
    """The brightness of a picture, 0 to 255: what 1, 50 and 99 % of its pixels do not exceed."""

    low: int
    middle: int
    high: int

    def table(self) -> NDArray[np.uint8]:
        """(256,): what becomes of a brightness: of `low` black, of `high` white, the middle is lifted."""
        reach = max(self.high - self.low, 1)
        share = np.clip((np.arange(256) - self.low) / reach, 0, 1)
        middle = min(max((self.middle - self.low) / reach, 0.02), 0.98)
        gamma = min(1.0, math.log(_MIDDLE) / math.log(middle))
        return np.rint(255 * share**gamma).astype(np.uint8)


def view(
    image: NDArray[np.uint8], scale: float, region: tuple[int, int, int, int] | None = None, look: str = ""
) -> View:
    """A picture, or a region of it, at another size.

    Args:
        image: (H, W, 3) uint8 RGB.
        scale: pixels of the view per pixel of the picture, above 0.
        region: x0, y0, x1, y1 in the picture, ends excluded, not empty; None for all.
        look: which look this is.
    """
    x0, y0, x1, y1 = (0, 0, image.shape[1], image.shape[0]) if region is None else region
    width, height = max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale))
    kx, ky = (x1 - x0) / width, (y1 - y0) / height
    matrix = stretch(kx, ky, x0, y0)
    pixels = image[y0:y1, x0:x1]
    return View(pixels if (kx, ky) == (1, 1) else _resized(pixels, width, height), matrix, look)


def _resized(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """The means of areas, at a small part of the cost of cv2's INTER_AREA at odd scales.

    Up to twice as small, interpolation reads all pixels. Beyond that it makes a copy two or four times as
    large as wanted, of which whole blocks are averaged.
    """
    shrinks = max(pixels.shape[1] / width, pixels.shape[0] / height)
    times = 1 if shrinks < 2 else 2 if shrinks < 8 else 4
    size = (width * times, height * times)
    if size != pixels.shape[1::-1]:
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    if times > 1:
        pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return pixels
