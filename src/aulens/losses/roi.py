"""Paper A's two losses, and the plain classifier's.

Shapes: B batch, A AUs, h and w of the maps; the last axis of length 2 is [subject_right, subject_left].
"""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from aulens.aus import MAX_INTENSITY
from aulens.losses.common import Criterion, masked_mean, weighted_cross_entropy
from aulens.models.base import AUOutput, full
from aulens.models.config import RoiConfig
from aulens.models.regions import Regions, au_labels, roi_maps
from aulens.roi import RoiGrid

_SLIGHT: Final = 0.2  # the grade of intensity 2


def grades(side_labels: Tensor, side_intensities: Tensor) -> tuple[Tensor, Tensor]:
    """What regions are asked for where targets are graded: -1 at intensity 0, 0.2 at 2, 1 at 5.

    Linear between, so a score of 0 lies between a trace (A) and a slight AU (B). Traces, and what is too weak
    for a label of presence, teach too. Where no intensity is coded the label decides, as without grades.

    Args:
        side_labels: (B, A, 2) integer in {0, 1, MISSING}.
        side_intensities: (B, A, 2) float, 0 to 5, NaN where not coded.

    Returns:
        labels: (B, A, 2), 1 wherever a grade holds, else `side_labels`.
        grades: (B, A, 2) in [-1, 1].
    """
    known = ~side_intensities.isnan()
    weak = (1 + _SLIGHT) / 2 * side_intensities - 1
    strong = _SLIGHT + (side_intensities - 2) * ((1 - _SLIGHT) / (MAX_INTENSITY - 2))
    grade = torch.where(side_intensities < 2, weak, strong).clamp(-1, 1)
    plain = torch.where(side_labels == 1, 1.0, -1.0)
    return torch.where(known, 1, side_labels), torch.where(known, grade, plain)


class RoiCriterion(Criterion):
    """The losses of paper A's networks and of the plain classifier.

    * ROI variants, "maps" (Eq 4): squared error between the predicted map and the ROI map, averaged over the
      pixels of all coded AUs (of sides that are not coded, the region is left out). With `config.graded`,
      regions are `grades` instead of -1 or 1.
    * `roi_gcn_supervised`, "eigen" (Eq 7): binary cross-entropy of the AU and its eigenvector's logit.
    * `pooled`, "occurrence": binary cross-entropy of the AU and its logit.

    The total, "loss", is maps + alpha * eigen, or occurrence alone. Arguments as of `Criterion`.
    """

    def __init__(self, config: RoiConfig, base_rates: Sequence[float] | None = None) -> None:
        super().__init__(config, base_rates)
        self.config = config
        self.regions = Regions(config.au_set)

    def forward(
        self,
        output: AUOutput,
        landmarks: Tensor,
        side_labels: Tensor,
        side_intensities: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Losses of a batch, see `aulens.models.AUFamily.criterion`; the parts are before weighting by alpha.

        Intensities are of use with `config.graded`.
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
        graded = None
        if config.graded and side_intensities is not None:
            side_labels, given = grades(side_labels, side_intensities)
            graded = self.regions.side_scores(given.clamp_min(0) if config.positives_only else given)
        region_labels = self.regions.region_labels(side_labels)
        target, valid, inside = roi_maps(region_labels, windows, side, config.positives_only, graded)
        error = (maps - target).square() * self.au_weight[:, None, None]
        return masked_mean(error, torch.where(inside, 1.0, config.background) * valid)
