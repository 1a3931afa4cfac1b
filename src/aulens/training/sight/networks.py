"""The networks of runs: read from the best epoch, asked about pictures."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from aulens.data.digest import fingerprint
from aulens.errors import ModelError
from aulens.training.config import TrainConfig
from aulens.training.run_folder import RunFolder
from aulens.training.sight.family import sight_family

BEST: Final = "best.pt"


def build_network(config: TrainConfig) -> tuple[int, nn.Module]:
    """The side of the pictures that the network of a configuration learns from, and the network, untrained.

    Raises:
        ConfigError: unknown keys, or a size that the network can't take.
    """
    family = sight_family(config)
    side = family.side_of(config)
    return side, family.build(side)


def load_best(run: RunFolder) -> nn.Module:
    """The best epoch of a run, in evaluation mode.

    Raises:
        ModelError: there is none yet, or it is damaged.
    """
    path, (_, model) = run.path / BEST, build_network(run.read_config())
    if not path.is_file():
        raise ModelError(f"{run.path} has no {BEST}: let its first epoch end")
    try:
        model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except (RuntimeError, OSError, EOFError, pickle.UnpicklingError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{path} is damaged or of another network ({reason})") from error
    return model.eval()


def begin_from(start: Path, model: nn.Module) -> str:
    """Bring the best epoch of another run into a network; a digest of its weights.

    Raises:
        ModelError: it has none, or is of another network.
    """
    weights = load_best(RunFolder(start)).state_dict()
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise ModelError(f"{start} does not fit the configuration's [model]: {error}") from error
    return digest(model)


def digest(model: nn.Module) -> str:
    """16 hexadecimal digits that tell a network's weights from others."""
    weights = model.state_dict()
    names = sorted(weights)
    return fingerprint((weights[name].cpu().flatten().numpy() for name in names), names)


def pixels(images: Sequence[NDArray[np.uint8]]) -> Tensor:
    """Pictures (H, W, 3) uint8 of one size as (B, 3, H, W) float32, 0..255, channels last in memory."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float()


@torch.inference_mode()
def answers(model: nn.Module, images: Sequence[NDArray[np.uint8]]) -> tuple[NDArray[np.float32], ...]:
    """What a network says of pictures (H, W, 3) uint8 of one size: its outputs, on whatever device it is."""
    device = next(model.parameters()).device
    outputs: Any = model(pixels(images).to(device))
    return tuple(output.cpu().numpy() for output in outputs)
