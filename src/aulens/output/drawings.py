"""Pictures drawn with what was seen in them, and a page with all."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from aulens.files import atomic_write, make_folder, write_bytes
from aulens.image import encode_jpeg
from aulens.output.plan import DRAWN
from aulens.runtime.card import ModelCard
from aulens.runtime.result import FrameResult
from aulens.show import draw_overlay, evidence_sheet, page
from aulens.tables.usable import Limits

QUALITY: Final = 88
"""Of the drawings."""
ON_PAGE: Final = 200
"""A page with more pictures is too heavy for a browser; the rest is still drawn and in the table."""


def draw(
    out: Path, stem: str, name: str, result: FrameResult, card: ModelCard, place: int, limits: Limits
) -> tuple[list[str], str]:
    """Draw a picture into OUT/pictures as STEM.jpg; the page calls it `name`.

    `place` is that of the picture in the run; which faces are beyond the `limits`, the page says.

    Returns:
        Names of the drawings, in `out`, and what the page says of it; "" if it has no room.
    """
    make_folder(out / DRAWN)
    drawings = {stem: draw_overlay(result.image, result.faces)} | {
        f"{stem}.face{face.face_id}": evidence_sheet(result.image, face, card.aus) for face in result.faces
    }
    files = {f"{DRAWN}/{stem}.jpg": encode_jpeg(drawing, QUALITY) for stem, drawing in drawings.items()}
    for path, data in files.items():
        write_bytes(out / path, data, to_disk=False)
    picture, *sheets = files.values()
    if place >= ON_PAGE:
        return list(files), ""
    beyond = {face.face_id for face in result.faces if not limits.counts(face)}
    return list(files), page.section(name, result.faces, card.aus, picture, sheets, place + 1, beyond)


def write_page(
    path: Path, sections: Iterable[str], count: int, failed: Mapping[str, str], card: ModelCard
) -> None:
    """Put the page together from what `draw` gave of `count` pictures, and from why others `failed`."""
    shown = 0
    with atomic_write(path) as part, part.open("w", encoding="utf-8") as file:
        file.write(page.head(card))
        for section in filter(None, sections):
            file.write(section)
            shown += 1
        file.write(page.foot(count, shown, {Path(name): why for name, why in failed.items()}, card))
