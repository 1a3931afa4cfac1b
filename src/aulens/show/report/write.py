"""Write the page piece by piece: of the stills no more than one is in memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from aulens import __version__
from aulens.aus import NAMES
from aulens.errors import ConfigError, InputError
from aulens.files import atomic_write
from aulens.models.family import find
from aulens.runtime.card import ModelCard
from aulens.runtime.doubt import DOUBTFUL
from aulens.show.cooccurrence import WORDS
from aulens.show.evidence import AGAINST, ATTENTION, FAINT, FOR
from aulens.show.page import versions_text
from aulens.show.pages import in_base64, part, templates
from aulens.show.report import words
from aulens.show.report.curves import NONE, STEPS, level, stretch
from aulens.show.report.people import brief, person
from aulens.show.sides import has_sides
from aulens.show.still import LEVELS, Still
from aulens.show.stills import StillsIndex, read_stills
from aulens.show.timeline import clip_title
from aulens.tables.blinks import why_no_blinks
from aulens.tables.clip import Clip, read_clip
from aulens.tables.doubts import doubtful_text, hidden_text
from aulens.tables.events import events as events_of
from aulens.tables.schema import of_person
from aulens.tables.shares import BLOCK
from aulens.video.media import VideoInfo

SCRIPTS: Final = ("base.js", "curves.js", "timeline.js", "viewer.js", "tables.js", "start.js")
_STILLS_BUDGET: Final = 5 << 20
"""Bytes of the stills of a page, before base 64 makes a third more of them."""
_AULENS: Final = """@software{{aulens,
  title   = {{aulens: facial Action Units, per side of the face, with their evidence}},
  author  = {{{{The aulens authors}}}},
  version = {{{version}}},
  year    = {{2026}}
}}"""


def write_report(
    path: Path,
    table: pd.DataFrame,
    card: ModelCard,
    *,
    stills: Path | None = None,
    events: pd.DataFrame | None = None,
    info: VideoInfo | None = None,
    smoothed: bool | None = None,
    command: str | None = None,
    problems: Sequence[str] = (),
    left_out: str | None = None,
) -> None:
    """Write the report of one clip: one HTML file with all that it needs inside.

    Curves of long clips are brought to the lowest and highest value of short stretches of time, and stills
    are left out evenly, so that the page stays at some 15 MB; events, shares and times stay exact. The file
    appears when it is complete.

    Args:
        path: the file to write, ends in .html.
        table: of the clip, in our schema.
        card: of the model that made the table.
        stills: folder that `Stills` has filled; None: a page without frames.
        events: of `aulens.tables.events`; None: made here, if the clip has time stamps.
        info: of the clip.
        smoothed: show smoothed probabilities and presence; None: where the table has them.
        command: that made the report, to be shown.
        problems: sentences to be shown on top: why the clip ended early.
        left_out: how many faces the table does not count because of limits, see `aulens.tables.usable`.

    Raises:
        InputError: the table is of several clips, lacks columns or probabilities; stills are missing or of
            other AUs.
    """
    labels = card.aus.labels
    clip = read_clip(table, labels, smoothed)
    if not all(track.curves.all() for track in clip.tracks):
        raise InputError(
            f"{clip.file}: the page shows probabilities, which the table lacks for some or all Action Units; "
            "`aulens.show.timeline` draws presence without them"
        )
    threshold = dict(zip(labels, card.threshold, strict=True))
    if events is None and clip.timed and clip.tracks:
        events = events_of(table, smoothed=clip.smoothed, thresholds=threshold)
    index = None if stills is None else read_stills(stills)
    if index is not None and index.labels != labels:
        raise InputError(f"{stills}: these stills are of other AUs than the model {card.name}")
    kept = () if index is None else _fitting(index)
    content = {
        "title": clip_title(clip),
        "clip": clip,
        "card": card,
        "facts": words.facts(
            clip,
            info,
            left_out,
            doubtful_text(table),
            hidden_text(table),
            why_no_blinks(table) if clip.timed and clip.tracks else None,
        ),
        "doubtful": DOUBTFUL,
        "problems": problems,
        "measures": WORDS,
        "block": BLOCK,
        "measured": words.measured(card),
        "command": command,
        "versions": versions_text(),
        "codec": None if info is None else info.codec,
        "cite": bibtex(card.variant, __version__),
        "data": _data(clip, table, events, card, index, kept, left_out is not None),
        "scripts": map(part, SCRIPTS),
    }
    with atomic_write(path) as fresh, fresh.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(templates().get_template("report.html").generate(content))


def _data(
    clip: Clip,
    table: pd.DataFrame,
    events: pd.DataFrame | None,
    card: ModelCard,
    index: StillsIndex | None,
    kept: Sequence[Still],
    limited: bool,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the page's script shows, one piece after the other; each has a name."""
    yield "clip", _clip(clip, card, kept)
    step = stretch(clip.tracks, len(clip.labels))
    for place, track in enumerate(clip.tracks):
        own = None if events is None else of_person(events, track.face_id)
        threshold = np.array(card.threshold)
        # No name for the rows: they would stay in memory beside those of the next person.
        yield f"person-{place}", person(clip, track, of_person(table, track.face_id), own, threshold, step)
    views = _views(table, kept)
    for place, still in enumerate(kept):
        assert index is not None
        entry = _still(index, still, clip, dict(zip(clip.labels, card.threshold, strict=True)))
        for face in entry["faces"]:
            face["about"] = views.get((still.frame, face["face_id"]), "")
            face["out"] = limited and not face["counts"]
        yield f"still-{place}", entry


