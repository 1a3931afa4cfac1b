"""The published protocols of BP4D, DISFA and Aff-Wild2: AUs, parts, frames, class weights. Known only here.

Sources: subjects and frame counts of JAA-Net's lists (the same subjects as in ME-GraphAU, AU-Net and
FG-Net), counts of all coded frames and class weights of ME-GraphAU's, label columns of ABAW-2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from types import MappingProxyType
from typing import Final

from aulens.aus import AFFWILD2, BP4D, DISFA, AUSet


@dataclass(frozen=True)
class Protocol:
    """How a data set is used in publications.

    Attributes:
        name: "bp4d".
        title: "BP4D".
        aus: the AUs that are scored, in the order of the tables.
        parts: part → its subjects; empty where a set's split is by folder.
        frames: frame protocol → part → number of frames; "jaanet" = JAA-Net's lists, "coded" = all coded
            frames.
        class_weights: parts trained on → (A,) 1 / occurrence rate, scaled to mean 1.
        frame_rate: frames a second.
    """

    name: str
    title: str
    aus: AUSet
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    frames: Mapping[str, Mapping[str, int]] = field(default_factory=lambda: MappingProxyType({}))
    class_weights: Mapping[tuple[str, ...], tuple[float, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    frame_rate: float | None = None

    def part_of(self, subject: str) -> str:
        """The published part of a subject; "" if it is in none."""
        return next((part for part, subjects in self.parts.items() if subject in subjects), "")


def _parts(*subjects: str) -> Mapping[str, tuple[str, ...]]:
    """Of the parts "1", "2", ... the subjects, a text of names each."""
    return MappingProxyType({str(part): tuple(names.split()) for part, names in enumerate(subjects, 1)})


def _frames(jaanet: tuple[int, ...], coded: tuple[int, ...]) -> Mapping[str, Mapping[str, int]]:
    """Frames of the parts by either protocol."""
    jaanet_frames, coded_frames = (
        MappingProxyType({str(part): count for part, count in enumerate(counts, 1)})
        for counts in (jaanet, coded)
    )
    return MappingProxyType({"jaanet": jaanet_frames, "coded": coded_frames})


def _weights(*rows: tuple[float, ...]) -> Mapping[tuple[str, ...], tuple[float, ...]]:
    """Of training on two of three parts: 1 and 2, 1 and 3, 2 and 3."""
    return MappingProxyType(dict(zip(combinations("123", 2), rows, strict=True)))


BP4D_PROTOCOL: Final = Protocol(
    "bp4d",
    "BP4D",
    BP4D,
    _parts(
        "F001 M007 F018 F008 F002 M004 F010 F009 M012 M001 F016 M014 F023 M008",
        "M011 F003 M010 M002 F005 F022 M018 M017 F013 M016 F020 F011 M013 M005",
        "F007 F015 F006 F019 M006 M009 F012 M003 F004 F021 F017 M015 F014",
    ),
    _frames((50_601, 50_166, 45_809), (50_631, 50_182, 46_034)),
    _weights(
        (1.342985, 1.689665, 1.248091, 0.561356, 0.433044, 0.435894, 0.457287, 0.541004, 1.408054, 0.722762,
         1.493145, 1.666711),
        (1.191051, 1.337315, 1.246995, 0.558933, 0.468168, 0.418041, 0.440099, 0.581900, 1.670360, 0.774237,
         1.586367, 1.726535),
        (1.132895, 1.519623, 1.308560, 0.552098, 0.507140, 0.443118, 0.474432, 0.535111, 1.496040, 0.749851,
         1.582501, 1.698632),
    ),
    25.0,
)  # fmt: skip

DISFA_PROTOCOL: Final = Protocol(
    "disfa",
    "DISFA",
    DISFA,
    _parts(
        "SN002 SN010 SN001 SN026 SN027 SN032 SN030 SN009 SN016",
        "SN013 SN018 SN011 SN028 SN012 SN006 SN031 SN021 SN024",
        "SN003 SN029 SN023 SN025 SN008 SN005 SN007 SN017 SN004",
    ),
    _frames((43_173, 40_344, 42_627), (43_604, 43_605, 43_605)),
    _weights(
        (1.422290, 2.347771, 0.399672, 0.795021, 1.878217, 0.440125, 0.195583, 0.521322),
        (1.390215, 1.469573, 0.527298, 1.034498, 1.672842, 0.656650, 0.303915, 0.945009),
        (1.510590, 1.560063, 0.475896, 0.884891, 1.656857, 0.570937, 0.277589, 1.063177),
    ),
    20.0,
)

DISFA_SEQUENCE: Final = "left"
"""The name of a subject's only sequence, the left camera's video."""

AFFWILD2_PROTOCOL: Final = Protocol("affwild2", "Aff-Wild2", AFFWILD2)

PROTOCOLS: Final[Mapping[str, Protocol]] = MappingProxyType(
    {one.name: one for one in (BP4D_PROTOCOL, DISFA_PROTOCOL, AFFWILD2_PROTOCOL)}
)
"""The protocols by name."""
