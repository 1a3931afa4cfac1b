"""Paper A's networks, and the plain classifier that they are measured against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from aulens.models.config import RoiConfig
from aulens.models.family import AUFamily, Decoder
from aulens.relations import AURelations

if TYPE_CHECKING:
    from torch import nn

    from aulens.models.base import AUModel

_PAPER_A: Final = """@inproceedings{zhang2020region,
  title     = {Region of Interest Based Graph Convolution:
               A Heatmap Regression Approach for Action Unit Detection},
  author    = {Zhang, Zheng and Wang, Taoyue and Yin, Lijun},
  booktitle = {Proceedings of the 28th ACM International Conference on Multimedia},
  year      = {2020}
}"""


class RoiFamily(AUFamily[RoiConfig]):
    """See `RoiConfig`."""

    config = RoiConfig
    files = ("backbone_weights",)

    def build(self, config: RoiConfig, relations: AURelations | None = None) -> AUModel:
        """See `AUFamily`; ModelError if the backbone's weights can't be had or don't fit."""
        from aulens.models.backbone import backbone
        from aulens.models.graph import GraphReasoning
        from aulens.models.pooled import PooledNet
        from aulens.models.roi_gcn import EigenClassifier, RoiNet

        aus, variant = config.au_set, config.variant
        body = backbone(config.backbone, config.crop, config.channels, config.backbone_weights)
        common = (body, aus, config.crop, config.template, config.roi_side)
        if variant == "pooled":
            return PooledNet(*common)
        graph, eigen = None, None
        if variant in ("roi_gcn", "roi_gcn_supervised"):
            rank = config.eigenvectors if isinstance(config.eigenvectors, int) else len(aus)
            graph = GraphReasoning(body.channels, rank)
        if variant == "roi_gcn_supervised":
            eigen = EigenClassifier(config.eigen_head, len(aus), body.channels)
        return RoiNet(*common, graph=graph, eigen=eigen, threshold=self.decision_threshold(variant))

    def empty(self, config: RoiConfig) -> AUModel:
        """See `AUFamily`."""
        return self.build(replace(config, backbone_weights=None))

    def criterion(self, config: RoiConfig, base_rates: Sequence[float] | None = None) -> nn.Module:
        """See `AUFamily`."""
        from aulens.losses.roi import RoiCriterion

        return RoiCriterion(config, base_rates)

    def decoder(self, variant: str) -> Decoder:
        """See `AUFamily`."""
        return "pooled" if variant == "pooled" else "roi"

    def decision_threshold(self, variant: str) -> float:
        """The positives-only variant has maps in [0, 1], and decides in their middle (section 4.3.1)."""
        return 0.5 if variant == "heatmap" else 0.0

    def card(self, config: RoiConfig) -> dict[str, Any]:
        """See `AUFamily`."""
        return {"backbone": config.backbone, "roi_side": config.roi_side}

    def needs_intensities(self, config: RoiConfig) -> str:
        """See `AUFamily`."""
        return "graded" if config.graded else ""

    def papers(self, variant: str) -> tuple[str, ...]:
        """See `Family`."""
        return () if variant == "pooled" else (_PAPER_A,)


ROI: Final = RoiFamily()
