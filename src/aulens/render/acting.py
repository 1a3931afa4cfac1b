"""Which AUs a face shows: prototypes of emotion, free combinations, and faces at rest."""

from __future__ import annotations

from typing import Final

import numpy as np

from aulens.render.expression import EXCLUSIVE, LEFT, MEDIAN, PRESENT, RECIPES, RIGHT, Action

# Common combinations (EMFACS-like); "present with this probability". They teach co-occurrence; the free
# combinations keep a model from leaning on it.
PROTOTYPES: Final[tuple[dict[int, float], ...]] = (
    {6: 0.8, 12: 1.0, 25: 0.6, 26: 0.15},
    {12: 1.0, 6: 0.3, 25: 0.4},
    {1: 0.9, 4: 0.7, 15: 0.9, 17: 0.5},
    {1: 0.9, 2: 1.0, 5: 0.7, 26: 0.6, 27: 0.3},
    {4: 0.9, 5: 0.5, 7: 0.5, 23: 0.4, 24: 0.4, 17: 0.3},
    {9: 0.9, 10: 0.5, 17: 0.4, 4: 0.4, 7: 0.3},
    {10: 0.9, 17: 0.3, 25: 0.4},
    {1: 0.9, 2: 0.8, 4: 0.8, 5: 0.7, 20: 0.8, 25: 0.5, 26: 0.3},
    {14: 0.9, 12: 0.3},
    {4: 0.9, 6: 0.7, 7: 0.6, 9: 0.4, 10: 0.5, 43: 0.4, 25: 0.4, 20: 0.2},
    {25: 0.9, 26: 0.5, 18: 0.2, 22: 0.3},
    {43: 1.0},
    {1: 0.8, 2: 0.9},
    {4: 1.0, 7: 0.5},
    {24: 0.6, 28: 0.4, 17: 0.4},
)
# Seldom drawn one-sided: these come with their partner in nearly everybody.
_MOSTLY_BOTH: Final = frozenset({1, 4, 5, 9})
_ONE_SIDED = 0.28


def _intensities(au: int, rng: np.random.Generator) -> tuple[float, float]:
    # AU43 means that the eyes are closed, which is nearly all or nothing.
    strength = rng.uniform(0.85, 1.0) if au == 43 else PRESENT + (1 - PRESENT) * rng.beta(1.7, 1.1)
    if au in MEDIAN:
        return strength, strength
    if rng.random() < (0.08 if au in _MOSTLY_BOTH else _ONE_SIDED):
        one = [0.0, 0.0]
        one[RIGHT if rng.random() < 0.5 else LEFT] = strength
        return one[RIGHT], one[LEFT]
    skew = rng.normal(0, 0.1)
    right, left = np.clip(strength * np.array([1 + skew, 1 - skew]), PRESENT, 1)
    return float(right), float(left)


def draw_action(rng: np.random.Generator) -> Action:
    """A random set of AUs with intensities.

    12 % of the faces are at rest, 40 % near a prototype, the others show free combinations.
    """
    aus = list(RECIPES)
    kind = rng.random()
    if kind < 0.12:
        chosen: list[int] = []
    elif kind < 0.52:
        prototype = PROTOTYPES[rng.integers(len(PROTOTYPES))]
        chosen = [au for au, chance in prototype.items() if rng.random() < chance]
        chosen += [int(au) for au in rng.choice(aus, rng.integers(0, 3), replace=False)]
    else:
        chosen = [int(au) for au in rng.choice(aus, rng.integers(1, 7), replace=False)]
    kept: list[int] = []
    for au in dict.fromkeys(chosen):
        if not any({au, other} == set(pair) for other in kept for pair in EXCLUSIVE):
            kept.append(au)
    return {au: _intensities(au, rng) for au in kept}


def draw_rest(rng: np.random.Generator) -> Action:
    """A person's resting face: faint traces below any AU's threshold, which carry no label."""
    aus = [1, 2, 4, 5, 6, 7, 12, 14, 15, 17, 20, 24]
    traces = rng.choice(aus, rng.integers(0, 5), replace=False)
    return {
        int(au): (float(s), float(s)) for au, s in zip(traces, rng.uniform(0, 0.1, len(traces)), strict=True)
    }
