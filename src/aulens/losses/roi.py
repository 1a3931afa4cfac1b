"""Paper A's two losses, and the plain classifier's.

Shapes: B batch, A AUs, h and w of the maps; the last axis of length 2 is [subject_right, subject_left].
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from aulens.aus import MOST_INTENSE
from aulens.losses.common import au_weights, full, masked_mean, weighted_cross_entropy
from aulens.models.config import RoiConfig
from aulens.models.output import AUOutput
from aulens.models.regions import Regions, au_labels, roi_maps
from aulens.roi import RoiGrid


def grades(side_labels: Tensor, side_intensities: Tensor) -> Tensor:
    """What the regions of present AUs are asked for where targets are graded.

    Linear from 0.2 at intensity 1 to 1 at 5, and 1 where the intensity is not coded, as without grades: left
    out, an AU of data without intensities would be learnt from its absence alone.

    Args:
        side_labels: (B, A, 2) integer in {0, 1, MISSING}.
        side_intensities: (B, A, 2) float, 0 to 5, NaN where not coded.

    Returns:
        (B, A, 2) in [0.2, 1], 0 where the side is not present.
    """
    grade = (side_intensities / MOST_INTENSE).clamp(1 / MOST_INTENSE, 1).nan_to_num(nan=1.0)
    return grade * (side_labels == 1)


class RoiCriterion(nn.Module):
    """The losses of paper A's networks and of the plain classifier.

    * ROI variants, "maps" (Eq 4): squared error between the predicted map and the ROI map, averaged over the
      pixels of all coded AUs (of sides that are not coded, the region is left out). With `config.graded`, a
      present AU's regions are its `grades` instead of 1.
    * `roi_gcn_supervised`, "eigen" (Eq 7): binary cross-entropy of the AU and its eigenvector's logit.
    * `pooled`, "occurrence": binary cross-entropy of the AU and its logit.

    The total, "loss", is maps + alpha * eigen, or occurrence alone.

    Args:
        config: Configuration of the model.
        base_rates: Occurrence rate of each AU in the training data; needed if `config.weighted`.

    Raises:
        ConfigError: The base rates are needed and not given, or not one for each AU.
    """

    au_weight: Tensor

    def __init__(self, config: RoiConfig, base_rates: Sequence[float] | None = None) -> None:
        super().__init__()
        self.config = config
        self.regions = Regions(config.au_set)
        weight = au_weights(len(config.au_set), config.weighted, base_rates)
        self.register_buffer("au_weight", weight, persistent=False)

    def forward(
        self,
        output: AUOutput,
        landmarks: Tensor,
        side_labels: Tensor,
        side_intensities: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            output: What the model gave.
            landmarks: (B, K, 2) in pixels of the crop, as given to the model.
            side_labels: (B, A, 2) integer in {0, 1, MISSING}.
            side_intensities: (B, A, 2) float, 0 to 5, NaN where not coded; of use with `config.graded`.

        Returns:
            Scalars: "loss" to minimise, and its parts before weighting by alpha, for the log.
        """
        labels = au_labels(side_labels)
        if self.config.variant == "pooled":
            occurrence = weighted_cross_entropy(full(output.logits), labels, self.au_weight)
            return {"loss": occurrence, "occurrence": occurrence.detach()}
        loss = maps = self._map_loss(output.maps, landmarks, side_labels, side_intensities)
        losses = {"maps": maps.detach()}
        if output.eigen_logits is not None:
            eigen = weighted_cross_entropy(full(output.eigen_logits), labels, self.au_weight)
            loss = maps + self.config.alpha * eigen
            losses["eigen"] = eigen.detach()
        return {"loss": loss, **losses}

    def _map_loss(
        self, maps: Tensor, landmarks: Tensor, side_labels: Tensor, side_intensities: Tensor | None
    ) -> Tensor:
        """Eq 4: squared error, pixels outside the regions weighing `background`."""
        config, side = self.config, maps.shape[-1]
        windows = self.regions.windows(landmarks, RoiGrid(config.crop, side, config.roi_side))
        region_labels = self.regions.region_labels(side_labels)
        graded = None
        if config.graded and side_intensities is not None:
            graded = self.regions.side_scores(grades(side_labels, side_intensities))
        target, valid, inside = roi_maps(region_labels, windows, side, config.positives_only, graded)
        error = (maps - target).square() * self.au_weight[:, None, None]
        return masked_mean(error, torch.where(inside, 1.0, config.background) * valid)
