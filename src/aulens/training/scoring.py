"""Side scores of many samples, by whatever gives them: a model in training, trained, or exported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aulens.align import TEMPLATES
from aulens.data.dataset import Crop, FaceDataset, FixedOrder, make_loader
from aulens.landmarks import convert, layout_of
from aulens.metrics import landmark_error
from aulens.models import AUModel, AUOutput

Forward = Callable[[Tensor, Tensor], AUOutput]


@dataclass(frozen=True)
class Scores:
    """What a model says about n samples of A AUs.

    Attributes:
        sides: (n, A, 2) float32 score per side, [subject_right, subject_left].
        landmark_error: (n,) float64, see :func:`aulens.metrics.landmark_error`, NaN where the landmarks found
            are not finite; None for models that find no landmarks.
    """

    sides: NDArray[np.float32]
    landmark_error: NDArray[np.float64] | None


def crop_of(model: AUModel) -> Crop:
    """How a model wants its faces cut out."""
    return Crop(model.crop, TEMPLATES[model.template])


def to_input(image: Tensor, device: torch.device, channels_last: bool) -> Tensor:
    """Move uint8 images (B, 3, H, W) to a device and bring them to float32 in [0, 1]."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return image.to(device, non_blocking=True).to(torch.float32, memory_format=layout).div_(255)


@torch.no_grad()
def score(
    forward: Forward,
    dataset: FaceDataset,
    *,
    batch: int,
    workers: int = 0,
    device: torch.device,
    channels_last: bool = False,
    rank: int = 0,
    world: int = 1,
    step: Callable[[], None] = lambda: None,
) -> Scores:
    """Score every ``world``-th sample from ``rank`` on, in order.

    Args:
        forward: the model, in evaluation mode.
        dataset: what to score; its order is kept.
        batch: samples at once.
        workers: loader processes.
        device: where the model is.
        channels_last: memory layout of the images.
        rank: of this process.
        world: number of processes.
        step: called after each batch.
    """
    sides: list[NDArray[np.float32]] = []
    errors: list[NDArray[np.float64]] = []
    for items in make_loader(dataset, FixedOrder(len(dataset), batch, rank=rank, world=world), workers):
        output = forward(to_input(items["image"], device, channels_last), items["landmarks"].to(device))
        sides.append(output.sides.float().cpu().numpy())
        if output.landmarks is not None:
            errors.append(_landmark_error(output.landmarks.float().cpu().numpy(), items["landmarks"].numpy()))
        step()
    if not sides:
        return Scores(np.zeros((0, len(dataset.samples.aus), 2), np.float32), None)
    return Scores(np.concatenate(sides), np.concatenate(errors) if errors else None)


def _landmark_error(found: NDArray[np.float32], true: NDArray[np.float32]) -> NDArray[np.float64]:
    """NaN where a prediction is not finite, which tells callers that the weights diverged."""
    sound = np.isfinite(found).all((1, 2))
    errors = np.full(len(found), np.nan)
    errors[sound] = landmark_error(found[sound], convert(true[sound], layout_of(true), layout_of(found)))
    return errors
