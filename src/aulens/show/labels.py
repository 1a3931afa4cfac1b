"""Labels of faces and Action Units, as they stand in pictures and videos."""

from dataclasses import dataclass
from typing import Final, Literal

from aulens.show.canvas import FRAME, INK, LEFT, PAPER, RIGHT, Layer, text_width

Who = Literal["face", "person"]

UNLIT: Final = (92, 98, 110)
"""Of a flag whose side is not meant."""


@dataclass(frozen=True)
class LabelStyle:
    """Sizes of labels in pixels, all in proportion to the text.

    Attributes:
        text: its size.
        flags: whether there is room for them: where there are sides.
        who: what a face is called: "face" in a picture, "person" in a video, where it is followed.
    """

    text: int
    flags: bool = True
    who: Who = "face"

    @property
    def height(self) -> float:
        """Of an AU label."""
        return self.text * 1.6

    @property
    def flag(self) -> float:
        """Width of a flag."""
        return self.text * 1.25

    @property
    def gap(self) -> float:
        """Between labels."""
        return self.text * 0.35

    @property
    def width(self) -> float:
        """Of an AU label."""
        return (
            text_width("AU20", self.text) + 2 * (self.flag + 0.4 * self.text) * self.flags + self.text * 0.8
        )

    @property
    def name(self) -> float:
        """Width that the name of a face takes at most, up to 100 faces."""
        return text_width(f"{self.who} 00", self.text) + self.text

    @property
    def name_height(self) -> float:
        """Of the name of a face."""
        return self.text * 1.4

    def name_width(self, face_id: int) -> float:
        """Of the name of a face."""
        return text_width(f"{self.who} {face_id}", self.text) + self.text


def draw_name(layer: Layer, face_id: int, x: float, y: float, style: LabelStyle) -> None:
    """The name of a face, its upper left corner at (x, y)."""
    rect = (x, y, x + style.name_width(face_id), y + style.name_height)
    layer.box(rect, fill=FRAME, radius=4)
    layer.text(x + style.text / 2, y + style.text * 0.7, f"{style.who} {face_id}", style.text, INK)


def draw_chip(
    layer: Layer, label: str, sides: tuple[bool, bool] | None, x: float, y: float, style: LabelStyle
) -> None:
    """One AU label; with sides between two flags, lit when it is present there: (right, left)."""
    middle = y + style.height / 2
    layer.box((x, y, x + style.width, y + style.height), fill=INK, opacity=225, radius=style.text * 0.4)
    layer.text(x + style.width / 2, middle, label, style.text, PAPER, anchor="mm")
    if sides is None:
        return
    ends = (("R", RIGHT, x + 2), ("L", LEFT, x + style.width - 2 - style.flag))
    for lit, (letter, on, start) in zip(sides, ends, strict=True):
        rect = (start, y + 2, start + style.flag, y + style.height - 2)
        layer.box(rect, fill=on if lit else UNLIT, radius=style.text * 0.3)
        small = max(9, round(style.text * 0.75))
        layer.text(start + style.flag / 2, middle, letter, small, PAPER if lit else INK, anchor="mm")
