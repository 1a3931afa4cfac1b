"""How often, and at which copies of a picture, the detector's network settings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.faces.box_net import NOTHING, BoxNet, Found
from aulens.faces.views import View, view

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class SearchSettings:
    """When and how a picture is looked at again.

    Attributes:
        side: longest side of the first look, pixels.
        max_enlargement: a picture is enlarged at most so much.
        sides: longest sides of the enlarged looks; none is larger than the picture.
        small: beside a face below so many pixels of a look there may be smaller ones.
        weak: confidence from which a candidate below the threshold hints at a face.
        min_confidence: confidence from which a picture need not be turned.
        margin: of the shrunk look, at each side, in sides of the shrunk picture.
        dark: brightness (0 to 255) that 99 % of the pixels of a dark picture do not exceed.
        flat: brightness between 1 and 99 % of the pixels of a flat picture, at most.
        tile: pixels of the largest look that is taken as a whole.
        overlap: of tiles, pixels of the look; a larger face may be cut by both.
        near_reach: side of the region around a face that was there, in sizes of the face.
        near_side: to how many pixels that is scaled.
        near_slack: by how much less confidence suffices there.
    """

    side: int = 320
    max_enlargement: float = 2.0
    sides: tuple[int, ...] = (640, 1280, 1920)
    small: float = 20.0
    weak: float = 0.4
    min_confidence: float = 0.85
    margin: float = 0.5
    dark: int = 110
    flat: int = 90
    tile: int = 1_300_000
    overlap: int = 128
    near_reach: float = 2.5
    near_side: int = 128
    near_slack: float = 0.2


DEFAULT_SEARCH: Final = SearchSettings()
_GAIN: Final = 1.25  # an enlarged look is larger than the last by at least this
_NEAR_SIZES: Final = (0.6, 1.7)  # of a face near another, in sizes of that
_TURNS: Final = (90, 180, 270)
_Range = tuple[float, float]
_CUT: Final = 4  # a box within so many pixels of a look of a tile's edge is of a face that the edge cuts


@dataclass(frozen=True, eq=False)
class Search:
    """Searches pictures for faces.

    Attributes:
        net: the detector's network.
        threshold: minimum confidence of a face.
        min_size: longer side of the smallest box worth reporting, pixels of the picture.
        thorough: take all enlarged looks always.
        settings: when and how to look again.
    """

    net: BoxNet
    threshold: float
    min_size: float
    thorough: bool
    settings: SearchSettings = DEFAULT_SEARCH

    def __call__(self, images: Sequence[Image]) -> list[Found]:
        """What is found in each of some pictures (H, W, 3) uint8 RGB, most confident first."""
        firsts = [self._first(image) for image in images]
        seen = self._candidates(first.framed() for first in firsts)
        further = (self._further(*parts) for parts in zip(images, firsts, seen, strict=True))
        return [self._reported(found) for found in further]

    def first_look(self, image: Image) -> Found:
        """What the first look shows."""
        return self._reported(self.net([self._first(image).framed()], self.threshold)[0])

    def near(self, image: Image, box: ArrayLike) -> Found:
        """What is about as large as a box (4,), within half its size around it, nearest first."""
        settings = self.settings
        x0, y0, x1, y1 = np.asarray(box, np.float64).tolist()
        x, y, size = (x0 + x1) / 2, (y0 + y1) / 2, max(x1 - x0, y1 - y0)
        region = _region(image, x, y, settings.near_reach * size / 2)
        if min(region[2] - region[0], region[3] - region[1]) < size / 2:
            return NOTHING
        seen = view(image, settings.near_side / (settings.near_reach * size), region)
        (found,) = self.net([seen.framed()], max(self.threshold - settings.near_slack, 0.05))
        away = np.abs((found.boxes[:, :2] + found.boxes[:, 2:]) / 2 - (x, y))
        low, high = _NEAR_SIZES
        alike = (away.max(1) <= size) & (found.sides > low * size) & (found.sides < high * size)
        order = np.argsort((away**2).sum(1), kind="stable")
        return found[order[alike[order]]]

    def _reported(self, found: Found) -> Found:
        """What is reported of that."""
        return found[(found.confidence >= self.threshold) & (found.sides >= self.min_size)]

    def _first(self, image: Image) -> View:
        return view(image, min(self.settings.side / max(image.shape[:2]), self.settings.max_enlargement))

    def _further(self, image: Image, first: View, found: Found) -> Found:
        """All that is found, also the weak, after as many more looks as pay."""
        settings = self.settings
        if not self._has_face(found):
            tones = first.tones
            if tones.high <= settings.dark or tones.high - tones.low <= settings.flat:
                first = first.stretched()
                found = Found.joined([found, *self._candidates([first.framed()])])
        if not self._has_face(found):
            found = Found.joined([found, *self._candidates([first.shrunk(settings.margin)])])
        scale = first.scale
        for larger in self._scales(image, scale):
            if not self._may_show_more(found, scale):
                break
            found, scale = Found.joined([found, self._enlarged(image, larger)]), larger
        if not self._has_face(found, max(settings.min_confidence, self.threshold)):
            turned = (first.turned(degrees).framed() for degrees in _TURNS)
            found = Found.joined([found, *self._candidates(turned)])
        return found

    def _candidates(self, views: Iterable[View]) -> list[Found]:
        """What may be faces in each view, also the weak."""
        return self.net(list(views), min(self.settings.weak, self.threshold))

    def _has_face(self, found: Found, confidence: float | None = None) -> bool:
        """Whether there is a face, or one so confident."""
        return bool(len(found) and found.confidence[0] >= (confidence or self.threshold))

    def _scales(self, image: Image, first: float) -> Iterator[float]:
        side = max(image.shape[:2])
        last = first * side
        for wanted in self.settings.sides:
            if min(wanted, side) >= _GAIN * last:
                last = min(wanted, side)
                yield last / side

    def _may_show_more(self, found: Found, scale: float) -> bool:
        """Whether a look that is larger than `scale` may show faces that were not seen up to that."""
        small = self.settings.small
        if self.thorough or self.min_size * scale >= small:
            return self.thorough
        sure = max(self.settings.min_confidence, self.threshold)
        return not self._has_face(found, sure) or bool((found.sides * scale < small).any())

    def _enlarged(self, image: Image, scale: float) -> Found:
        cut = tiles(image, scale, self.settings.tile, self.settings.overlap)
        return Found.joined(tile.own_candidates(self._candidates([tile.view.framed()])[0]) for tile in cut)


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

    def own_candidates(self, found: Found) -> Found:
        """Those of its candidates that no other tile has whole."""
        low, high = found.boxes[:, :2], found.boxes[:, 2:]
        middle = (low + high) / 2
        own = (middle >= self.own[0]) & (middle < self.own[1])
        whole = (low > self.inside[0]) & (high < self.inside[1])
        return found[(own & whole).all(1)]


def tiles(image: NDArray[np.uint8], scale: float, max_pixels: int, overlap: float) -> Iterator[Tile]:
    """An enlarged look, one tile after the other; only one if it is small enough.

    Args:
        image: (H, W, 3) uint8 RGB.
        scale: pixels of the look per pixel of the picture.
        max_pixels: of a tile, more or less.
        overlap: of tiles, pixels of the look: the largest face that never is cut by all of them.
    """
    height, width = image.shape[:2]
    rows = columns = 1
    while (tall := _length(height * scale, rows, overlap)) * (
        wide := _length(width * scale, columns, overlap)
    ) > max_pixels:
        if max(tall, wide) <= 2 * overlap:
            break
        rows, columns = (rows + 1, columns) if tall > wide else (rows, columns + 1)
    sides = (height, rows), (width, columns)
    spans = (_spans(side, count, overlap / scale, _CUT / scale) for side, count in sides)
    for (y, own_y, inside_y), (x, own_x, inside_x) in product(*spans):
        seen = view(image, scale, (x[0], y[0], x[1], y[1]), "enlarged")
        yield Tile(seen, np.array([own_x, own_y]).T, np.array([inside_x, inside_y]).T)


def _length(side: float, count: int, overlap: float) -> float:
    return (side + (count - 1) * overlap) / count


def _spans(
    side: int, count: int, overlap: float, cut: float
) -> Iterator[tuple[tuple[int, int], _Range, _Range]]:
    """`count` spans over 0 to `side`, of one length, each sharing `overlap` with the next: see `Tile`."""
    length = _length(side, count, overlap)
    starts = [number * (length - overlap) for number in range(count)]
    borders = [-math.inf, *(start + overlap / 2 for start in starts[1:]), math.inf]
    for start, (first, last) in zip(starts, pairwise(borders), strict=True):
        low, high = math.floor(start), min(math.ceil(start + length), side)
        inside = first if math.isinf(first) else low + cut, last if math.isinf(last) else high - cut
        yield (low, high), (first, last), inside


def _region(image: Image, x: float, y: float, reach: float) -> tuple[int, int, int, int]:
    """The part of a square about (x, y) that is in the picture: x0, y0, x1, y1, ends excluded."""
    height, width = image.shape[:2]
    left, top = max(int(x - reach), 0), max(int(y - reach), 0)
    return left, top, max(min(int(x + reach) + 2, width), left), max(min(int(y + reach) + 2, height), top)
