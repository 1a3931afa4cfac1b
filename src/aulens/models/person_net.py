"""PersonNet: 64 numbers for a head, near for one person and far for two, whatever light and expression do."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from aulens.models.face_net import Block, stage

_MEAN, _SCALE = 127.5, 1 / 64.0


class PersonNet(nn.Module):
    """The network: plain convolutions down to stride 16, then one linear layer that sees all of the head.

    Args:
        size: side of the crop in pixels, a multiple of 16.
        widths: channels at strides 2, 4, 8 and 16.
        neck: channels that the linear layer sees.
        numbers: D, length of what it says.
    """

    def __init__(
        self,
        size: int = 80,
        widths: tuple[int, ...] = (16, 32, 64, 96),
        neck: int = 24,
        numbers: int = 64,
    ) -> None:
        super().__init__()
        self.size = size
        self.body = nn.Sequential(
            Block(3, widths[0], 2),
            stage(widths[0], widths[1], 1),
            stage(widths[1], widths[2], 1),
            stage(widths[2], widths[3], 1),
            Block(widths[3], neck),
        )
        self.out = nn.Linear(neck * (size // 16) ** 2, numbers)

    def features(self, image: Tensor) -> Tensor:
        """Crops (B, 3, S, S) RGB in 0..255 to what the linear layer reads."""
        return torch.flatten(self.body((image - _MEAN) * _SCALE), 1)

    def answers(self, features: Tensor) -> tuple[Tensor]:
        """See `forward`."""
        return (functional.normalize(self.out(features), dim=1),)

    def forward(self, image: Tensor) -> tuple[Tensor]:
        """Who it is: (B, D), of length 1.

        Args:
            image: (B, 3, S, S) RGB in 0..255.
        """
        return self.answers(self.features(image))
