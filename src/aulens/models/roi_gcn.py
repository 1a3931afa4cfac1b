"""Paper A: Action Units as ROI maps, refined by graph convolution.

"Region of Interest Based Graph Convolution: A Heatmap Regression Approach for Action Unit Detection", ACM MM
2020.

The network draws one map per AU: +1 in the AU's two regions when it is present, -1 when it is absent (Eq 1).
An AU is present when the mean of its map over either region is above 0 (section 3.5). Between the backbone's
features X0 and the map layer stands one graph convolution (`aulens.models.graph`), whose eigenvector c is, in
the full model, also asked for AU c (Eq 7). Sections 3.1 to 3.4 of the paper were not available to us; see the
docs for what is our choice.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from aulens.aus import AUSet
from aulens.models.backbone import Backbone
from aulens.models.base import AUOutput, MapModel
from aulens.models.graph import GraphReasoning
from aulens.models.regions import decode

EigenHead = Literal["context", "pooled"]


class EigenClassifier(nn.Module):
    """A logit for each AU from its eigenvector (Eq 7). Both readings are our choice; the paper's is not
    known.

    "context": the mean feature under the eigenvector, phi_c^T X / sum(phi_c), then a linear layer of its own
    for each AU. "pooled": the mean of the eigenvector itself, scaled and shifted for each AU.

    Args:
        head: Which reading.
        aus: A, number of AUs; the first A eigenvectors are read.
        channels: C, channels of the features.
    """

    def __init__(self, head: EigenHead, aus: int, channels: int) -> None:
        super().__init__()
        self.head = head
        self.weight = nn.Parameter(torch.empty(aus, channels if head == "context" else 1))
        self.bias = nn.Parameter(torch.zeros(aus))
        nn.init.normal_(self.weight, std=channels**-0.5) if head == "context" else nn.init.ones_(self.weight)

    def forward(self, features: Tensor, phi: Tensor) -> Tensor:
        """Logits.

        Args:
            features: X0 (B, C, h, w).
            phi: (B, M, h, w), M >= A, not negative.

        Returns:
            (B, A) float32.
        """
        phi_BAN = phi[:, : len(self.bias)].flatten(2)
        mass_BA1 = phi_BAN.float().sum(2, keepdim=True)
        if self.head == "pooled":
            context_BAC = mass_BA1 / phi_BAN.shape[2]
        else:
            sums_BAC = phi_BAN @ features.flatten(2).transpose(1, 2).to(phi_BAN.dtype)
            # A dead eigenvector (all zero) has no context.
            context_BAC = sums_BAC.float() / mass_BA1.clamp_min(1e-6)
        return (context_BAC * self.weight).sum(2) + self.bias


class RoiNet(MapModel):
    """The four variants of the paper's Table 3, told apart by their parts.

    Args:
        backbone, aus, crop, template, roi_side: As of `MapModel`; the features are X0.
        graph: Refines X0 to X1, or None to draw the maps from X0 (`heatmap`, `roi`).
        eigen: Reads AUs from eigenvectors (`roi_gcn_supervised`), or None. Needs `graph`.
        threshold: Subtracted from every score, so that scores decide at 0: 0 for maps in [-1, 1], 0.5 for the
            positives-only `heatmap`.
    """

    def __init__(
        self,
        backbone: Backbone,
        aus: AUSet,
        crop: int,
        template: str,
        roi_side: int,
        *,
        graph: GraphReasoning | None,
        eigen: EigenClassifier | None,
        threshold: float = 0.0,
    ) -> None:
        super().__init__(backbone, aus, crop, template, roi_side)
        self.graph = graph
        self.eigen = eigen
        self.threshold = threshold
        self.head = nn.Conv2d(backbone.channels, len(aus), 1)

    def maps(self, image: Tensor) -> Tensor:
        """See `MapModel.maps`."""
        return self._predict(image)[0]

    def forward(self, image: Tensor, landmarks: Tensor) -> AUOutput:
        """See `AUModel.forward`."""
        self.check_input(image, landmarks)
        maps, features, _, phi = self._predict(image)
        scores = decode(maps, self.regions.windows(landmarks, self.grid)) - self.threshold
        sides = self.regions.side_scores(scores)
        eigen = self.eigen(features, phi) if self.eigen is not None and phi is not None else None
        return AUOutput(logits=sides.amax(2), maps=maps, sides=sides, eigen_logits=eigen)

    def inner(self, image: Tensor) -> dict[str, Tensor]:
        """See `AUModel.inner`."""
        maps, features, refined, phi = self._predict(image)
        if phi is None:
            return {"maps": maps, "x0": features}
        named = {"eigenvectors": phi} if self.eigen is None else {"au_eigenvectors": phi[:, : len(self.aus)]}
        return {"maps": maps, "x0": features, "x1": refined, **named}

    def _predict(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        features = self.backbone(image)
        refined, phi = (features, None) if self.graph is None else self.graph(features)
        return self.head(refined).float(), features, refined, phi
