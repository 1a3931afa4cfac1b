"""What is shown when in a look-alike: sets of AUs, drawn to base rates near the published ones in each part.

An AU is shown when its latent, a normal variable, is over its threshold; latents share moods (the renders'
prototypes of emotion), so that AUs occur together as in `acting`. Where a pair excludes itself the one that
is further over its threshold stays. The thresholds are fitted so that the rates come out as asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.aus import AFFWILD2
from aulens.data.protocols import PROTOCOLS
from aulens.render.acting import PROTOTYPES
from aulens.render.expression import EXCLUSIVE
from aulens.render.lookalike.config import LookalikeConfig, Take

_SHORTEST, _LONGEST = 4, 10  # frames of a moment
_CANDIDATES: Final = 400
_MOOD: Final = 1.4  # weight of the moods beside an AU's own chance
_DRAWS, _ROUNDS = 4000, 25
# A dropped jaw parts the lips, so these are shown with AU25.
_PARTING: Final = (26, 27)


# The published weights give rates up to a factor; these mean rates are our choice.
_MEAN: Final = MappingProxyType({"bp4d": 0.34, "disfa": 0.12})
# No weights are published for Aff-Wild2: a guess, with much talking and few pressed lips.
_IN_THE_WILD: Final = (0.12, 0.07, 0.16, 0.25, 0.36, 0.33, 0.25, 0.05, 0.05, 0.05, 0.5, 0.12)
# AUs that are shown too, which the protocols do not score.
_ALSO: Final[Mapping[str, Mapping[int, float]]] = MappingProxyType(
    {
        "bp4d": MappingProxyType({5: 0.04, 9: 0.05, 20: 0.04, 25: 0.25, 26: 0.08}),
        "disfa": MappingProxyType({5: 0.03, 10: 0.04, 15: 0.04, 17: 0.07, 20: 0.03}),
        "affwild2": MappingProxyType({5: 0.05, 17: 0.06, 20: 0.04}),
    }
)


def base_rates(layout: str) -> dict[int, float]:
    """AU → share of the frames that show it: the scored AUs in their order, then others that are acted."""
    protocol = PROTOCOLS[layout]
    if protocol.class_weights:
        inverse = 1 / np.array(list(protocol.class_weights.values()))
        rates = _MEAN[layout] * (inverse / inverse.mean(1, keepdims=True)).mean(0)
    else:
        assert protocol.aus == AFFWILD2
        rates = np.array(_IN_THE_WILD)
    scored = dict(zip(protocol.aus, rates.tolist(), strict=True))
    return {**scored, **_ALSO[layout]}


@dataclass(frozen=True, eq=False)
class Repertoire:
    """A AUs, and how to draw sets of them.

    Attributes:
        aus: the AUs.
        rates: (A,) wanted base rates.
        loadings: (A, moods) float64, how an AU's latent follows the moods; a latent has variance 1.
        thresholds: (A,) float64.
    """

    aus: tuple[int, ...]
    rates: NDArray[np.float64]
    loadings: NDArray[np.float64]
    thresholds: NDArray[np.float64]

    @classmethod
    def of(cls, rates: Mapping[int, float]) -> Repertoire:
        """Fit one to base rates (AU → share of the time); the same rates give the same."""
        aus = tuple(rates)
        wanted = np.array([rates[au] for au in aus])
        moods = _MOOD * np.array([[prototype.get(au, 0.0) for prototype in PROTOTYPES] for au in aus])
        loadings = moods / np.sqrt(1 + (moods**2).sum(1, keepdims=True))
        latents = _latents(loadings, _DRAWS, np.random.default_rng(0))
        raw = wanted.copy()
        thresholds = _thresholds(raw)
        for _ in range(_ROUNDS):
            shown = _shown(latents, thresholds, aus).mean(0)
            raw = np.clip(raw * wanted / np.maximum(shown, 1e-3), 1e-3, 0.97)
            thresholds = _thresholds(raw)
        return cls(aus, wanted, loadings, thresholds)

    def draw(self, count: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """(count, A): independent sets."""
        return _shown(_latents(self.loadings, count, rng), self.thresholds, self.aus)


def _thresholds(chance: NDArray[np.float64]) -> NDArray[np.float64]:
    normal = NormalDist()
    return np.array([normal.inv_cdf(1 - p) for p in chance])


def _latents(loadings: NDArray[np.float64], count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    own = np.sqrt(1 - (loadings**2).sum(1))
    moods = rng.normal(size=(count, loadings.shape[1]))
    latents: NDArray[np.float64] = moods @ loadings.T + own * rng.normal(size=(count, len(loadings)))
    return latents


def _shown(
    latents: NDArray[np.float64], thresholds: NDArray[np.float64], aus: tuple[int, ...]
) -> NDArray[np.bool_]:
    over = latents - thresholds
    for first, second in EXCLUSIVE:
        if first in aus and second in aus:
            a, b = over[:, aus.index(first)], over[:, aus.index(second)]
            both = (a > 0) & (b > 0)
            keep = a >= b
            a[both & ~keep] = -1
            b[both & keep] = -1
    shown = np.asarray(over > 0)
    if 25 in aus:
        for au in set(_PARTING) & set(aus):
            shown[:, aus.index(25)] |= shown[:, aus.index(au)]
    return shown


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
