"""What the page says: of the clip, of a face, of the model on held-out data."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aulens.runtime.card import ModelCard
from aulens.runtime.doubt import DOUBTFUL, hidden_text
from aulens.show.numbers import duration_text, percent
from aulens.tables.clip import Clip
from aulens.video.media import VideoInfo

_STRAIGHT: Final = 5.0
"""Degrees: less is not worth a word, and pitch is no more exact."""


def facts(clip: Clip, info: VideoInfo | None, *more: str | None) -> list[str]:
    """About the clip, each in few words; `more` comes last."""
    people = len(clip.tracks)
    found = ["no face found" if not people else f"{people} {'person' if people == 1 else 'people'}"]
    if clip.timed:
        found.append(duration_text(clip.end - float(clip.time[0])))
    found.append(f"{len(clip.frame):,} frames analyzed")
    if info is not None:
        if info.rate is not None:
            rate = f"{float(info.rate):.2f}".rstrip("0").rstrip(".")
            found.append(f"{rate} frames/s")
        found.append(f"{info.width} × {info.height}")
    if people:
        nobody = clip.nobody()
        found.append(f"no face in {percent(nobody)} of the time" if nobody else "a face all the time")
    return found + [fact for fact in more if fact is not None]


def pose_text(yaw: float, pitch: float, roll: float, quality: float, hidden: Sequence[str] = ()) -> str:
    """How a face is seen: "turned 20° to their left, looking 10° down, quality 0.82"; "" if nothing is known.

    With a note where it is doubtful, or parts of it are hidden.

    Args:
        yaw: degrees, by the signs of our columns, as pitch and roll; NaN: not known.
        pitch: degrees.
        roll: degrees.
        quality: 0 to 1, or NaN.
        hidden: parts of it.
    """
    parts = [
        text.format(abs(angle), more if angle > 0 else less)
        for angle, text, more, less in (
            (yaw, "turned {:.0f}° to their {}", "left", "right"),
            (pitch, "looking {:.0f}° {}", "down", "up"),
            (roll, "tilted {:.0f}° {}clockwise", "counter-", ""),
        )
        if abs(angle) >= _STRAIGHT
    ]
    if not parts and not math.isnan(yaw):
        parts.append("facing the camera")
    if not math.isnan(quality):
        parts.append(f"quality {quality:.2f}" + (" (doubtful)" if quality < DOUBTFUL else ""))
    if hidden:
        parts.append(hidden_text(hidden))
    return ", ".join(parts)


@dataclass(frozen=True)
class Measured:
    """What a card says of its model on held-out data.

    Attributes:
        split: "test" or "validation".
        samples: how many pictures, in words.
        subjects: how many people, in words.
        rows: for each AU its label, F1 and ROC AUC, each a value and an interval in words.
    """

    split: str
    samples: str
    subjects: str
    rows: list[tuple[str, tuple[str, str], tuple[str, str]]]


def measured(card: ModelCard) -> Measured | None:
    """What the card says of the model on held-out data, per AU; None if it says nothing."""
    for split, name in (("test", "test"), ("val", "validation")):
        part = _get(card.results, split)
        if by_au := _get(_get(part, "report"), "aus"):
            of = {label: _get(by_au, label) for label in card.aus.labels}
            rows = [(au, _measure(_get(e, "f1")), _measure(_get(e, "roc_auc"))) for au, e in of.items()]
            return Measured(name, _count(part, "samples"), _count(part, "subjects"), rows)
    return None


def _get(table: Any, key: str) -> Any:
    """An entry of a card's free part, {} where there is none."""
    found = table.get(key) if isinstance(table, Mapping) else None
    return {} if found is None else found


def _count(table: Any, key: str) -> str:
    number = _get(table, key)
    return f"{number:,}" if isinstance(number, int) else "?"


def _measure(entry: Any) -> tuple[str, str]:
    value, low, high = (_get(entry, key) for key in ("value", "low", "high"))
    if not isinstance(value, int | float):
        return "–", ""
    known = isinstance(low, int | float) and isinstance(high, int | float)
    return f"{value:.2f}", f"[{low:.2f}, {high:.2f}]" if known else ""
