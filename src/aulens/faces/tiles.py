"""A look too large for one run, in overlapping tiles: each face is reported by one of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.faces.box_net import Found
from aulens.faces.views import View, view

_CUT: Final = 4  # a box within so many pixels of a look of a tile's edge is of a face that the edge cuts


@dataclass(frozen=True, eq=False)
class Tile:
    """A part of a look; pixels of the picture.

    Attributes:
        view: what to look at.
        own: (2, 2) low and high (x, y): faces with their middle in it are reported by this tile.
        inside: (2, 2) low and high (x, y): a box that leaves it is of a face that is cut.
    """

    view: View
    own: NDArray[np.float64]
    inside: NDArray[np.float64]

    def own_of(self, found: Found) -> Found:
        """Those of its candidates that no other tile has whole."""
        low, high = found.boxes[:, :2], found.boxes[:, 2:]
        middle = (low + high) / 2
        own = (middle >= self.own[0]) & (middle < self.own[1])
        whole = (low > self.inside[0]) & (high < self.inside[1])
        return found[(own & whole).all(1)]


def tiles(image: NDArray[np.uint8], scale: float, most: int, overlap: float) -> Iterator[Tile]:
    """An enlarged look, one tile after the other; only one if it is small enough.

    Args:
        image: (H, W, 3) uint8 RGB.
        scale: pixels of the look per pixel of the picture.
        most: pixels of a tile, more or less.
        overlap: of tiles, pixels of the look: the largest face that never is cut by all of them.
    """
    height, width = image.shape[:2]
    rows = columns = 1
    while (tall := _length(height * scale, rows, overlap)) * (
        wide := _length(width * scale, columns, overlap)
    ) > most:
        if max(tall, wide) <= 2 * overlap:
            break
        rows, columns = (rows + 1, columns) if tall > wide else (rows, columns + 1)
    for down, across in product(
        _spans(height, rows, overlap / scale), _spans(width, columns, overlap / scale)
    ):
        (top, bottom), (left, right) = down.span, across.span
        yield Tile(
            view(image, scale, (left, top, right, bottom), "enlarged"),
            np.array([across.own, down.own]).T,
            np.array([across.inside(_CUT / scale), down.inside(_CUT / scale)]).T,
        )


@dataclass(frozen=True)
class _Span:
    """A tile along one axis."""

    span: tuple[int, int]
    own: tuple[float, float]

    def inside(self, cut: float) -> tuple[float, float]:
        low, high = self.own
        return (
            -math.inf if low == -math.inf else self.span[0] + cut,
            math.inf if high == math.inf else self.span[1] - cut,
        )


def _length(side: float, count: int, overlap: float) -> float:
    return (side + (count - 1) * overlap) / count


def _spans(side: int, count: int, overlap: float) -> list[_Span]:
    """`count` spans over 0 to `side`, of one length, each sharing `overlap` with the next."""
    length = _length(side, count, overlap)
    starts = [number * (length - overlap) for number in range(count)]
    spans = [(math.floor(start), min(math.ceil(start + length), side)) for start in starts]
    borders = [start + overlap / 2 for start in starts]
    lows, highs = [-math.inf, *borders[1:]], [*borders[1:], math.inf]
    return [_Span(*parts) for parts in zip(spans, zip(lows, highs, strict=True), strict=True)]
