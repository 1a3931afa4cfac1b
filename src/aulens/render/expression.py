"""From AUs to a moved face, and back to labels that follow what can be seen.

Each AU is a weighted sum of the rig's expression units, plus, where ARKit-style units lack what FACS
describes, a small displacement of our own painted on the canonical face. V is the number of vertices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from aulens.aus import PRESENT_STRENGTH
from aulens.render.rig import Floats, Rig, smoothstep

RIGHT, LEFT = 0, 1
Action = Mapping[int, tuple[float, float]]
"""AU number to its intensity (subject's right, left), each 0 or in [PRESENT_STRENGTH, 1]."""

# Inner-lip points, upper and lower, whose distance says whether the lips are parted.
_UPPER_LIP, _LOWER_LIP = (61, 62, 63), (67, 66, 65)
_CLOSED, _PARTED, _WIDE = 0.12, 0.25, 1.2  # centimetres

# AU -> unit -> weight. "_" at the end means both sides, each with its own intensity.
RECIPES: Final[Mapping[int, Mapping[str, float]]] = {
    1: {"browInnerUp_": 1.05},
    2: {"browOuterUp_": 1.05},
    4: {"browDown_": 1.0},
    5: {"eyeWide_": 1.2},
    6: {"cheekSquint_": 1.0},
    7: {"eyeSquint_": 1.05},
    9: {"noseSneer_": 1.0},
    10: {"mouthUpperUp_": 0.85},
    12: {"mouthSmile_": 0.95},
    14: {"mouthDimple_": 1.1},
    15: {"mouthFrown_": 1.15},
    17: {"mouthShrugLower": 0.9, "mouthShrugUpper": 0.25},
    18: {"mouthPucker": 1.0},
    20: {"mouthStretch_": 1.0},
    22: {"mouthFunnel": 0.9},
    23: {"mouthRollUpper": 0.4, "mouthRollLower": 0.4, "mouthPucker": 0.35, "mouthPress_": 0.25},
    24: {"mouthPress_": 1.0, "mouthRollUpper": 0.25, "mouthRollLower": 0.25},
    25: {"mouthLowerDown_": 0.5, "mouthUpperUp_": 0.22, "jawOpen": 0.09},
    26: {"jawOpen": 0.42},
    27: {"jawOpen": 1.0},
    28: {"mouthRollUpper": 0.9, "mouthRollLower": 0.9},
    43: {"eyeBlink_": 1.06},
}
UNITS_NEEDED: Final = frozenset(
    name + side
    for recipe in (*RECIPES.values(), {"eyeLookUp_", "eyeLookDown_", "eyeLookIn_", "eyeLookOut_"})
    for name in recipe
    for side in (("L", "R") if name.endswith("_") else ("",))
)
"""Expression units that a rig must have: those of the recipes, and of the gaze."""

# What moves with both sides at once is labelled with one intensity for both.
MEDIAN: Final = frozenset({17, 18, 22, 23, 24, 25, 26, 27, 28})
# Pairs that a face can't show together, or that would hide one another.
EXCLUSIVE: Final = (
    (26, 27), (24, 25), (24, 26), (24, 27), (23, 26), (23, 27), (28, 25), (28, 26), (28, 27), (28, 22),
    (28, 18), (28, 23), (28, 24), (23, 24), (22, 24), (18, 22), (18, 24), (18, 12), (18, 20), (18, 27),
    (12, 15), (22, 12), (22, 20), (22, 27), (17, 27), (17, 26), (5, 43), (7, 43), (5, 7), (20, 23),
    (20, 24), (20, 14), (10, 28), (10, 24), (14, 18), (14, 27), (15, 27), (15, 18), (23, 22), (23, 18),
    (1, 9), (2, 9),
)  # fmt: skip


def _bump(
    canonical: Floats,
    centre: tuple[float, float],
    spread: tuple[float, float],
    push: tuple[float, float, float],
    side: int,
) -> Floats:
    """A soft displacement around a point of one cheek or brow; x is measured away from the midline."""
    sign = 1.0 if side == LEFT else -1.0
    x, y, z = canonical.T
    weight = np.exp(-0.5 * (((sign * x - centre[0]) / spread[0]) ** 2 + ((y - centre[1]) / spread[1]) ** 2))
    weight *= np.clip((z - 3) / 3, 0, 1)
    displacement: Floats = weight[:, None] * np.array([sign * push[0], push[1], push[2]], np.float32)
    return displacement.astype(np.float32)


def _au_displacement(rig: Rig, au: int, side: int) -> Floats:
    letter = "L" if side == LEFT else "R"
    total = np.zeros_like(rig.neutral)
    for name, weight in RECIPES[au].items():
        if name.endswith("_"):
            total += weight * rig.units[name + letter]
        else:
            total += 0.5 * weight * rig.units[name]
    skin = rig.canonical
    if au == 4:  # the corrugator also draws the brows together
        total += _bump(skin, (1.6, 5.7), (1.3, 0.9), (-0.28, -0.16, 0.05), side)
    elif au == 6:  # the cheek itself rises and bunches under the eye
        total += _bump(skin, (3.6, 0.9), (1.5, 1.0), (0.06, 0.38, 0.28), side)
        total += _bump(skin, (3.2, 3.0), (1.3, 0.35), (0.0, 0.10, 0.03), side)
    elif au == 9:  # the sneer unit lifts the lip as well, which is AU10's work
        total *= smoothstep(-2.3, -0.7, skin[:, 1])[:, None]
        total += _bump(skin, (0.9, 0.3), (0.7, 1.0), (0.05, 0.16, 0.10), side)
    return total


@dataclass(frozen=True)
class Muscles:
    """A rig's displacement for each AU and side at full strength: {AU: (right (V, 3), left (V, 3))}."""

    rig: Rig
    bases: Mapping[int, tuple[Floats, Floats]]

    @classmethod
    def of(cls, rig: Rig) -> Muscles:
        """Prepare all AUs of `RECIPES` for a rig."""
        return cls(
            rig, {au: (_au_displacement(rig, au, RIGHT), _au_displacement(rig, au, LEFT)) for au in RECIPES}
        )

    def move(self, action: Action) -> Floats:
        """The displacement (V, 3) of an action, in centimetres."""
        total = np.zeros_like(self.rig.neutral)
        squint = {s: max((action[a][s] for a in (6, 7) if a in action), default=0.0) for s in (RIGHT, LEFT)}
        for au, sides in action.items():
            for side in (RIGHT, LEFT):
                strength = sides[side]
                if au == 43:  # a lid that is already half way must not pass through the other
                    strength *= 1 - 0.25 * squint[side]
                if strength > 0:
                    total += np.float32(strength) * self.bases[au][side]
                if au == 43:  # a closed lid is thin: keep the eyeball from showing through
                    total[self.rig.eyes[side], 2] -= np.float32(0.2 * strength)
        return total


def lip_gap(points: Floats, rig: Rig) -> float:
    """Mean opening between the inner lips, centimetres, of a moved mesh (V, 3)."""
    at = rig.landmarks
    gap = points[at[list(_UPPER_LIP)], 1] - points[at[list(_LOWER_LIP)], 1]
    rest = rig.neutral[at[list(_UPPER_LIP)], 1] - rig.neutral[at[list(_LOWER_LIP)], 1]
    return float(np.median(gap - rest))


def labels(action: Action, gap: float) -> dict[int, tuple[float, float]]:
    """Intensities (right, left) that can be seen: the action itself, with AU25 read off the lips.

    Whatever parts the lips is AU25 (AU10, AU22, AU26, AU27, a wide smile). Between closed and clearly parted
    AU25 is NaN: not coded.

    Args:
        action: what the person does on purpose, without the resting traces.
        gap: `lip_gap` of the moved face, centimetres.

    Returns:
        For each AU of `RECIPES` its intensity (subject's right, left): 0, NaN or in [PRESENT_STRENGTH, 1].
    """
    seen = {au: action.get(au, (0.0, 0.0)) for au in RECIPES}
    if gap <= _CLOSED:
        parted = 0.0
    elif gap < _PARTED:
        parted = float("nan")
    else:
        parted = PRESENT_STRENGTH + (1 - PRESENT_STRENGTH) * min(1.0, (gap - _PARTED) / (_WIDE - _PARTED))
    seen[25] = (parted, parted)
    return seen
