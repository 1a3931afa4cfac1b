"""What a look-alike holds: layout, length, size, and who is in which sequence, spread over the parts."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import Annotated, Final

from msgspec import Meta

from aulens.checked import Checked, Natural
from aulens.data.protocols import PROTOCOLS
from aulens.errors import ConfigError
from aulens.render.generate import RIGS, PictureSize, check_rig

LAYOUTS: Final = ("bp4d", "disfa", "affwild2")
_SIZES: Final = {"bp4d": 256, "disfa": 240, "affwild2": 112}
_MAX_TASKS: Final = 8
_MAX_VIDEOS: Final = 999
# Subjects whose delivered files are unlike the others': a small look-alike has them too.
_ODD = ("SN010", "SN031")


@dataclass(frozen=True)
class LookalikeConfig(Checked):
    """What to write.

    Attributes:
        layout: one of `LAYOUTS`.
        subjects: how many people (Aff-Wild2: videos, of which the first shows two); the published names,
            spread evenly over the parts.
        tasks: sequences of each subject, 1 to 8; BP4D only, the others have one. None = 2 for BP4D.
        frames: labelled frames of each sequence, >= 4.
        seed, rig, assets: as of `aulens.render.generate.RenderConfig`.
        size: height of the pictures in pixels, >= 48; None = 256 for BP4D, 240 for DISFA, 112 for
            Aff-Wild2.

    Raises:
        ConfigError: a value is out of its range.
    """

    layout: str
    subjects: int = 6
    tasks: int | None = None
    frames: Annotated[int, Meta(ge=4, description="a whole number of at least 4")] = 24
    seed: Natural = 1
    rig: str = "anny"
    assets: str | None = None
    size: PictureSize | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.layout not in LAYOUTS:
            raise ConfigError(f"no layout {self.layout!r}; there are {', '.join(LAYOUTS)}")
        check_rig(self.rig, self.assets)
        known = sum(map(len, PROTOCOLS[self.layout].parts.values())) or _MAX_VIDEOS
        if not 1 <= self.subjects <= known:
            raise ConfigError(f"{self.layout} has 1 to {known} subjects, got {self.subjects}")
        tasks = _MAX_TASKS if self.layout == "bp4d" else 1
        if self.tasks is not None and not 1 <= self.tasks <= tasks:
            raise ConfigError(f"{self.layout} has 1 to {tasks} sequences a subject, got tasks={self.tasks}")

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


@dataclass(frozen=True)
class Take:
    """One sequence to be written.

    Attributes:
        number: its place among all takes, from 0.
        person: number of the person who is seen; the same in all of their takes.
        place: the subject's place in the cast, from 0.
        subject: name of the subject, "F001"; of an Aff-Wild2 video, without _left or _right.
        name: name of the sequence: "T1", "left", or the video's.
        part: published part of the subject, or "train", "validation".
        frames: labelled frames.
    """

    number: int
    person: int
    place: int
    subject: str
    name: str
    part: str
    frames: int


def cast(config: LookalikeConfig) -> list[Take]:
    """All takes of a look-alike, by subject; more subjects leave the first ones as they are."""
    if config.layout == "affwild2":
        return _videos(config)
    parts = PROTOCOLS[config.layout].parts
    by_part = [
        [(name, part) for name in sorted(names, key=lambda name: name not in _ODD)]
        for part, names in parts.items()
    ]
    spread = [one for row in zip_longest(*by_part) for one in row if one is not None]
    takes: list[Take] = []
    for place, (subject, part) in enumerate(spread[: config.subjects]):
        for task in range(config.sequences):
            name = f"T{task + 1}" if config.layout == "bp4d" else "left"
            # SN010 of DISFA is one frame shorter than the others.
            frames = config.frames - (subject == "SN010")
            takes.append(Take(len(takes), place, place, subject, name, part, frames))
    return takes


def _videos(config: LookalikeConfig) -> list[Take]:
    """Every fourth video is in the validation set; every sixth shows two persons, in two sequences."""
    takes: list[Take] = []
    for place in range(config.subjects):
        part = "validation" if place % 4 == 1 else "train"
        two = place % 6 == 0
        subject = f"video{place + 2}" if two else f"{10 + 7 * place}-30-1280x720"
        for side, ending in enumerate(("_left", "_right") if two else ("",)):
            takes.append(
                Take(len(takes), 2 * place + side, place, subject, subject + ending, part, config.frames)
            )
    return takes
