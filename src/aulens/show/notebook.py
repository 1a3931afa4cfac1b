"""Results as notebooks show them: small pieces of HTML, pictures inside, legible on light and dark pages."""

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aulens.align import transform
from aulens.aus import AUS
from aulens.runtime.result import FaceResult, FrameResult
from aulens.show.canvas import LEFT, RIGHT, Colour, Layer
from aulens.show.evidence import AGAINST, FOR, LOOKED, as_heat, ramp_colours
from aulens.show.labels import Who
from aulens.show.overlay import draw_overlay
from aulens.show.sides import has_sides, sides_of

_TILE: Final = 56
_DOT: Final[Colour] = (150, 156, 166)
_SHEET: Final[Colour] = (246, 247, 249)
_WIDTH: Final = 720
_LINE: Final = "border-bottom:1px solid #8883"


def faces_html(faces: Sequence[FaceResult], image: NDArray[np.uint8] | None, who: Who = "face") -> str:
    """A picture with its faces, and what is present in each; without the picture, the faces one by one.

    Args:
        faces: of the picture.
        image: (H, W, 3) uint8 RGB; None if it is not at hand any more.
        who: what a face is called.
    """
    if image is None:
        return "".join(map(face_html, faces)) or "<p>No face.</p>"
    return _picture(image, faces, who) + (_summary(faces, who) if faces else "<p>No face.</p>")


def frame_html(result: FrameResult) -> str:
    """A frame with what was seen in it."""
    time = "" if np.isnan(result.time) else f", {result.time:.3f} s"
    lost = f"; lost: {', '.join(f'person {k}' for k in result.lost)}" if result.lost else ""
    return f"<p>Frame {result.index}{time}{lost}</p>" + faces_html(result.faces, result.image, "person")


def face_html(face: FaceResult) -> str:
    """A face as a table: each AU with its evidence, the strongest first; those that are present are bold.

    Evidence lies over the face's landmarks, because a result has no picture of the face.
    """
    labels = sorted(
        face.probability, key=lambda label: (not face.occurrence[label], -face.probability[label])
    )
    sides = face.has_side_scores
    heads = ["", "AU", "", "probability", *(("right", "left") if sides else ())]
    rows = []
    for label in labels:
        weight = "bold" if face.occurrence[label] else "normal"
        cells = [
            f'<img src="{_png(_tile(face, label))}" width="{_TILE}" height="{_TILE}" alt="">',
            label,
            escape(AUS[int(label[2:])].name),
            f"{face.probability[label]:.0%}",
        ]
        if sides:
            told = (face.right[label], face.left[label])
            cells += [f"{share:.0%}" if has_sides(label) else "" for share in told]
        rows.append(f'<tr style="font-weight:{weight}">{_cells(cells)}</tr>')
    x0, y0, x1, y1 = face.box
    return (
        f"<p><b>Face {face.face_id}</b>, {x1 - x0:.0f} × {y1 - y0:.0f} pixels at ({x0:.0f}, {y0:.0f}); "
        f"bold: present. {_words(face)}</p>"
        f"<table><tr>{_cells(heads, 'th')}</tr>{''.join(rows)}</table>"
    )


def _words(face: FaceResult) -> str:
    meant = (
        "Violet: where the model looked"
        if face.evidence.attention
        else "Warm: evidence for the Action Unit, cold: against it"
    )
    return f"{meant}. Right and left are the person's own." if face.has_side_scores else f"{meant}."


def _summary(faces: Sequence[FaceResult], who: Who) -> str:
    rows = []
    for face in faces:
        chips = " ".join(_chip(face, label) for label in face.present) or "no Action Unit present"
        rows.append(f"<tr>{_cells([f'{who} {face.face_id}', chips])}</tr>")
    return f"<table>{''.join(rows)}</table>"


def _chip(face: FaceResult, label: str) -> str:
    told = sides_of(face, label)
    flags = ""
    if told is not None:
        pairs = (("R", told[0], RIGHT), ("L", told[1], LEFT))
        flags = "".join(f' <b style="color:rgb{colour}">{side}</b>' for side, lit, colour in pairs if lit)
    name = escape(AUS[int(label[2:])].name)
    return f'<span title="{name}">{label}{flags} {face.probability[label]:.0%}</span>'


def _cells(cells: Sequence[str], kind: str = "td") -> str:
    style = f"text-align:left;padding:2px 10px 2px 0;{_LINE}"
    return "".join(f'<{kind} style="{style}">{cell}</{kind}>' for cell in cells)


def _picture(image: NDArray[np.uint8], faces: Sequence[FaceResult], who: Who) -> str:
    file = io.BytesIO()
    Image.fromarray(draw_overlay(image, faces, who=who)).save(file, "JPEG", quality=85)
    data = base64.b64encode(file.getvalue()).decode()
    return f'<img src="data:image/jpeg;base64,{data}" style="max-width:min(100%,{_WIDTH}px)" alt="">'


def _png(pixels: NDArray[np.uint8]) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _tile(face: FaceResult, label: str) -> NDArray[np.uint8]:
    """(h, w, 3): the evidence for one AU over the landmarks, as they lie in the aligned crop."""
    layer = Layer((_TILE, _TILE))
    for x, y in (transform(face.matrix, face.landmarks) + 0.5) * (_TILE / face.evidence.crop) - 0.5:
        layer.dot(x, y, 1, _DOT)
    sheet = np.full((_TILE, _TILE, 3), _SHEET, np.uint8)
    grow = np.array([[face.evidence.crop / _TILE, 0, 0], [0, face.evidence.crop / _TILE, 0]])
    grow[:, 2] = grow[0, 0] / 2 - 0.5
    heat = as_heat(face.evidence.over(label, grow, (_TILE, _TILE)), face, label)
    pixels = layer.over(sheet).astype(np.float32)
    for strength, ramp in [(heat, LOOKED)] if face.evidence.attention else [(-heat, AGAINST), (heat, FOR)]:
        colour, cover = ramp_colours(strength, ramp, 0.7)
        pixels = pixels * (1 - cover) + colour * cover
    return np.rint(pixels).astype(np.uint8)
