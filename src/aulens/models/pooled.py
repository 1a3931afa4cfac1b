"""The plain classifier that the ROI models are measured against: pool the features, then one linear layer."""

from torch import Tensor, nn

from aulens.aus import AUSet
from aulens.models.backbone import Backbone
from aulens.models.base import AUOutput, MapModel


class PooledNet(MapModel):
    """Global average pooling and a linear layer on the backbone's features.

    The two commute, so the linear layer is applied at each position: its maps are the class activation maps
    (B. Zhou et al., CVPR 2016, bias included) and a score is the mean of its map. Regions play no part: a
    score has no side, and both sides of `AUOutput.sides` hold the same number.

    Arguments as of `MapModel`; `roi_side` is carried, not used.
    """

    def __init__(self, backbone: Backbone, aus: AUSet, crop: int, template: str, roi_side: int) -> None:
        super().__init__(backbone, aus, crop, template, roi_side, has_side_scores=False)
        self.head = nn.Conv2d(backbone.channels, len(aus), 1)

    def maps(self, image: Tensor) -> Tensor:
        """See `MapModel.maps`; the mean of a map is the AU's logit."""
        return self.inner(image)["maps"]

    def inner(self, image: Tensor) -> dict[str, Tensor]:
        """See `AUModel.inner`."""
        features = self.backbone(image)
        return {"maps": self.head(features).float(), "x0": features}

    def forward(self, image: Tensor, landmarks: Tensor) -> AUOutput:
        """See `AUModel.forward`."""
        self.check_input(image, landmarks)
        maps = self.maps(image)
        logits = maps.mean((2, 3))
        return AUOutput(logits=logits, maps=maps, sides=logits.unsqueeze(2).expand(-1, -1, 2))
