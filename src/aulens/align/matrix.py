"""Similarity transforms as (2, 3) float64 matrices, and the points that they move."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.errors import InputError

Matrix = NDArray[np.float64]


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
            f"source {short(p)}, target {short(q)}"
        )
    linear = np.stack([np.stack([a.real, -a.imag], -1), np.stack([a.imag, a.real], -1)], -2)
    shift = q_mean - (linear @ p_mean[..., None])[..., 0]
    return np.concatenate([linear, shift[..., None]], -1)


def invert(matrix: ArrayLike) -> Matrix:
    """The inverse of (..., 2, 3) matrices: crop → image.

    Raises:
        InputError: when a matrix has no inverse.
    """
    m = as_matrix(matrix)
    try:
        linear = np.linalg.inv(m[..., :2])
    except np.linalg.LinAlgError:
        raise InputError(f"the matrix has no inverse: {short(m)}") from None
    return np.concatenate([linear, -linear @ m[..., 2:]], -1)


def compose(outer: ArrayLike, inner: ArrayLike) -> Matrix:
    """One (..., 2, 3) matrix that does `inner`, then `outer`."""
    a, b = as_matrix(outer), as_matrix(inner)
    linear = a[..., :2] @ b[..., :2]
    return np.concatenate([linear, a[..., :2] @ b[..., 2:] + a[..., 2:]], -1)


def transform(matrix: ArrayLike, points: ArrayLike) -> Matrix:
    """Points (..., N, 2) moved by (..., 2, 3) matrices; (..., N, 2) float64."""
    m, p = as_matrix(matrix), np.asarray(points, np.float64)
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


def as_matrix(matrix: ArrayLike) -> Matrix:
    """Checked: (..., 2, 3) float64; InputError for another shape."""
    m = np.asarray(matrix, np.float64)
    if m.shape[-2:] != (2, 3):
        raise InputError(f"a matrix must be (..., 2, 3), got shape {m.shape}")
    return m


def short(array: NDArray[Any]) -> str:
    """An array in one line, for messages."""
    return np.array2string(array, precision=3, threshold=12, separator=", ").replace("\n", "")
