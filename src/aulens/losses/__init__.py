"""What the models are trained on. `criterion` gives the losses that a configuration asks for.

Labels come per side, (B, A, 2) in {0, 1, MISSING}; an AU or side that is not coded takes no part in any loss.
Every loss is a mean over what is coded, so it does not depend on rows without labels, and is 0 (with a
gradient of 0) where nothing is coded.
"""

from collections.abc import Sequence

from aulens.errors import ConfigError
from aulens.losses.common import inverse_rates, masked_mean
from aulens.losses.jaa import (
    JAACriterion,
    landmark_loss,
    refinement_loss,
    weighted_dice,
    weighted_softmax,
)
from aulens.losses.roi import RoiCriterion
from aulens.models.config import JAAConfig, ModelConfig, RoiConfig

Criterion = RoiCriterion
"""The name of `RoiCriterion` from when there was no other; prefer `criterion`."""

__all__ = [
    "Criterion",
    "JAACriterion",
    "RoiCriterion",
    "criterion",
    "inverse_rates",
    "landmark_loss",
    "masked_mean",
    "refinement_loss",
    "weighted_dice",
    "weighted_softmax",
]


def criterion(config: ModelConfig, base_rates: Sequence[float] | None = None) -> RoiCriterion | JAACriterion:
    """The losses of a model's configuration.

    Args:
        config: Configuration of the model.
        base_rates: Occurrence rate of each AU in the training data; needed if `config.weighted`.

    Returns:
        A module: (AUOutput, landmarks (B, K, 2), side labels (B, A, 2), their intensities or None) -> named
        scalars, "loss" the total.

    Raises:
        ConfigError: The base rates are needed and not given or not one for each AU, or a configuration of an
            unknown family.
    """
    if isinstance(config, JAAConfig):
        return JAACriterion(config, base_rates)
    if isinstance(config, RoiConfig):
        return RoiCriterion(config, base_rates)
    raise ConfigError(f"no losses for a {type(config).__name__}; give a RoiConfig or a JAAConfig")
