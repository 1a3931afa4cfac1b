"""What aulens asks of a family of models, and where each is entered.

A family is one object in one file of its own (`aulens.families`, or of any package: an entry point in
"aulens.models"). Its module imports no torch but within methods: a card of its models is read without.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from aulens.aus import AUSet
from aulens.checked import checked
from aulens.errors import ConfigError
from aulens.models.config import ModelConfig
from aulens.registry import Registry
from aulens.relations import AURelations

if TYPE_CHECKING:
    from torch import nn

    from aulens.models.base import AUModel

Config = TypeVar("Config", bound=ModelConfig)
Decoder = Literal["roi", "pooled", "direct"]


class Family:
    """What all families have in common; itself one of which nothing is known.

    Attributes:
        for_faces: Whether its networks find faces, landmarks or people, not Action Units.
        files: Settings that name a file.
    """

    for_faces: bool = False
    files: tuple[str, ...] = ()

    def papers(self, variant: str) -> tuple[str, ...]:
        """BibTeX of what a variant follows."""
        return ()

    def decision_threshold(self, variant: str) -> float:
        """The score, as decoded from an exported file, above which the paper takes an AU for present; what
        `AUModel.forward` gives has it subtracted."""
        return 0.0

    def first_stage(self, settings: Mapping[str, Any]) -> dict[str, Any] | None:
        """The [model] of the network that is trained before, in RUN/stage1, and begins `AUModel.first_stage`;
        None where there is one stage. `settings` are those of the [model] itself."""
        return None


class AUFamily(Family, ABC, Generic[Config]):
    """A family of models of Action Units. A subclass says how they are built, and where they differ.

    Attributes:
        config: Class of their configurations; model.variant is one of its settings.
        true_landmarks: Whether they learn landmarks, and so are given the true ones to learn from.
    """

    config: type[Config]
    true_landmarks: bool = False

    @abstractmethod
    def build(self, config: Config, relations: AURelations | None = None) -> AUModel:
        """The model of a configuration, before training.

        Args:
            config: What to build.
            relations: What `relations` gave, of families that count them.
        """

    def empty(self, config: Config) -> AUModel:
        """The same, to be filled from a checkpoint: no file that the configuration names is read."""
        return self.build(config)

    @abstractmethod
    def criterion(self, config: Config, base_rates: Sequence[float] | None = None) -> nn.Module:
        """The losses.

        Args:
            config: Of the model.
            base_rates: Occurrence rate of each AU in the training data; needed if `config.weighted`.

        Returns:
            A module: (AUOutput; landmarks (B, K, 2) as given to the model; side labels (B, A, 2) in {0, 1,
            MISSING}; their intensities, 0 to 5, NaN where not coded, or None) -> scalars: "loss" to minimise,
            and its parts, for the log.

        Raises:
            ConfigError: The base rates are needed and not given, or not one for each AU.
        """

    def decoder(self, variant: str) -> Decoder:
        """Where the score of an exported file comes from: "roi" (a map's mean in the AU's regions), "pooled"
        (its mean everywhere), or "direct" (the file's "logits")."""
        return "direct"

    def card(self, config: Config) -> dict[str, Any]:
        """Entries that a card has of these models only."""
        return {}

    def needs_intensities(self, config: Config) -> str:
        """The setting that has no use without coded intensities; "" if none is set."""
        return ""

    def relations(self, config: Config, labels: NDArray[np.int8], aus: AUSet) -> AURelations | None:
        """How AUs go together, of families that build on it.

        Args:
            config: Of the model.
            labels: (N, A) in {0, 1, MISSING}, of the training samples.
            aus: The AUs of axis A.
        """
        return None


_ROI: Final = "aulens.families.roi:ROI"
_JAA: Final = "aulens.families.jaa:JAA"

MODELS: Final = Registry(
    "model",
    "aulens.models",
    Family,
    MappingProxyType(
        {
            "pooled": _ROI,
            "heatmap": _ROI,
            "roi": _ROI,
            "roi_gcn": _ROI,
            "roi_gcn_supervised": _ROI,
            "jaa_net": _JAA,
            "jaa_gcn": _JAA,
            "face_net": "aulens.families.face_nets:FACE_NET",
            "landmark_net": "aulens.families.face_nets:LANDMARK_NET",
            "person_net": "aulens.families.face_nets:PERSON_NET",
        }
    ),
)
"""The family of each variant (model.variant)."""

DEFAULT: Final = "roi_gcn_supervised"
"""The variant where a configuration names none."""


def find(variant: object) -> Family:
    """The family of a variant; one of which nothing is known if none has it.

    Raises:
        ConfigError: The package that has it can't be loaded.
    """
    return MODELS[variant] if isinstance(variant, str) and variant in MODELS else Family()


def au_family(variant: object) -> AUFamily[Any]:
    """The family of a variant that finds Action Units.

    Raises:
        ConfigError: There is none.
    """
    family = find(variant)
    if isinstance(family, AUFamily):
        return family
    known = ", ".join(name for name in MODELS.names() if name != variant)
    raise ConfigError(f"variant is {variant!r}; it must be one of {known}.")


def model_config(values: Mapping[str, Any], key: str = "model") -> ModelConfig:
    """The configuration of a model from plain values; "variant" says of which family (`DEFAULT`, if none).

    Args:
        values: By the names of its attributes.
        key: Where they stand in a file, for messages.

    Raises:
        ConfigError: An unknown variant, a name that the family does not know (the nearest known one is
            named), or a value that can't be.
    """
    kind: type[ModelConfig] = au_family(values.get("variant", DEFAULT)).config
    return checked(kind, values, key=key)
