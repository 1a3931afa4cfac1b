"""What the models are trained on: paper A's two losses, and the plain classifier's.

Labels come per side, (B, A, 2) in {0, 1, MISSING}; an AU or side that is not coded takes no part in any loss.
Every loss is a mean over what is coded, so it depends neither on the size of the batch nor on rows without
labels, and is 0 (with a gradient of 0) where nothing is coded.

Shapes: B batch, A AUs, h and w of the maps; the last axis of length 2 is [subject_right, subject_left].
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from aulens.aus import MISSING
from aulens.errors import ConfigError
from aulens.models.config import RoiConfig
from aulens.models.output import AUOutput
from aulens.models.regions import Regions, au_labels, roi_maps
from aulens.roi import RoiGrid


def inverse_rates(base_rates: Sequence[float]) -> Tensor:
    """Weights of AUs for the `weighted` losses: inverse occurrence rates, scaled to mean 1.

    Args:
        base_rates: For each AU the fraction of coded frames in which it occurs, in [0, 1]. An AU that never
            occurs (0, or NaN where it is never coded) gets the weight of the rarest one that does.

    Returns:
        (A,) float32.

    Raises:
        ConfigError: A rate outside [0, 1].
    """
    rates = torch.as_tensor(base_rates, dtype=torch.float64)
    occurs = rates > 0
    if bool((rates < 0).any() or (rates > 1).any()):
        raise ConfigError(f"Base rates must lie in [0, 1], got {[round(float(r), 4) for r in rates]}.")
    if not bool(occurs.any()):
        return torch.ones(len(rates))
    inverse = 1 / torch.where(occurs, rates, rates[occurs].min())
    return (inverse / inverse.mean()).float()


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of `values` weighted by `mask` (one shape); 0, with a gradient of 0, where all of `mask` is 0."""
    total = mask.sum()
    return (values * mask).sum() / torch.where(total > 0, total, 1.0)


class Criterion(nn.Module):
    """The losses of a model's configuration.

    * ROI variants, "maps" (Eq 4): squared error between the predicted map and the ROI map, averaged over the
      pixels of all coded AUs (of sides that are not coded, the region is left out).
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
        aus = config.au_set
        self.regions = Regions(aus)
        if config.weighted and (base_rates is None or len(base_rates) != len(aus)):
            raise ConfigError(
                f"Weighted losses need one base rate for each of the {len(aus)} AUs, got "
                f"{'none' if base_rates is None else len(base_rates)}."
            )
        weighted = config.weighted and base_rates is not None
        weight = inverse_rates(base_rates) if weighted and base_rates is not None else torch.ones(len(aus))
        self.register_buffer("au_weight", weight, persistent=False)

    def forward(self, output: AUOutput, landmarks: Tensor, side_labels: Tensor) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            output: What the model gave.
            landmarks: (B, K, 2) in pixels of the crop, as given to the model.
            side_labels: (B, A, 2) integer in {0, 1, MISSING}.

        Returns:
            Scalars: "loss" to minimise, and its parts before weighting by alpha, for the log.
        """
        labels = au_labels(side_labels)
        if self.config.variant == "pooled":
            occurrence = self._cross_entropy(output.logits, labels)
            return {"loss": occurrence, "occurrence": occurrence.detach()}
        loss = maps = self._map_loss(output.maps, landmarks, side_labels)
        losses = {"maps": maps.detach()}
        if output.eigen_logits is not None:
            eigen = self._cross_entropy(output.eigen_logits, labels)
            loss = maps + self.config.alpha * eigen
            losses["eigen"] = eigen.detach()
        return {"loss": loss, **losses}

    def _map_loss(self, maps: Tensor, landmarks: Tensor, side_labels: Tensor) -> Tensor:
        """Eq 4: squared error, pixels outside the regions weighing `background`."""
        config, side = self.config, maps.shape[-1]
        windows = self.regions.windows(landmarks, RoiGrid(config.crop, side, config.roi_side))
        region_labels = self.regions.region_labels(side_labels)
        target, valid, inside = roi_maps(region_labels, windows, side, config.positives_only)
        error = (maps - target).square() * self.au_weight[:, None, None]
        return masked_mean(error, torch.where(inside, 1.0, config.background) * valid)

    def _cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Binary cross-entropy where AUs are coded: Eq 7, and the plain classifier's loss."""
        coded = labels != MISSING
        error = functional.binary_cross_entropy_with_logits(
            logits, (labels == 1).to(logits.dtype), reduction="none"
        )
        return masked_mean(error * self.au_weight, coded.to(logits.dtype))
