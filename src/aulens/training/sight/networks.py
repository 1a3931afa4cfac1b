"""The networks of runs: made from a configuration, read from its best epoch, asked about pictures."""

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
from aulens.errors import ConfigError, ModelError
from aulens.models.face_net import FaceNet
from aulens.models.landmark_net import LandmarkNet
from aulens.models.person_net import PersonNet
from aulens.training.config import TrainConfig, refuse_unknown
from aulens.training.run_folder import RunFolder

BEST: Final = "best.pt"
SIZES: Final = {"face_net": (256, 32), "landmark_net": (112, 16), "person_net": (80, 16)}
"""Of each network: the default of model.size, pixels, and what it must be a multiple of."""


def network(config: TrainConfig) -> FaceNet | LandmarkNet | PersonNet:
    """The network of a configuration, its weights random.

    Raises:
        ConfigError: unknown keys, or a size that can't be.
    """
    refuse_unknown(config.model, {"variant", "size"}, "model")
    side = side_of(config)
    if config.model["variant"] == "person_net":
        return PersonNet(side)
    return FaceNet() if config.model["variant"] == "face_net" else LandmarkNet(side)


def side_of(config: TrainConfig) -> int:
    """Side of the pictures that the network of a configuration learns from, pixels.

    Raises:
        ConfigError: the network can't take such a size.
    """
    default, multiple = SIZES[config.model["variant"]]
    side: Any = config.model.get("size", default)
    if not isinstance(side, int) or side < multiple or side % multiple:
        raise ConfigError(f"model.size must be a multiple of {multiple}, is {side!r}.")
    return side


def load_best(run: RunFolder) -> FaceNet | LandmarkNet | PersonNet:
    """The best epoch of a run, in evaluation mode.

    Raises:
        ModelError: there is none yet, or it is damaged.
    """
    path, model = run.path / BEST, network(run.read_config())
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
