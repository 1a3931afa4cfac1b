"""Where each AU was seen: heat over a picture, and a sheet with one small picture per AU."""

from collections.abc import Iterable
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.align import compose, stretch, warp
from aulens.aus import AUS, AUSet
from aulens.runtime.result import FaceResult
from aulens.show.canvas import FRAME, INK, LEFT, RIGHT, Colour, Layer, View, text_width
from aulens.show.sides import has_sides

# Evidence goes from -1 (absent) over 0 (nothing known) to 1 (present); below this it is not shown.
FAINT: Final = 0.15
FOR: Final = ((255, 196, 0), (255, 48, 32))
AGAINST: Final = ((120, 170, 255), (30, 70, 220))
# Attention, where a model looked, is neither: a colour of its own. It counts above the face's median, which
# many networks leave well above 0, and in proportion to its maximum, if that stands out at least so much.
ATTENTION: Final = ((190, 160, 255), (116, 30, 230))
_STANDS_OUT = 0.2
OPACITY: Final = 0.6
"""Of the strongest evidence laid over a picture."""
ATTENTION_OPACITY: Final = 0.7
"""Of attention, relative to that: it has large areas, and the face must still be seen through them."""
_ATTENTION_NOTE: Final = (
    "Violet: where the model looked for the Action Unit, more than elsewhere. That speaks neither for it nor "
    "against it, and says nothing about sides."
)

_TILE = 150
_CAPTION = 60
_CAPTION_SIDELESS = 42
_GAP = 12
_COLUMNS = 6
_NOTE = 12
_GREY: Final = (96, 102, 112)


def blend_evidence(view: View, results: Iterable[FaceResult]) -> NDArray[np.uint8]:
    """Lay the evidence for the AUs that are present over a picture; the strongest AU of a pixel counts.

    For a model with attention: violet, where it looked for them.

    Args:
        view: the picture, resized to be viewed.
        results: its faces, in the coordinates of the full picture.

    Returns:
        (h, w, 3) uint8 RGB, a new array.
    """
    height, width = view.pixels.shape[:2]
    heat = np.zeros((height, width), dtype=np.float32)
    ramp, opacity = FOR, OPACITY
    for result in results:
        if result.evidence.attention:
            ramp, opacity = ATTENTION, ATTENTION_OPACITY * OPACITY
        for label in result.present:
            matrix = compose(result.matrix, view.to_picture)
            seen = result.evidence.over(label, matrix, (height, width))
            heat = np.maximum(heat, as_heat(seen, result, label))
    return lay_heat(view.pixels, heat, ramp, opacity)


