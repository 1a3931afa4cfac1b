"""A video's frames with what was found in them: one size for all of a clip, and cheap to draw."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.align import compose, warp_back
from aulens.runtime.result import FaceResult, FrameResult
from aulens.show.canvas import FRAME, Layer, Rect, View
from aulens.show.evidence import ATTENTION, ATTENTION_OPACITY, FOR, OPACITY, as_heat, ramp_colours
from aulens.show.labels import LabelStyle, draw_chip, draw_name
from aulens.show.sides import sides_of

_LARGEST: Final = 1280
_SMALLEST: Final = 640
_MAX_SCALE: Final = 4.0
_CROWD: Final = 4
"""With more faces than this, labels are smaller."""

Image = NDArray[np.uint8]
Sprite = tuple[Image, Image]
"""A small picture to lay over others: colours times opacity, and what it lets through; (h, w, 3) uint8."""


class FrameOverlay:
    """Draws the frames of one video: boxes, AU labels beside the faces, evidence for the AUs as heat.

    A label has a flag R on its left and L on its right, the subject's own sides, lit where the AU is present;
    no flags where the AU has no sides (`has_sides`) or the model scores none. Who is lost is not drawn. A
    drawing depends on its own frame only.

    Args:
        width: of the video, pixels.
        height: of the video, pixels.

    Attributes:
        size: (width, height) of every drawing: that of the video, but the longer side is at most 1280 pixels,
            and at least 640 (or four times the video's), so that labels are legible.
    """

    def __init__(self, width: int, height: int) -> None:
        longer = max(width, height)
        factor = min(_LARGEST, max(longer, min(_SMALLEST, _MAX_SCALE * longer))) / longer
        self.size = max(1, round(width * factor)), max(1, round(height * factor))
        self._text = max(12, round(max(self.size) / 64))

    def __call__(self, result: FrameResult) -> Image:
        """Draw a frame.

        Returns:
            (h, w, 3) uint8 RGB, a new array of this overlay's size.
        """
        view = self._view(result.image)
        for face in result.faces:
            _add_heat(view, face)
        boxes = [self._box(view, face) for face in result.faces]
        text = self._text if len(boxes) <= _CROWD else max(10, round(0.75 * self._text))
        for x0, y0, x1, y1 in boxes:
            thick = max(2, round(self._text / 8))
            cv2.rectangle(view.pixels, (round(x0), round(y0)), (round(x1), round(y1)), FRAME, thick)
        taken = []
        for face, box in zip(result.faces, boxes, strict=True):
            taken.append(self._add_name(view.pixels, face.face_id, box, LabelStyle(text, who="person")))
        for number, (face, box) in enumerate(zip(result.faces, boxes, strict=True)):
            if face.present:
                others = [*boxes[:number], *boxes[number + 1 :]]
                style = LabelStyle(text, face.has_side_scores)
                taken.append(self._add_chips(view.pixels, face, box, style, [*others, *taken]))
        return view.pixels

    def _view(self, image: Image) -> View:
        height, width = image.shape[:2]
        if (width, height) == self.size:
            return View(image.copy(), np.ones(2))
        # The mean of areas costs four times as much, and shows only where pixels would be left out.
        how = cv2.INTER_AREA if 2 * self.size[0] < width else cv2.INTER_LINEAR
        pixels = np.asarray(cv2.resize(image, self.size, interpolation=how), dtype=np.uint8)
        return View(pixels, np.array([self.size[0] / width, self.size[1] / height]))

    def _box(self, view: View, face: FaceResult) -> Rect:
        """A face's box in the drawing, its edges inside."""
        limit = np.array(self.size) - 1
        (x0, y0), (x1, y1) = np.clip(view.points(face.box.reshape(2, 2)), 0, limit).tolist()
        return x0, y0, x1, y1

    def _add_name(self, pixels: Image, face_id: int, box: Rect, style: LabelStyle) -> Rect:
        sprite = _name_sprite(face_id, style)
        height, width = sprite[0].shape[:2]
        x = _within(box[0], width, self.size[0])
        y = _within(box[1] - height, height, self.size[1])
        return _lay(pixels, sprite, x, y)

    def _add_chips(
        self, pixels: Image, face: FaceResult, box: Rect, style: LabelStyle, taken: Sequence[Rect]
    ) -> Rect:
        step, gap = style.height + style.gap, style.gap
        down = max(1, int((self.size[1] - gap) // step))
        across = -(-len(face.present) // down)
        width = across * (style.width + gap) - gap
        height = min(down, len(face.present)) * step - gap
        left, top = self._room(box, width, height, 2 * gap, taken)
        for place, label in enumerate(face.present):
            x = left + place // down * (style.width + gap)
            sprite = _chip_sprite(label, sides_of(face, label), style)
            _lay(pixels, sprite, round(x), round(top + place % down * step))
        return left, top, left + width, top + height

    def _room(
        self, box: Rect, width: float, height: float, away: float, taken: Sequence[Rect]
    ) -> tuple[float, float]:
        """Where labels hide least of faces and of other labels: right of the face, left, below, above."""
        x0, y0, x1, y1 = box
        places = [(x1 + away, y0), (x0 - away - width, y0), (x0, y1 + away), (x0, y0 - 2 * away - height)]
        inside = [(_within(x, width, self.size[0]), _within(y, height, self.size[1])) for x, y in places]

        def hidden(place: tuple[float, float]) -> float:
            rect = *place, place[0] + width, place[1] + height
            return sum(_overlap(rect, other) for other in (box, *taken))

        return min(inside, key=hidden)


def _add_heat(view: View, face: FaceResult) -> None:
    """Lay the evidence for the AUs of a face that are present over the drawing; the strongest counts."""
    if not face.present:
        return
    strongest = np.max([as_heat(face.evidence.raw(label), face, label) for label in face.present], axis=0)
    corners = view.points(face.evidence.outline())
    limit = np.array(view.pixels.shape[1::-1])
    x0, y0 = np.clip(np.floor(corners.min(axis=0)), 0, limit).astype(int).tolist()
    x1, y1 = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, limit).astype(int).tolist()
    if x0 >= x1 or y0 >= y1:
        return
    part = view.pixels[y0:y1, x0:x1]
    matrix = compose(face.matrix, view.to_picture) @ np.array([[1, 0, x0], [0, 1, y0], [0, 0, 1]])
    heat = np.maximum(warp_back(strongest[None], matrix, face.evidence.crop, part.shape[:2])[0], 0)
    level = cv2.convertScaleAbs(heat, alpha=255)
    colours, through = _heat_tables(face.evidence.attention)
    levels = cv2.merge([level, level, level])
    _blend(part, (np.asarray(cv2.LUT(levels, colours)), np.asarray(cv2.LUT(levels, through))))


@lru_cache(maxsize=2)
def _heat_tables(attention: bool) -> Sprite:
    """Colours times opacity, and what they let through, for heat 0 to 255; (1, 256, 3) each."""
    heat = np.linspace(0, 1, 256, dtype=np.float32)[None]
    ramp, opacity = (ATTENTION, ATTENTION_OPACITY * OPACITY) if attention else (FOR, OPACITY)
    return _sprite(*ramp_colours(heat, ramp, opacity))


@lru_cache(maxsize=256)
def _chip_sprite(label: str, sides: tuple[bool, bool] | None, style: LabelStyle) -> Sprite:
    layer = Layer((round(style.height) + 1, round(style.width) + 1))
    draw_chip(layer, label, sides, 0, 0, style)
    return _of_layer(layer)


@lru_cache(maxsize=256)
def _name_sprite(face_id: int, style: LabelStyle) -> Sprite:
    layer = Layer((round(style.name_height) + 1, round(style.name_width(face_id)) + 1))
    draw_name(layer, face_id, 0, 0, style)
    return _of_layer(layer)


def _of_layer(layer: Layer) -> Sprite:
    pixels = layer.pixels().astype(np.float32)
    return _sprite(pixels[..., :3], pixels[..., 3:] / 255)


def _sprite(colours: NDArray[np.floating], cover: NDArray[np.floating]) -> Sprite:
    through = np.broadcast_to(255 * (1 - cover), colours.shape)
    return np.rint(colours * cover).astype(np.uint8), np.rint(through).astype(np.uint8)


def _lay(pixels: Image, sprite: Sprite, x: float, y: float) -> Rect:
    """Lay a sprite over a picture, its upper left corner at (x, y) inside; what has no room is cut off."""
    left, top = round(x), round(y)
    part = pixels[top : top + sprite[0].shape[0], left : left + sprite[0].shape[1]]
    height, width = part.shape[:2]
    _blend(part, (sprite[0][:height, :width], sprite[1][:height, :width]))
    return left, top, left + width, top + height


def _blend(part: Image, sprite: Sprite) -> None:
    if not part.size:
        return
    colours, through = sprite
    part[:] = cv2.add(cv2.multiply(part, through, scale=1 / 255), colours)


def _within(start: float, length: float, limit: float) -> float:
    """Where a stretch begins that is moved inside; at 0 if it is too long."""
    return max(0.0, min(start, limit - length))


def _overlap(a: Rect, b: Rect) -> float:
    across = min(a[2], b[2]) - max(a[0], b[0])
    down = min(a[3], b[3]) - max(a[1], b[1])
    return max(0.0, across) * max(0.0, down)
