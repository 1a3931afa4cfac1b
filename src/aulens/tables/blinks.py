"""Blinks: what of closed eyes is short enough for AU45, which FACS distinguishes from AU43 by its length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from aulens.tables.smooth import switched, threshold_of
from aulens.tables.tracks import SLACK, Tracks, tracks

if TYPE_CHECKING:
    import pandas as pd

SHUT: Final = "AU43"
BLINK: Final = "AU45"
LONGEST: Final = 0.5
"""Seconds for which the eyes are closed: FACS' limit. Longer closures stay AU43."""
SHORTEST: Final = 0.05
"""Seconds: lids are half way down for longer than that in any blink."""
BRIDGED: Final = 0.1
"""Seconds for which eyes that are open, or a face that is lost, do not end a closure: lids need as long."""
SLOWEST: Final = 0.1
"""Seconds that most frames may last: beyond, a blink may lie between two of them."""
HYSTERESIS: Final = 0.2
"""Eyes that are closed stay so until below (1 - this) times the threshold."""


def can_derive_blinks(table: pd.DataFrame) -> bool:
    """Whether blinks can be made of a table's closed eyes: it has AU43's probabilities, and no AU45."""
    return f"{SHUT}_p" in table and f"{BLINK}_c" not in table and bool(table[f"{SHUT}_p"].notna().any())


def closed_eyes(
    table: pd.DataFrame, track: Tracks, threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How probably both eyes are closed in each row of a track, and whether they are.

    Args:
        table: with AU43; of a model with sides the eye that is less closed counts, so that a wink is no
            blink.
        track: its rows.
        threshold: of AU43.

    Returns:
        (N,) probabilities, not smoothed, and (N,) 1 or 0; NaN where the clip has too few frames a second.
    """
    columns = [f"{SHUT}_{side}_p" for side in ("left", "right")]
    sided = all(name in table and table[name].notna().any() for name in columns)
    rows = table[columns if sided else [f"{SHUT}_p"]].iloc[track.rows]
    share = np.where(_slow(table, track), np.nan, rows.to_numpy(np.float64, na_value=np.nan).min(axis=1))
    known = np.isfinite(share)
    high = np.array([threshold_of(threshold, SHUT)])
    begins = track.begins(BRIDGED, known)
    shut = np.full(len(share), np.nan)
    shut[known] = switched(share[known, None], begins, high, high * (1 - HYSTERESIS))[:, 0]
    return share, shut


def split_blinks(shut: pd.DataFrame, closures: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events of AU43 that are no blinks, and blinks.

    Args:
        shut: events of AU43.
        closures: runs of frames with both eyes closed; those that were seen from beginning to end and are no
            longer than `LONGEST` are blinks.
    """
    whole = ~closures["open_start"] & ~closures["open_end"]
    blink = whole & (closures["duration"] <= LONGEST + SLACK)
    blinking, closed = _shared(shut, closures[blink]), _shared(shut, closures[~blink])
    # What blinks for less than half of its time is a wink, with a blink within.
    half = (shut["offset"] - shut["onset"]).to_numpy() / 2
    return shut[~((blinking > 0) & (closed == 0) & (blinking >= half))], closures[blink]


def _shared(events: pd.DataFrame, others: pd.DataFrame) -> NDArray[np.float64]:
    """(E,) for how many seconds each event goes on together with others of the same person."""
    person, onset, offset = (others[name].to_numpy() for name in ("person", "onset", "offset"))
    both = np.zeros(len(events))
    for i, (who, first, last) in enumerate(events[["person", "onset", "offset"]].to_numpy()):
        shared = np.minimum(offset, last) - np.maximum(onset, first)
        both[i] = shared[(person == who) & (shared > 0)].sum()
    return both


def blink_rates(table: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """How often people blink.

    Args:
        table: our columns, of one or several videos.
        events: of that table, made with thresholds.

    Returns:
        A row per person who is seen: `file`, `face_id`, `blinks`, and `per_minute` of the time in which they
        are seen, by the frames' own times; NaN where the clip has less than 10 frames a second, or where
        blinks are not distinguished from closed eyes.

    Raises:
        InputError: columns or times are missing.
    """
    import pandas as pd

    track = tracks(table)
    first = np.flatnonzero(np.diff(track.person, prepend=-1))
    rates = table[["file", "face_id"]].iloc[track.rows[first]].reset_index(drop=True)
    counts = events[events["au"] == BLINK].groupby(["file", "face_id"]).size()
    rates["blinks"] = counts.reindex(pd.MultiIndex.from_frame(rates), fill_value=0).to_numpy()
    known = ~_slow(table, track)[first] & can_derive_blinks(table)
    rates["per_minute"] = np.where(known, rates["blinks"] / minutes_seen(track), np.nan)
    return rates


def why_no_blinks(table: pd.DataFrame) -> str | None:
    """Why a clip's table with closed eyes has no blinks, in words; None if there is no reason."""
    track = tracks(table)
    if not can_derive_blinks(table) or not _slow(table, track).any():
        return None
    lasts = float(np.median(track.end - track.time))
    return f"blinks are not counted: a frame every {lasts:.2g} s is too few, at most {SLOWEST:g} s will do"


def minutes_seen(track: Tracks) -> NDArray[np.float64]:
    """(P,) for how long each person is seen; NaN for no time at all."""
    seen = np.bincount(track.person, track.end - track.time) / 60
    return np.where(seen > 0, seen, np.nan)


def _slow(table: pd.DataFrame, track: Tracks) -> NDArray[np.bool_]:
    """Which rows of a track are of a clip whose frames mostly last longer than `SLOWEST`."""
    import pandas as pd

    lasts = pd.Series(track.end - track.time)
    median = lasts.groupby(table["file"].iloc[track.rows].to_numpy()).transform("median")
    return np.asarray(median > SLOWEST + SLACK, dtype=bool)
