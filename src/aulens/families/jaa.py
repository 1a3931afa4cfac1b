"""JAA-Net, and paper B's network, which is trained on top of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from aulens.aus import AUSet
from aulens.errors import ConfigError
from aulens.models.config import JAAConfig
from aulens.models.family import AUFamily
from aulens.relations import AURelations

if TYPE_CHECKING:
    from torch import nn

    from aulens.models.base import AUModel

_JAA_NET: Final = """@article{shao2021jaa,
  title   = {JAA-Net: Joint Facial Action Unit Detection and Face Alignment via Adaptive Attention},
  author  = {Shao, Zhiwen and Liu, Zhilei and Cai, Jianfei and Ma, Lizhuang},
  journal = {International Journal of Computer Vision},
  year    = {2021}
}"""

_PAPER_B: Final = """@article{zhang2021action,
  title   = {Action Unit Detection with Joint Adaptive Attention and Graph Relation},
  author  = {Zhang, Chenggong and Song, Juan and Zhang, Qingyang and Dong, Weilong and Ding, Ruomeng
             and Liu, Zhilei},
  journal = {arXiv preprint arXiv:2107.04389},
  year    = {2021}
}"""

_GRAPH: Final = "jaa_gcn"


class JAAFamily(AUFamily[JAAConfig]):
    """See `JAAConfig`."""

    config = JAAConfig
    files = ("graph_matrix",)
    true_landmarks = True

    def build(self, config: JAAConfig, relations: AURelations | None = None) -> AUModel:
        """See `AUFamily`; without relations "jaa_gcn" reads the configuration's `graph_matrix`.

        Raises:
            ConfigError: "jaa_gcn" has neither.
            ModelError: The relations are of other AUs.
        """
        from aulens.models.jaa_gcn import JAAGraphNet
        from aulens.models.jaa_net import JAANet

        jaa = JAANet(config.au_set, config.crop, config.template)
        if config.variant != _GRAPH:
            return jaa
        if relations is None and config.graph_matrix is None:
            raise ConfigError(
                "jaa_gcn needs to know how the AUs go together: give build() relations "
                "(AURelations.from_labels counts them in training labels), or name a file of them in "
                "graph_matrix."
            )
        found = relations or AURelations.load(config.graph_matrix or "", config.au_set)
        return JAAGraphNet(jaa, found, config)

    def empty(self, config: JAAConfig) -> AUModel:
        """See `AUFamily`; the checkpoint has the relations too."""
        aus = config.au_set
        return self.build(config, AURelations(aus, np.eye(len(aus)), np.zeros(len(aus), np.int64)))

    def criterion(self, config: JAAConfig, base_rates: Sequence[float] | None = None) -> nn.Module:
        """See `AUFamily`."""
        from aulens.losses.jaa import JAACriterion

        return JAACriterion(config, base_rates)

    def relations(self, config: JAAConfig, labels: NDArray[np.int8], aus: AUSet) -> AURelations | None:
        """Those that `graph_matrix` names, else counted in the labels."""
        if config.variant != _GRAPH:
            return None
        if config.graph_matrix is not None:
            return AURelations.load(config.graph_matrix, config.au_set)
        return AURelations.from_labels(labels, aus)

    def first_stage(self, settings: Mapping[str, Any]) -> dict[str, Any] | None:
        """JAA-Net, which the graph is then trained on."""
        if settings.get("variant") != _GRAPH:
            return None
        kept = {name: value for name, value in settings.items() if not name.startswith("graph_")}
        return {**kept, "variant": "jaa_net"}

    def papers(self, variant: str) -> tuple[str, ...]:
        """See `Family`."""
        return (_JAA_NET, _PAPER_B) if variant == _GRAPH else (_JAA_NET,)


JAA: Final = JAAFamily()
