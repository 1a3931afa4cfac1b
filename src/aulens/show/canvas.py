"""Pictures at a size to be viewed, and a few shapes drawn smoothly on them."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from aulens.align import stretch

Colour = tuple[int, int, int]
Rect = tuple[float, float, float, float]

INK: Final[Colour] = (24, 28, 36)
PAPER: Final[Colour] = (255, 255, 255)
RIGHT: Final[Colour] = (0, 176, 160)  # the subject's right side
LEFT: Final[Colour] = (245, 130, 48)  # the subject's left side
FRAME: Final[Colour] = (255, 214, 10)

_MIN_SIDE: Final = 900
"""Smaller pictures are enlarged, so that labels stay legible."""
_MAX_SIDE: Final = 1600
# Shapes are drawn this many times larger and shrunk, which smooths their edges.
_FINE: Final = 2


@dataclass(frozen=True)
class View:
    """A picture resized to be viewed.

    Attributes:
        pixels: (h, w, 3) uint8 RGB.
        scale: (2,) view pixels per picture pixel, x and y.
    """

    pixels: NDArray[np.uint8]
    scale: NDArray[np.float64]

    @property
    def to_picture(self) -> NDArray[np.float64]:
        """(2, 3) matrix from view pixels to picture pixels; pixel edges meet."""
        return stretch(*(1 / self.scale))

    def points(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (..., 2) of the picture in view pixels."""
        return (points + 0.5) * self.scale - 0.5


def view_of(image: NDArray[np.uint8]) -> View:
    """Resize a picture (H, W, 3) so that its longer side is 900 to 1600 pixels, at most 4 times larger."""
    height, width = image.shape[:2]
    side = max(height, width)
    factor = min(_MAX_SIDE / side, 4.0, max(1.0, _MIN_SIDE / side))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    interpolation = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    pixels = np.asarray(cv2.resize(image, size, interpolation=interpolation), dtype=np.uint8)
    return View(pixels, np.array([size[0] / width, size[1] / height]))


@lru_cache(maxsize=32)
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's built-in typeface at a size in pixels."""
    return ImageFont.load_default(size)


def text_width(text: str, size: int) -> float:
    """Width in pixels of a line of text as `Layer.text` draws it."""
    return float(font(size * _FINE).getlength(text)) / _FINE


class Layer:
    """A transparent sheet to draw on, laid over a picture at the end.

    Coordinates are pixels of the picture. Colours take an opacity from 0 to 255.

    Args:
        shape: (h, w) of the picture.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self._size = shape[1], shape[0]
        self._sheet = Image.new("RGBA", (shape[1] * _FINE, shape[0] * _FINE), (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self._sheet)

    def box(
        self,
        rect: Rect,
        *,
        fill: Colour | None = None,
        outline: Colour | None = None,
        opacity: int = 255,
        width: float = 2,
        radius: float = 4,
    ) -> None:
        """A rectangle (x0, y0, x1, y1) with round corners."""
        self._draw.rounded_rectangle(
            [value * _FINE for value in rect],
            radius * _FINE,
            fill=None if fill is None else (*fill, opacity),
            outline=None if outline is None else (*outline, opacity),
            width=round(width * _FINE),
        )

    def dot(self, x: float, y: float, radius: float, colour: Colour, opacity: int = 255) -> None:
        """A filled circle."""
        edges = [(x - radius) * _FINE, (y - radius) * _FINE, (x + radius) * _FINE, (y + radius) * _FINE]
        self._draw.ellipse(edges, fill=(*colour, opacity))

    def line(self, points: NDArray[np.float64], colour: Colour, width: float) -> None:
        """A line through points (n, 2), bent or not."""
        corners = [(x, y) for x, y in (points * _FINE).tolist()]
        self._draw.line(corners, fill=(*colour, 255), width=round(width * _FINE), joint="curve")

    def polygon(self, points: NDArray[np.float64], colour: Colour) -> None:
        """A filled shape with corners (n, 2)."""
        self._draw.polygon([(x, y) for x, y in (points * _FINE).tolist()], fill=(*colour, 255))

    def text(self, x: float, y: float, text: str, size: int, colour: Colour, anchor: str = "lm") -> None:
        """A line of text; `anchor` as in Pillow ("lm": x is its left end, y its middle)."""
        self._draw.text((x * _FINE, y * _FINE), text, (*colour, 255), font(size * _FINE), anchor=anchor)

    def over(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A new picture (h, w, 3) uint8 RGB: this sheet laid over `pixels` of the same size."""
        base = Image.fromarray(pixels).convert("RGBA")
        return np.array(Image.alpha_composite(base, self._shrunk()).convert("RGB"))

    def pixels(self) -> NDArray[np.uint8]:
        """This sheet alone, (h, w, 4) uint8: RGB and opacity."""
        return np.array(self._shrunk())

    def _shrunk(self) -> Image.Image:
        return self._sheet.resize(self._size, Image.Resampling.BOX)
