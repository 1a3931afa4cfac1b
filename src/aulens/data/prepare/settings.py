"""What decides the stored pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from aulens.checked import Checked

LandmarkSource = Literal["auto", "given", "detect"]


@dataclass(frozen=True)
class PrepareSettings(Checked):
    """How faces are stored.

    Attributes:
        size: side of the largest crop that a model will take, pixels, >= 32.
        margin: room on each side of it for rotation and shift, as a share of `size`, 0 to 1.
        quality: of the JPEG files, 1 to 100.
        landmarks: "given" with the data set; "detect" them in every frame; "auto" detects where none are.
    """

    size: Annotated[int, Meta(ge=32, description="a whole number of at least 32")] = 256
    margin: Annotated[float, Meta(ge=0, le=1, description="a number from 0 to 1")] = 0.25
    quality: Annotated[int, Meta(ge=1, le=100, description="a whole number from 1 to 100")] = 92
    landmarks: LandmarkSource = "auto"
