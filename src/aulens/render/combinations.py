"""Sets of AUs as people showed them in BP4D and DISFA, from published label files.

BP4D codes 12 AUs, DISFA 8, five of them the same. A set of one is completed by a set of the other that has
the same of those five, so that each AU of either comes with the company that it was coded in.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
from numpy.typing import NDArray

CODED: Final = {
    "bp4d": (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24),
    "disfa": (1, 2, 4, 6, 9, 12, 25, 26),
}
SHARED: Final = (1, 2, 4, 6, 12)

# What neither codes, by FACS's descriptions of fear, surprise, anger and speech: (AU, all of these, chance).
_SILENT: Final[tuple[tuple[int, frozenset[int], float], ...]] = (
    (5, frozenset({1, 2}), 0.4),
    (5, frozenset({4}), 0.1),
    (20, frozenset({1, 4}), 0.3),
    (27, frozenset({26}), 0.2),
    (22, frozenset({25}), 0.05),
    (43, frozenset(), 0.05),
    (18, frozenset(), 0.02),
    (28, frozenset(), 0.02),
)


@dataclass(frozen=True, eq=False)
class Combinations:
    """The combinations of a data set.

    Attributes:
        sets: C sets of AUs.
        shares: (C,) of the frames, sum 1.
        shared: (C, 5) bool, which of `SHARED` each holds.
    """

    sets: tuple[frozenset[int], ...]
    shares: NDArray[np.float64]
    shared: NDArray[np.bool_]

    @classmethod
    def of(cls, rows: list[tuple[frozenset[int], int]]) -> Combinations:
        """Of sets with their numbers of frames."""
        counts = np.array([frames for _, frames in rows], float)
        shared = np.array([[au in aus for au in SHARED] for aus, _ in rows])
        return cls(tuple(aus for aus, _ in rows), counts / counts.sum(), shared)

    def draw(self, rng: np.random.Generator) -> int:
        """Place of a random set, as often as it occurs."""
        return int(rng.choice(len(self.sets), p=self.shares))

    def like(self, shared: NDArray[np.bool_], rng: np.random.Generator) -> frozenset[int]:
        """A random set among those nearest to some (5,) of `SHARED`."""
        apart = (self.shared != shared).sum(1)
        chance = np.where(apart == apart.min(), self.shares, 0)
        return self.sets[int(rng.choice(len(self.sets), p=chance / chance.sum()))]


@cache
def published() -> dict[str, Combinations]:
    """The published combinations of "bp4d" and "disfa"."""
    text = files("aulens.render").joinpath("combinations.csv").read_text(encoding="utf-8")
    rows: dict[str, list[tuple[frozenset[int], int]]] = {name: [] for name in CODED}
    for row in csv.DictReader(line for line in text.splitlines() if not line.startswith("#")):
        aus = frozenset(int(au) for au in row["aus"].split("+") if au)
        rows[row["source"]].append((aus, int(row["frames"])))
    return {name: Combinations.of(found) for name, found in rows.items()}


def draw_combination(rng: np.random.Generator) -> list[int]:
    """AUs that occur together, of BP4D or DISFA alike often; they may exclude each other on one face."""
    tables = published()
    first, second = ("bp4d", "disfa") if rng.random() < 0.5 else ("disfa", "bp4d")
    place = tables[first].draw(rng)
    aus = set(tables[first].sets[place])
    other = tables[second].like(tables[first].shared[place], rng)
    aus |= {au for au in other if au not in CODED[first]}
    for au, company, chance in _SILENT:
        if company <= aus and rng.random() < chance:
            aus.add(au)
    return sorted(aus, key=lambda au: (au != 27, au))  # a stretched jaw goes before a dropped one
