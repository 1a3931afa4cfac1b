"""A picture with what was found in it: boxes, landmarks, AU labels with their sides, evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.runtime.result import AUResult
from aulens.show.canvas import FRAME, INK, LEFT, PAPER, RIGHT, Layer, text_width, view_of
from aulens.show.evidence import blend_evidence

_EMPTY_SIDE: Final = (92, 98, 110)


@dataclass(frozen=True)
class _Chip:
    """One AU label: its text between two flags, each lit when the AU is present on that side."""

    label: str
    right: bool
    left: bool


def draw_overlay(
    image: NDArray[np.uint8], results: Sequence[AUResult], *, evidence: bool = True
) -> NDArray[np.uint8]:
    """Draw the faces of a picture.

    Each face has a box with its number, faint landmarks, the evidence for its present AUs as heat, and their
    labels. A label has a flag R on its left and L on its right, in the order in which you see the subject's
    right and left; a flag is lit where the AU is present on that side.

    Args:
        image: the picture that was analyzed, (H, W, 3) uint8 RGB; stays as it is.
        results: its faces.
        evidence: whether to lay the heat over the picture.

    Returns:
        (h, w, 3) uint8 RGB, resized for looking at: the longer side is about 900 to 1600 pixels.
    """
    view = view_of(image)
    pixels = blend_evidence(view, results) if evidence else view.pixels
    layer = Layer((pixels.shape[0], pixels.shape[1]))
    for result in results:
        corners = view.points(result.box.reshape(2, 2))
        size = float(np.clip((corners[1, 0] - corners[0, 0]) / 12, 11, 18))
        _landmarks(layer, view.points(result.landmarks), size)
        _frame(layer, corners, result.face_id, size)
        chips = [_Chip(label, *result.sides(label)) for label in result.present]
        _chips(layer, corners, chips, round(size), pixels.shape[:2], alone=len(results) == 1)
    return layer.over(pixels)


def _landmarks(layer: Layer, points: NDArray[np.float64], size: float) -> None:
    for x, y in points:
        layer.dot(x, y, size / 9, PAPER, 130)


def _frame(layer: Layer, corners: NDArray[np.float64], face_id: int, size: float) -> None:
    (x0, y0), (x1, y1) = corners.tolist()
    layer.box((x0, y0, x1, y1), outline=FRAME, width=2, radius=6)
    name = f"face {face_id}"
    width = text_width(name, round(size)) + size
    top = max(0.0, y0 - size * 1.5)
    layer.box((x0, top, x0 + width, top + size * 1.4), fill=FRAME, radius=4)
    layer.text(x0 + size / 2, top + size * 0.7, name, round(size), INK)


def _chips(
    layer: Layer,
    corners: NDArray[np.float64],
    chips: list[_Chip],
    size: int,
    shape: tuple[int, ...],
    alone: bool,
) -> None:
    """Labels beside the box of a face that is alone and has room there, else in rows under the box."""
    (x0, y0), (x1, y1) = corners.tolist()
    gap, height, flag = size * 0.35, size * 1.6, size * 1.25
    width = max((text_width(chip.label, size) for chip in chips), default=0) + 2 * flag + size * 0.8
    across = max(1, int((max(x1 - x0, 1.6 * width) + gap) // (width + gap)))
    beside = x1 + 2 * gap if x1 + 3 * gap + width <= shape[1] else x0 - 2 * gap - width
    if alone and beside >= gap and len(chips) * (height + gap) <= shape[0]:
        across, left, top = 1, beside, y0
    else:
        left = max(0.0, min(x0, shape[1] - min(across, len(chips)) * (width + gap)))
        top = y1 + gap
    rows = -(-len(chips) // across)
    top = max(0.0, min(top, shape[0] - rows * (height + gap)))
    for place, chip in enumerate(chips):
        x = left + place % across * (width + gap)
        y = top + place // across * (height + gap)
        _chip(layer, chip, (x, y, x + width, y + height), flag, size)


def _chip(layer: Layer, chip: _Chip, rect: tuple[float, float, float, float], flag: float, size: int) -> None:
    x0, y0, x1, y1 = rect
    middle = (y0 + y1) / 2
    layer.box(rect, fill=INK, opacity=225, radius=size * 0.4)
    layer.text((x0 + x1) / 2, middle, chip.label, size, PAPER, anchor="mm")
    small = max(9, round(size * 0.75))
    ends = (("R", chip.right, RIGHT, x0 + 2), ("L", chip.left, LEFT, x1 - 2 - flag))
    for letter, lit, on, start in ends:
        colour = on if lit else _EMPTY_SIDE
        layer.box((start, y0 + 2, start + flag, y1 - 2), fill=colour, radius=size * 0.3)
        layer.text(start + flag / 2, middle, letter, small, PAPER if lit else INK, anchor="mm")
