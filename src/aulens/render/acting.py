"""Which AUs a face shows: prototypes of emotion, free combinations, and faces at rest.

There are two ways of drawing: `draw_action` combines AUs so freely that a model can't lean on what goes
together, `draw_joint` draws them as faces show them.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from aulens.aus import PRESENT_STRENGTH
from aulens.render.combinations import draw_combination
from aulens.render.expression import EXCLUSIVE, LEFT, MEDIAN, RECIPES, RIGHT, Action

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

# How often, and with which AUs: "present with this probability".
_JOINT: Final[tuple[tuple[float, dict[int, float]], ...]] = (
    (0.17, {12: 1.0, 6: 0.78, 25: 0.6, 7: 0.25, 10: 0.15, 26: 0.15, 27: 0.03}),  # enjoyment
    (0.06, {12: 1.0, 6: 0.15, 14: 0.15, 25: 0.2}),  # polite smile
    (0.10, {1: 0.97, 2: 0.97, 5: 0.7, 26: 0.5, 27: 0.2, 25: 0.7}),  # surprise
    (0.07, {1: 0.95, 2: 0.92, 5: 0.15, 4: 0.08}),  # raised brows
    (0.07, {1: 0.95, 4: 0.8, 2: 0.75, 5: 0.7, 7: 0.2, 20: 0.6, 25: 0.65, 26: 0.35}),  # fear
    (0.09, {1: 0.85, 4: 0.8, 15: 0.75, 17: 0.55, 7: 0.15, 6: 0.1, 43: 0.1, 24: 0.07}),  # sadness
    (0.09, {4: 1.0, 7: 0.72, 5: 0.2, 23: 0.4, 24: 0.4, 17: 0.4, 10: 0.15, 9: 0.1}),  # anger, mouth shut
    (0.05, {4: 1.0, 7: 0.7, 10: 0.65, 9: 0.35, 25: 0.9, 26: 0.35, 27: 0.2, 6: 0.25}),  # anger, mouth open
    (0.11, {9: 0.8, 10: 0.6, 4: 0.75, 7: 0.7, 6: 0.3, 17: 0.35, 25: 0.35, 15: 0.15}),  # disgust
    (0.03, {10: 0.9, 4: 0.35, 7: 0.3, 25: 0.4, 14: 0.2, 17: 0.2}),  # disgust, the lip
    (
        0.05,
        {4: 0.95, 6: 0.8, 7: 0.75, 9: 0.4, 10: 0.6, 43: 0.35, 25: 0.7, 26: 0.3, 20: 0.25, 12: 0.25},
    ),  # pain
    (0.03, {14: 0.95, 12: 0.3, 24: 0.1}),  # contempt
    (0.04, {17: 0.9, 15: 0.55, 24: 0.35, 23: 0.25, 4: 0.25, 1: 0.2}),  # doubt
    (0.04, {4: 0.9, 7: 0.5, 24: 0.2, 23: 0.2}),  # effort
    (0.04, {25: 0.95, 26: 0.5, 18: 0.15, 22: 0.3, 1: 0.15, 2: 0.15}),  # speech
    (0.03, {43: 1.0, 17: 0.05, 12: 0.1, 6: 0.1}),  # shut eyes
    (0.02, {28: 0.6, 24: 0.5, 17: 0.3}),  # tight lips
    (0.03, {18: 0.5, 22: 0.5, 25: 0.4, 4: 0.15}),  # pursed lips
    (0.02, {9: 1.0}),  # a wrinkled nose alone, so that AU9 is not known by its company
)
_SHARES: Final = np.array([share for share, _ in _JOINT]) / sum(share for share, _ in _JOINT)
# An AU whose strength follows another's.
_FOLLOWS: Final = {6: 12, 2: 1, 7: 4}
_REST, _FREE, _PUBLISHED, _WINKS = 0.08, 0.33, 0.29, 0.05
# What portraits hardly show is drawn more often where AUs are free.
_RARE: Final = frozenset({9, 10, 14, 15, 17, 18, 20, 22, 23, 24, 28})
_RARE_WEIGHT: Final = 1.6


def _closure(rng: np.random.Generator) -> float:
    """How far lids close: nearly always wholly, at times they droop."""
    return float(rng.uniform(0.85, 1.0) if rng.random() < 0.8 else rng.uniform(0.4, 0.85))


def _intensities(au: int, rng: np.random.Generator) -> tuple[float, float]:
    strength = _closure(rng) if au == 43 else PRESENT_STRENGTH + (1 - PRESENT_STRENGTH) * rng.beta(1.7, 1.1)
    return on_sides(au, strength, rng, 0.08 if au in _MOSTLY_BOTH else _ONE_SIDED, skew=0.1)


def on_sides(
    au: int,
    strength: float,
    rng: np.random.Generator,
    one_sided: float,
    *,
    skew: float,
    minimum: float = PRESENT_STRENGTH,
) -> tuple[float, float]:
    """An AU of some strength on both sides, (right, left), or with the chance `one_sided` on one alone.

    Args:
        au: its number; those of `MEDIAN` have no sides.
        strength: 0 to 1.
        rng: source of randomness.
        one_sided: 0 to 1.
        skew: how much sides differ: normal, shares of the strength.
        minimum: on each of both sides.
    """
    if au in MEDIAN:
        return strength, strength
    if rng.random() < one_sided:
        return (strength, 0.0) if rng.random() < 0.5 else (0.0, strength)
    more = rng.normal(0, skew)
    right, left = np.clip(strength * np.array([1 + more, 1 - more]), minimum, 1)
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
    return {au: _intensities(au, rng) for au in _compatible(chosen)}


def _compatible(chosen: list[int]) -> list[int]:
    """Each AU once, without those that exclude one before them."""
    kept: list[int] = []
    for au in dict.fromkeys(chosen):
        if not any({au, other} == set(pair) for other in kept for pair in EXCLUSIVE):
            kept.append(au)
    return kept


def _sides(au: int, strength: float, rng: np.random.Generator, one_sided: float) -> tuple[float, float]:
    if au == 43:
        strength = _closure(rng)
    strength = float(np.clip(strength, PRESENT_STRENGTH, 1))
    return on_sides(au, strength, rng, one_sided * (0.3 if au in _MOSTLY_BOTH | {6, 7} else 1), skew=0.08)


def draw_joint(rng: np.random.Generator, allowed: frozenset[int] = frozenset(RECIPES)) -> Action:
    """A random set of AUs that go together as faces show them, mostly weak to marked (A to C).

    8 % of the faces are at rest, and 4 % more whose combination is empty; 33 % show one to five AUs freely,
    rare ones more often; 29 % a combination that BP4D or DISFA has (`draw_combination`); 5 % wink; the others
    show something near one of 19 prototypes. But for free ones and winks there is one overall strength, with
    AU6, AU2, AU7 about as strong as AU12, AU1, AU4.

    Args:
        rng: source of randomness.
        allowed: AUs that may be drawn; the others stay away, whatever goes together.
    """
    aus = [au for au in RECIPES if au in allowed]
    kind = rng.random()
    if kind < _REST or not aus:
        return {}
    if kind < _REST + _FREE:
        count = min(len(aus), int(rng.integers(1, 6)))
        weight = np.array([_RARE_WEIGHT if au in _RARE else 1.0 for au in aus])
        drawn = rng.choice(aus, count, replace=False, p=weight / weight.sum())
        chosen = _compatible([int(au) for au in drawn])
        return {au: _sides(au, PRESENT_STRENGTH + 0.8 * rng.beta(1.2, 1.6), rng, 0.25) for au in chosen}
    if kind > 1 - _WINKS and 43 in allowed:
        return _wink(rng, allowed)
    whole = rng.beta(1.3, 1.7)
    if kind < _REST + _FREE + _PUBLISHED:
        chosen = [au for au in draw_combination(rng) if au in allowed]
    else:
        chosen = _near_prototype(whole, aus, rng)
    action: dict[int, tuple[float, float]] = {}
    strengths: dict[int, float] = {}
    for au in sorted(_compatible(chosen), key=_FOLLOWS.__contains__):  # those that lead come first
        strength = PRESENT_STRENGTH + 0.8 * float(np.clip(whole + rng.normal(0, 0.2), 0, 1))
        if _FOLLOWS.get(au) in strengths:
            strength = strengths[_FOLLOWS[au]] * rng.uniform(0.65, 1.15)
        strengths[au] = strength
        action[au] = _sides(au, strength, rng, 0.4 if au == 14 else 0.08)
    return action


def _wink(rng: np.random.Generator, allowed: frozenset[int]) -> Action:
    """One eye shut as people do it on purpose: by the cheek and the brow of that side as much as by the lid.

    The other eye stays open, and its brow may rise.
    """
    shut = RIGHT if rng.random() < 0.5 else LEFT
    action: dict[int, tuple[float, float]] = {}

    def show(au: int, here: float, there: float = 0.0) -> None:
        here, there = (0.0 if s < PRESENT_STRENGTH else float(min(s, 1.0)) for s in (here, there))
        if au in allowed and here + there > 0:
            action[au] = (here, there) if shut == RIGHT else (there, here)

    show(43, rng.uniform(0.75, 1.0))
    cheek = rng.uniform(0.3, 1.0)
    if rng.random() < 0.85:
        show(6, cheek, cheek * rng.uniform(0.0, 0.6))
    if rng.random() < 0.5:
        brow = rng.uniform(0.25, 0.9)
        show(4, brow, brow * rng.uniform(0.0, 0.5))
    if rng.random() < 0.12:
        show(2, 0.0, rng.uniform(0.25, 0.8))
    if rng.random() < 0.6:
        smile = PRESENT_STRENGTH + 0.8 * rng.beta(1.3, 1.7)
        show(12, smile, smile * rng.uniform(0.3, 1.0))
    if rng.random() < 0.35:
        parted = PRESENT_STRENGTH + 0.8 * rng.beta(1.3, 1.7)
        show(25, parted, parted)
    return action


def _near_prototype(whole: float, aus: list[int], rng: np.random.Generator) -> list[int]:
    """AUs of one of the prototypes, as far as they may be drawn, and at times one more."""
    chosen: list[int] = []
    for _ in range(20):  # a prototype may hold nothing that is allowed
        prototype = _JOINT[rng.choice(len(_JOINT), p=_SHARES)][1]
        for au, chance in prototype.items():
            # A smile that grows takes the cheeks along.
            likely = 0.45 + 0.55 * whole if au == 6 and chance > 0.5 else chance
            if rng.random() < likely and au in aus:
                chosen.append(au)
        if chosen:
            break
    if len(prototype) > 1 and rng.random() < 0.2:
        chosen.append(int(rng.choice(aus)))
    return chosen


def draw_rest(rng: np.random.Generator) -> Action:
    """A person's resting face: faint traces below any AU's threshold, which carry no label."""
    aus = [1, 2, 4, 5, 6, 7, 12, 14, 15, 17, 20, 24]
    traces = rng.choice(aus, rng.integers(0, 5), replace=False)
    return {
        int(au): (float(s), float(s)) for au, s in zip(traces, rng.uniform(0, 0.1, len(traces)), strict=True)
    }
