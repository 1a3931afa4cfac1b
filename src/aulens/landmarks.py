"""Layouts of facial landmarks: iBUG's 68 points, the two subsets that data sets use, and how to mirror them.

The only file that knows which index is which point. Landmarks are (..., K, 2) in (x, y) pixels, y down.
"Right" and "left" are the subject's own sides: in an unmirrored picture of a frontal face the subject's
right side is at the image's left. 68-point indices (0-based):

    0-16 jaw, from the subject's right to left    17-21 right brow   22-26 left brow
    27-30 nose bridge   31-35 nose base           36-41 right eye    42-47 left eye
    48-59 outer lips, clockwise in the image from the subject's right corner    60-67 inner lips, likewise
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.errors import InputError

Floats = NDArray[np.floating[Any]]

JAW_ENDS: Final = (0, 1, 2, 14, 15, 16)  # next to the ears
JAW: Final = tuple(range(17))
RIGHT_EYE: Final = (36, 37, 38, 39, 40, 41)
LEFT_EYE: Final = (42, 43, 44, 45, 46, 47)
INNER_EYE_CORNERS: Final = (39, 42)  # subject right, left
MOUTH_CORNERS: Final = (48, 54)  # subject right, left
NOSE_BRIDGE: Final = (27, 28, 29)
NOSE_TIP: Final = 30
NOSE_BASE: Final = (31, 32, 33, 34, 35)
NOSE: Final = (*NOSE_BRIDGE, NOSE_TIP, *NOSE_BASE)
MOUTH: Final = tuple(range(48, 68))
OUTER_EYE_CORNERS: Final = (36, 45)  # subject right, left
INNER_BROWS: Final = (20, 21, 22, 23)
OUTER_BROWS: Final = (17, 18, 25, 26)
BROWS: Final = tuple(range(17, 27))
BROW_HEADS: Final = (21, 22)  # subject right, left: the ends above the nose
UPPER_LIDS: Final = (37, 38, 43, 44)
LOWER_LIDS: Final = (41, 40, 47, 46)  # each below its point of UPPER_LIDS
UPPER_LIP_TOP: Final = (50, 51, 52)
LOWER_LIP_BOTTOM: Final = (58, 57, 56)
INNER_LIPS: Final = ((61, 62, 63), (67, 66, 65))  # of the upper lip, each above its point of the lower
SUBJECT_RIGHT: Final = frozenset(
    (*range(8), *range(17, 22), 31, 32, *RIGHT_EYE, 48, 49, 50, 58, 59, 60, 61, 67)
)
"""The points of the 68 on the subject's right side; their mirror partners are on the left."""


@dataclass(frozen=True)
class LandmarkLayout:
    """A scheme of landmarks.

    Attributes:
        name: "ibug68".
        in68: for each point, its index among iBUG's 68.
    """

    name: str
    in68: tuple[int, ...]

    @cached_property
    def count(self) -> int:
        """K, the number of points."""
        return len(self.in68)

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """For each point, the index of its partner on the other side (on the midline: itself)."""
        return self.positions(_MIRROR68[i] for i in self.in68)

    def positions(self, points68: Iterable[int]) -> tuple[int, ...]:
        """Where points of the 68 are in this layout.

        Raises:
            InputError: when this layout has no such point.
        """
        wanted = tuple(points68)
        lacking = [i for i in wanted if i not in self.in68]
        if lacking:
            raise InputError(f"layout {self.name!r} lacks the points {lacking} of the 68-point layout")
        return tuple(self.in68.index(i) for i in wanted)


_MIRROR68: Final = (
    *range(16, -1, -1),  # jaw
    *range(26, 16, -1),  # brows
    *range(27, 31),  # nose bridge
    *range(35, 30, -1),  # nose base
    *(45, 44, 43, 42, 47, 46),  # right eye
    *(39, 38, 37, 36, 41, 40),  # left eye
    *range(54, 47, -1),  # upper lip, outer
    *range(59, 54, -1),  # lower lip, outer
    *range(64, 59, -1),  # upper lip, inner
    *range(67, 64, -1),  # lower lip, inner
)


