"""Batch norm whose statistics are right to the last digits, also for channels-last memory on the CPU."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class BatchNorm(nn.BatchNorm2d):
    """`nn.BatchNorm2d`: the same parameters, names and numbers.

    On the CPU, torch's kernel for channels-last memory adds up a channel one pixel after the other in
    float32: at 16 faces of 176 pixels that is wrong in the fourth digit. In training, this one takes mean
    and variance from `torch.sum`, which adds pairs of pairs and errs in the seventh; the rest is torch's.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (B, C, H, W)."""
        count = input.numel() // max(1, input.shape[1])
        if not self.training or input.device.type != "cpu" or count < 2:
            return super().forward(input)
        output, mean, variance = _Normalise.apply(input, self.weight, self.bias, self.eps)
        assert self.momentum is not None
        with torch.no_grad():
            unbiased = variance * (count / (count - 1))
            for name, value in (("running_mean", mean), ("running_var", unbiased)):
                tracked = self.get_buffer(name)
                tracked.lerp_(value.to(tracked), self.momentum)
            self.get_buffer("num_batches_tracked").add_(1)
        result: Tensor = output
        return result


class _Normalise(torch.autograd.Function):
    """Accurate statistics before torch's own normalisation, and torch's own gradient of it."""

    @staticmethod
    def forward(
        ctx: Any, input: Tensor, weight: Tensor, bias: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        pixels = input.permute(0, 2, 3, 1).reshape(-1, input.shape[1])
        exact = torch.promote_types(input.dtype, torch.float32)
        mean = pixels.sum(0, dtype=exact) / len(pixels)
        variance = (pixels - mean).square_().sum(0) / len(pixels)
        output = torch.native_batch_norm(input, weight, bias, mean, variance, False, 0.0, eps)[0]
        ctx.save_for_backward(input, weight, mean, (variance + eps).rsqrt())
        ctx.eps = eps
        ctx.mark_non_differentiable(mean, variance)
        return output, mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, *_: Any) -> tuple[Tensor, Tensor, Tensor, None]:
        input, weight, mean, inverse = ctx.saved_tensors
        wanted = [True, True, True]
        into_input, into_weight, into_bias = torch.ops.aten.native_batch_norm_backward(
            gradient, input, weight, None, None, mean, inverse, True, ctx.eps, wanted
        )
        return into_input, into_weight, into_bias, None
