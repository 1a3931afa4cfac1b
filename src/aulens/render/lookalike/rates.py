"""How often each AU is shown in a look-alike: near the published rates, as far as these are known."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from aulens.aus import AFFWILD2
from aulens.data.protocols import PROTOCOLS

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
