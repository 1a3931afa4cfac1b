"""What decides the stored pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from aulens.errors import ConfigError

LandmarkSource = Literal["auto", "given", "detect"]
LANDMARK_SOURCES: Final[tuple[LandmarkSource, ...]] = get_args(LandmarkSource)


@dataclass(frozen=True)
class PrepareSettings:
    """How faces are stored.

    Attributes:
        size: side of the largest crop that a model will take, pixels, >= 32.
        margin: room on each side of it for rotation and shift, as a share of `size`, 0 to 1.
        quality: of the JPEG files, 1 to 100.
        landmarks: "given" with the data set; "detect" them in every frame; "auto" detects where none are.
    """

    size: int = 256
    margin: float = 0.25
    quality: int = 92
    landmarks: LandmarkSource = "auto"

    def __post_init__(self) -> None:
        for name, kinds in (("size", int), ("margin", int | float), ("quality", int)):
            value = getattr(self, name)
            if not isinstance(value, kinds) or isinstance(value, bool):
                what = "a number" if name == "margin" else "a whole number"
                raise ConfigError(f"{name} must be {what}, got {value!r}")
        if self.size < 32 or not 0 <= self.margin <= 1 or not 1 <= self.quality <= 100:
            raise ConfigError(
                "size must be at least 32, margin from 0 to 1 and quality from 1 to 100; "
                f"got size={self.size}, margin={self.margin}, quality={self.quality}"
            )
        if self.landmarks not in LANDMARK_SOURCES:
            raise ConfigError(
                f"landmarks must be one of {', '.join(LANDMARK_SOURCES)}, got {self.landmarks!r}"
            )
