"""Templates: how a face is laid into a square crop by its landmarks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np
from numpy.typing import ArrayLike

from aulens.align.matrix import Matrix, short, similarity
from aulens.errors import InputError
from aulens.landmarks import LAYOUTS, LEFT_EYE, MOUTH_CORNERS, NOSE_TIP, RIGHT_EYE, layout_of

FIVE_POINTS: Final = 5
"""Subject's right eye, left eye, tip of the nose, right and left corner of the mouth: what many detectors
give. Wherever a face is aligned, they do in place of landmarks."""


class Template(Protocol):
    """A way to lay faces into a square crop, the same for every size of crop."""

    @property
    def name(self) -> str:
        """What configurations and model cards call it."""
        ...

    def matrix(self, landmarks: ArrayLike, size: int) -> Matrix:
        """The matrix image → crop.

        Args:
            landmarks: (..., K, 2) image pixels, in any layout of `landmarks.LAYOUTS`, or five points.
            size: side of the crop, pixels.

        Returns:
            (..., 2, 3) float64, a similarity without reflection.

        Raises:
            InputError: when the landmarks are of no known layout, not finite, or all in one place.
        """
        ...


@dataclass(frozen=True)
class AnchorTemplate:
    """Says where three anchors of the face should lie; a least-squares fit brings them there.

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

    def matrix(self, landmarks: ArrayLike, size: int) -> Matrix:
        """See `Template.matrix`."""
        return similarity(anchors(landmarks), self.points(size))


@dataclass(frozen=True)
class SquareTemplate:
    """Turns the eyes level and takes a square about five points of the face.

    The square has the middle of the five points' bounding box, and `spread` times its longer side. It is
    drawn at full x full pixels, its corners on the centres of the corner pixels; the crop is the middle
    crop x crop of these pixels. A crop of another size is the same view, resampled.

    Attributes:
        name: "jaanet".
        spread: side of the square over the longer side of the five points' bounding box.
        full: side of the picture of the whole square, pixels.
        crop: side of its middle part, pixels.
    """

    name: str
    spread: float
    full: int
    crop: int

    def matrix(self, landmarks: ArrayLike, size: int) -> Matrix:
        """See `Template.matrix`."""
        points = five_points(landmarks)
        if not np.isfinite(points).all():
            raise InputError("the landmarks are not finite; leave such faces out")
        across = points[..., 1, :] - points[..., 0, :]
        length = np.hypot(across[..., 0], across[..., 1])
        if (length <= 1e-9 * (1 + np.abs(points).max((-1, -2)))).any():
            raise InputError(f"the eyes are in one place, so the face has no direction: {short(points)}")
        cosine, sine = across[..., 0] / length, across[..., 1] / length
        level = np.stack([np.stack([cosine, sine], -1), np.stack([-sine, cosine], -1)], -2)
        turned = points @ np.swapaxes(level, -1, -2)
        low, high = turned.min(-2), turned.max(-2)
        scale = (self.full - 1) / (self.spread * (high - low).max(-1)) * (size / self.crop)
        linear = scale[..., None, None] * level
        shift = (size - 1) / 2 - scale[..., None] * (low + high) / 2
        return np.concatenate([linear, shift[..., None]], -1)


FACE: Final = AnchorTemplate("face", right_eye=(0.34, 0.36), left_eye=(0.66, 0.36), mouth=(0.5, 0.70))
"""The whole face with a margin for brows and jaw."""

JAANET: Final = SquareTemplate("jaanet", spread=2.9, full=200, crop=176)
"""That of JAA-Net's published code; at sizes other than its 176 (paper B: 112) the same view, our choice."""

TEMPLATES: Final[Mapping[str, Template]] = MappingProxyType({t.name: t for t in (FACE, JAANET)})


def five_points(landmarks: ArrayLike) -> Matrix:
    """Eye centres (mean of 6 points each), tip of the nose, corners of the mouth.

    Args:
        landmarks: (..., K, 2) in any layout of `landmarks.LAYOUTS`, or (..., 5, 2), which stay as they are.

    Returns:
        (..., 5, 2) float64, in the order of `FIVE_POINTS`.
    """
    points = np.asarray(landmarks, np.float64)
    if points.shape[-2:] == (FIVE_POINTS, 2):
        return points
    return np.asarray(_five_of(layout_of(points).name) @ points)


@cache
def _five_of(layout: str) -> Matrix:
    """What gives the five points of a layout's K landmarks: (5, K), the share of each in each."""
    known = LAYOUTS[layout]
    right, left = MOUTH_CORNERS
    shares = np.zeros((FIVE_POINTS, known.count))
    for row, group in zip(shares, (RIGHT_EYE, LEFT_EYE, (NOSE_TIP,), (right,), (left,)), strict=True):
        row[list(known.positions(group))] = 1 / len(group)
    return shares


def anchors(landmarks: ArrayLike) -> Matrix:
    """The three points that hold a face: eye centres (mean of 6 points) and the middle of the mouth corners.

    Args:
        landmarks: (..., K, 2) in any layout of `landmarks.LAYOUTS`, or five points.

    Returns:
        (..., 3, 2) float64: subject's right eye, subject's left eye, mouth.
    """
    points = five_points(landmarks)
    return np.concatenate([points[..., :2, :], points[..., 3:, :].mean(-2, keepdims=True)], axis=-2)
