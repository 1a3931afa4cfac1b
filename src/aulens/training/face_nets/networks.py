"""The networks of runs: built, read from the best epoch."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from aulens.data.digest import fingerprint
from aulens.errors import ModelError
from aulens.models.weights import DAMAGED, reason
from aulens.training.checkpoint import fill
from aulens.training.config import TrainConfig
from aulens.training.face_nets.family import face_family
from aulens.training.run_folder import RunFolder


def build_network(config: TrainConfig) -> tuple[int, nn.Module]:
    """The side of the pictures that it learns from, and the network, untrained; see `FaceFamily.side_of`."""
    family = face_family(config)
    side = family.side_of(config)
    return side, family.build(side)


def load_best(run: RunFolder) -> nn.Module:
    """The best epoch of a run, in evaluation mode; ModelError if there is none yet, or it is damaged."""
    path, (_, model) = run.best_face_weights, build_network(run.read_config())
    if not path.is_file():
        raise ModelError(f"{run.path} has no {path.name}: let its first epoch end")
    try:
        model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except DAMAGED as error:
        raise ModelError(f"{path} is damaged or of another network ({reason(error)})") from error
    return model.eval()


def weights_from(start: str, model: nn.Module) -> str:
    """Bring the best epoch of another run into a network; a digest of it. Errors as of `load_best`."""
    fill(model, load_best(RunFolder(Path(start))).state_dict(), Path(start))
    return digest(model)


def digest(model: nn.Module) -> str:
    """16 hexadecimal digits that tell a network's weights from others."""
    weights = model.state_dict()
    names = sorted(weights)
    return fingerprint((weights[name].cpu().flatten().numpy() for name in names), names)
