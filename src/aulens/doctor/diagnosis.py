"""What the doctor finds out about a data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Final

from aulens.data.index import Problem

FORMAT: Final = "aulens-doctor/1"
LEVELS: Final = ("error", "warning", "note")
_ENTRIES: Final = (
    "format", "dataset", "ok", "whole", "renders", "counts", "frame_protocol", "findings", "parts", "aus",
    "skipped",
)  # fmt: skip

FRAMES: Final[Mapping[str, str]] = MappingProxyType(
    {"coded": "all coded frames", "jaanet": "JAA-Net's lists"}
)
"""Frame protocol (`Protocol.frames`) → its name in words, where that is another."""


@dataclass(frozen=True)
class PartCount:
    """The coded frames of one part.

    Attributes:
        part: "1", "train"; "" for subjects in no part.
        subjects: how many.
        frames: coded frames.
        pictures: of these, frames whose picture or video is there.
        landmarks: of these, frames with landmarks of the data set.
        published: frame protocol → frames published for this part.
    """

    part: str
    subjects: int
    frames: int
    pictures: int
    landmarks: int
    published: Mapping[str, int]


@dataclass(frozen=True)
class AUCheck:
    """One Action Unit.

    Attributes:
        au: its number.
        coded: frames in which it is coded.
        present: of these, frames in which it occurs.
        rates: part → base rate, the share of coded frames in which it occurs; None where it is not coded.
        subjects: how many show it.
        shown_by: the length on the face that grows with it; "" if landmarks don't show it.
        agreement: ROC-AUC of that length for the labels, within sequences (1 = labels and landmarks always
            agree, 0.5 = chance); None if there are too few subjects and frames to judge.
    """

    au: int
    coded: int
    present: int
    rates: Mapping[str, float | None]
    subjects: int
    shown_by: str = ""
    agreement: float | None = None


@dataclass(frozen=True)
class Diagnosis:
    """All that was found, errors first.

    Attributes:
        dataset: "bp4d".
        findings: what is wrong or not as published.
        parts: frames per part.
        aus: base rate and agreement per AU.
        frame_protocol: the published frame protocol whose counts fit exactly, "coded" or "jaanet"; or "".
        skipped: checks that were not made, and why.
        whole: the data set should be complete; if not, subjects and frames were not compared with published
        ones.
        renders: it is a look-alike of `aulens render --layout`.
    """

    dataset: str
    findings: tuple[Problem, ...]
    parts: tuple[PartCount, ...]
    aus: tuple[AUCheck, ...]
    frame_protocol: str = ""
    skipped: tuple[str, ...] = ()
    whole: bool = True
    renders: bool = False

    @property
    def ok(self) -> bool:
        """Whether nothing stands against the published protocol: there is no error."""
        return not self.counts["error"]

    @property
    def counts(self) -> dict[str, int]:
        """Level → number of findings."""
        seen = Counter(finding.level for finding in self.findings)
        return {level: seen[level] for level in LEVELS}

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        entries = asdict(self) | {"format": FORMAT, "ok": self.ok, "counts": self.counts}
        return {name: entries[name] for name in _ENTRIES}


def ordered(findings: list[Problem]) -> tuple[Problem, ...]:
    """Errors first, then warnings, then notes, each kind in the order it was met; doubles once."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda finding: LEVELS.index(finding.level)))
