"""A sequence in time: AUs that rise, stay and fall, a head that moves slowly, now and then a blink.

Legend: F frames, A AUs; sides are the subject's own, [right, left].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.aus import PRESENT_STRENGTH
from aulens.render.expression import MEDIAN, Action
from aulens.render.lookalike.plan import Moments

_BLINK: Final = {43: (0.6, 1.0, 0.5)}
_BLINKS: Final = 0.015  # a frame
_RISE, _FALL = 0.15, 0.28  # of full strength, a frame: labels come as late as they go
_ONE_SIDED: Final = 0.06


@dataclass(frozen=True, eq=False)
class Performance:
    """What one person does in F frames.

    Attributes:
        actions: for each frame what is drawn; blinks are in it, which no data set here codes.
        pose: (F, 3) yaw, pitch, roll in degrees.
        gaze: (F, 2) to the subject's left and up.
    """

    actions: tuple[Action, ...]
    pose: NDArray[np.float64]
    gaze: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.actions)


def perform(moments: Moments, frames: int, rng: np.random.Generator) -> Performance:
    """Act out one set of AUs after another, for F frames; the last set is held."""
    moment = np.searchsorted(moments.starts, np.arange(frames), side="right") - 1
    aims = np.zeros((*moments.shown.shape, 2))
    for m, a in np.argwhere(moments.shown):
        aims[m, a] = _strengths(moments.aus[a], rng)
    hurry = max(1.0, 16 / frames)  # few frames are few moments of a longer film
    level = aims[0]
    levels = []
    for t in range(frames):
        step = np.clip(aims[moment[t]] - level, -_FALL * hurry, _RISE * hurry)
        level = level + step
        levels.append(level)
    eyes = _blinks(frames, rng)
    actions = []
    for t, now in enumerate(levels):
        action = {au: (float(r), float(s)) for au, (r, s) in zip(moments.aus, now, strict=True) if r + s > 0}
        actions.append({**action, **{au: (row[t], row[t]) for au, row in eyes.items() if row[t] > 0}})
    pose = np.stack([_drift(frames, size, rng) for size in (9.0, 5.0, 4.0)], axis=1)
    gaze = np.stack([_drift(frames, size, rng) for size in (0.2, 0.15)], axis=1)
    return Performance(tuple(actions), pose, gaze)


def _strengths(au: int, rng: np.random.Generator) -> tuple[float, float]:
    """Intensity at the apex, (right, left): clearly over the least that counts."""
    strength = 1.5 * PRESENT_STRENGTH + (1 - 1.5 * PRESENT_STRENGTH) * rng.beta(1.6, 1.2)
    if au in MEDIAN:
        return strength, strength
    if rng.random() < _ONE_SIDED:
        return (strength, 0.0) if rng.random() < 0.5 else (0.0, strength)
    skew = rng.normal(0, 0.06)
    right, left = np.clip(strength * np.array([1 + skew, 1 - skew]), 0, 1)
    return float(right), float(left)


def _blinks(frames: int, rng: np.random.Generator) -> dict[int, list[float]]:
    rows = {}
    for au, shape in _BLINK.items():
        row = np.zeros(frames + len(shape))
        for t in np.flatnonzero(rng.random(frames) < _BLINKS):
            row[t : t + len(shape)] = shape
        rows[au] = [float(v) for v in row[:frames]]
    return rows


def _drift(frames: int, size: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """(frames,) a slow, smooth movement about a resting place; `size` is the spread of its values."""
    t = np.arange(frames)
    value = rng.normal(0, 0.6 * size) + np.zeros(frames)
    for period, share in ((90.0, 0.55), (35.0, 0.25), (15.0, 0.08)):
        stretch = rng.uniform(0.7, 1.3)
        value += share * size * np.sin(2 * np.pi * (t / (period * stretch) + rng.random()))
    return value
