"""A picture with what was found in it: boxes, landmarks, AU labels with their sides, evidence."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aulens.runtime.result import FaceResult
from aulens.show.canvas import FRAME, PAPER, Layer, view_of
from aulens.show.evidence import blend_evidence
from aulens.show.labels import UNLIT, LabelStyle, Who, draw_chip, draw_name
from aulens.show.sides import sides_of


def draw_overlay(
    image: NDArray[np.uint8], results: Sequence[FaceResult], *, evidence: bool = True, who: Who = "face"
) -> NDArray[np.uint8]:
    """Draw the faces of a picture.

    Each face has a box with its number, faint landmarks, and the evidence for its present AUs as heat. Its
    labels stand beside a face that is alone and has room there; else all are listed below the picture. A
    label has a flag R on its left and L on its right, as you see the subject's right and left; a flag is lit
    where the AU is present on that side. Labels of AUs without sides (`has_sides`) and of a model without
    them have no flags, and the heat of a model with attention is violet: where it looked, see
    `evidence_sheet`.

    Args:
        image: the picture that was analyzed, (H, W, 3) uint8 RGB; stays as it is.
        results: its faces.
        evidence: whether to lay the heat over the picture.
        who: "person" for a video's frame.

    Returns:
        (h, w, 3) uint8 RGB, resized to be viewed: the longer side is about 900 to 1600 pixels, more where
        labels are listed below.
    """
    view = view_of(image)
    pixels = blend_evidence(view, results) if evidence else view.pixels
    boxes = [view.points(result.box.reshape(2, 2)) for result in results]
    place = _beside(boxes[0], results[0], pixels.shape) if len(results) == 1 else None
    flags = all(result.has_side_scores for result in results)
    style, rows = LabelStyle(max(13, round(max(pixels.shape) / 64)), flags, who), []
    if results and place is None:
        rows = _listing(results, style, pixels.shape[1])
        below = round(style.gap + len(rows) * (style.height + style.gap))
        pixels = np.pad(pixels, ((0, below), (0, 0), (0, 0)), constant_values=255)
    layer = Layer((pixels.shape[0], pixels.shape[1]))
    for result, box in zip(results, boxes, strict=True):
        size = float(np.clip((box[1, 0] - box[0, 0]) / 12, 11, 18))
        for x, y in view.points(result.landmarks):
            layer.dot(x, y, size / 9, PAPER, 130)
        (x0, y0), (x1, y1) = box.tolist()
        layer.box((x0, y0, x1, y1), outline=FRAME, width=2, radius=6)
        named = LabelStyle(round(size), who=who)
        draw_name(layer, result.face_id, x0, max(0.0, y0 - named.height), named)
        if place is not None:
            _column(layer, result, *place)
    for number, row in enumerate(rows):
        y = view.pixels.shape[0] + style.gap + number * (style.height + style.gap)
        _row(layer, row, y, style)
    return layer.over(pixels)


def _beside(
    box: NDArray[np.float64], result: FaceResult, shape: tuple[int, ...]
) -> tuple[float, float, LabelStyle] | None:
    """Where a column of labels has room beside a face: left end, upper end, sizes; None if nowhere."""
    (x0, y0), (x1, _) = box.tolist()
    style = LabelStyle(round(np.clip((x1 - x0) / 12, 11, 18)), result.has_side_scores)
    height = len(result.present) * (style.height + style.gap)
    if height > shape[0]:
        return None
    for left in (x1 + 2 * style.gap, x0 - 2 * style.gap - style.width):
        if style.gap <= left and left + style.width + style.gap <= shape[1]:
            return left, max(0.0, min(y0, shape[0] - height)), style
    return None


def _column(layer: Layer, result: FaceResult, left: float, top: float, style: LabelStyle) -> None:
    for place, label in enumerate(result.present):
        y = top + place * (style.height + style.gap)
        draw_chip(layer, label, sides_of(result, label), left, y, style)


def _listing(
    results: Sequence[FaceResult], style: LabelStyle, width: int
) -> list[tuple[FaceResult, tuple[str, ...], bool]]:
    """Rows of labels, each the result, its labels of that row, and whether it is the face's first row."""
    room = width - 3 * style.gap - style.name
    across = max(1, int(room // (style.width + style.gap)))
    rows = []
    for result in results:
        starts = range(0, max(1, len(result.present)), across)
        rows += [(result, result.present[start : start + across], start == 0) for start in starts]
    return rows


def _row(layer: Layer, row: tuple[FaceResult, tuple[str, ...], bool], y: float, style: LabelStyle) -> None:
    result, labels, first = row
    if first:
        draw_name(layer, result.face_id, style.gap, y, style)
    x = 2 * style.gap + style.name
    if not labels:
        layer.text(x, y + style.height / 2, "no Action Unit present", style.text, UNLIT)
    for place, label in enumerate(labels):
        draw_chip(layer, label, sides_of(result, label), x + place * (style.width + style.gap), y, style)
