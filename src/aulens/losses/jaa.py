"""JAA-Net's losses, and paper B's, which are the same (its Eqs 1, 4 and 5).

Z. Shao, Z. Liu, J. Cai and L. Ma, "JAA-Net: Joint Facial Action Unit Detection and Face Alignment via
Adaptive Attention", IJCV 2021. There, each AU has an absent and a present unit and a softmax over the two;
here, a model gives their difference as one logit, so that the softmax is a sigmoid and no logarithm is of 0.

Shapes: B batch, A AUs; landmarks are (B, 49, 2) in (x, y), the 49 points of `aulens.landmarks.IBUG49`.
"""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from aulens.aus import MISSING
from aulens.errors import InputError
from aulens.landmarks import IBUG49, LAYOUTS, LEFT_EYE, RIGHT_EYE, layout_of
from aulens.losses.common import Criterion, masked_mean, weighted_cross_entropy
from aulens.models.base import AUOutput, full
from aulens.models.config import DiceForm, JAAConfig
from aulens.models.regions import au_labels

MIN_EYE_DISTANCE: Final = 0.01
"""Distance of the eye centres, in extents of the face, below which landmarks are taken for an error."""


def _span(points68: Sequence[int]) -> slice:
    """Neighbouring points as a slice of the 49: unlike a list, it needs no copy to the device."""
    positions = IBUG49.positions(points68)
    return slice(positions[0], positions[-1] + 1)


_RIGHT_EYE: Final = _span(RIGHT_EYE)
_LEFT_EYE: Final = _span(LEFT_EYE)


def weighted_dice(
    probability: Tensor, labels: Tensor, weight: Tensor, form: DiceForm = "paper", epsilon: float = 1.0
) -> Tensor:
    """The weighted multi-label Dice loss, with p the probability and y the label, e the smooth term.

    * "paper" (Eq 4 of paper B): w (1 - (2 p y + e) / (p^2 + y^2 + e)) for each decision, averaged over what
      is coded. It is 0 when p = y and does not depend on the size of the batch.
    * "port", what the public PyTorch code computes, for comparison: for each AU
      w (1 - (2 S(p y) + e) / (S(p^2) + S(y^2) + e) / n) with S the sum over the n coded rows, averaged over
      the AUs that are coded anywhere. Because of the division by n it never falls below w (1 - 1 / n), and
      its gradient shrinks as batches grow.

    Args:
        probability: (B, A) in [0, 1].
        labels: (B, A) integer in {0, 1, MISSING}.
        weight: (A,), w of each AU.
        form: "paper" or "port".
        epsilon: Above 0, or there is 0/0 where an AU is absent and p is 0.

    Returns:
        Scalar.
    """
    coded = (labels != MISSING).to(probability.dtype)
    truth = (labels == 1).to(probability.dtype)
    if form == "paper":
        # The same as Eq 4, without a difference of two numbers near 1.
        error = (probability - truth).square() / (probability.square() + truth + epsilon)
        return masked_mean(error * weight, coded)
    rows = coded.sum(0)
    overlap = (probability * truth).sum(0)
    size = (probability.square() * coded + truth).sum(0)
    ratio = (2 * overlap + epsilon) / (size + epsilon)
    return masked_mean((1 - ratio / rows.clamp(min=1)) * weight, (rows > 0).to(probability.dtype))


