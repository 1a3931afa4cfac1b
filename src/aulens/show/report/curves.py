"""Curves as bytes for a page: one byte per value, and no more stretches of time than a page can carry."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aulens.show.envelope import envelope
from aulens.show.pages import in_base64
from aulens.tables.clip import Track

STEPS: Final = 250
"""Steps from probability 0 to 1; a value above means that there is none."""

NONE: Final = 255

_BUDGET: Final = 7 << 19
"""Bytes of all curves of a page, before base 64 makes a third more of them."""

_TIME: Final = 12
"""Bytes for the time and the number of a frame."""


def stretch(tracks: Sequence[Track], labels: int) -> float:
    """How long a stretch of time must be so that all curves fit; 0 keeps every frame."""
    each = _TIME + labels * (1 + 2 * any(track.right is not None for track in tracks))
    if sum(len(track.time) for track in tracks) * each <= _BUDGET:
        return 0.0
    span = sum(track.end - track.start for track in tracks)
    return span * (each + labels) / _BUDGET  # low and high, not one value


def curves(track: Track, threshold: NDArray[np.float64], step: float) -> dict[str, Any]:
    """One person's curves, for the page's script.

    Args:
        track: of the person.
        threshold: (A,).
        step: from `stretch`.

    Returns:
        `time` (float64) and `frame` (uint32) of each stretch's first frame; and for each AU, one after the
        other, the `low` and `high` of the stretches, and the high of `right` and `left` (uint8, in steps of
        1 / 250, 255 where the face was lost); all little-endian, in base 64. `high` is None without stretches
        (it is `low`), sides are None if there are none.
    """
    shown = envelope(track.time, track.probability, step)
    sides = {
        name: None if side is None else _bytes(_steps(envelope(track.time, side, step).high, threshold))
        for name, side in (("right", track.right), ("left", track.left))
    }
    return {
        "time": _bytes(shown.time.astype("<f8")),
        "frame": _bytes(track.frame[shown.first].astype("<u4")),
        "low": _bytes(_steps(shown.low, threshold)),
        "high": _bytes(_steps(shown.high, threshold)) if step else None,
        **sides,
    }


def level(threshold: NDArray[np.float64]) -> NDArray[np.uint8]:
    """(A,): the step from which on a value counts as present."""
    return np.ceil(threshold * STEPS - 1e-9).clip(0, STEPS).astype(np.uint8)


def _steps(values: NDArray[Any], threshold: NDArray[np.float64]) -> NDArray[np.uint8]:
    """(B, A) probabilities as (A, B) steps, each on its own side of the threshold."""
    steps = np.rint(np.nan_to_num(values) * STEPS).clip(0, STEPS).astype(np.int16)
    lowest_present = level(threshold).astype(np.int16)
    # Tables have six digits: within a millionth of the threshold nobody knows, and float32 knows no more.
    present = values.astype(np.float64) >= threshold - 1e-6
    steps = np.where(
        present, np.maximum(steps, lowest_present), np.minimum(steps, np.maximum(lowest_present - 1, 0))
    )
    steps[np.isnan(values)] = NONE
    return np.ascontiguousarray(steps.T.astype(np.uint8))


def _bytes(values: NDArray[Any]) -> str:
    return in_base64(np.ascontiguousarray(values).tobytes())
