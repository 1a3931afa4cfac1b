"""FaceNet: finds faces of about 10 pixels to the whole picture, with five points each, in one run.

A small one-stage detector without anchors (after FCOS, Tian et al., ICCV 2019): plain 3x3 convolutions, which
a CPU trains several times faster than depthwise ones, a pyramid of strides 8, 16, 32, one head for all three.
Each cell says whether the middle of a face is near, and if so where its box's sides and its five points are.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDES: Final = (8, 16, 32)
POINTS: Final = 5
_MEAN, _SCALE = 127.5, 1 / 64.0
_RARE: Final = -4.6  # the score before training: one cell in a hundred


class Block(nn.Module):
    """3x3 convolution, batch norm, ReLU; the input is added where its shape allows."""

    def __init__(self, width: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, out, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(out)
        self.adds = stride == 1 and width == out

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W) to (B, out, H / stride, W / stride)."""
        y: Tensor = self.norm(self.conv(x))
        return functional.relu(x + y if self.adds else y)


def stage(width: int, out: int, blocks: int) -> nn.Sequential:
    """Halve the size, then `blocks` blocks."""
    return nn.Sequential(Block(width, out, 2), *(Block(out, out) for _ in range(blocks)))


class CropNet(nn.Module):
    """A network that looks at a face cut out: convolutions to stride 16, then a linear layer that sees all.

    Args:
        size: side of the crop in pixels, a multiple of 16.
        widths: channels at strides 2, 4, 8 and 16.
        blocks: how many at strides 4, 8 and 16.
        neck: channels that the linear layer sees.
        numbers: what it gives.
    """

    def __init__(
        self, size: int, widths: tuple[int, ...], blocks: tuple[int, ...], neck: int, numbers: int
    ) -> None:
        super().__init__()
        self.size = size
        stages = (stage(*one) for one in zip(widths, widths[1:], blocks, strict=False))
        self.body = nn.Sequential(Block(3, widths[0], 2), *stages, Block(widths[-1], neck))
        self.out = nn.Linear(neck * (size // 16) ** 2, numbers)

    def features(self, image: Tensor) -> Tensor:
        """Crops (B, 3, S, S) RGB in 0..255 to what the linear layer reads, (B, D)."""
        return torch.flatten(self.body((image - _MEAN) * _SCALE), 1)


class FaceNet(nn.Module):
    """The network.

    Args:
        widths: channels at strides 2, 4, 8, 16 and 32.
        neck: channels of the pyramid.
    """

    def __init__(self, widths: tuple[int, ...] = (16, 32, 48, 64, 96), neck: int = 32) -> None:
        super().__init__()
        self.stem = nn.Sequential(Block(3, widths[0], 2), Block(widths[0], widths[1], 2))
        self.stages = nn.ModuleList(
            stage(width, out, blocks)
            for width, out, blocks in zip(widths[1:], widths[2:], (1, 2, 2), strict=False)
        )
        self.lateral = nn.ModuleList(nn.Conv2d(width, neck, 1) for width in widths[2:])
        self.smooth = nn.ModuleList(Block(neck, neck) for _ in STRIDES)
        self.head = Block(neck, neck)
        self.out = nn.Conv2d(neck, 1 + 4 + 2 * POINTS, 1)
        self.scale = nn.Parameter(torch.ones(len(STRIDES)))
        nn.init.normal_(self.out.weight, std=0.01)
        self.out.bias = nn.Parameter(torch.tensor([_RARE, *[0.0] * (4 + 2 * POINTS)]))

    def features(self, image: Tensor) -> list[Tensor]:
        """Picture (B, 3, H, W) in 0..255 to what the last layer reads, (B, neck, H / s, W / s) per stride."""
        x = self.stem((image - _MEAN) * _SCALE)
        levels = []
        for part, lateral in zip(self.stages, self.lateral, strict=True):
            x = part(x)
            levels.append(lateral(x))
        for finer, coarser in ((1, 2), (0, 1)):
            levels[finer] = levels[finer] + functional.interpolate(
                levels[coarser], scale_factor=2.0, mode="nearest"
            )
        return [self.head(smooth(level)) for smooth, level in zip(self.smooth, levels, strict=True)]

    def answers(self, features: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """What every cell says; cells run by stride, row, column. See `forward`."""
        boxes, points, scores = [], [], []
        for number, (stride, feature) in enumerate(zip(STRIDES, features, strict=True)):
            flat = self.out(feature).flatten(2).transpose(1, 2)  # (B, cells, 15)
            middle = cells(feature, stride)
            unit = 2.0 * stride * self.scale[number]
            reach = functional.softplus(flat[..., 1:5]) * unit
            boxes.append(torch.cat([middle - reach[..., :2], middle + reach[..., 2:]], -1))
            points.append(middle.unsqueeze(1) + flat[..., 5:].unflatten(-1, (POINTS, 2)) * unit)
            scores.append(flat[..., 0])
        return torch.cat(boxes, 1), torch.cat(points, 1), torch.cat(scores, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Every cell's answer.

        Args:
            image: (B, 3, H, W) RGB in 0..255, H and W multiples of 32.

        Returns:
            Boxes (B, N, 4) x0, y0, x1, y1 and points (B, N, 5, 2) in pixels of the picture, where pixel i
            covers [i, i + 1); scores (B, N), logits.
        """
        return self.answers(self.features(image))


def cells(level: Tensor, stride: int) -> Tensor:
    """Middles (h * w, 2) of the cells of a map (B, C, h, w), (x, y) in pixels of the picture."""
    height, width = level.shape[-2:]
    y = torch.arange(height, device=level.device, dtype=torch.float32)
    x = torch.arange(width, device=level.device, dtype=torch.float32)
    rows, columns = y[:, None].expand(height, width), x[None].expand(height, width)
    return (torch.stack([columns, rows], -1).reshape(-1, 2) + 0.5) * stride
