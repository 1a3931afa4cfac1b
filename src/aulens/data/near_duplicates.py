"""Near-duplicates among pictures: a 64-bit hash by DCT finds them, a thumbnail's correlation confirms them.

A test that holds a near-duplicate of a training picture measures memory. Of portraits, the whole picture and
the upright face are compared, as they are and mirrored: the one finds the same picture in other light or
compression, the other the same face cut out differently.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens import align

SIDE: Final = 32
"""Pixels of a thumbnail."""

_HASH: Final = 8  # so many frequencies each way
_FACE: Final = 96  # pixels of the upright face
_FLAT: Final = 2.0  # grey values: a picture that spreads less is a blank, and like nothing
_BLOCK: Final = 2048


@dataclass(frozen=True)
class Likeness:
    """From where on two pictures are taken for the same.

    Attributes:
        bits: of the 64, at most so many differ.
        correlation: of the thumbnails, at least.
    """

    bits: int
    correlation: float


WHOLE: Final = Likeness(bits=10, correlation=0.9)
FACE: Final = Likeness(bits=14, correlation=0.93)
"""Upright faces of different people from different sources reach 0.91, of one studio 0.95."""


@dataclass(frozen=True, eq=False)
class Prints:
    """What N pictures are known again by.

    Attributes:
        thumbs: (N, 32 * 32) float32 grey thumbnails of mean 0 and norm 1; 0 throughout for a blank.
        signs: (N, 64) float32, the hash as 1 and -1.
    """

    thumbs: NDArray[np.float32]
    signs: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.thumbs)

    def take(self, rows: NDArray[np.intp]) -> Prints:
        """The prints of these pictures."""
        return Prints(self.thumbs[rows], self.signs[rows])

    @staticmethod
    def of(images: Iterable[NDArray[np.uint8]]) -> Prints:
        """Of pictures (H, W, 3) uint8 RGB; one at a time is held."""
        return _prints(np.array([_thumb(image) for image in images], np.float32).reshape(-1, SIDE, SIDE))

    def mirrored(self) -> Prints:
        """Of the same pictures, left and right exchanged."""
        return _prints(self.thumbs.reshape(-1, SIDE, SIDE)[:, :, ::-1])


def upright(image: NDArray[np.uint8], landmarks: NDArray[np.floating]) -> NDArray[np.uint8]:
    """The face with landmarks (K, 2) cut out of a picture, 96 x 96.

    Raises:
        InputError: the landmarks fix no crop.
    """
    return align.warp(image, align.FACE.matrix(landmarks, _FACE), _FACE)


def find_near_duplicates(one: Prints, other: Prints, likeness: Likeness) -> set[tuple[int, int]]:
    """Pairs (picture of one, picture of the other) that are nearly the same, perhaps mirrored."""
    return {*_alike(one, other, likeness), *_alike(one, other.mirrored(), likeness)}


def _alike(one: Prints, other: Prints, likeness: Likeness) -> Iterator[tuple[int, int]]:
    for first in range(0, len(one), _BLOCK):
        rows = slice(first, first + _BLOCK)
        differ = (_HASH**2 - one.signs[rows] @ other.signs.T) / 2
        like = one.thumbs[rows] @ other.thumbs.T
        found = np.argwhere((differ <= likeness.bits) & (like >= likeness.correlation))
        yield from ((first + int(a), int(b)) for a, b in found)


def _thumb(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    return small - small.mean() if small.std() >= _FLAT else np.zeros_like(small)


def _prints(thumbs: NDArray[np.float32]) -> Prints:
    """Of thumbnails (N, 32, 32) of mean 0."""
    place = np.arange(SIDE)
    waves = np.cos(np.pi * (place + 0.5) * np.arange(_HASH)[:, None] / SIDE)
    frequencies = np.einsum("ui,nij,vj->nuv", waves, thumbs, waves, optimize=True).reshape(-1, _HASH**2)
    # The first is the mean: 0 of all. The others are halved by their median.
    above = frequencies > np.median(frequencies[:, 1:], axis=1, keepdims=True)
    flat = thumbs.reshape(-1, SIDE**2)
    norm = np.linalg.norm(flat, axis=1, keepdims=True)
    return Prints(
        np.divide(flat, norm, out=np.zeros_like(flat), where=norm > 0),
        np.where(above, 1, -1).astype(np.float32),
    )
