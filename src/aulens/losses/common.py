"""What the losses of all models share: weights of AUs, and means over what is coded.

Shapes: B batch, A AUs.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from aulens.aus import MISSING
from aulens.errors import ConfigError
from aulens.models.config import ModelConfig


def inverse_rates(base_rates: Sequence[float]) -> Tensor:
    """Weights of AUs for the `weighted` losses: inverse occurrence rates, scaled to mean 1.

    Args:
        base_rates: For each AU the fraction of coded frames in which it occurs, in [0, 1]. An AU that never
            occurs (0, or NaN where it is never coded) gets the weight of the rarest one that does.

    Returns:
        (A,) float32.
    """
    rates = torch.as_tensor(base_rates, dtype=torch.float64)
    occurs = rates > 0
    if not bool(occurs.any()):
        return torch.ones(len(rates))
    inverse = 1 / torch.where(occurs, rates, rates[occurs].min())
    return (inverse / inverse.mean()).float()


class Criterion(nn.Module):
    """The losses of a model.

    Args:
        config: Configuration of the model.
        base_rates: Occurrence rate of each AU in the training data; needed if `config.weighted`.

    Attributes:
        au_weight: (A,) float32: `inverse_rates` where losses are weighted, else ones.

    Raises:
        ConfigError: The base rates are needed and not given, or not one for each AU.
    """

    au_weight: Tensor

    def __init__(self, config: ModelConfig, base_rates: Sequence[float] | None = None) -> None:
        super().__init__()
        weight = torch.ones(len(config.au_set))
        if config.weighted:
            if base_rates is None or len(base_rates) != len(weight):
                raise ConfigError(
                    f"Weighted losses need one base rate for each of the {len(weight)} AUs, got "
                    f"{'none' if base_rates is None else len(base_rates)}."
                )
            weight = inverse_rates(base_rates)
        self.register_buffer("au_weight", weight, persistent=False)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of `values` weighted by `mask` (one shape); 0, with a gradient of 0, where all of `mask` is 0."""
    total = mask.sum()
    return (values * mask).sum() / torch.where(total > 0, total, 1.0)


def weighted_cross_entropy(logits: Tensor, labels: Tensor, weight: Tensor) -> Tensor:
    """Binary cross-entropy, times each AU's weight, averaged over what is coded.

    Args:
        logits: (B, A) float.
        labels: (B, A) integer in {0, 1, MISSING}.
        weight: (A,).

    Returns:
        Scalar.
    """
    error = functional.binary_cross_entropy_with_logits(
        logits, (labels == 1).to(logits.dtype), reduction="none"
    )
    return masked_mean(error * weight, (labels != MISSING).to(logits.dtype))
