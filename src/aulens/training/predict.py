"""Scores of a torch model over samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aulens.align import TEMPLATES
from aulens.data.dataset import Crop, FaceDataset, FixedOrder, make_loader
from aulens.models import AUModel
from aulens.models.output import AUOutput

Forward = Callable[[Tensor, Tensor], AUOutput]


def crop_of(model: AUModel) -> Crop:
    """How a model wants its faces cut out."""
    return Crop(model.crop, TEMPLATES[model.template])


def to_input(image: Tensor, device: torch.device, channels_last: bool) -> Tensor:
    """Move uint8 images (B, 3, H, W) to a device and bring them to float32 in [0, 1]."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return image.to(device, non_blocking=True).to(torch.float32, memory_format=layout).div_(255)


@torch.no_grad()
def side_scores(
    forward: Forward,
    dataset: FaceDataset,
    *,
    batch: int,
    workers: int = 0,
    device: torch.device | None = None,
    channels_last: bool = False,
    rank: int = 0,
    world: int = 1,
    step: Callable[[], None] = lambda: None,
) -> NDArray[np.float32]:
    """Return the scores per side (n, A, 2) of every ``world``-th sample from ``rank`` on, in order.

    Args:
        forward: the model, in evaluation mode.
        dataset: what to score; its order is kept.
        batch: samples at once.
        workers: loader processes.
        device: where the model is; CPU by default.
        channels_last: memory layout of the images.
        rank: of this process.
        world: number of processes.
        step: called after each batch.
    """
    where = device or torch.device("cpu")
    parts: list[NDArray[np.float32]] = []
    for items in make_loader(dataset, FixedOrder(len(dataset), batch, rank=rank, world=world), workers):
        output = forward(to_input(items["image"], where, channels_last), items["landmarks"].to(where))
        parts.append(output.sides.float().cpu().numpy())
        step()
    return np.concatenate(parts) if parts else np.zeros((0, len(dataset.samples.aus), 2), np.float32)


def au_scores(sides: NDArray[np.float32]) -> NDArray[np.float32]:
    """Score of each AU (..., A) from its sides (..., A, 2): the larger one (paper A, section 3.5)."""
    return np.asarray(sides.max(-1))
