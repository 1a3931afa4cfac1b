"""Events: when an AU came, was strongest and went, one row each."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.metrics.counts import ratio
from aulens.tables.blinks import (
    BLINK,
    BRIDGED,
    SHORTEST,
    SHUT,
    can_derive_blinks,
    closed_eyes,
    minutes_seen,
    split_blinks,
)
from aulens.tables.schema import EVENT_TYPES, aus_in, take_smoothed
from aulens.tables.smooth import MAX_GAP, threshold_of
from aulens.tables.tracks import SLACK, Tracks, seconds, tracks

MERGE_GAP: Final = 0.2
MIN_DURATION: Final = 0.1


def events(
    table: pd.DataFrame,
    *,
    smoothed: bool | None = None,
    merge_gap: float = MERGE_GAP,
    min_duration: float = MIN_DURATION,
    max_gap: float = MAX_GAP,
    thresholds: float | Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """The events of each AU and person: runs of frames in which the AU is present.

    Runs that are apart by less than `merge_gap` become one, then runs shorter than `min_duration` are left
    out. A face that is lost for more than `max_gap` ends a run. What is apart or lost is counted from the end
    of one frame to the start of another; see `Tracks` for when a frame ends. An event that begins with the
    first frame in which the person is there (or is there again) is `open_start`: it may have begun before.
    Likewise `open_end`. `unseen` is for how long in between the face was lost, or left out.

    Args:
        table: our columns, of one or several videos.
        smoothed: by `AU12_smooth_c` and `AU12_smooth_p`, not `AU12_c` and `AU12_p`; None: where they exist.
        merge_gap: seconds.
        min_duration: seconds.
        max_gap: seconds.
        thresholds: of the model, one or one per label: then `side` is known, and of a model with AU43 (eyes
            closed) and no AU45 blinks are: closures of both eyes of at most 0.5 s, by each frame's own
            probability, are events of AU45 instead; see `aulens.tables.blinks`.

    Returns:
        One row per event, ordered by person (as in the table), onset and AU; columns and types of
        `EVENT_TYPES`. Where the table has no probabilities but intensities, the strongest of these is the
        apex; with neither, the apex is NA.

    Raises:
        InputError: columns or times are missing, or a frame has two rows of a person.
        ConfigError: a setting is out of range, or an AU with sides has no threshold.
    """
    limits = merge_gap, min_duration, max_gap
    for value, name in zip(limits, ("merge_gap", "min_duration", "max_gap"), strict=True):
        seconds(value, name)
    track = tracks(table)
    found = {
        label: _events_of(table, track, label, place, smoothed, limits, thresholds)
        for place, label in enumerate(aus_in(table))
    }
    shut_threshold = thresholds.get(SHUT) if isinstance(thresholds, Mapping) else thresholds
    if shut_threshold is not None and can_derive_blinks(table):
        found[SHUT], found[BLINK] = split_blinks(
            found[SHUT], _closures(table, track, len(found), shut_threshold)
        )
    rows = pd.concat(found) if found else pd.DataFrame(columns=[*EVENT_TYPES, "person", "place"])
    rows = rows.sort_values(["person", "onset", "place"], kind="stable", ignore_index=True)
    number = rows.groupby(["person", "au"])["place"].transform("size")
    rows["per_minute"] = np.round(number / minutes_seen(track)[rows["person"].astype(int)], 6)
    return rows[list(EVENT_TYPES)].astype(dict(EVENT_TYPES))


def _closures(table: pd.DataFrame, track: Tracks, place: int, threshold: float) -> pd.DataFrame:
    """Runs of frames with both eyes closed, as events of AU45."""
    share, shut = closed_eyes(table, track, threshold)
    eyes = table[["file", "frame", "face_id"]].assign(**{f"{BLINK}_{end}": np.nan for end in "pc"})
    eyes.iloc[track.rows, -2:] = np.stack([share, shut], axis=1)
    found = _events_of(eyes, track, BLINK, place, False, (BRIDGED, SHORTEST, BRIDGED), None)
    sided = f"{SHUT}_left_p" in table and table[f"{SHUT}_left_p"].notna().any()
    return found.assign(side="both" if sided else None)


def _events_of(
    table: pd.DataFrame,
    track: Tracks,
    label: str,
    place: int,
    smoothed: bool | None,
    limits: tuple[float, float, float],
    thresholds: float | Mapping[str, float] | None,
) -> pd.DataFrame:
    merge_gap, min_duration, max_gap = limits
    middle = "_smooth" if take_smoothed(table, [label], smoothed) else ""
    present = _column(table, f"{label}{middle}_c", track.rows)
    known = np.isfinite(present)
    rows, time, end = track.rows[known], track.time[known], track.end[known]
    begins = track.begins(max_gap, known)
    first, last = _runs(present[known] == 1, begins)
    stretch = np.cumsum(begins)
    near = (stretch[first[1:]] == stretch[last[:-1]]) & (time[first[1:]] - end[last[:-1]] < merge_gap - SLACK)
    first, last = first[np.append(True, ~near)[: len(first)]], last[np.append(~near, True)[: len(last)]]
    long = end[last] - time[first] >= min_duration - SLACK
    first, last = first[long], last[long]
    share = _column(table, f"{label}{middle}_p", rows)
    apex, peak = _apex(share, first, last)
    if np.isnan(share).all():
        apex, _ = _apex(_column(table, f"{label}_i", rows), first, last)
    found = apex >= 0
    number = table["frame"].iloc[rows].to_numpy(dtype=np.int64)
    ends, seen = np.append(begins[1:], True), np.append(0.0, np.cumsum(end - time))
    return pd.DataFrame(
        {
            "file": table["file"].iloc[rows[first]].to_numpy(),
            "face_id": table["face_id"].iloc[rows[first]].to_numpy(dtype=np.int64),
            "au": label,
            "onset": time[first],
            "apex": np.where(found, time[apex], np.nan),
            "offset": end[last],
            "duration": np.round(end[last] - time[first], 6),
            "onset_frame": number[first],
            "apex_frame": pd.arrays.IntegerArray(number[apex], ~found),
            "offset_frame": number[last],
            "peak_p": peak,
            "mean_p": np.round(_mean(share, first, last), 6),
            "side": _sides(table, label, rows, first, last, thresholds),
            "open_start": begins[first],
            "open_end": ends[last],
            "unseen": np.maximum(np.round(end[last] - time[first] - (seen[last + 1] - seen[first]), 6), 0),
            "person": track.person[known][first],
            "place": place,
        }
    )


def _column(table: pd.DataFrame, name: str, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    if name not in table.columns:
        return np.full(len(rows), np.nan)
    return table[name].iloc[rows].to_numpy(dtype=np.float64, na_value=np.nan)


def _runs(
    present: NDArray[np.bool_], begins: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first and last row of each run of present rows within a stretch."""
    before = np.append(False, present[:-1]) & ~begins
    after = np.append(present[1:], False) & ~np.append(begins[1:], True)
    return np.flatnonzero(present & ~before), np.flatnonzero(present & ~after)


