"""What every model returns."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class AUOutput:
    """One batch of predictions (B faces, A Action Units in the model's order).

    Attributes:
        logits: (B, A) float32 score of each AU: the larger of its two sides. Present when above 0.
        maps: (B, A, h, w) float32: paper A's ROI maps, about +1 where an AU shows, -1 where it is absent; or
            JAA-Net's attention, 0 to 1, where it looked.
        sides: (B, A, 2) float32 score per side, order [subject_right, subject_left]; equal for AUs of the
            midline, and for models that tell no sides.
        eigen_logits: (B, A) float32 logit of each AU read from its eigenvector (paper A, Eq 7),
            or None for models without that supervision.
        landmarks: (B, 49, 2) float32 landmarks that the model found itself (layout IBUG49), in pixels of the
            crop; None for models that find none.
        local_logits: (B, A) float32 logit of each AU from its local branch alone (JAA-Net); None elsewhere.
    """

    logits: Tensor
    maps: Tensor
    sides: Tensor
    eigen_logits: Tensor | None = None
    landmarks: Tensor | None = None
    local_logits: Tensor | None = None


def full(tensor: Tensor) -> Tensor:
    """The tensor in float32 at least: bfloat16 is too coarse for coordinates, decisions, sums."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
