"""The parts of the page that do not move: what is known of the clip, the model's card, versions."""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from html import escape
from typing import Any, Final

from aulens.runtime.card import ModelCard
from aulens.show.numbers import length, percent
from aulens.show.page import versions
from aulens.tables.clip import Clip
from aulens.tables.shares import BLOCK
from aulens.video.media import VideoInfo

_STRAIGHT: Final = 5.0
"""Degrees: less is not worth a word, and pitch is no more exact."""


def heading(clip: Clip) -> str:
    """The clip's name, its folder in front in a lighter tone, as HTML: clips of many people have one name."""
    folder = f'<span class="soft">{escape(clip.folder)} / </span>' if clip.folder else ""
    return folder + escape(clip.name)


def facts(clip: Clip, info: VideoInfo | None, *more: str | None) -> str:
    """One line about the clip, as HTML; `more` is said at its end."""
    people = len(clip.tracks)
    found = ["no face found" if not people else f"{people} {'person' if people == 1 else 'people'}"]
    if clip.timed:
        found.append(length(clip.end - float(clip.time[0])))
    found.append(f"{len(clip.frame):,} frames analyzed")
    if info is not None:
        if info.rate is not None:
            found.append(f"{_rate(info.rate)} frames/s")
        found.append(f"{info.width} × {info.height}")
    if people:
        nobody = clip.nobody()
        found.append(f"no face in {percent(nobody)} of the time" if nobody else "a face all the time")
    found += [said for said in more if said is not None]
    return "".join(f"<li>{escape(part)}</li>" for part in found)


def seen(yaw: float, pitch: float, roll: float, quality: float) -> str:
    """How a face is seen: "turned 20° to their left, looking 10° down, quality 0.82"; "" if nothing is known.

    Args:
        yaw: degrees, by the signs of our columns, as pitch and roll; NaN: not known.
        pitch: degrees.
        roll: degrees.
        quality: 0 to 1, or NaN.
    """
    told = [
        text.format(abs(angle), more if angle > 0 else less)
        for angle, text, more, less in (
            (yaw, "turned {:.0f}° to their {}", "left", "right"),
            (pitch, "looking {:.0f}° {}", "down", "up"),
            (roll, "tilted {:.0f}° {}clockwise", "counter-", ""),
        )
        if abs(angle) >= _STRAIGHT
    ]
    if not told and not math.isnan(yaw):
        told.append("facing the camera")
    if not math.isnan(quality):
        told.append(f"quality {quality:.2f}")
    return ", ".join(told)


def reading(card: ModelCard, clip: Clip) -> str:
    """How to read the page, as paragraphs of HTML."""
    fitted = (
        "are calibrated on the data that the model was made with" if card.calibrated else "are NOT calibrated"
    )
    curve = (
        "Curves are smoothed probabilities" if clip.smoothed else "Curves are probabilities, frame by frame"
    )
    said = [
        f"Curves are {curve}; they {fitted}. An Action Unit counts as present from its own threshold on (the "
        "dashed line), chosen on validation data; it can lie well below 50 %. Where the face was lost there "
        "is no curve.",
        "An event goes from onset to offset; its apex is the frame with the highest probability. An arrow "
        "marks an event that was under way when the face appeared, or when it was lost. Eyes that are closed "
        "(AU43) for at most half a second blink (AU45).",
        "Shares are of the time in which the person was seen."
        + (
            f" The interval of a share (95 %, blocks of {BLOCK:.0f} seconds drawn with replacement) says how "
            "much it would vary had the person been filmed for as long again; it is given from five minutes "
            "on. It does not contain the model's errors: of these the model card below is all that is known, "
            "and no interval of a single probability can be had from it."
            if clip.timed
            else ""
        ),
    ]
    if card.has_side_scores:
        said.append(
            "Right and left are the person's own. The probability of an AU is the larger of both. "
            "Lips, chin and jaw have no sides."
        )
    else:
        said.append("This model does not tell the two sides of a face apart.")
    if card.attention:
        said.append(
            "Violet shows where the model looked for an Action Unit, more than elsewhere on the face; that "
            "speaks neither for it nor against it."
        )
    else:
        said.append("Warm colours show where an Action Unit was seen, cold ones where it was found absent.")
    return "".join(f"<p>{escape(part)}</p>" for part in said)


def about(card: ModelCard) -> str:
    """The model's card as a list of HTML."""
    entries = {
        "Model": f"{card.name} ({', '.join(filter(None, (card.variant, card.backbone)))})",
        "Trained on": card.trained_on,
        "Not validated on": card.not_validated_on,
        "What to expect": card.statement,
        "Calibrated": "yes, with thresholds, on validation subjects" if card.calibrated else "no",
        "Licence of the weights": card.licence,
        "Digest (SHA-256)": card.onnx_sha256,
        "Exported": f"{card.created}, by aulens {card.aulens_version}",
    }
    return _list(entries) + measured(card)


def measured(card: ModelCard) -> str:
    """What the card says of the model on held-out data, per AU, folded; empty if it says nothing."""
    for split in ("test", "val"):
        part = _get(card.results, split)
        rows = _get(_get(part, "report"), "aus")
        if rows:
            break
    else:
        return ""
    cells = []
    for label in card.aus.labels:
        entry = _get(rows, label)
        numbers = "".join(f"<td>{_measure(_get(entry, name))}</td>" for name in ("f1", "roc_auc"))
        cells.append(f"<tr><th scope='row'>{label}</th>{numbers}</tr>")
    of = f"{_count(part, 'samples')} pictures of {_count(part, 'subjects')} subjects"
    split = "test" if split == "test" else "validation"
    return (
        f"<details><summary>How it did on its own {split} data ({escape(of)})</summary>"
        '<p class="soft">With 95 % intervals over subjects. These numbers are about that data, not about '
        "this clip.</p>"
        '<div class="scroll"><table class="plain"><thead><tr><th scope="col">AU</th><th scope="col">F1</th>'
        f'<th scope="col">ROC AUC</th></tr></thead><tbody>{"".join(cells)}</tbody></table></div></details>'
    )


def made(command: str | None, info: VideoInfo | None) -> str:
    """How the page was made, as a list of HTML."""
    entries = {"Versions": ", ".join(f"{part} {number}" for part, number in versions().items())}
    if info is not None:
        entries["Codec"] = info.codec
    said = f"<pre><code>{escape(command)}</code></pre>" if command else ""
    return said + _list(entries)


def notes(problems: Sequence[str]) -> str:
    """What went wrong, as HTML; empty if nothing did."""
    return "".join(f'<p class="note" role="note">{escape(problem)}</p>' for problem in problems)


def _rate(rate: Fraction) -> str:
    return f"{float(rate):.2f}".rstrip("0").rstrip(".")


def _list(entries: Mapping[str, str]) -> str:
    return (
        "<dl>"
        + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in entries.items() if v)
        + "</dl>"
    )


def _get(table: Any, key: str) -> Any:
    """An entry of a card's free part, {} where there is none."""
    found = table.get(key) if isinstance(table, Mapping) else None
    return {} if found is None else found


def _count(table: Any, key: str) -> str:
    number = _get(table, key)
    return f"{number:,}" if isinstance(number, int) else "?"


def _measure(entry: Any) -> str:
    value, low, high = (_get(entry, key) for key in ("value", "low", "high"))
    if not isinstance(value, int | float):
        return "–"
    known = isinstance(low, int | float) and isinstance(high, int | float)
    return f"{value:.2f}" + (f' <span class="soft">[{low:.2f}, {high:.2f}]</span>' if known else "")
