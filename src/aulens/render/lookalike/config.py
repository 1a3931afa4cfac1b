"""What a look-alike holds: its layout, who is in it, how long, how large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aulens.data.protocols import PROTOCOLS
from aulens.errors import ConfigError
from aulens.render.generate import RIGS, check_rig

LAYOUTS: Final = ("bp4d", "disfa", "affwild2")
_SIZES: Final = {"bp4d": 256, "disfa": 240, "affwild2": 112}
_MOST_TASKS: Final = 8
_MOST_VIDEOS: Final = 999


@dataclass(frozen=True)
class LookalikeConfig:
    """What to write.

    Attributes:
        layout: one of `LAYOUTS`.
        subjects: how many people (Aff-Wild2: videos, of which the first shows two); the published names,
            spread evenly over the parts.
        tasks: sequences of each subject, 1 to 8; BP4D only, the others have one. None = 2 for BP4D.
        frames: labelled frames of each sequence, >= 4.
        seed: any integer >= 0; decides everything.
        rig: "anny" or "ict".
        assets: where ICT-FaceKit lies (rig "ict" only).
        size: height of the pictures in pixels, >= 48; None = 256 for BP4D, 240 for DISFA, 112 for
            Aff-Wild2.

    Raises:
        ConfigError: a value is out of its range.
    """

    layout: str
    subjects: int = 6
    tasks: int | None = None
    frames: int = 24
    seed: int = 1
    rig: str = "anny"
    assets: str | None = None
    size: int | None = None

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise ConfigError(f"no layout {self.layout!r}; there are {', '.join(LAYOUTS)}")
        check_rig(self.rig, self.assets)
        most = sum(map(len, PROTOCOLS[self.layout].parts.values())) or _MOST_VIDEOS
        if not 1 <= self.subjects <= most:
            raise ConfigError(f"{self.layout} has 1 to {most} subjects, got {self.subjects}")
        tasks = _MOST_TASKS if self.layout == "bp4d" else 1
        if self.tasks is not None and not 1 <= self.tasks <= tasks:
            raise ConfigError(f"{self.layout} has 1 to {tasks} sequences a subject, got tasks={self.tasks}")
        if self.frames < 4 or self.seed < 0 or self.height < 48:
            raise ConfigError(
                f"frames must be at least 4, seed 0 and size 48; got frames={self.frames}, seed={self.seed}, "
                f"size={self.height}"
            )

    @property
    def height(self) -> int:
        """Of the pictures, pixels."""
        return self.size or _SIZES[self.layout]

    @property
    def sequences(self) -> int:
        """Sequences of each subject."""
        return self.tasks or (2 if self.layout == "bp4d" else 1)

    def stream(self, *numbers: int) -> tuple[int, ...]:
        """The seed of one random stream of this look-alike, never one of `generate`'s."""
        return (self.seed, RIGS.index(self.rig), 77, 1 + LAYOUTS.index(self.layout), *numbers, 1)
