"""What the page knows of each person: curves, lost stretches, summary, events, co-occurrence."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.show.report.curves import curves
from aulens.tables.blinks import BLINK, SHUT, blink_rates
from aulens.tables.clip import Clip, Track
from aulens.tables.cooccurrence import cooccurrence
from aulens.tables.shares import BLOCK, shares

_EXACT: Final = 9
"""Digits of a ratio of frames: so many that it rounds to the same percentage as the ratio itself."""


def brief(track: Track) -> dict[str, Any]:
    """What the page needs before a person is chosen."""
    return {
        "id": track.face_id,
        "start": _short(track.start),
        "end": _short(track.end),
        "seen": _short(track.time_seen),
        "lost": _short(track.time_lost),
        "frames": len(track.frame),
        "lost_frames": int((~track.seen).sum()),
    }


def person(
    clip: Clip,
    track: Track,
    table: pd.DataFrame,
    events: pd.DataFrame | None,
    threshold: NDArray[np.float64],
    step: float,
) -> dict[str, Any]:
    """All about one person, whose rows and events (None: not known) these are, as JSON takes it."""
    found = shares(track, block=BLOCK if clip.timed else np.inf)
    together = cooccurrence(table, smoothed=clip.smoothed)
    order = list(clip.labels)
    rates = None if events is None else blink_rates(table, events)["per_minute"].tolist()
    own = None
    if events is not None:
        blinks = (events["au"] == BLINK) & (SHUT in clip.labels)
        own = events[events["au"].isin(clip.labels) | blinks].to_dict("records")
    return {
        "curves": curves(track, threshold, step),
        "lost": [[_short(start), _short(end)] for start, end in track.lost()],
        "doubtful": [[_short(start), _short(end)] for start, end in track.doubtful()],
        "shares": _matrix(np.stack([found.value, found.low, found.high], axis=1)),
        "blocks": found.blocks if not np.isnan(found.low).all() else 0,
        "events": None if own is None else [_event(row, clip.labels) for row in own],
        "blinks": _number(rates[0]) if rates else None,
        "together": {
            name: _matrix(frame.loc[order, order].to_numpy(np.float64))
            for name, frame in (
                ("conditional", together.conditional),
                ("joint", together.joint),
                ("phi", together.phi),
            )
        },
    }


def _event(row: Mapping[Any, Any], labels: tuple[str, ...]) -> list[Any]:
    """[place of the AU, onset, apex, offset, apex's frame, peak, mean, side, open at start, at end, a blink].

    Blinks are in the place of closed eyes.
    """
    apex = row["onset"] if pd.isna(row["apex"]) else row["apex"]
    frame = row["onset_frame"] if pd.isna(row["apex_frame"]) else row["apex_frame"]
    side = row["side"] if isinstance(row["side"], str) else None
    times = [_short(row["onset"]), _short(apex), _short(row["offset"])]
    shares = [_number(row["peak_p"]), _number(row["mean_p"])]
    open_ends = [int(bool(row["open_start"])), int(bool(row["open_end"]))]
    blink = row["au"] not in labels
    place = labels.index(SHUT if blink else row["au"])
    return [place, *times, int(frame), *shares, side, *open_ends, int(blink)]


def _matrix(values: NDArray[np.float64]) -> list[list[float | None]]:
    return [[_number(value, _EXACT) for value in row] for row in values.tolist()]


def _number(value: Any, digits: int = 6) -> float | None:
    return None if pd.isna(value) else round(float(value), digits)


def _short(value: float) -> float:
    return round(float(value), 4)
