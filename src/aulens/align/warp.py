"""Pixels: a crop out of a picture by one resample, and maps of a crop laid back onto the picture."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.align.matrix import Matrix, as_matrix, compose, invert
from aulens.errors import ConfigError, InputError

_BORDERS: Final = MappingProxyType({"constant": cv2.BORDER_CONSTANT, "reflect": cv2.BORDER_REFLECT_101})
_GREY: Final = (128.0, 128.0, 128.0)


def warp(
    image: NDArray[np.uint8],
    matrix: ArrayLike,
    size: int,
    border: Literal["constant", "reflect"] = "constant",
) -> NDArray[np.uint8]:
    """The crop of an image: one bilinear resample; where it shrinks by 2 or more, averaged first.

    Args:
        image: (H, W, 3) uint8 RGB.
        matrix: (2, 3), image → crop.
        size: side of the crop, pixels.
        border: what lies outside the image: "constant" mid grey (128), or the image reflected at its edge.

    Returns:
        (size, size, 3) uint8 RGB.

    Raises:
        InputError: when the image is not (H, W, 3) uint8, or the matrix has no inverse.
        ConfigError: when there is no such border.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise InputError(f"warp needs an (H, W, 3) uint8 image, got {image.shape} {image.dtype}")
    if border not in _BORDERS:
        raise ConfigError(f"no border is called {border!r}; there are {', '.join(_BORDERS)}")
    m = as_matrix(matrix)
    x0, y0, x1, y1 = _needed(m, size, image.shape[:2], border)
    if x0 >= x1 or y0 >= y1:
        return np.full((size, size, 3), 128, np.uint8)
    region = image[y0:y1, x0:x1]
    step = max(1, int(1 / math.sqrt(abs(m[0, 0] * m[1, 1] - m[0, 1] * m[1, 0]))))  # the rest is bilinear's
    if step > 1:
        height, width = -(-(y1 - y0) // step), -(-(x1 - x0) // step)
        region = np.asarray(cv2.resize(region, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        to_crop = compose(m, stretch((x1 - x0) / width, (y1 - y0) / height, x0, y0))
    else:
        to_crop = m.copy()
        to_crop[:, 2] += m[:, :2] @ (x0, y0)
    crop = cv2.warpAffine(
        region,
        to_crop,
        (size, size),
        flags=cv2.INTER_LINEAR,
        borderMode=_BORDERS[border],
        borderValue=_GREY,
    )
    return np.asarray(crop, np.uint8)


def warp_back(
    maps: ArrayLike, matrix: ArrayLike, size: int, out_shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Maps of a crop laid back onto its image: where in the picture the evidence is.

    Bilinear; 0 outside the crop, to which the maps fade within half a map pixel of its edge.

    Args:
        maps: (A, h, w), covering the whole crop: map pixel i is centred at (i + 0.5) * size / w - 0.5.
        matrix: (2, 3), the image → crop matrix that made the crop.
        size: side of the crop, pixels.
        out_shape: (H, W) of the image.

    Returns:
        (A, H, W) float32.

    Raises:
        InputError: when the maps are not (A, h, w), or the matrix has no inverse.
    """
    stack = np.asarray(maps, np.float32)
    if stack.ndim != 3:
        raise InputError(f"warp_back needs maps (A, h, w), got shape {stack.shape}")
    to_image = compose(invert(matrix), stretch(size / stack.shape[2], size / stack.shape[1]))
    height, width = out_shape
    out = np.zeros((len(stack), height, width), np.float32)
    for one, layer in zip(stack, out, strict=True):
        layer[:] = cv2.warpAffine(one, to_image, (width, height), flags=cv2.INTER_LINEAR)
    return out


def _needed(m: Matrix, size: int, shape: tuple[int, ...], border: str) -> tuple[int, int, int, int]:
    """The part of the image that a crop reads, x0, y0, x1, y1 (ends excluded), clipped to the image."""
    # In plain numbers: NumPy's overhead would take longer than the pixels.
    (a, b, tx), (c, d, ty) = m.tolist()
    determinant = a * d - b * c
    if determinant == 0:
        invert(m)  # says why not
    u, v = (size - 1) / 2 - tx, (size - 1) / 2 - ty
    x, y = (d * u - b * v) / determinant, (a * v - c * u) / determinant
    margin = 2 + 2 / math.sqrt(abs(determinant))
    half = size / 2 / abs(determinant)
    height, width = shape
    x0, x1 = _within(x, half * (abs(b) + abs(d)) + margin, width, border)
    y0, y1 = _within(y, half * (abs(a) + abs(c)) + margin, height, border)
    return x0, y0, x1, y1


def _within(middle: float, reach: float, limit: int, border: str) -> tuple[int, int]:
    """The part of an axis of `limit` pixels that a crop reads."""
    low, high = math.floor(middle - reach), math.ceil(middle + reach) + 1
    if border == "reflect" and (low < 0 or high > limit):
        return 0, limit  # a reflection may read far inside
    return min(max(low, 0), limit), min(max(high, 0), limit)


def stretch(kx: float, ky: float, x0: float = 0.0, y0: float = 0.0) -> Matrix:
    """From a picture whose pixels are kx by ky large to the one it lies on at (x0, y0): pixel edges meet."""
    return np.array([[kx, 0, 0.5 * kx - 0.5 + x0], [0, ky, 0.5 * ky - 0.5 + y0]])
