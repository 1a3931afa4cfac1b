"""What a run trains, and on what: all that the loop (`aulens.training.engine`) asks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from aulens.training.progress import Display
from aulens.training.run_folder import RunFolder


class Task(ABC):
    """A network, what it learns from, and what says how good it is.

    Attributes:
        model: whose weights are trained, averaged and kept.
        metric: the number of `validate` that chooses the epoch; larger is better.
        keeps_later: of two epochs that are equally good the later is kept, not the earlier.
    """

    model: nn.Module
    metric: str
    keeps_later: bool = False

    @abstractmethod
    def learner(self) -> nn.Module:
        """The model, and what else runs under mixed precision and DDP, as the module that Fabric wraps."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """What the data are, for facts.json; "fingerprint" tells them from others."""

    @abstractmethod
    def batches(self, epoch: int, start: int, rank: int, world: int) -> tuple[int, Iterable[Any]]:
        """How many batches an epoch has, and those from `start` on, a function of the arguments, the seed,
        and of what `between` found.

        Args:
            epoch, start: 0-based.
            rank, world: this process, and how many there are.
        """

    @abstractmethod
    def losses(self, learner: nn.Module, batch: Any, device: torch.device) -> dict[str, Tensor]:
        """The loss of a batch to minimise, "loss", and its parts, by the wrapped `learner`."""

    @abstractmethod
    def validate(self, model: nn.Module, epoch: int, fabric: Fabric, display: Display) -> dict[str, Any]:
        """Measures of a model, in evaluation mode, on validation subjects; None where one is undefined.

        Raises:
            ModelError: what it says are no numbers; `epoch`, 0-based, is for the message.
        """

    @abstractmethod
    def summary(self, measures: Mapping[str, Any]) -> str:
        """What `validate` found, for the line of an epoch."""

    @abstractmethod
    def keep(self, run: RunFolder, model: nn.Module) -> None:
        """Write the best model."""

    def conclude(self, run: RunFolder) -> None:  # noqa: B027
        """After the last epoch: what else a run folder is to have."""

    def files(self, batch: Any) -> list[str]:
        """The pictures of a batch, for messages; none where they are drawn."""
        return []

    def between(self, model: nn.Module, epoch: int) -> None:  # noqa: B027
        """After an epoch, 0-based: find what is still hard."""

    def state(self) -> dict[str, Any]:
        """What `between` found, for `restore`."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:  # noqa: B027
        """Go on with what `between` found."""