def landmark_loss(predicted: Tensor, target: Tensor, counted: Tensor | None = None) -> Tensor:
    """The face alignment loss (Eq 1), averaged over faces.

    For each, half the squared error of all points over the squared inter-ocular distance of the target itself
    (between the eye centres, each the mean of 6 points).

    Args:
        predicted: (B, 49, 2) in (x, y).
        target: (B, 49, 2) in the same pixels; finite where it counts.
        counted: (B,) bool, the faces that take part; None for all. The others may be NaN.

    Returns:
        Scalar.

    Raises:
        InputError: Shapes differ from these; a face that counts has a landmark that is not finite, or its eye
            centres fall together.
    """
    if predicted.shape != target.shape or target.ndim != 3 or target.shape[1:] != (IBUG49.count, 2):
        raise InputError(
            f"The landmark loss compares (B, {IBUG49.count}, 2) with the same, got {tuple(predicted.shape)} "
            f"and {tuple(target.shape)}; bring them into the layout {IBUG49.name} (aulens.landmarks.convert)."
        )
    if counted is None:
        counted = torch.ones_like(target[:, 0, 0], dtype=torch.bool)
    # A face that does not count is compared with its own prediction: no error, no gradient, no NaN.
    target = torch.where(counted[:, None, None], target, predicted.detach())
    apart = (target[:, _RIGHT_EYE].mean(1) - target[:, _LEFT_EYE].mean(1)).square().sum(1)
    extent = (target.amax(1) - target.amin(1)).amax(1)
    usable = apart > (MIN_EYE_DISTANCE * extent).square()  # false for NaN, too
    if bool((counted & ~usable).any()):
        rows = torch.nonzero(counted & ~usable).flatten().tolist()
        raise InputError(
            f"{len(rows)} of {len(target)} faces in the batch (rows {rows[:8]}) have landmarks that are not "
            "finite, or both eye centres in one place; the landmark loss is divided by their distance. "
            "Correct these landmarks, or leave the faces out."
        )
    error = (predicted - target).square().sum((1, 2)) / (2 * torch.where(counted, apart, 1.0))
    return masked_mean(error, counted.to(error.dtype))


class JAACriterion(Criterion):
    """The losses of JAA-Net (stage 1), and of paper B's graph on top of it (stage 2).

    With lambda_2 = `dice_weight`:

    * "softmax" (L_softmax: `weighted_cross_entropy`) and "dice" of the final decision; AU loss =
      softmax + lambda_2 * dice (Eq 5);
    * "local": the same AU loss of the local branches;
    * "landmark": `landmark_loss` (Eq 1), of faces that have a coded AU.

    The total, "loss", is AU loss + `local_weight` * local + `landmark_weight` * landmark. In stage 2 the
    output has no local logits, and the total is the AU loss alone. Arguments as of `Criterion`.
    """

    def __init__(self, config: JAAConfig, base_rates: Sequence[float] | None = None) -> None:
        super().__init__(config, base_rates)
        self.config = config
        for layout in LAYOUTS.values():
            positions = torch.tensor(layout.positions(IBUG49.in68))
            self.register_buffer(f"in_{layout.count}", positions, persistent=False)

    def forward(
        self,
        output: AUOutput,
        landmarks: Tensor,
        side_labels: Tensor,
        side_intensities: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Losses of a batch, see `aulens.models.AUFamily.criterion`; the parts are before weighting.

        Raises:
            InputError: Landmarks of no known layout, or that `landmark_loss` cannot use.
        """
        labels = au_labels(side_labels)
        config = self.config
        softmax, dice = self._au_losses(output.logits, labels)
        loss = softmax + config.dice_weight * dice
        losses = {"softmax": softmax.detach(), "dice": dice.detach()}
        if output.local_logits is not None:
            local_softmax, local_dice = self._au_losses(output.local_logits, labels)
            local = local_softmax + config.dice_weight * local_dice
            loss = loss + config.local_weight * local
            losses["local"] = local.detach()
            if output.landmarks is not None:
                coded = (labels != MISSING).any(1)
                landmark = landmark_loss(full(output.landmarks), self._target(landmarks), coded)
                loss = loss + config.landmark_weight * landmark
                losses["landmark"] = landmark.detach()
        return {"loss": loss, **losses}

    def _au_losses(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Softmax and Dice loss of one set of logits."""
        logits = full(logits)
        dice = weighted_dice(
            logits.sigmoid(), labels, self.au_weight, self.config.dice, self.config.dice_epsilon
        )
        return weighted_cross_entropy(logits, labels, self.au_weight), dice

    def _target(self, landmarks: Tensor) -> Tensor:
        """The 49 points of landmarks in any layout that has them."""
        positions: Tensor = getattr(self, f"in_{layout_of(landmarks).count}")
        return full(landmarks).index_select(1, positions)
