"""Pixels: a crop out of a picture by one resample, and maps of a crop laid back onto the picture."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.align.matrix import Matrix, as_matrix, compose, invert, transform
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
    step = max(
        1, int(1 / np.sqrt(abs(np.linalg.det(m[:, :2]))))
    )  # whole steps: the rest (1 to 2) is bilinear's
    height, width = -(-(y1 - y0) // step), -(-(x1 - x0) // step)
    if step > 1:
        region = np.asarray(cv2.resize(region, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    to_image = _stretch((x1 - x0) / width, (y1 - y0) / height, x0, y0)
    crop = cv2.warpAffine(
        region,
        compose(m, to_image),
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
    to_image = compose(invert(matrix), _stretch(size / stack.shape[2], size / stack.shape[1]))
    height, width = out_shape
    out = np.zeros((len(stack), height, width), np.float32)
    for one, layer in zip(stack, out, strict=True):
        layer[:] = cv2.warpAffine(one, to_image, (width, height), flags=cv2.INTER_LINEAR)
    return out


def _needed(m: Matrix, size: int, shape: tuple[int, ...], border: str) -> tuple[int, int, int, int]:
    """The part of the image that a crop reads, x0, y0, x1, y1 (ends excluded), clipped to the image."""
    edge = size - 0.5
    corners = transform(invert(m), [(-0.5, -0.5), (edge, -0.5), (-0.5, edge), (edge, edge)])
    margin = 2 + 2 / np.sqrt(abs(np.linalg.det(m[:, :2])))
    low, high = np.floor(corners.min(0) - margin), np.ceil(corners.max(0) + margin) + 1
    limit = np.array(shape[1::-1], np.float64)
    if border == "reflect":  # A reflection may read far inside: keep the whole axis.
        outside = (low < 0) | (high > limit)
        low, high = np.where(outside, 0, low), np.where(outside, limit, high)
    x0, y0 = np.clip(low, 0, limit).astype(int).tolist()
    x1, y1 = np.clip(high, 0, limit).astype(int).tolist()
    return x0, y0, x1, y1


def _stretch(kx: float, ky: float, x0: float = 0.0, y0: float = 0.0) -> Matrix:
    """From a picture whose pixels are kx by ky large to the one it lies on at (x0, y0): pixel edges meet."""
    return np.array([[kx, 0, 0.5 * kx - 0.5 + x0], [0, ky, 0.5 * ky - 0.5 + y0]])
