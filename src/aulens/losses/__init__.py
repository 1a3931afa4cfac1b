"""What the models are trained on; `AUFamily.criterion` gives the losses that a configuration asks for.

Labels come per side, (B, A, 2) in {0, 1, MISSING}; an AU or side that is not coded takes no part in any loss.
Every loss is a mean over what is coded, so it does not depend on rows without labels, and is 0 (with a
gradient of 0) where nothing is coded.
"""

from aulens.losses.common import inverse_rates, masked_mean, weighted_cross_entropy
from aulens.losses.jaa import JAACriterion, landmark_loss, weighted_dice
from aulens.losses.roi import RoiCriterion

__all__ = [
    "JAACriterion",
    "RoiCriterion",
    "inverse_rates",
    "landmark_loss",
    "masked_mean",
    "weighted_cross_entropy",
    "weighted_dice",
]
