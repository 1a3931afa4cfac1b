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
class _Style:
    """Sizes of labels in pixels, all in proportion to the text; flags only where sides are told."""

    text: int
    flags: bool = True

    @property
    def height(self) -> float:
        return self.text * 1.6

    @property
    def flag(self) -> float:
        return self.text * 1.25

    @property
    def gap(self) -> float:
        return self.text * 0.35

    @property
    def width(self) -> float:
        return text_width("AU25", self.text) + 2 * self.flag * self.flags + self.text * 0.8

    @property
    def name(self) -> float:
        return text_width("face 00", self.text) + self.text


def draw_overlay(
    image: NDArray[np.uint8], results: Sequence[AUResult], *, evidence: bool = True
) -> NDArray[np.uint8]:
    """Draw the faces of a picture.

    Each face has a box with its number, faint landmarks, and the evidence for its present AUs as heat. Its
    labels stand beside a face that is alone and has room there; else all are listed below the picture. A
    label has a flag R on its left and L on its right, as you see the subject's right and left; a flag is lit
    where the AU is present on that side. Labels of a model that tells no sides have no flags, and the heat of
    a model with attention is violet: where it looked, see `evidence_sheet`.

    Args:
        image: the picture that was analyzed, (H, W, 3) uint8 RGB; stays as it is.
        results: its faces.
        evidence: whether to lay the heat over the picture.

    Returns:
        (h, w, 3) uint8 RGB, resized for looking at: the longer side is about 900 to 1600 pixels, more where
        labels are listed below.
    """
    view = view_of(image)
    pixels = blend_evidence(view, results) if evidence else view.pixels
    boxes = [view.points(result.box.reshape(2, 2)) for result in results]
    place = _beside(boxes[0], results[0], pixels.shape) if len(results) == 1 else None
    flags = all(result.tells_sides for result in results)
    style, rows = _Style(max(13, round(max(pixels.shape) / 64)), flags), []
    if results and place is None:
        rows = _listing(results, style, pixels.shape[1])
        pixels = _extended(pixels, style, len(rows))
    layer = Layer((pixels.shape[0], pixels.shape[1]))
    for result, box in zip(results, boxes, strict=True):
        size = float(np.clip((box[1, 0] - box[0, 0]) / 12, 11, 18))
        for x, y in view.points(result.landmarks):
            layer.dot(x, y, size / 9, PAPER, 130)
        _frame(layer, box, result.face_id, _Style(round(size)))
        if place is not None:
            _column(layer, result, *place)
    for number, row in enumerate(rows):
        y = view.pixels.shape[0] + style.gap + number * (style.height + style.gap)
        _row(layer, row, y, style)
    return layer.over(pixels)


def _frame(layer: Layer, box: NDArray[np.float64], face_id: int, style: _Style) -> None:
    (x0, y0), (x1, y1) = box.tolist()
    layer.box((x0, y0, x1, y1), outline=FRAME, width=2, radius=6)
    _name(layer, face_id, x0, max(0.0, y0 - style.height), style)


def _name(layer: Layer, face_id: int, x: float, y: float, style: _Style) -> None:
    name = f"face {face_id}"
    width = text_width(name, style.text) + style.text
    layer.box((x, y, x + width, y + style.text * 1.4), fill=FRAME, radius=4)
    layer.text(x + style.text / 2, y + style.text * 0.7, name, style.text, INK)


def _beside(
    box: NDArray[np.float64], result: AUResult, shape: tuple[int, ...]
) -> tuple[float, float, _Style] | None:
    """Where a column of labels has room beside a face: left end, upper end, sizes; None if nowhere."""
    (x0, y0), (x1, _) = box.tolist()
    style = _Style(round(np.clip((x1 - x0) / 12, 11, 18)), result.tells_sides)
    height = len(result.present) * (style.height + style.gap)
    if height > shape[0]:
        return None
    for left in (x1 + 2 * style.gap, x0 - 2 * style.gap - style.width):
        if style.gap <= left and left + style.width + style.gap <= shape[1]:
            return left, max(0.0, min(y0, shape[0] - height)), style
    return None


def _column(layer: Layer, result: AUResult, left: float, top: float, style: _Style) -> None:
    for place, label in enumerate(result.present):
        _chip(layer, label, result.sides(label), left, top + place * (style.height + style.gap), style)


def _listing(
    results: Sequence[AUResult], style: _Style, width: int
) -> list[tuple[AUResult, tuple[str, ...], bool]]:
    """Rows of labels, each the result, its labels of that row, and whether it is the face's first row."""
    room = width - 3 * style.gap - style.name
    across = max(1, int(room // (style.width + style.gap)))
    rows = []
    for result in results:
        starts = range(0, max(1, len(result.present)), across)
        rows += [(result, result.present[start : start + across], start == 0) for start in starts]
    return rows


def _row(layer: Layer, row: tuple[AUResult, tuple[str, ...], bool], y: float, style: _Style) -> None:
    result, labels, first = row
    if first:
        _name(layer, result.face_id, style.gap, y, style)
    x = 2 * style.gap + style.name
    if not labels:
        layer.text(x, y + style.height / 2, "no Action Unit present", style.text, _EMPTY_SIDE)
    for place, label in enumerate(labels):
        _chip(layer, label, result.sides(label), x + place * (style.width + style.gap), y, style)


def _extended(pixels: NDArray[np.uint8], style: _Style, rows: int) -> NDArray[np.uint8]:
    """The picture with white space for rows of labels below it."""
    height = round(style.gap + rows * (style.height + style.gap))
    return np.pad(pixels, ((0, height), (0, 0), (0, 0)), constant_values=255)


def _chip(
    layer: Layer, label: str, sides: tuple[bool, bool] | None, x: float, y: float, style: _Style
) -> None:
    """One AU label; if sides are told, between two flags, lit when it is present there: (right, left)."""
    middle = y + style.height / 2
    layer.box((x, y, x + style.width, y + style.height), fill=INK, opacity=225, radius=style.text * 0.4)
    layer.text(x + style.width / 2, middle, label, style.text, PAPER, anchor="mm")
    if sides is None:
        return
    ends = (("R", RIGHT, x + 2), ("L", LEFT, x + style.width - 2 - style.flag))
    for lit, (letter, on, start) in zip(sides, ends, strict=True):
        colour = on if lit else _EMPTY_SIDE
        rect = (start, y + 2, start + style.flag, y + style.height - 2)
        layer.box(rect, fill=colour, radius=style.text * 0.3)
        small = max(9, round(style.text * 0.75))
        layer.text(start + style.flag / 2, middle, letter, small, PAPER if lit else INK, anchor="mm")
