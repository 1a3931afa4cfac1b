"""What hides parts of a face: masks, dark glasses, hats, hands, scarves. For augmentation and tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.align import anchors
from aulens.data.occluders import fill_hand, pixel, skin_tone
from aulens.landmarks import BROWS

Image = NDArray[np.uint8]
Points = NDArray[np.float64]
Cover = Callable[[Image, Points, str, np.random.Generator], NDArray[np.float32]]
"""Paints what hides a face: `cover`, or what stands for it."""

KINDS: Final = ("mask", "glasses", "hat", "hand", "scarf", "thing")


def cover(image: Image, landmarks: Points, kind: str, random: np.random.Generator) -> NDArray[np.float32]:
    """Draw a cover over `image` in place.

    Args:
        image: (H, W, 3) uint8 RGB, changed.
        landmarks: (68, 2) pixels of it.
        kind: one of `KINDS`.

    Returns:
        (H, W) float32, 0 to 1: how much of each pixel is hidden.
    """
    mask = np.zeros(image.shape[:2], np.uint8)
    head = _head(landmarks)
    _SHAPES[kind](mask, head, random)
    strength = 1.0 if kind != "glasses" else float(random.uniform(0.75, 1.0))
    hidden = mask.astype(np.float32) * np.float32(strength / 255)
    if random.random() < 0.5:
        hidden = np.asarray(cv2.blur(hidden, (3, 3)), np.float32)
    _paint(image, hidden, kind, random)
    return hidden


def hidden_at(hides: NDArray[np.float32], points: Points) -> NDArray[np.float32]:
    """How much of each of (K, 2) points is hidden where `hides` (H, W) says, (K,); of those outside, by the
    nearest pixel."""
    height, width = hides.shape
    x, y = np.rint(points).T
    at: NDArray[np.float32] = hides[
        np.clip(y, 0, height - 1).astype(int), np.clip(x, 0, width - 1).astype(int)
    ]
    return at


@dataclass(frozen=True, eq=False)
class _Head:
    """Where a face is: 68 points, eyes (2, 2), unit vectors up and across, pixels from mouth to eyes."""

    points: Points
    eyes: Points
    up: Points
    across: Points
    size: float

    @property
    def angle(self) -> float:
        """By how much it is turned, degrees clockwise."""
        return float(np.degrees(np.arctan2(self.across[1], self.across[0])))


def _head(points: Points) -> _Head:
    right, left, mouth = anchors(points)
    up = (right + left) / 2 - mouth
    size = max(float(np.hypot(*up)), 1.0)
    up = up / size
    return _Head(points, np.stack([right, left]), up, np.array([-up[1], up[0]]), size)


def _mask(mask: Image, head: _Head, random: np.random.Generator) -> None:
    low = int(random.integers(1, 4))
    top = head.points[27 + int(random.integers(1, 4))] if random.random() < 0.8 else head.points[33]
    jaw = head.points[low : 17 - low] - 0.06 * head.size * head.up
    _fill(mask, np.concatenate([jaw, top[None]]))
    if random.random() < 0.6:  # its bands
        band = max(1, round(0.03 * head.size))
        for end, ear in ((jaw[0], head.points[1]), (jaw[-1], head.points[15])):
            cv2.line(mask, pixel(end), pixel(ear + 0.1 * head.size * head.up), 255, band)


def _glasses(mask: Image, head: _Head, random: np.random.Generator) -> None:
    wide, high = random.uniform(0.34, 0.5) * head.size, random.uniform(0.2, 0.36) * head.size
    drop = -random.uniform(0.0, 0.1) * head.size * head.up
    for eye in head.eyes:
        if random.random() < 0.5:
            cv2.ellipse(mask, pixel(eye + drop), (round(wide), round(high)), head.angle, 0, 360, 255, -1)
        else:
            box = cv2.boxPoints(((eye + drop).tolist(), (2 * wide * 0.9, 2 * high * 0.9), head.angle))
            _fill(mask, box)
    cv2.line(
        mask, pixel(head.eyes[0] + drop), pixel(head.eyes[1] + drop), 255, max(1, round(0.06 * head.size))
    )


def _hat(mask: Image, head: _Head, random: np.random.Generator) -> None:
    brows = head.points[list(BROWS)].mean(0)
    middle = brows + random.uniform(0.05, 0.5) * head.size * head.up
    wide = random.uniform(1.0, 1.5) * head.size
    a, b = middle - wide * head.across, middle + wide * head.across
    top = random.uniform(0.8, 1.6) * head.size * head.up
    _fill(mask, [a, b, b * 0.85 + a * 0.15 + top, a * 0.85 + b * 0.15 + top])
    if random.random() < 0.5:  # a brim
        axes = round(wide * 1.15), max(1, round(0.2 * head.size))
        cv2.ellipse(mask, pixel(middle), axes, head.angle, 0, 360, 255, -1)


def _hand(mask: Image, head: _Head, random: np.random.Generator) -> None:
    centre = head.points[int(random.integers(0, 68))] + random.normal(0, 0.2, 2) * head.size
    palm = random.uniform(0.3, 0.5) * head.size
    heading = fill_hand(mask, centre, palm, max(1, round(palm * 0.42)), random)
    if random.random() < 0.5:
        wrist = centre - 4 * palm * np.array([np.cos(heading), np.sin(heading)])
        cv2.line(mask, pixel(centre), pixel(wrist), 255, max(1, round(palm * 1.3)))


def _scarf(mask: Image, head: _Head, random: np.random.Generator) -> None:
    edge = head.points[33] - random.uniform(-0.1, 1.1) * head.size * head.up
    reach = 3.0 * head.size
    a, b = edge - reach * head.across, edge + reach * head.across
    _fill(mask, [a, b, b - reach * head.up, a - reach * head.up])


def _thing(mask: Image, head: _Head, random: np.random.Generator) -> None:
    centre = head.points[int(random.integers(0, 68))] + random.normal(0, 0.3, 2) * head.size
    extent = random.uniform(0.2, 1.4, 2) * head.size
    if random.random() < 0.5:
        _fill(mask, cv2.boxPoints((centre.tolist(), extent.tolist(), float(random.uniform(0, 90)))))
    else:
        axes = np.maximum(np.rint(extent / 2), 1).astype(int).tolist()
        cv2.ellipse(mask, pixel(centre), axes, float(random.uniform(0, 180)), 0, 360, 255, -1)


_SHAPES: Final[Mapping[str, Callable[[Image, _Head, np.random.Generator], None]]] = MappingProxyType(
    {"mask": _mask, "glasses": _glasses, "hat": _hat, "hand": _hand, "scarf": _scarf, "thing": _thing}
)


def _paint(image: Image, hidden: NDArray[np.float32], kind: str, random: np.random.Generator) -> None:
    """Blend a surface with soft folds into the picture where it is hidden."""
    ys, xs = np.flatnonzero(hidden.any(1)), np.flatnonzero(hidden.any(0))
    if not len(ys):
        return
    part = slice(ys[0], ys[-1] + 1), slice(xs[0], xs[-1] + 1)
    if kind == "glasses":
        tone = random.uniform(0, 60, 3)
    elif kind == "hand":
        tone = skin_tone(random)
    elif kind == "mask" and random.random() < 0.5:
        tone = (np.array([235.0, 240, 245]), np.array([150.0, 195, 220]), np.array([20.0, 20, 22]))[
            int(random.integers(3))
        ]
    else:
        tone = random.uniform(0, 255, 3)
    # A cover is as bright as the face's own light lets it be.
    light = min(1.3, 0.35 + float(image[part].mean()) / 140)
    folds = random.normal(0, random.uniform(2, 25), (4, 5, 1)).astype(np.float32)
    height, width = ys[-1] + 1 - ys[0], xs[-1] + 1 - xs[0]
    surface = cv2.resize(folds, (int(width), int(height)), interpolation=cv2.INTER_LINEAR)[..., None] + (
        tone * light
    ).astype(np.float32)
    weight = hidden[part][..., None]
    mixed = image[part] + (surface - image[part]) * weight
    image[part] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)


def _fill(mask: Image, polygon: ArrayLike) -> None:
    cv2.fillPoly(mask, [np.rint(np.clip(np.asarray(polygon), -4000, 4000)).astype(np.int32)], 255)
