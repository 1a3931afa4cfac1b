"""What training, measures and export ask of a face network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aulens.checked import checked
from aulens.errors import ConfigError
from aulens.models.family import Family, find
from aulens.training.config import TrainConfig

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class _Settings:
    """The [model] of such a network; `size` is `FaceFamily.size` unless it is given."""

    variant: str
    size: int | None = None


class FaceFamily(Family, ABC):
    """A network that finds faces, landmarks or people, in pictures that are drawn for it to learn from.

    Attributes:
        size: default side of the pictures that it learns from, pixels.
        multiple: what that side must be a multiple of.
        any_size: whether it takes pictures of any size, in multiples of 32, and not of its own only.
        outputs: names of what it says.
        format: of the card of an exported file.
        takes_finder: whether `data.finder` is of use.
    """

    for_faces = True
    size: int
    multiple: int
    any_size: bool = False
    outputs: tuple[str, ...]
    format: str
    takes_finder: bool = False

    @abstractmethod
    def build(self, side: int) -> nn.Module:
        """The network for pictures of a side, its weights random."""

    @property
    @abstractmethod
    def task(self) -> type[Any]:
        """The class of what it is trained on: a `FaceTask`, made of a configuration and the splits that are
        read."""

    @abstractmethod
    def card(self, side: int, validation: Mapping[str, Any]) -> dict[str, Any]:
        """Entries that a card has of this network only; `validation` has the measures of the best epoch."""

    def side_of(self, config: TrainConfig) -> int:
        """Side of the pictures that the network of a configuration learns from, pixels.

        Raises:
            ConfigError: unknown keys, or a size that the network can't take.
        """
        settings = checked(_Settings, config.model, key="model")
        side = self.size if settings.size is None else settings.size
        if side < self.multiple or side % self.multiple:
            raise ConfigError(f"model.size must be a multiple of {self.multiple}, is {side}.")
        return side


def face_family(config: TrainConfig) -> FaceFamily:
    """The family of a configuration whose `for_faces` holds."""
    family = find(config.model.get("variant"))
    assert isinstance(family, FaceFamily)
    return family
