"""Everything a run needs to go on after a kill, as if nothing had happened."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from aulens.contents import size_of
from aulens.errors import ModelError
from aulens.files import atomic_write
from aulens.models.weights import DAMAGED, reason

FORMAT: Final = "aulens-run/1"
_OF_FACE_NETS: Final = "aulens-sight-run/1"  # of face networks, up to 0.1

Model = TypeVar("Model", bound=nn.Module)


@dataclass
class Position:
    """Where a run stands. The one mutable value of training.

    Attributes:
        epoch: being trained, 0-based.
        batch: batches of that epoch that are done.
        step: optimiser steps done in all.
        seconds: spent training in all.
        epoch_seconds: spent training in this epoch.
        sums: of each loss over the batches done in this epoch.
        history: one record per finished epoch.
        best_epoch: the record chosen so far; -1 before the first.
        fingerprint: of the data, to refuse other ones.
        origin: digest of the checkpoint and relations that the run began from; "" if from none.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    seconds: float = 0.0
    epoch_seconds: float = 0.0
    sums: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int = -1
    fingerprint: str = ""
    origin: str = ""


class Average(Generic[Model]):
    """A moving average of a model's trained weights; batch statistics are copied as they are.

    Args:
        model: the model to follow.
        decay: share of the old average that each step keeps; smaller in the first steps.
    """

    def __init__(self, model: Model, decay: float) -> None:
        self.model = copy.deepcopy(model)
        self.decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Move towards the model; ``step`` counts the steps done."""
        share = 1 - min(self.decay, (1 + step) / (10 + step))
        ours: list[Tensor] = [p for p in self.model.parameters() if p.requires_grad]
        theirs: list[Tensor] = [p for p in model.parameters() if p.requires_grad]
        torch._foreach_lerp_(ours, theirs, share)
        for kept, new in zip(self.model.buffers(), model.buffers(), strict=True):
            kept.copy_(new)


def save(
    path: Path,
    position: Position,
    model: nn.Module,
    optimiser: Optimizer,
    average: Average[Any] | None,
    task: Mapping[str, Any],
) -> None:
    """Write the state of a run; the file is replaced at once, so a kill leaves the old or the new one.

    `task` is what else it needs to go on, `aulens.training.task.Task.state`.
    """
    state = {
        "format": FORMAT,
        "position": asdict(position),
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "average": average.model.state_dict() if average else None,
        "task": dict(task),
    }
    with atomic_write(path) as part:
        torch.save(state, part)


def load(
    path: Path, model: nn.Module, optimiser: Optimizer, average: Average[Any] | None
) -> tuple[Position, dict[str, Any]]:
    """Put a saved state into a model and an optimiser that were built alike; the rest is returned.

    Raises:
        ModelError: the file is missing, damaged, or of another run.
    """
    try:
        size_of(path)  # a pipe would be waited for
        state = torch.load(path, map_location="cpu", weights_only=True)
    except DAMAGED as error:
        raise ModelError(
            f"Cannot resume from {path}: {reason(error)}. Start anew in another folder."
        ) from error
    if not isinstance(state, dict) or state.get("format") not in (FORMAT, _OF_FACE_NETS):
        raise ModelError(f"{path} is not the state of a run of this version ({FORMAT}).")
    try:
        model.load_state_dict(state["model"], strict=True)
        optimiser.load_state_dict(state["optimiser"])
        if average is not None:
            average.model.load_state_dict(state["average"], strict=True)
        return Position(**state["position"]), dict(state.get("task", {}))
    except DAMAGED as error:
        raise ModelError(f"{path} does not fit this configuration: {error}") from error


def fill(model: nn.Module, weights: Mapping[str, Tensor], source: Path) -> None:
    """Bring the weights of `source` that a run begins from into its model; ModelError if they don't fit."""
    try:
        model.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        raise ModelError(f"{source} does not fit the configuration's [model]: {error}") from error
