"""JAA-Net's losses and gradients against those of the public PyTorch code.

tests/golden/jaanet_losses.npz was made by running the loss functions of ZhiwenShao/PyTorch-JAANet (commit
9a0cedc) and their autograd on random tensors, 4 faces of 12 AUs, in float64; "dice_w_paper_eq_mean" is the
same tensors put into the papers' Eq 4. Their logits are (4, 2, 12), channel 0 absent and 1 present, and go
through a log-softmax; ours are the difference of the two, so gradients are compared through that difference.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from aulens.losses import landmark_loss, weighted_cross_entropy, weighted_dice

FILE = Path(__file__).parents[1] / "golden" / "jaanet_losses.npz"
TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-5}

pytestmark = pytest.mark.parametrize("dtype", list(TOLERANCE), ids=str)


@pytest.fixture(scope="module")
def golden() -> Mapping[str, np.ndarray]:
    with np.load(FILE) as arrays:
        return dict(arrays)


def check(
    golden: Mapping[str, np.ndarray], name: str, given: Tensor, loss: Callable[[Tensor], Tensor]
) -> None:
    """Loss and gradient of `given` equal the golden ones of that name."""
    tolerance = TOLERANCE[given.dtype]
    given.requires_grad_()
    value = loss(given)
    value.backward()
    assert value.dtype == given.dtype
    assert value.item() == pytest.approx(float(golden[f"loss/{name}"]), rel=tolerance, abs=tolerance)
    assert given.grad is not None
    gradient = given.grad.double().numpy().reshape(golden[f"grad/{name}"].shape)
    np.testing.assert_allclose(gradient, golden[f"grad/{name}"], rtol=0, atol=tolerance)


@pytest.mark.parametrize("weighted", [True, False], ids=["weighted", "unweighted"])
@pytest.mark.parametrize("loss", ["softmax", "dice"])
def test_softmax_and_port_dice(
    golden: Mapping[str, np.ndarray], dtype: torch.dtype, loss: str, weighted: bool
) -> None:
    labels = torch.tensor(golden["labels"])
    weight = torch.tensor(golden["weights"], dtype=dtype) if weighted else torch.ones(12, dtype=dtype)

    def ours(pairs: Tensor) -> Tensor:
        logits = pairs[:, 1] - pairs[:, 0]
        if loss == "softmax":
            return weighted_cross_entropy(logits, labels, weight)
        return weighted_dice(logits.sigmoid(), labels, weight, form="port", epsilon=1.0)

    check(golden, loss + "_w" * weighted, torch.tensor(golden["logits"], dtype=dtype), ours)


def test_paper_dice(golden: Mapping[str, np.ndarray], dtype: torch.dtype) -> None:
    pairs, weight = (torch.tensor(golden[name], dtype=dtype) for name in ("logits", "weights"))
    loss = weighted_dice((pairs[:, 1] - pairs[:, 0]).sigmoid(), torch.tensor(golden["labels"]), weight)
    assert loss.item() == pytest.approx(float(golden["loss/dice_w_paper_eq_mean"]), rel=TOLERANCE[dtype])


def test_landmarks(golden: Mapping[str, np.ndarray], dtype: torch.dtype) -> None:
    """The golden squared distances were drawn at random, ours is the target's own: so the left eye (points 25
    to 30) is first moved, in target and prediction alike, to where the target has the golden distance."""
    target, predicted = (golden[name].reshape(4, 49, 2).copy() for name in ("gt_land", "pred_land"))
    centre = target[:, 19:25].mean(1) + np.stack([np.sqrt(golden["biocular"]), np.zeros(4)], 1)
    move = (centre - target[:, 25:31].mean(1))[:, None]
    target[:, 25:31] += move
    predicted[:, 25:31] += move
    true = torch.tensor(target, dtype=dtype)
    check(golden, "land", torch.tensor(predicted, dtype=dtype), lambda given: landmark_loss(given, true))
