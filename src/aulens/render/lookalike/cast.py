"""Who is in a look-alike, and in which sequences: the published subjects, spread evenly over the parts."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

from aulens.data.protocols import PROTOCOLS
from aulens.render.lookalike.config import LookalikeConfig

# Subjects whose delivered files are unlike the others': a small look-alike has them too.
_ODD = ("SN010", "SN031")


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
