"""What is shown when, in a whole look-alike: the base rates hold in each part, however small it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.data.protocols import PROTOCOLS
from aulens.render.lookalike.config import LookalikeConfig, Take
from aulens.render.lookalike.repertoire import Repertoire, base_rates

_SHORTEST, _LONGEST = 4, 10  # frames of a moment
_CANDIDATES: Final = 400


@dataclass(frozen=True, eq=False)
class Moments:
    """The AUs of a take, one set after another.

    Attributes:
        aus: the meaning of axis A.
        starts: (M,) the frame at which each moment begins, the first 0.
        shown: (M, A).
    """

    aus: tuple[int, ...]
    starts: NDArray[np.intp]
    shown: NDArray[np.bool_]


def plan(config: LookalikeConfig, takes: list[Take]) -> list[Moments]:
    """The moments of each take. More takes at the end leave the first ones as they are."""
    repertoire = Repertoire.of(base_rates(config.layout))
    rates = repertoire.rates
    weight = 1 / (rates * (1 - rates))
    shown_in: dict[str, NDArray[np.float64]] = {}
    frames_in: dict[str, int] = {}
    plans = []
    for take in takes:
        rng = np.random.default_rng(config.stream(3, take.number))
        if take.part not in shown_in:
            # Of a rare AU few moments would show nothing: those that are scored begin behind, so that they
            # come soon, in another order in each part.
            golden = (np.sqrt(5) - 1) / 2
            ahead = 0.25 + 0.25 * ((np.arange(len(rates)) * golden + 0.35 * len(shown_in)) % 1)
            ahead[len(PROTOCOLS[config.layout].aus) :] = 0
            shown_in[take.part], frames_in[take.part] = -ahead * (_SHORTEST + _LONGEST) / 2, 0
        shown, starts = [], _starts(take.frames, rng)
        for length in np.diff([*starts, take.frames]).tolist():
            candidates = repertoire.draw(_CANDIDATES, rng)
            frames_in[take.part] += length
            behind = (rates * frames_in[take.part] - shown_in[take.part]) / length
            best = candidates[np.argmin((weight * (candidates - behind) ** 2).sum(1))]
            shown_in[take.part] = shown_in[take.part] + length * best
            shown.append(best)
        plans.append(Moments(repertoire.aus, np.array(starts, np.intp), np.array(shown)))
    return plans


def _starts(frames: int, rng: np.random.Generator) -> list[int]:
    """Where moments begin; a short sequence has two."""
    if frames < 3 * _SHORTEST:
        return [0, frames // 2]
    starts = [0]
    while True:
        following = starts[-1] + int(rng.integers(_SHORTEST, _LONGEST + 1))
        if frames - following < _SHORTEST:
            return starts
        starts.append(following)
