"""LandmarkNet: 68 points of a face, whether each is seen, what the crop is worth, if it is a face."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from aulens.models.face_net import Block, stage
from aulens.models.mean_shape import MEAN_SHAPE

POINTS: Final = 68
_MEAN, _SCALE = 127.5, 1 / 64.0


class LandmarkNet(nn.Module):
    """The network: plain convolutions down to stride 16, then one linear layer that sees all of the face.

    Args:
        size: side of the crop in pixels, a multiple of 16.
        widths: channels at strides 2, 4, 8 and 16.
        neck: channels that the linear layer sees.
    """

    mean: Tensor

    def __init__(self, size: int = 112, widths: tuple[int, ...] = (24, 48, 80, 128), neck: int = 24) -> None:
        super().__init__()
        self.size = size
        self.body = nn.Sequential(
            Block(3, widths[0], 2),
            stage(widths[0], widths[1], 2),
            stage(widths[1], widths[2], 3),
            stage(widths[2], widths[3], 2),
            Block(widths[3], neck),
        )
        cells = (size // 16) ** 2
        self.out = nn.Linear(neck * cells, 3 * POINTS + 2)
        self.register_buffer("mean", torch.tensor(MEAN_SHAPE, dtype=torch.float32) * size - 0.5)
        nn.init.normal_(self.out.weight, std=0.001)
        nn.init.zeros_(self.out.bias)

    def features(self, image: Tensor) -> Tensor:
        """Crops (B, 3, S, S) RGB in 0..255 to what the linear layer reads, (B, D)."""
        return torch.flatten(self.body((image - _MEAN) * _SCALE), 1)

    def answers(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Landmarks (B, 68, 2), pixels, and logits of visibility (B, 68), quality (B,), presence (B,)."""
        flat = self.out(features)
        offset = flat[:, : 2 * POINTS].unflatten(1, (POINTS, 2)) * (self.size / 8)
        seen = flat[:, 2 * POINTS : 3 * POINTS]
        return self.mean + offset, seen, flat[:, 3 * POINTS], flat[:, 3 * POINTS + 1]

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Landmarks (B, 68, 2), visibility (B, 68), quality (B,), presence (B,), the last three in 0..1.

        Args:
            image: (B, 3, S, S) RGB in 0..255.
        """
        landmarks, visibility, quality, presence = self.answers(self.features(image))
        return landmarks, visibility.sigmoid(), quality.sigmoid(), presence.sigmoid()
