"""Everything a run needs to go on after a kill, as if nothing had happened."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from aulens.errors import ModelError
from aulens.files import atomic_write

FORMAT: Final = "aulens-run/1"

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
    *,
    format: str = FORMAT,
    task: Mapping[str, Any] | None = None,
) -> None:
    """Write the state of a run; the file is replaced at once, so a kill leaves the old or the new one.

    Args:
        path: the file.
        position, model, optimiser, average: of the run.
        format: of the file.
        task: what else the run needs to go on.
    """
    state = {
        "format": format,
        "position": asdict(position),
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "average": average.model.state_dict() if average else None,
        **({} if task is None else {"task": dict(task)}),
    }
    with atomic_write(path) as part:
        torch.save(state, part)


def load(path: Path, model: nn.Module, optimiser: Optimizer, average: Average[Any] | None) -> Position:
    """Put a saved state into a model and an optimiser that were built alike.

    Raises:
        ModelError: the file is missing, damaged, or of another run.
    """
    return fill(path, read(path), model, optimiser, average)


def read(path: Path, format: str = FORMAT) -> dict[str, Any]:
    """A saved state.

    Raises:
        ModelError: the file is missing, damaged, or of another kind of run.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"Cannot resume from {path}: {reason}. Start anew in another folder.") from error
    if not isinstance(state, dict) or state.get("format") != format:
        raise ModelError(f"{path} is not the state of a run of this version ({format}).")
    return state


def fill(
    path: Path,
    state: Mapping[str, Any],
    model: nn.Module,
    optimiser: Optimizer,
    average: Average[Any] | None,
) -> Position:
    """Put a state that was read from `path` into a model and an optimiser that were built alike.

    Raises:
        ModelError: it is of another run.
    """
    try:
        model.load_state_dict(state["model"], strict=True)
        optimiser.load_state_dict(state["optimiser"])
        if average is not None:
            average.model.load_state_dict(state["average"], strict=True)
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} does not fit this configuration: {error}") from error
    return Position(**state["position"])