IBUG68: Final = LandmarkLayout("ibug68", tuple(range(68)))
"""iBUG's 68 points: dlib, OpenFace, most predictors."""
IBUG66: Final = LandmarkLayout("ibug66", tuple(i for i in range(68) if i not in (60, 64)))
"""The 68 without the inner mouth corners: DISFA's own landmarks."""
IBUG49: Final = LandmarkLayout("ibug49", tuple(i for i in range(17, 68) if i not in (60, 64)))
"""The 66 without the jaw: BP4D's own landmarks, JAA-Net."""

LAYOUTS: Final[Mapping[str, LandmarkLayout]] = MappingProxyType(
    {layout.name: layout for layout in (IBUG68, IBUG66, IBUG49)}
)


def layout_of(landmarks: ArrayLike) -> LandmarkLayout:
    """The layout of an array of landmarks, by its number of points.

    Args:
        landmarks: (..., K, 2).

    Raises:
        InputError: when the array is not (..., K, 2), or no layout has K points.
    """
    shape = np.shape(landmarks)
    if len(shape) < 2 or shape[-1] != 2:
        raise InputError(f"landmarks must be (..., K, 2) in (x, y), got shape {shape}")
    for layout in LAYOUTS.values():
        if layout.count == shape[-2]:
            return layout
    counts = ", ".join(str(layout.count) for layout in LAYOUTS.values())
    raise InputError(f"no layout has {shape[-2]} landmarks (got shape {shape}); known are {counts}")


def convert(landmarks: ArrayLike, source: LandmarkLayout, target: LandmarkLayout) -> Floats:
    """The same face in a layout with fewer points (68 → 66 → 49).

    Args:
        landmarks: (..., K, 2) in `source`.
        source: the layout that they are in.
        target: the layout wanted.

    Returns:
        (..., K', 2), a new array.

    Raises:
        InputError: when `landmarks` are not in `source`, or `target` has points that `source` lacks.
    """
    return np.take(_checked(landmarks, source), source.positions(target.in68), axis=-2)


def mirror(landmarks: ArrayLike, width: int, layout: LandmarkLayout | None = None) -> Floats:
    """The landmarks of the picture flipped left to right: x → width - 1 - x, and partners change places.

    After it, index 36 is again the outer corner of the right eye of the (mirrored) person.

    Args:
        landmarks: (..., K, 2) pixels; integer = pixel centre.
        width: of the picture, pixels.
        layout: that they are in; None: the one of K points.

    Returns:
        (..., K, 2), a new array of the same float type (float64 from integers).

    Raises:
        InputError: when the landmarks do not fit the layout.
    """
    layout = layout or layout_of(landmarks)
    flipped = np.take(_checked(landmarks, layout), layout.mirror, axis=-2)
    flipped[..., 0] = width - 1 - flipped[..., 0]
    return flipped


FOREHEAD: Final = 0.35
"""How much of the height from brows to chin the forehead adds, about up to the hairline."""


def face_box(landmarks: ArrayLike) -> Floats:
    """The box of a face: around its 68 points and the forehead above them, whichever way the head is turned.

    The forehead is the brows once more, moved upwards along the face by `FOREHEAD` times its height.

    Args:
        landmarks: (..., 68, 2) pixels.

    Returns:
        (..., 4) x0, y0, x1, y1 in the same coordinates.

    Raises:
        InputError: when the array is not (..., 68, 2).
    """
    points = _checked(landmarks, IBUG68)
    eyes, mouth = points[..., RIGHT_EYE + LEFT_EYE, :].mean(-2), points[..., MOUTH_CORNERS, :].mean(-2)
    up = eyes - mouth
    up = up / np.maximum(np.linalg.norm(up, axis=-1, keepdims=True), 1e-9)
    along = (points * up[..., None, :]).sum(-1)
    height = along.max(-1) - along.min(-1)
    forehead = points[..., BROWS, :] + (FOREHEAD * height[..., None] * up)[..., None, :]
    whole = np.concatenate([points, forehead], axis=-2)
    return np.concatenate([whole.min(-2), whole.max(-2)], axis=-1)


def _checked(landmarks: ArrayLike, layout: LandmarkLayout) -> Floats:
    points = np.asarray(landmarks)
    if points.ndim < 2 or points.shape[-2:] != (layout.count, 2):
        raise InputError(
            f"landmarks in {layout.name} must be (..., {layout.count}, 2) in (x, y), got shape {points.shape}"
        )
    return points if np.issubdtype(points.dtype, np.floating) else points.astype(np.float64)
