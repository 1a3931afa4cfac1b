"""Batch norm against torch's in float64, and against torch's own form."""

import pytest
import torch
from torch import Tensor, nn

from aulens.models.batch_norm import BatchNorm

SHAPES = [(2, 6, 5, 7), (16, 8, 64, 64)]


def values(shape: tuple[int, ...], layout: torch.memory_format) -> Tensor:
    random = torch.Generator().manual_seed(0)
    spread = torch.linspace(0.5, 3, shape[1]).view(1, -1, 1, 1)
    return (spread * torch.randn(shape, generator=random) + 2 * spread).contiguous(memory_format=layout)


def pair(channels: int) -> tuple[BatchNorm, nn.BatchNorm2d]:
    torch.manual_seed(1)
    ours, theirs = BatchNorm(channels), nn.BatchNorm2d(channels)
    with torch.no_grad():
        theirs.weight.uniform_(0.5, 1.5)
        theirs.bias.normal_()
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def step(norm: nn.Module, given: Tensor) -> list[Tensor]:
    """Output, running statistics, and the gradients of a function that no sign escapes."""
    given = given.clone().requires_grad_()
    output = norm(given)
    weights = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).view(output.shape)
    (weights * output.pow(2)).mean().backward()
    found = [output.detach(), *norm.buffers(), given.grad, *(p.grad for p in norm.parameters())]
    return [value.clone() for value in found if value is not None]


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("shape", SHAPES)
def test_equals_torchs_in_float64(shape: tuple[int, ...], layout: torch.memory_format) -> None:
    ours, theirs = pair(shape[1])
    given = values(shape, layout).double()
    for found, expected in zip(step(ours.double(), given), step(theirs.double(), given), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_errs_in_the_seventh_digit_at_the_size_of_a_training_step() -> None:
    given = values((16, 8, 176, 176), torch.channels_last)
    ours, theirs = pair(8)
    with torch.no_grad():
        exact = nn.functional.batch_norm(
            given.double(), None, None, theirs.weight.double(), theirs.bias.double(), True
        )
        error = float((ours(given) - exact).abs().max())
    assert error < 4e-6  # torch 2.15's own kernel: 1e-4


def test_evaluation_is_torchs() -> None:
    ours, theirs = pair(6)
    given = values((3, 6, 4, 4), torch.channels_last)
    assert torch.equal(ours.eval()(given), theirs.eval()(given))


def test_half_precision_is_summed_in_full() -> None:
    ours, theirs = pair(4)
    given = values((4, 4, 32, 32), torch.channels_last).bfloat16()
    output = ours(given)
    assert output.dtype == torch.bfloat16
    theirs(given.float())
    torch.testing.assert_close(ours.running_mean, theirs.running_mean, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(ours.running_var, theirs.running_var, rtol=1e-5, atol=1e-6)


def test_a_single_value_has_no_variance() -> None:
    with pytest.raises(ValueError, match="more than 1 value"):
        BatchNorm(3)(torch.zeros(1, 3, 1, 1))
