"""The plain JAA-Net is what is written of it: the truth of other tests has to be held against something."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from aulens.aus import BP4D, AUSet
from plain_jaa import face49, filled_plain, hollow, plain

TWO = AUSet("two", (1, 12))


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return filled_plain(TWO, 48)


def image(crop: int = 48) -> Tensor:
    return 2 * torch.rand(2, 3, crop, crop, generator=torch.Generator().manual_seed(0)) - 1


# Multiply-adds of each part at crop 112, 12 AUs, counted on the authors' code: 3.606 G (8.757 G at 176).
@pytest.mark.slow
def test_operations() -> None:
    counter = FlopCounterMode(display=False)
    model = hollow(BP4D, 112).to_empty(device="cpu")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        with counter:
            model(image(112)[:1])
    assert counter.get_total_flops() / 2 == pytest.approx(3.606e9, rel=2e-4)


def test_cells_are_convolved_alone_row_by_row() -> None:
    grid = plain().LocalGrid(4, 3, 2).eval()
    picture = torch.randn(1, 3, 24, 24)
    found = grid(picture)
    row, column = 1, 2
    cell = slice(6 * row, 6 * row + 6), slice(6 * column, 6 * column + 6)
    k = 4 * row + column
    alone = grid.convs[k](torch.relu(grid.bns[k](picture[..., cell[0], cell[1]])))
    torch.testing.assert_close(found[..., cell[0], cell[1]], alone)


def test_absence_comes_first(model: nn.Module) -> None:
    with torch.no_grad():
        before = model(image()).log_probability
        model.state_dict()["au_net.au_output.1.bias"][-1] += 5  # the presence of the last AU
        after = model(image()).log_probability
        model.state_dict()["au_net.au_output.1.bias"][-1] -= 5
    torch.testing.assert_close(before.exp().sum(1), torch.ones(2, 2))
    assert (after - before)[:, 1, 1].min() > 0
    assert torch.equal(after[:, :, 0], before[:, :, 0])


@pytest.mark.parametrize(
    ("loss", "reached"),
    [
        ("log_probability", {"region_learning", "align_net.align_feat", "global_au_feat", "au_net"}),
        ("local_log_probability", {"region_learning", "local_attention_refine", "local_au_net"}),
        ("landmarks", {"region_learning", "align_net.align_feat", "align_net.align_output"}),
    ],
)
def test_what_each_loss_reaches(model: nn.Module, loss: str, reached: set[str]) -> None:
    """Version 2: the last classifier teaches no local branch, and no loss of AUs moves the landmarks."""
    model.zero_grad()
    getattr(model(image()), loss)[:, -1].sum().backward()
    found = {
        ".".join(name.split(".")[: 2 if name.startswith("align_net") else 1])
        for name, parameter in model.named_parameters()
        if parameter.grad is not None and parameter.grad.abs().max() > 0
    }
    assert found == reached


def test_attention_starts_at_its_own_landmarks(model: nn.Module) -> None:
    with torch.no_grad():
        output = model(image())
    landmarks = output.landmarks.reshape(2, 49, 2).numpy()
    assert np.abs(landmarks - face49(48)).mean() < 5  # about the face that it was filled with
    np.testing.assert_array_equal(output.initial.numpy(), plain().attention_maps(landmarks, TWO, 48))