def _apex(
    strength: NDArray[np.float64], first: NDArray[np.int64], last: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The row of each event where `strength` is largest, -1 if it is never known, and how large it is."""
    filled = np.where(np.isnan(strength), -np.inf, strength)
    tops = [start + filled[start : end + 1].argmax() for start, end in zip(first, last, strict=True)]
    apex = np.array(tops, dtype=np.int64)
    known = np.isfinite(filled[apex])
    return np.where(known, apex, -1), np.where(known, filled[apex], np.nan)


def _mean(
    strength: NDArray[np.float64], first: NDArray[np.int64], last: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The mean of each event's frames."""
    if not len(first):
        return np.empty(0)
    known = np.isfinite(strength)
    places = np.stack([first, last + 1], axis=1).ravel()  # every other stands for one event
    total = np.add.reduceat(np.append(np.where(known, strength, 0.0), 0.0), places)[::2]
    count = np.add.reduceat(np.append(known.astype(np.float64), 0.0), places)[::2]
    return ratio(total, count)


def _sides(
    table: pd.DataFrame,
    label: str,
    rows: NDArray[np.int64],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    thresholds: float | Mapping[str, float] | None,
) -> NDArray[np.object_]:
    """Where the event's mean reaches the threshold: left, right or both; the larger if neither does."""
    left, right = (_column(table, f"{label}_{side}_p", rows) for side in ("left", "right"))
    if thresholds is None or np.isnan(left).all() or np.isnan(right).all():
        return np.full(len(first), None, dtype=object)
    threshold = threshold_of(thresholds, label)
    left, right = _mean(left, first, last), _mean(right, first, last)
    sides = np.where(left > right, "left", np.where(right > left, "right", "both"))
    both = ((left >= threshold) & (right >= threshold)) | (left == right)
    sides = np.where(both, "both", sides).astype(object)
    sides[np.isnan(left) | np.isnan(right)] = None
    return sides
