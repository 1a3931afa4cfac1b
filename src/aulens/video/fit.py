"""Pictures of several sizes in one clip."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def fit(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture (H, W, 3) uint8 scaled into `size` = (width, height), its proportions kept, on black."""
    width, height = size
    if image.shape[:2] == (height, width):
        return image
    scale = min(width / image.shape[1], height / image.shape[0])
    inner = min(width, round(image.shape[1] * scale)), min(height, round(image.shape[0] * scale))
    small = cv2.resize(image, (max(1, inner[0]), max(1, inner[1])), interpolation=cv2.INTER_AREA)
    left, top = (width - small.shape[1]) // 2, (height - small.shape[0]) // 2
    whole = np.zeros((height, width, 3), np.uint8)
    whole[top : top + small.shape[0], left : left + small.shape[1]] = small
    return whole
