"""All figures of one clip, written into a folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pandas as pd

from aulens.files import make_folder
from aulens.show.cooccurrence import cooccurrence_figure
from aulens.show.figure import COLUMN, save_figure
from aulens.show.timeline import figure_title, timeline
from aulens.tables.clip import read_clip
from aulens.tables.cooccurrence import cooccurrence
from aulens.tables.events import events as events_of
from aulens.tables.schema import of_person

_MIN_SEEN: Final = 1.0
"""Seconds (or 25 frames) that a person must be seen for to get figures; passers-by are in the table."""


def write_figures(
    folder: Path,
    table: pd.DataFrame,
    threshold: Mapping[str, float],
    *,
    events: pd.DataFrame | None = None,
    smoothed: bool | None = None,
    sides: bool = False,
) -> tuple[Path, ...]:
    """Write timelines and co-occurrence of each person of a clip, as SVG and PDF.

    The names are `timeline.svg`, `timeline.pdf`, `cooccurrence.svg` and `cooccurrence.pdf` for a clip with
    one person, `timeline-person2.svg` and so on where there are several. There are none of people who were
    seen for less than a second, and no more than of the 12 who were seen longest.

    Args:
        folder: made if missing, and there is something for it.
        table: of one clip, in our schema.
        threshold: AU label to the model's threshold; these AUs are drawn.
        events: of `aulens.tables.events`; None: made here, if the clip has time stamps.
        smoothed: draw smoothed probabilities; None: where the table has them.
        sides: draw right and left in the timelines.

    Returns:
        The files that were written.

    Raises:
        ConfigError: no threshold, a link in place of the folder, or matplotlib, an extra, is not installed.
        InputError: the table is of several clips, lacks columns, or has no sides and `sides` is set.
    """
    labels = tuple(threshold)
    clip = read_clip(table, labels, smoothed)
    if events is None and clip.timed and clip.tracks:
        events = events_of(table, smoothed=clip.smoothed)
    min_seen = _MIN_SEEN if clip.timed else 25
    people = people_to_draw({track.face_id: track.time_seen for track in clip.tracks}, min_seen)
    if people:
        folder.parent.mkdir(parents=True, exist_ok=True)
        make_folder(folder)
    written = []
    for face_id in people:
        end = "" if len(clip.tracks) == 1 else f"-person{face_id}"
        counts = cooccurrence(of_person(table, face_id), smoothed=clip.smoothed)
        together = counts.conditional.loc[list(labels), list(labels)]
        figures = {
            "timeline": timeline(table, threshold, events, face_id, sides=sides, smoothed=clip.smoothed),
            "cooccurrence": cooccurrence_figure(
                together.to_numpy(), labels, title=figure_title(clip, face_id, COLUMN)
            ),
        }
        for kind, figure in figures.items():
            for suffix in (".svg", ".pdf"):
                path = folder / f"{kind}{end}{suffix}"
                save_figure(figure, path)
                written.append(path)
    return tuple(written)


def people_to_draw(seen: Mapping[int, float], min_seen: float) -> list[int]:
    """Who gets figures: the 12 seen for longest, and for `min_seen` at least; whoever is alone, always."""
    longest = sorted(seen, key=lambda face_id: -seen[face_id])[:12]
    return sorted(face_id for face_id in longest if seen[face_id] >= min_seen or len(seen) == 1)
