"""What the loop asks of a face network: pictures that are drawn anew for each step."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from lightning.fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn

from aulens.files import atomic_write
from aulens.training.config import TrainConfig
from aulens.training.face_nets.networks import build_network
from aulens.training.progress import Display
from aulens.training.run_folder import RunFolder
from aulens.training.task import Task

Batch = list[Any]
"""Samples, each with its picture `image`, (H, W, 3) uint8 RGB."""


class FaceTask(Task):
    """A face network, and what is drawn for it.

    Args:
        config: of the run.

    Attributes:
        size: side of the pictures that it learns from, pixels.
    """

    keeps_later = True

    def __init__(self, config: TrainConfig) -> None:
        self.loop, self.seed = config.train, config.seed
        self.size, self.model = build_network(config)

    @abstractmethod
    def draw(self, step: int, size: int) -> Batch:
        """The samples of a step, a function of the seed, the step and of what `between` found."""

    @abstractmethod
    def compare(self, answers: Any, batch: Batch) -> dict[str, Tensor]:
        """The loss to minimise, "loss", and its parts, of what the network says of a batch."""

    @abstractmethod
    def measure(self, model: nn.Module, split: str) -> dict[str, float]:
        """Measures on people of a split, "val" or "test"."""

    def learner(self) -> nn.Module:
        """See `Task`."""
        return _Learner(self.model)

    def batches(self, epoch: int, start: int, rank: int, world: int) -> tuple[int, Iterable[Batch]]:
        """See `Task`."""
        steps, first = self.loop.steps, epoch * self.loop.steps
        return steps, (self.draw(first + batch, self.loop.batch) for batch in range(start, steps))

    def losses(self, learner: nn.Module, batch: Batch, device: torch.device) -> dict[str, Tensor]:
        """See `Task`."""
        return self.compare(learner(pixels([sample.image for sample in batch]).to(device)), batch)

    def validate(self, model: nn.Module, epoch: int, fabric: Fabric, display: Display) -> dict[str, Any]:
        """See `Task`."""
        return dict(self.measure(model, "val"))

    def summary(self, measures: Mapping[str, Any]) -> str:
        """See `Task`."""
        return "  ".join(f"{name} {value:.3f}" for name, value in measures.items())

    def keep(self, run: RunFolder, model: nn.Module) -> None:
        """See `Task`."""
        with atomic_write(run.best_face_weights) as part:
            torch.save(model.state_dict(), part)


class _Learner(nn.Module):
    """The network within mixed precision, its last layer in full: coordinates need more than 8 bits."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Any:
        features: Any = self.model.features(image)  # type: ignore[operator]
        with torch.autocast(image.device.type, enabled=False):
            full = features.float() if isinstance(features, Tensor) else [f.float() for f in features]
            return self.model.answers(full)  # type: ignore[operator]


def pixels(images: Sequence[NDArray[np.uint8]]) -> Tensor:
    """Pictures (H, W, 3) uint8 of one size as (B, 3, H, W) float32, 0..255, channels last in memory."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float()


@torch.inference_mode()
def answers(model: nn.Module, images: Sequence[NDArray[np.uint8]]) -> tuple[NDArray[np.float32], ...]:
    """What a network says of pictures (H, W, 3) uint8 of one size: its outputs, on whatever device it is."""
    device = next(model.parameters()).device
    outputs: Any = model(pixels(images).to(device))
    return tuple(output.cpu().numpy() for output in outputs)
