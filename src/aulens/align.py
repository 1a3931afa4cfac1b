"""From image to aligned crop and back: one similarity transform, one resample.

Conventions, everywhere in aulens:

* points are (x, y) pixels, y down; an integer is a pixel's CENTRE, so a picture of width W spans
  -0.5 .. W - 0.5 (as in OpenCV and dlib);
* a matrix is (2, 3) float64 and maps `p' = m[:, :2] @ p + m[:, 2]`; `crop_matrix` maps image → crop;
* augmentation is composed into that matrix, so that pixels are resampled once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.errors import ConfigError, InputError
from aulens.landmarks import LEFT_EYE, MOUTH_CORNERS, RIGHT_EYE, layout_of

Matrix = NDArray[np.float64]

_BORDERS: Final = MappingProxyType({"constant": cv2.BORDER_CONSTANT, "reflect": cv2.BORDER_REFLECT_101})
_GREY: Final = (128.0, 128.0, 128.0)


@dataclass(frozen=True)
class Template:
    """Where three anchors of the face should lie in a crop.

    Attributes:
        name: "face".
        right_eye: centre of the subject's right eye, (u, v) in the unit square, v down.
        left_eye: centre of the subject's left eye.
        mouth: middle of the mouth corners.
    """

    name: str
    right_eye: tuple[float, float]
    left_eye: tuple[float, float]
    mouth: tuple[float, float]

    def points(self, size: int) -> Matrix:
        """The anchors in a crop of size x size pixels: (3, 2), pixel = u * size - 0.5."""
        return np.array([self.right_eye, self.left_eye, self.mouth], np.float64) * size - 0.5


FACE: Final = Template("face", right_eye=(0.34, 0.36), left_eye=(0.66, 0.36), mouth=(0.5, 0.70))
"""The whole face with a margin for brows and jaw."""

TEMPLATES: Final[Mapping[str, Template]] = MappingProxyType({FACE.name: FACE})


def anchors(landmarks: ArrayLike) -> Matrix:
    """The three points that hold a face: eye centres (mean of 6 points) and the middle of the mouth corners.

    Args:
        landmarks: (..., K, 2) in any layout of `landmarks.LAYOUTS`.

    Returns:
        (..., 3, 2) float64: subject's right eye, subject's left eye, mouth.
    """
    layout = layout_of(landmarks)
    points = np.asarray(landmarks, np.float64)
    groups = (RIGHT_EYE, LEFT_EYE, MOUTH_CORNERS)
    return np.stack([points[..., layout.positions(g), :].mean(-2) for g in groups], axis=-2)


def similarity(source: ArrayLike, target: ArrayLike) -> Matrix:
    """The rotation, uniform scale and shift that bring `source` nearest to `target`, in least squares.

    Never a reflection: a mirrored face stays mirrored.

    Args:
        source: (..., N, 2), N >= 2.
        target: (..., N, 2).

    Returns:
        (..., 2, 3) float64.

    Raises:
        InputError: when the points do not fix a transform: fewer than 2, all in one place, or not finite.
    """
    p, q = np.asarray(source, np.float64), np.asarray(target, np.float64)
    if p.ndim < 2 or p.shape[-2:] != q.shape[-2:] or p.shape[-1] != 2:
        raise InputError(f"similarity needs two arrays (..., N, 2) of one N, got {p.shape} and {q.shape}")
    if p.shape[-2] < 2:
        raise InputError(f"similarity needs at least 2 points, got {p.shape[-2]}")
    if not (np.isfinite(p).all() and np.isfinite(q).all()):
        raise InputError("similarity got points that are not finite; leave such faces out")
    p_mean, q_mean = p.mean(-2), q.mean(-2)
    # A similarity is one complex number (scale, angle) and a shift: w = a z + b.
    z = (p - p_mean[..., None, :]) @ np.array([1, 1j])
    w = (q - q_mean[..., None, :]) @ np.array([1, 1j])
    spread = (np.abs(z) ** 2).sum(-1)
    a = (z.conj() * w).sum(-1) / np.where(spread > 0, spread, 1)
    scale = 1 + np.abs(p_mean).max(-1)
    if (spread <= (1e-9 * scale) ** 2).any() or (np.abs(a) <= 1e-9).any():
        raise InputError(
            "the points do not fix a similarity (all in one place, or it would shrink them to a point); "
            f"source {_short(p)}, target {_short(q)}"
        )
    linear = np.stack([np.stack([a.real, -a.imag], -1), np.stack([a.imag, a.real], -1)], -2)
    shift = q_mean - (linear @ p_mean[..., None])[..., 0]
    return np.concatenate([linear, shift[..., None]], -1)


def crop_matrix(landmarks: ArrayLike, size: int, template: Template = FACE) -> Matrix:
    """The matrix image → aligned crop of size x size pixels.

    Args:
        landmarks: (..., K, 2) image pixels.
        size: side of the crop, pixels.
        template: where the anchors should lie.

    Returns:
        (..., 2, 3) float64.

    Raises:
        InputError: when the landmarks are of no known layout, not finite, or all in one place.
    """
    return similarity(anchors(landmarks), template.points(size))


def invert(matrix: ArrayLike) -> Matrix:
    """The inverse of (..., 2, 3) matrices: crop → image.

    Raises:
        InputError: when a matrix has no inverse.
    """
    m = _matrix(matrix)
    try:
        linear = np.linalg.inv(m[..., :2])
    except np.linalg.LinAlgError:
        raise InputError(f"the matrix has no inverse: {_short(m)}") from None
    return np.concatenate([linear, -linear @ m[..., 2:]], -1)


def compose(outer: ArrayLike, inner: ArrayLike) -> Matrix:
    """One (..., 2, 3) matrix that does `inner`, then `outer`."""
    a, b = _matrix(outer), _matrix(inner)
    linear = a[..., :2] @ b[..., :2]
    return np.concatenate([linear, a[..., :2] @ b[..., 2:] + a[..., 2:]], -1)


def transform(matrix: ArrayLike, points: ArrayLike) -> Matrix:
    """Points (..., N, 2) moved by (..., 2, 3) matrices; (..., N, 2) float64."""
    m, p = _matrix(matrix), np.asarray(points, np.float64)
    return p @ np.swapaxes(m[..., :2], -1, -2) + m[..., None, :, 2]


def rotation_scale(
    degrees: float, scale: float, centre: tuple[float, float], shift: tuple[float, float] = (0.0, 0.0)
) -> Matrix:
    """Rotate and scale about a centre, then shift: (2, 3) float64.

    Args:
        degrees: positive turns the x axis towards the y axis: clockwise on the screen.
        scale: greater than 0; 2 makes the face twice as large.
        centre: the pixel that the rotation and scale leave in place, (x, y).
        shift: added afterwards, pixels (x, y).

    Raises:
        InputError: when scale is not above 0.
    """
    if not scale > 0:
        raise InputError(f"scale must be above 0, got {scale}")
    turn = np.deg2rad(degrees)
    c, s = scale * np.cos(turn), scale * np.sin(turn)
    linear = np.array([[c, -s], [s, c]])
    offset = np.asarray(centre, np.float64) + np.asarray(shift, np.float64) - linear @ np.asarray(centre)
    return np.concatenate([linear, offset[:, None]], 1)


def flip_matrix(size: int) -> Matrix:
    """Mirror a crop of `size` pixels left to right: x → size - 1 - x. (2, 3) float64."""
    return np.array([[-1.0, 0.0, size - 1.0], [0.0, 1.0, 0.0]])


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
    m = _matrix(matrix)
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


def _matrix(matrix: ArrayLike) -> Matrix:
    m = np.asarray(matrix, np.float64)
    if m.shape[-2:] != (2, 3):
        raise InputError(f"a matrix must be (..., 2, 3), got shape {m.shape}")
    return m


def _short(array: NDArray[Any]) -> str:
    return np.array2string(array, precision=3, threshold=12, separator=", ").replace("\n", "")
