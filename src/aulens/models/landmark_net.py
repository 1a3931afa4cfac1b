"""LandmarkNet: 68 points of a face, whether each is seen, what the crop is worth, if it is a face."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from aulens.models.face_net import CropNet
from aulens.models.mean_shape import MEAN_SHAPE

POINTS: Final = 68


class LandmarkNet(CropNet):
    """The network; arguments as of `CropNet`."""

    mean: Tensor

    def __init__(self, size: int = 112, widths: tuple[int, ...] = (24, 48, 80, 128), neck: int = 24) -> None:
        super().__init__(size, widths, (2, 3, 2), neck, 3 * POINTS + 2)
        self.register_buffer("mean", torch.tensor(MEAN_SHAPE, dtype=torch.float32) * size - 0.5)
        nn.init.normal_(self.out.weight, std=0.001)
        nn.init.zeros_(self.out.bias)

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