def _clip(clip: Clip, card: ModelCard, kept: Sequence[Still]) -> dict[str, Any]:
    """What the page's script needs from the start."""
    return {
        "labels": list(clip.labels),
        "names": [NAMES[label] for label in clip.labels],
        "threshold": [round(value, 6) for value in card.threshold],
        "level": level(np.array(card.threshold)).tolist(),
        "steps": STEPS,
        "none": NONE,
        "timed": clip.timed,
        "smoothed": clip.smoothed,
        "start": float(clip.time[0]) if len(clip.time) else 0.0,
        "end": clip.end,
        "sides": card.has_side_scores,
        "sided": [has_sides(label) for label in clip.labels],
        "attention": card.attention,
        "heat": {"levels": LEVELS, "faint": FAINT, "for": FOR, "against": AGAINST, "attention": ATTENTION},
        "people": [brief(track) for track in clip.tracks],
        "stills": [
            {
                "frame": still.frame,
                "time": round(clip.time_of(still.frame), 6),
                "faces": [[face.face_id, *face.box] for face in still.faces],
            }
            for still in kept
        ],
    }


def _still(index: StillsIndex, still: Still, clip: Clip, threshold: Mapping[str, float]) -> dict[str, Any]:
    """A still with its files inside, and the probabilities and decisions of the table, as in the timeline."""
    entry = asdict(still) | {"picture": in_base64((index.folder / still.name).read_bytes())}
    for face in entry["faces"]:
        name = face.pop("name")
        face["maps"] = None if name is None else in_base64((index.folder / name).read_bytes())
        for key in ("probability", "right", "left"):
            if face[key] is not None:
                face[key] = [face[key][label] for label in index.labels]
        shown = np.array(face["probability"])
        present = shown >= np.array([threshold[label] for label in index.labels]) - 5e-5  # it has 4 digits
        face["counts"] = False
        for track in clip.tracks:
            place = track.row(still.frame)
            if place is not None and track.face_id == face["face_id"]:
                shown, present = track.probability[place], track.present[place]
                face["counts"] = True
        face["probability"] = np.round(shown.astype(np.float64), 6).tolist()
        face["present"] = present.astype(int).tolist()
    return entry


def _views(table: pd.DataFrame, kept: Sequence[Still]) -> dict[tuple[int, int], str]:
    """How each face of the stills is seen, by frame and person."""
    names = ("pose_yaw", "pose_pitch", "pose_roll", "quality")
    rows = table[table["frame"].isin([still.frame for still in kept]) & table["face_id"].notna()]
    numbers = rows.reindex(columns=[*names]).to_numpy(dtype=np.float64, na_value=np.nan)
    who = zip(rows["frame"].tolist(), rows["face_id"].tolist(), strict=True)
    hidden = rows["hidden"].fillna("") if "hidden" in rows else [""] * len(rows)
    return {
        key: words.pose_text(yaw, pitch, roll, quality, parts.split())
        for key, (yaw, pitch, roll, quality), parts in zip(who, numbers.tolist(), hidden, strict=True)
    }


def _fitting(index: StillsIndex) -> tuple[Still, ...]:
    """The stills that fit on a page: if not all, some from everywhere."""
    bits = max(1, len(index.stills) - 1).bit_length()
    # 0, 1/2, 1/4, 3/4, ...: however many are taken, they are spread.
    order = sorted(range(len(index.stills)), key=lambda place: f"{place:0{bits}b}"[::-1])
    left, kept = _STILLS_BUDGET, []
    for place in order:
        still = index.stills[place]
        left -= sum((index.folder / name).stat().st_size for name in still.files)
        if left < 0:
            break
        kept.append(place)
    return tuple(index.stills[place] for place in sorted(kept))


def bibtex(variant: str, version: str) -> str:
    """How to cite what a page was made with, in BibTeX: aulens, and the papers behind its model.

    Args:
        variant: the model's, as its card says.
        version: of aulens.
    """
    try:
        papers = find(variant).papers(variant)
    except ConfigError:  # of a package that can't be loaded here: the report is none the worse
        papers = ()
    return "\n\n".join([_AULENS.format(version=version), *papers])
