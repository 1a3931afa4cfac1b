"""Results as notebooks show them: small pieces of HTML, pictures inside, legible on light and dark pages."""

import io
from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aulens.align import stretch, transform
from aulens.aus import NAMES
from aulens.runtime.result import FaceResult, FrameResult
from aulens.show.canvas import LEFT, RIGHT, Colour, Layer
from aulens.show.evidence import as_heat, lay_evidence
from aulens.show.labels import Who
from aulens.show.overlay import draw_overlay
from aulens.show.pages import piece
from aulens.show.sides import has_sides, sides_of

_TILE: Final = 56
_DOT: Final[Colour] = (150, 156, 166)
_SHEET: Final[Colour] = (246, 247, 249)
_WIDTH: Final = 720
_piece = partial(piece, "notebook.html")


def faces_html(faces: Sequence[FaceResult], image: NDArray[np.uint8] | None, who: Who = "face") -> str:
    """A picture (H, W, 3) uint8 RGB with its faces, and what is present in each; None: the faces alone."""
    if image is None:
        return "".join(map(face_html, faces)) or _piece("nobody")()
    rows = [(face, [_chip(face, label) for label in face.present]) for face in faces]
    return _piece("faces")(_encoded(draw_overlay(image, faces, who=who), "JPEG"), _WIDTH, rows, who)


def frame_html(result: FrameResult) -> str:
    """A frame with what was seen in it."""
    time = None if np.isnan(result.time) else result.time
    return _piece("frame")(result.index, time, result.lost) + faces_html(result.faces, result.image, "person")


def face_html(face: FaceResult) -> str:
    """A face as a table: each AU with its evidence, the strongest first; those that are present are bold.

    Evidence lies over the face's landmarks, because a result has no picture of the face.
    """
    labels = sorted(
        face.probability, key=lambda label: (not face.occurrence[label], -face.probability[label])
    )
    rows = [(label, NAMES[label], _encoded(_tile(face, label), "PNG"), has_sides(label)) for label in labels]
    x0, y0, x1, y1 = face.box.tolist()
    return _piece("face")(face, (x1 - x0, y1 - y0, x0, y0), rows, _TILE)


def _chip(face: FaceResult, label: str) -> tuple[str, str, list[tuple[str, Colour]]]:
    """An AU that is present: label, name, and the sides on which it is, in their colours."""
    lit = sides_of(face, label) or (False, False)
    flags = [flag for flag, on in zip((("R", RIGHT), ("L", LEFT)), lit, strict=True) if on]
    return label, NAMES[label], flags


def _encoded(pixels: NDArray[np.uint8], kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, quality=85)
    return file.getvalue()


def _tile(face: FaceResult, label: str) -> NDArray[np.uint8]:
    """(h, w, 3): the evidence for one AU over the landmarks, as they lie in the aligned crop."""
    layer = Layer((_TILE, _TILE))
    for x, y in (transform(face.matrix, face.landmarks) + 0.5) * (_TILE / face.evidence.crop) - 0.5:
        layer.dot(x, y, 1, _DOT)
    sheet = np.full((_TILE, _TILE, 3), _SHEET, np.uint8)
    grow = face.evidence.crop / _TILE
    heat = as_heat(face.evidence.over(label, stretch(grow, grow), (_TILE, _TILE)), face, label)
    return lay_evidence(layer.over(sheet), heat, attention=face.evidence.attention)
