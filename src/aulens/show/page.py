"""The page of pictures: self-contained, legible on a phone.

It is written in pieces, `head`, one `section` per picture, `foot`, so that a folder of pictures never has to
be in memory at once.
"""

import platform
from collections.abc import Container, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from aulens.aus import AUS, AUSet
from aulens.runtime.card import ModelCard
from aulens.runtime.result import FaceResult
from aulens.show.pages import piece
from aulens.show.sides import has_sides

_ALBUM: Final = "album.html"
_PARTS: Final = ("aulens", "numpy", "opencv-python-headless", "onnxruntime", "openvino", "dlib-bin", "pillow")


def head(card: ModelCard) -> str:
    """The beginning of the page, with what the model's card says about itself."""
    return piece(_ALBUM, "head")(card)


def section(
    name: str,
    results: Sequence[FaceResult],
    aus: AUSet,
    picture: bytes,
    sheets: Sequence[bytes],
    number: int,
    out: Container[int] = (),
) -> str:
    """One picture.

    Args:
        name: what to call it.
        results: its faces.
        aus: the model's AUs.
        picture: the drawn picture as JPEG.
        sheets: for each face its evidence sheet as JPEG.
        number: position of the picture, for links.
        out: ids of faces that do not count.
    """
    units = [(AUS[au], has_sides(AUS[au].label)) for au in aus]
    faces = [
        (
            face,
            [unit for unit in units if face.occurrence[unit[0].label]],
            [unit for unit in units if not face.occurrence[unit[0].label]],
            sheet,
        )
        for face, sheet in zip(results, sheets, strict=True)
    ]
    return piece(_ALBUM, "section")(name, faces_found(len(results)), faces, picture, number, out)


def foot(pictures: int, shown: int, failed: Mapping[Path, str], card: ModelCard) -> str:
    """The end of the page: pictures that could not be read, the model's card, versions.

    Args:
        pictures: how many pictures were analyzed.
        shown: how many of them are on this page.
        failed: inputs that could not be read, and why.
        card: of the model.
    """
    return piece(_ALBUM, "foot")(pictures, shown, failed.items(), card, versions_text())


def faces_found(count: int) -> str:
    """How many faces are in a picture, in words."""
    return {0: "No face was found.", 1: "One face."}.get(count, f"{count} faces.")


def versions() -> dict[str, str]:
    """Versions of Python and of the installed packages that a result depends on."""
    found = {"Python": platform.python_version()}
    for part in _PARTS:
        try:
            found[part] = version(part)
        except PackageNotFoundError:
            continue
    return found


def versions_text() -> str:
    """The same in one line."""
    return ", ".join(f"{part} {number}" for part, number in versions().items())
