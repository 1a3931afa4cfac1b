"""Which AUs a portrait shows, by its codes, may be given, and shows once it has moved.

Intensities are pairs (subject's right, left): 0 absent, [PRESENT_STRENGTH, 1] present, NaN not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from aulens.aus import MAX_INTENSITY, PRESENT_STRENGTH, RENDERS
from aulens.data.index import LEFT_ONLY, RIGHT_ONLY
from aulens.data.portraits.codes import ABSENT_TO, PRESENT_FROM, read_portrait_codes
from aulens.render.expression import EXCLUSIVE, LEFT, RIGHT, Action, labels

Codes = dict[str, dict[int, tuple[float, float]]]
"""A picture below its folder to its AUs: (subject's right, left) 0, [PRESENT_STRENGTH, 1] or NaN."""

UPPER: Final = frozenset({1, 2, 4, 5, 6, 7, 9, 43})
"""AUs of the upper face, which may be added whatever the mouth does."""
_UNKNOWN: Final = float("nan")
_PARTED: Final = 0.15  # centimetres: lips further apart are held as they are
_SMILING: Final = 0.4  # strength of the fitted smile from which the mouth is held, where nobody has coded it
_STRONG_CHEEK: Final = 0.6  # a cheek that strong narrows the lids, which looks like AU7


def read_codes(path: str | Path) -> Codes:
    """Read a table with a row per picture and coder, see `read_portrait_codes`.

    Present from a mean of 2 on, absent up to 1, unknown between and where the coders disagree about sides.

    Raises:
        DatasetError: no such file, or it is no such table.
    """
    read = read_portrait_codes(path)
    means = read.intensities.astype(np.float64)
    strength = np.where(means <= ABSENT_TO, 0.0, np.clip(means / MAX_INTENSITY, PRESENT_STRENGTH, 1.0))
    strength[~((means <= ABSENT_TO) | (means >= PRESENT_FROM))] = np.nan
    sides = np.repeat(strength[..., None], 2, axis=-1)
    known = np.isfinite(strength)
    sides[known & (read.one_sided == RIGHT_ONLY), LEFT] = 0.0
    sides[known & (read.one_sided == LEFT_ONLY), RIGHT] = 0.0
    return {
        file: {au: (right, left) for au, (right, left) in zip(read.aus, row, strict=True)}
        for file, row in zip(read.files, sides[..., [RIGHT, LEFT]].tolist(), strict=True)
    }


def known(shows: Action | None, neutral: bool) -> dict[int, tuple[float, float]]:
    """What a portrait shows, all AUs of `RENDERS`: its codes; without, 0 if it is neutral, else NaN."""
    blank = 0.0 if neutral else _UNKNOWN
    shows = shows or {}
    return {au: shows.get(au, (_UNKNOWN, _UNKNOWN) if shows else (blank, blank)) for au in RENDERS}


def may_add(shows: Action, units: Mapping[str, float], parted: float) -> frozenset[int]:
    """AUs that can be added to a portrait.

    Never one that it shows, or that excludes one that it shows. The mouth is left alone where it does
    something: lips parted, or any AU of the lower face.

    Args:
        shows: see `known`.
        units: strengths of the fitted expression units.
        parted: centimetres between the inner lips.
    """
    present = {au for au, sides in shows.items() if any(side >= PRESENT_STRENGTH for side in sides)}
    uncoded = np.isnan(shows[12]).all()
    smile = (units["mouthSmile_L"] + units["mouthSmile_R"]) / 2
    held = parted > _PARTED or bool(present - UPPER) or (uncoded and smile > _SMILING)
    barred = present | {b for pair in EXCLUSIVE for a, b in (pair, pair[::-1]) if a in present}
    return frozenset((UPPER if held else frozenset(RENDERS)) - barred)


def moved_labels(
    shows: Action, action: Action, parted: float, opened: float
) -> dict[int, tuple[float, float]]:
    """What is seen once an action is added.

    Args:
        shows: see `known`.
        action: what was added.
        parted: centimetres between the inner lips of the portrait.
        opened: centimetres by which the action parts them.
    """
    seen = {au: shows[au] for au in RENDERS}
    drawn = labels(action, opened + (parted if parted > _PARTED else 0.0))
    for au in action:
        right, left = (
            new if new >= PRESENT_STRENGTH else old for new, old in zip(drawn[au], shows[au], strict=True)
        )
        seen[au] = right, left
    if any(au not in UPPER for au in action):
        seen[25] = drawn[25]
    for side in (RIGHT, LEFT):
        if action.get(43, (0, 0))[side] > 0:
            _set(seen, 5, side, 0.0)
            _set(seen, 7, side, _UNKNOWN)
        if action.get(5, (0, 0))[side] > 0:
            _set(seen, 7, side, 0.0)
            _set(seen, 43, side, 0.0)
        if action.get(6, (0, 0))[side] > _STRONG_CHEEK and 7 not in action:
            _set(seen, 7, side, _UNKNOWN)
    for jaw, other in ((26, 27), (27, 26)):
        if jaw in action:
            seen |= dict.fromkeys((23, 24, 28, other), (0.0, 0.0))
    return seen


def _set(seen: dict[int, tuple[float, float]], au: int, side: int, value: float) -> None:
    sides = list(seen[au])
    sides[side] = value
    seen[au] = sides[RIGHT], sides[LEFT]
