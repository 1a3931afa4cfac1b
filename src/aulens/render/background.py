"""Blurred rooms and walls behind the head."""

from __future__ import annotations

import cv2
import numpy as np

from aulens.render.rig import Floats


def draw_background(rng: np.random.Generator, size: int) -> Floats:
    """A random background, (size, size, 3) float32 linear light in 0..1: gradient, shapes, texture, blur."""
    small = 96
    corners = rng.uniform(0.02, 0.9, (2, 2, 3)).astype(np.float32) ** 1.7
    grey = corners.mean(2, keepdims=True)
    corners = grey + (corners - grey) * np.float32(rng.uniform(0.1, 0.8))
    picture = cv2.resize(corners, (small, small), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.75:
        for _ in range(rng.integers(3, 25)):
            colour = rng.uniform(0, 0.95, 3) ** 1.7
            colour = tuple(float(v) for v in 0.4 * colour + 0.6 * colour.mean())
            x, y = (int(v) for v in rng.uniform(-10, small, 2))
            w, h = (int(v) for v in rng.uniform(3, 45, 2))
            if rng.random() < 0.6:
                cv2.rectangle(picture, (x, y), (x + w, y + h), colour, -1)
            else:
                cv2.ellipse(
                    picture, (x, y), (w // 2 + 1, h // 2 + 1), float(rng.uniform(0, 180)), 0, 360, colour, -1
                )
    for cells, amount in ((6, 0.25), (24, 0.15)):
        field = rng.normal(0, amount * rng.random(), (cells, cells, 1)).astype(np.float32)
        picture = (
            picture * np.exp(cv2.resize(field, (small, small), interpolation=cv2.INTER_CUBIC))[..., None]
        )
    picture = cv2.resize(picture.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.8:
        picture = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.5, 0.03 * size)))
    return np.clip(picture, 0, 1).astype(np.float32)
