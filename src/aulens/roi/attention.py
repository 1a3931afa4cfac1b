"""The attention maps of JAA-Net, drawn from landmarks: what paper B's network refines.

Shao et al., Deep Adaptive Attention for Joint Facial Action Unit Detection and Face Alignment, ECCV 2018.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.aus import AUSet
from aulens.errors import InputError
from aulens.roi.table import CENTRES, CentreRule, centres

ATTENTION_STRIDE: Final = 4
"""Crop pixels per pixel of the features that JAA-Net's maps weigh."""
ATTENTION_BORDER: Final = 4
"""Pixels that a map is wider than those features on each side; the refinement takes them off again."""
ATTENTION_EXTENT: Final = 0.14
"""A window's size relative to its map: ζ of the published code."""
ATTENTION_SLOPE: Final = 0.56
"""How much of the value is lost over `ATTENTION_EXTENT` of the map: ξ of the published code."""


def attention_maps(
    landmarks: ArrayLike,
    aus: AUSet,
    crop: int,
    stride: int = ATTENTION_STRIDE,
    border: int = ATTENTION_BORDER,
    extent: float = ATTENTION_EXTENT,
    slope: float = ATTENTION_SLOPE,
    rules: Mapping[int, CentreRule] = CENTRES,
) -> NDArray[np.float32]:
    """A diamond of falling weight around each of an AU's two centres.

    The map is a border wider than the features on each side, because the refinement network's unpadded
    convolutions take it off again. Around the centre c = round(x * S / crop) (half to even, as the published
    code has it: not `RoiGrid`'s pixel centres) the value is 1 - |p - c|₁ * slope / (S * extent) in a window
    of 2 * round((S - 1) / 2 * extent) + 1 pixels; where windows meet, the larger; never below 0. A centre
    outside still marks the border that is nearest.

    Args:
        landmarks: (..., K, 2) crop pixels, any layout; JAA-Net's is `landmarks.IBUG49`.
        aus: the AUs of the axis A.
        crop: side of the crop, pixels: 176 or 112.
        stride: crop pixels per feature pixel.
        border: pixels added on each side.
        extent: a window's size relative to the map.
        slope: how much of the value is lost over `extent` of the map.
        rules: AU number → rule.

    Returns:
        (..., A, S, S) float32 in [0, 1], S = crop / stride + 2 * border.

    Raises:
        InputError: when `crop` is no multiple of `stride`, or a landmark is not finite.
    """
    if crop % stride or crop < stride:
        raise InputError(f"the crop must be a multiple of the stride {stride}, got {crop}")
    size = crop // stride + 2 * border
    half = round((size - 1) / 2 * extent)
    points = centres(landmarks, aus, rules, upright=True)
    if not np.isfinite(points).all():
        raise InputError("attention maps need finite landmarks; leave faces without landmarks out")
    centre = np.rint(points * (size / crop))[..., None]  # (..., A, 2, 2, 1)
    pixel = np.arange(size)
    distance = np.abs(pixel - centre)
    low, high = np.clip(centre - half, 0, size - 1), np.clip(centre + half, 0, size - 1)
    inside = (pixel >= low) & (pixel <= high)
    (dx, dy), (in_x, in_y) = (np.moveaxis(a, -2, 0) for a in (distance, inside))
    value = 1 - (dy[..., :, None] + dx[..., None, :]) * (slope / (size * extent))
    value = np.where(in_y[..., :, None] & in_x[..., None, :], value, 0)
    return np.asarray(np.maximum(value, 0).max(-3), np.float32)
