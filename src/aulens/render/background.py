"""Blurred rooms and walls behind the head, and a body below it."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from aulens.render.rig import Floats

# The right half of a body's outline: centimetres from the lower end of the neck, y down.
_BODY: Final = ((4.5, -2.6), (6.5, -0.9), (10, 1.2), (17, 3.6), (21, 6.5), (22.5, 11), (23.5, 60))
_SMALL: Final = 96  # pixels: backgrounds are drawn small and enlarged, being out of focus


def _draw_shape(rng: np.random.Generator, picture: Floats) -> None:
    """A rectangle or an ellipse of one dull colour."""
    vivid = rng.uniform(0, 0.95, 3) ** 1.7
    colour = [float(v) for v in 0.4 * vivid + 0.6 * vivid.mean()]
    x, y = (int(v) for v in rng.uniform(-10, _SMALL, 2))
    w, h = (int(v) for v in rng.uniform(3, 45, 2))
    if rng.random() < 0.6:
        cv2.rectangle(picture, (x, y), (x + w, y + h), colour, -1)
    else:
        angle = float(rng.uniform(0, 180))
        cv2.ellipse(picture, (x, y), (w // 2 + 1, h // 2 + 1), angle, 0, 360, colour, -1)


def draw_background(rng: np.random.Generator, size: int) -> Floats:
    """A random background, (size, size, 3) float32 linear light in 0..1: gradient, shapes, texture, blur."""
    corners = rng.uniform(0.02, 0.9, (2, 2, 3)).astype(np.float32) ** 1.7
    grey = corners.mean(2, keepdims=True)
    corners = grey + (corners - grey) * np.float32(rng.uniform(0.1, 0.8))
    picture = np.asarray(cv2.resize(corners, (_SMALL, _SMALL), interpolation=cv2.INTER_LINEAR), np.float32)
    if rng.random() < 0.75:
        for _ in range(rng.integers(3, 25)):
            _draw_shape(rng, picture)
    for cells, amount in ((6, 0.25), (24, 0.15)):
        field = rng.normal(0, amount * rng.random(), (cells, cells, 1)).astype(np.float32)
        texture = np.exp(cv2.resize(field, (_SMALL, _SMALL), interpolation=cv2.INTER_CUBIC))
        picture = picture * texture[..., None]
    large = cv2.resize(picture.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.8:
        large = cv2.GaussianBlur(large, (0, 0), float(rng.uniform(0.5, 0.03 * size)))
    clipped: Floats = np.clip(large, 0, 1).astype(np.float32)
    return clipped


def draw_body(picture: Floats, neck: tuple[float, float], scale: float, cloth: Floats) -> None:
    """Shoulders in the colour of the collar, softly outlined, painted onto a background.

    Args:
        picture: (n, n, 3) linear light; is changed.
        neck: x, y of the lower end of the neck, pixels.
        scale: pixels of a centimetre.
        cloth: (3,) linear RGB.
    """
    outline = np.array([*_BODY, *((-x, y) for x, y in reversed(_BODY))]) * scale + neck
    sharp = np.zeros(picture.shape[:2], np.float32)
    cv2.fillPoly(sharp, [np.round(outline * 16).astype(np.int32)], (1.0,), cv2.LINE_AA, 4)
    cover = np.asarray(cv2.GaussianBlur(sharp, (0, 0), 0.25 * scale), np.float32)
    place = np.arange(len(cover), dtype=np.float32)
    across, down = (place - neck[0]) / scale, (place - neck[1]) / scale
    round_off = 1 - 0.5 * (across / 24) ** 2 - 0.004 * down[:, None]
    shaded = np.clip(round_off, 0.3, 1)[..., None] * cloth
    picture[...] = picture + (shaded.astype(np.float32) - picture) * cover[..., None]
