"""What every model returns."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class AUOutput:
    """One batch of predictions (B faces, A Action Units in the model's order).

    Attributes:
        logits: (B, A) float32 score of each AU: the larger of its two sides. Present when above 0.
        maps: (B, A, h, w) float32 predicted ROI maps, about +1 where an AU shows, -1 where it is absent.
        sides: (B, A, 2) float32 score per side, order [subject_right, subject_left]; equal for AUs of the
            midline.
        eigen_logits: (B, A) float32 logit of each AU read from its eigenvector (paper A, Eq 7),
            or None for models without that supervision.
    """

    logits: Tensor
    maps: Tensor
    sides: Tensor
    eigen_logits: Tensor | None = None