def evidence_sheet(image: NDArray[np.uint8], result: FaceResult, aus: AUSet) -> NDArray[np.uint8]:
    """One face, many times: for each AU what speaks for it (warm) and against it (cold).

    For a model with attention: violet, where it looked for the AU, and a note that says so. Tiles of AUs that
    are present have a yellow frame. The caption has the AU's name, the probability, and that on the subject's
    right (R, on the left of the tile) and left (L) if the AU has sides and the model scores them.

    Args:
        image: the picture that was analyzed, (H, W, 3) uint8 RGB.
        result: one of its faces.
        aus: the AUs to show, in order.

    Returns:
        (h, w, 3) uint8 RGB.
    """
    columns = min(_COLUMNS, len(aus))
    rows = -(-len(aus) // columns)
    caption = _CAPTION if result.has_side_scores else _CAPTION_SIDELESS
    width, bottom = columns * (_TILE + _GAP) + _GAP, rows * (_TILE + caption + _GAP) + _GAP
    note = _lines(_ATTENTION_NOTE, _NOTE, width - 2 * _GAP) if result.evidence.attention else []
    shape = bottom + round(1.5 * _NOTE * len(note)), width
    sheet = np.full((*shape, 3), 255, dtype=np.uint8)
    layer = Layer(shape)
    for number, line in enumerate(note):
        layer.text(_GAP, bottom + (1.5 * number + 0.3) * _NOTE, line, _NOTE, _GREY)
    grow = _TILE / result.evidence.crop
    face = faded(warp(image, compose(stretch(grow, grow), result.matrix), _TILE))
    for place, number in enumerate(aus):
        x = _GAP + place % columns * (_TILE + _GAP)
        y = _GAP + place // columns * (_TILE + caption + _GAP)
        label = AUS[number].label
        shown = as_heat(result.evidence.raw(label), result, label)
        heat = np.asarray(cv2.resize(shown, (_TILE, _TILE), interpolation=cv2.INTER_LINEAR), np.float32)
        tile = lay_evidence(face, heat, attention=result.evidence.attention, against=0.6)
        sheet[y : y + _TILE, x : x + _TILE] = tile
        _caption(layer, x, y, label, AUS[number].name, result)
    return layer.over(sheet)


def as_heat(seen: NDArray[np.float32], result: FaceResult, label: str) -> NDArray[np.float32]:
    """A map of an AU, or what `Evidence.over` made of it, as strength of colour, at most 1.

    Above 0 for warm (or violet) colours, below for cold ones.
    """
    raw = result.evidence.raw(label)
    if result.evidence.attention:
        middle = float(np.median(raw))
        return (seen - middle) / max(_STANDS_OUT, float(raw.max()) - middle)
    return seen / max(1.0, float(np.abs(raw).max()))


def ramp_colours(
    heat: NDArray[np.float32], ramp: tuple[Colour, Colour], opacity: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Colours (..., 3) of a two-colour ramp for `heat` (...), and how much they cover, (..., 1), 0 to 1."""
    strength = np.clip((heat - FAINT) / (1 - FAINT), 0, 1)[..., None]
    weak, strong = (np.array(colour, dtype=np.float32) for colour in ramp)
    return weak + (strong - weak) * strength, opacity * np.sqrt(strength)


def faded(face: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture (h, w, 3) almost without colours, so that those of evidence stand out."""
    grey = 0.75 * face.mean(axis=2, keepdims=True) + 0.25 * face
    return np.asarray(grey.clip(0, 255), np.uint8)


def lay_heat(
    pixels: NDArray[np.uint8], heat: NDArray[np.float32], ramp: tuple[Colour, Colour], opacity: float = 0.7
) -> NDArray[np.uint8]:
    """Blend a two-colour ramp over `pixels` (h, w, 3) where `heat` (h, w) is above faint."""
    colour, cover = ramp_colours(heat, ramp, opacity)
    return np.asarray(np.rint(pixels * (1 - cover) + colour * cover), dtype=np.uint8)


def lay_evidence(
    pixels: NDArray[np.uint8], heat: NDArray[np.float32], *, attention: bool, against: float = 0.7
) -> NDArray[np.uint8]:
    """Blend the colours of one AU's `heat` (h, w), from `as_heat`, over `pixels` (h, w, 3).

    Args:
        pixels: uint8 RGB; stay as they are.
        heat: at most 1.
        attention: whether it says where the model looked, not what it found.
        against: opacity of the strongest evidence against the AU.
    """
    if attention:
        return lay_heat(pixels, heat, ATTENTION)
    return lay_heat(lay_heat(pixels, -heat, AGAINST, against), heat, FOR)


def _caption(layer: Layer, x: int, y: int, label: str, name: str, result: FaceResult) -> None:
    present = result.occurrence[label]
    if present:
        layer.box((x - 1, y - 1, x + _TILE, y + _TILE), outline=FRAME, width=4, radius=3)
    layer.text(x, y + _TILE + 12, label, 14, INK)
    layer.text(x + _TILE, y + _TILE + 12, f"{result.probability[label]:.0%}", 13, INK, anchor="rm")
    layer.text(x, y + _TILE + 29, name, 11, _GREY)
    if not (result.has_side_scores and has_sides(label)):
        return
    middle, half = y + _TILE + 47, (_TILE - 44) / 2
    sides = (("R", result.right[label], RIGHT, x), ("L", result.left[label], LEFT, x + _TILE / 2 + 4))
    for letter, probability, colour, start in sides:
        _bar(layer, letter, probability, colour if present else (170, 176, 184), start, middle, half)


def _bar(
    layer: Layer, letter: str, share: float, colour: Colour, x: float, middle: float, length: float
) -> None:
    layer.text(x, middle, letter, 11, _GREY)
    start = x + 13
    layer.box((start, middle - 3, start + length, middle + 3), fill=(230, 232, 236), radius=3)
    if share * length >= 1:
        layer.box((start, middle - 3, start + max(6.0, share * length), middle + 3), fill=colour, radius=3)


def _lines(text: str, size: int, room: float) -> list[str]:
    """Text in lines that fit into `room` pixels, broken between words."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and text_width(longer, size) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
