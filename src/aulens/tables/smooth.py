"""Smoothing over time: a Gaussian, centred on each frame, over the logits of the probabilities."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.errors import ConfigError, InputError
from aulens.metrics.counts import ratio
from aulens.tables.baseline import log_odds
from aulens.tables.schema import aus_in
from aulens.tables.tracks import seconds, tracks

WINDOW: Final = 0.2
MAX_GAP: Final = 0.5

_SIGMAS: Final = 3.0
"""How far the Gaussian reaches: beyond, 0.3 % of it."""
_FEW: Final = 100
"""Up to as many rows within reach, pairs cost less than waves."""
_PERIOD: Final = 11.0
_WAVES: Final = 14

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def smooth(
    table: pd.DataFrame,
    window: float = WINDOW,
    *,
    thresholds: float | Mapping[str, float],
    max_gap: float = MAX_GAP,
    hysteresis: float = 0.0,
) -> pd.DataFrame:
    """A copy of a table with `AU12_smooth_p` and `AU12_smooth_c` for each AU that has `AU12_p`.

    An AU that has `AU12_i` gets `AU12_smooth_i` too, the mean of the intensities by the same weights.

    Each frame becomes the mean of the logits of the frames around it, weighted by a Gaussian of their
    distance in time (the kernel regression of Nadaraya and Watson, 1964), so that it does not matter whether
    frames come evenly. People are smoothed apart, and never across a time for which the face was lost. Frames
    without a probability stay without; raw columns stay as they are.

    Args:
        table: our columns, of one or several videos.
        window: full width of the Gaussian at half its height, seconds; 0 leaves probabilities as they are.
        thresholds: from which probability on an AU is present: one, or one per label, as in the model's card.
        max_gap: the longest time, seconds, for which a face may be lost and be smoothed across.
        hysteresis: an AU that is present stays so until below (1 - hysteresis) times its threshold; [0, 1).

    Raises:
        InputError: columns or times are missing, a frame has two rows of a person, a probability is not
            within [0, 1], or AUs have decisions but no probabilities.
        ConfigError: a setting is out of range, or an AU that has probabilities has no threshold.
    """
    seconds(window, "the window")
    seconds(max_gap, "max_gap")
    if not 0 <= hysteresis < 1:
        raise ConfigError(f"hysteresis must be from 0 to below 1, got {hysteresis}")
    _check_decided(table)
    labels = [label for label in aus_in(table) if f"{label}_p" in table.columns]
    known = table[[f"{label}_p" for label in labels]].notna().any()
    high = np.array([threshold_of(thresholds, label) if known[f"{label}_p"] else np.nan for label in labels])
    track = tracks(table)
    raw = table[[f"{label}_p" for label in labels]].to_numpy(dtype=np.float64, na_value=np.nan)[track.rows]
    _check(raw, labels)
    seen = np.isfinite(raw).any(axis=1)
    rows, raw, begins = track.rows[seen], raw[seen], track.begins(max_gap, seen)
    stretch = np.cumsum(begins, dtype=np.int64)
    logits = weighted_means(log_odds(raw), track.time[seen], stretch, window)
    smoothed = np.round(0.5 * (1 + np.tanh(0.5 * logits)), 6) if window > 0 else raw
    present = switched(smoothed, begins, high, high * (1 - hysteresis))
    strong = [label for label in labels if f"{label}_i" in table.columns]
    given = table[[f"{label}_i" for label in strong]].to_numpy(dtype=np.float64, na_value=np.nan)[rows]
    mean = np.round(weighted_means(given, track.time[seen], stretch, window), 3)
    intensities = dict(zip(strong, mean.T, strict=True))
    return _with_columns(table, labels, rows, smoothed, present, intensities)


def threshold_of(thresholds: float | Mapping[str, float], label: str) -> float:
    """The threshold of one AU.

    Raises:
        ConfigError: there is none, or it is no probability.
    """
    if isinstance(thresholds, Mapping):
        if label not in thresholds:
            given = ", ".join(thresholds) or "none"
            raise ConfigError(f"no threshold is given for {label}; there are {given}")
        thresholds = thresholds[label]
    if not 0 <= thresholds <= 1:
        raise ConfigError(f"a threshold must be a probability from 0 to 1, got {thresholds} for {label}")
    return thresholds


def weighted_means(
    values: Floats, time: Floats, stretch: NDArray[np.int64], window: float, few: int = _FEW
) -> Floats:
    """The weighted mean (N, A) within each stretch; NaN where `values` (N, A) are NaN.

    With up to `few` rows within reach by pairs, with more by waves; both say the same.
    """
    sigma = window / np.sqrt(8 * np.log(2))
    if sigma == 0 or not len(values):
        return values
    known = np.isfinite(values)
    # Where a row knows all AUs or none, as ours do, one weight per row is enough.
    weight = np.ones((len(values), 1)) if known.all() else known.astype(np.float64)
    sums = np.hstack([np.where(known, values, 0.0), weight])
    distant = time[few:] - time[:-few]
    crowded = (stretch[few:] == stretch[:-few]) & (distant <= _SIGMAS * sigma)
    wide = np.isin(stretch, stretch[few:][crowded])
    sums[~wide] = _by_pairs(sums[~wide], time[~wide], stretch[~wide], sigma)
    ends = np.flatnonzero(np.diff(stretch)) + 1
    for one in np.split(np.arange(len(stretch)), ends) if wide.any() else ():
        if wide[one[0]]:
            sums[one] = _by_waves(sums[one], time[one], sigma)
    total, weights = sums[:, : values.shape[1]], sums[:, values.shape[1] :]
    return np.where(known, ratio(total, weights), np.nan)


def _by_pairs(values: Floats, time: Floats, stretch: NDArray[np.int64], sigma: float) -> Floats:
    """Sums (N, C) of `values` (N, C) under the Gaussian around each row: by all pairs that are near."""
    sums = values.copy()
    for offset in range(1, len(values)):
        near = (stretch[offset:] == stretch[:-offset]) & (time[offset:] - time[:-offset] <= _SIGMAS * sigma)
        if not near.any():  # further rows of the same stretch are further away
            break
        distance = (time[offset:] - time[:-offset]) / sigma
        kernel = np.where(near, np.exp(-0.5 * distance**2), 0.0)[:, None]
        sums[offset:] += kernel * values[:-offset]
        sums[:-offset] += kernel * values[offset:]
    return sums


def _by_waves(values: Floats, time: Floats, sigma: float) -> Floats:
    """The same for one stretch in time linear in N, however wide the Gaussian is.

    Within its reach the Gaussian is a sum of few cosines (its Fourier series over `_PERIOD`, to 1e-14), and
    cos(w (t - s)) is the real part of exp(iwt) exp(-iws), so a wave's sum over all s in reach is a
    difference of two running sums.
    """
    place = (time - time[0]) / sigma
    first = np.searchsorted(place, place - _SIGMAS, side="left")
    behind = np.searchsorted(place, place + _SIGMAS, side="right")
    sums = np.zeros_like(values)
    for k in range(_WAVES + 1):
        pace = 2 * np.pi * k / _PERIOD
        height = np.sqrt(2 * np.pi) / _PERIOD * np.exp(-0.5 * pace**2) * (2 if k else 1)
        wave = np.exp(1j * pace * place)[:, None]
        running = np.zeros((len(values) + 1, values.shape[1]), dtype=np.complex128)
        np.cumsum(values * wave.conj(), axis=0, out=running[1:])
        sums += height * (wave * (running[behind] - running[first])).real
    return sums


def switched(values: Floats, begins: Bools, high: Floats, low: Floats) -> Bools:
    """(N, A): on where `values` (N, A) reach `high` (A,), off below `low` (A,), else as before.

    At first, and where a stretch `begins` (N,), off below `high`.
    """
    decided = begins[:, None] | (values >= high) | (values < low)
    places = np.where(decided, np.arange(len(values))[:, None], 0)
    latest = np.maximum.accumulate(places, axis=0)
    return np.take_along_axis(values >= high, latest, axis=0)


def _check_decided(table: pd.DataFrame) -> None:
    """Other programs say whether an AU is present and not how probably: nothing would be left of it."""
    known = table.notna().any()
    for label in aus_in(table):
        if known.get(f"{label}_c", False) and not known.get(f"{label}_p", False):
            raise InputError(
                f"{label}_c has decisions, and no {label}_p has probabilities, as in a table of "
                "OpenFace: there is nothing to smooth"
            )


def _check(raw: Floats, labels: Sequence[str]) -> None:
    wrong = np.argwhere((raw < 0) | (raw > 1))
    if len(wrong):
        row, au = wrong[0]
        raise InputError(f"{labels[au]}_p must be a probability from 0 to 1, found {raw[row, au]:g}")


def _with_columns(
    table: pd.DataFrame,
    labels: Sequence[str],
    rows: NDArray[np.int64],
    smoothed: Floats,
    present: Bools,
    intensities: Mapping[str, Floats],
) -> pd.DataFrame:
    columns: dict[str, object] = {}
    for i, label in enumerate(labels):
        columns[f"{label}_smooth_p"] = smoothed[:, i]
        unknown = np.isnan(smoothed[:, i])
        columns[f"{label}_smooth_c"] = pd.arrays.IntegerArray(present[:, i].astype(np.int64), unknown)
        if label in intensities:
            columns[f"{label}_smooth_i"] = intensities[label]
    added = pd.DataFrame(columns, rows).reindex(range(len(table))).set_axis(table.index)
    kept = table.drop(columns=[name for name in added if name in table.columns])
    return pd.concat([kept, added], axis=1)
