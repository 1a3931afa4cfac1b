"""PersonNet: 64 numbers for a head, near for one person and far for two, whatever light and expression do."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from aulens.models.face_net import CropNet


class PersonNet(CropNet):
    """The network; arguments as of `CropNet`, D numbers."""

    def __init__(
        self, size: int = 80, widths: tuple[int, ...] = (16, 32, 64, 96), neck: int = 24, numbers: int = 64
    ) -> None:
        super().__init__(size, widths, (1, 1, 1), neck, numbers)

    def answers(self, features: Tensor) -> tuple[Tensor]:
        """See `forward`."""
        return (functional.normalize(self.out(features), dim=1),)

    def forward(self, image: Tensor) -> tuple[Tensor]:
        """Who it is: (B, D), of length 1.

        Args:
            image: (B, 3, S, S) RGB in 0..255.
        """
        return self.answers(self.features(image))
