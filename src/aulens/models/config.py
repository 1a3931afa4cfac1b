"""What a model is, as numbers and names: one frozen configuration for each family of models."""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from aulens.align import TEMPLATES
from aulens.aus import AU_SETS, AUSet, au_set
from aulens.errors import ConfigError
from aulens.models.family import DEFAULT, au_family
from aulens.relations import THRESHOLD, Normalisation

RoiVariant = Literal["pooled", "heatmap", "roi", "roi_gcn", "roi_gcn_supervised"]
JAAVariant = Literal["jaa_net", "jaa_gcn"]
DiceForm = Literal["paper", "port"]
GraphNodes = Literal["features", "hidden"]

ROI_VARIANTS: Final[tuple[str, ...]] = get_args(RoiVariant)
JAA_VARIANTS: Final[tuple[str, ...]] = get_args(JAAVariant)


@dataclass(frozen=True, kw_only=True)
class ModelConfig(ABC):
    """What all models are asked for. Use `RoiConfig` or `JAAConfig`, or `from_dict`.

    Attributes:
        variant: Which network; see the subclasses.
        weighted: Multiply each AU's losses by its inverse occurrence rate (mean 1).
        aus: Name of an AU set, or AU numbers.
        crop: Side of the aligned image in pixels.
        template: Name of the crop template.

    Raises:
        ConfigError: A value is of another type, not finite, or not one of those that the subclass allows.
    """

    variant: str
    weighted: bool
    aus: str | Sequence[int]
    crop: int
    template: str

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for field in dataclasses.fields(self):
            value = _typed(field.name, hints[field.name], getattr(self, field.name))
            object.__setattr__(self, field.name, value)
        _choice("template", self.template, tuple(TEMPLATES))
        self._check()

    @abstractmethod
    def _check(self) -> None:
        """Raise ConfigError for a value of this family that can't be."""

    @property
    def au_set(self) -> AUSet:
        """The AUs, as a set with a name."""
        if isinstance(self.aus, str):
            return au_set(self.aus)
        numbers = tuple(self.aus)
        names = (known.name for known in AU_SETS.values() if known.numbers == numbers)
        return AUSet(next(names, "custom"), numbers)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, with the AUs spelled out as numbers (a set's name could change its meaning)."""
        return {**dataclasses.asdict(self), "aus": list(self.au_set.numbers)}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> ModelConfig:
        """From plain values; "variant" says of which family (paper A's, if there is none).

        Raises:
            ConfigError: An unknown variant, a name that the family does not know, or a value that can't be.
        """
        kind = au_family(values.get("variant", DEFAULT)).config
        known = {field.name for field in dataclasses.fields(kind)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ConfigError(
                f"Unknown model settings: {', '.join(unknown)}. Known: {', '.join(sorted(known))}."
            )
        made: ModelConfig = kind(**values)
        return made


@dataclass(frozen=True, kw_only=True)
class RoiConfig(ModelConfig):
    """Paper A's networks and the plain classifier; the defaults are paper A's.

    Attributes:
        variant: "heatmap" (positives only), "roi" (+1 and -1), "roi_gcn" (with graph convolution),
            "roi_gcn_supervised" (the paper: eigenvectors asked for AUs), or "pooled" (plain classifier).
        weighted: As in `ModelConfig`; section 4.3.2.
        aus: As in `ModelConfig`.
        crop: As in `ModelConfig`, at least 32.
        template: As in `ModelConfig`.
        backbone: "hrnet_lane16", "hrnet_lane8" (small, ours), or any timm model that can give features.
        roi_side: Side of a region in pixels of the map, odd.
        eigenvectors: Rank of the graph's similarity matrix: "aus" for one per AU, or a number (at least as
            many as AUs where they are supervised).
        eigen_head: How an AU is read from its eigenvector; see `aulens.models.roi_gcn.EigenClassifier`.
        channels: None to use the backbone's levels as they are, or the width to project them to.
        backbone_weights: None (random), "hub" (timm's, needs the network), or a weight file.
        alpha: Weight of the eigenvectors' loss (Eq 7) in the total; the paper's alpha_1.
        background: Weight of the pixels outside all regions in the map loss (Eq 4). 1 is the paper: all
            pixels count alike. Regions cover few pixels (two 7x7 of 64x64: 2 %), so below 1 presence and
            absence weigh more beside the zeros between; 0 looks at regions only.
        graded: Ask for more in an AU's regions the more intense it is (`aulens.losses.roi.grades`),
            where intensities are coded; the paper asks for 1 whatever the intensity.
    """

    variant: str = "roi_gcn_supervised"
    weighted: bool = False
    aus: str | Sequence[int] = "bp4d"
    crop: int = 256
    template: str = "face"
    backbone: str = "hrnet_w18"
    roi_side: int = 7
    eigenvectors: str | int = "aus"
    eigen_head: str = "context"
    channels: int | None = None
    backbone_weights: str | None = None
    alpha: float = 0.001
    background: float = 1.0
    graded: bool = False

    @property
    def positives_only(self) -> bool:
        """Whether absent AUs leave their map at 0 instead of -1."""
        return self.variant == "heatmap"

    def _check(self) -> None:
        _choice("variant", self.variant, ROI_VARIANTS)
        _choice("eigen_head", self.eigen_head, ("context", "pooled"))
        count = len(self.au_set)
        if isinstance(self.eigenvectors, str):
            _choice("eigenvectors", self.eigenvectors, ("aus", "a number"))
        elif self.eigenvectors < (count if self.variant == "roi_gcn_supervised" else 1):
            raise ConfigError(
                f"eigenvectors is {self.eigenvectors}; {self.variant} with {count} AUs needs at least "
                f"{count if self.variant == 'roi_gcn_supervised' else 1}."
            )
        if self.graded and self.variant == "pooled":
            raise ConfigError("graded grades the maps' targets, and the variant pooled has no maps.")
        if self.crop < 32:
            raise ConfigError(f"crop is {self.crop}; a face needs at least 32 pixels.")
        if self.roi_side < 1 or self.roi_side % 2 == 0:
            raise ConfigError(f"roi_side is {self.roi_side}; it must be odd and positive, to have a centre.")
        if self.channels is not None and self.channels < 1:
            raise ConfigError(f"channels is {self.channels}; give a positive width, or leave it out.")
        if self.alpha < 0 or self.background < 0:
            raise ConfigError(
                f"alpha ({self.alpha}) and background ({self.background}) must not be negative."
            )


@dataclass(frozen=True, kw_only=True)
class JAAConfig(ModelConfig):
    """JAA-Net and paper B's network on top of it; the defaults are paper B's where it says them.

    Attributes:
        variant: "jaa_net" (stage 1) or "jaa_gcn" (stage 2: JAA-Net frozen, the AU relation graph trained).
        weighted: As in `ModelConfig`; both papers weigh.
        aus: As in `ModelConfig`.
        crop: As in `ModelConfig`; a multiple of 16, at least 48. 176 is JAA-Net's, 112 paper B's.
        template: As in `ModelConfig`.
        dice: Form of the Dice loss: "paper" (Eq 4), or "port", that of the public PyTorch code, which divides
            the ratio by the batch size.
        dice_weight: Weight of the Dice loss beside the softmax loss (Eq 5's lambda_2; official code: 1).
        dice_epsilon: Smooth term of Eq 4 (official code: 1).
        landmark_weight: Weight of the landmark loss (Eq 1; official code: 0.5).
        local_weight: Weight of the local branches' losses (official code: 1).
        graph_threshold: Conditional probability from which on one AU is tied to another (Eq 2).
            The paper does not give its value.
        graph_normalisation: Of the 0-1 matrix: "none" (Eq 3 as written), "row", or "symmetric".
        graph_depth: Graph convolutions one after the other.
        graph_width: Channels of a node after the first of them.
        graph_nodes: What a node starts from: the local branch's flattened "features", or the "hidden" layer
            of its local classifier.
        graph_matrix: File of `aulens.relations.AURelations` to use instead of the training labels'; None for
            those.
    """

    variant: str = "jaa_net"
    weighted: bool = True
    aus: str | Sequence[int] = "affwild2"
    crop: int = 112
    template: str = "jaanet"
    dice: str = "paper"
    dice_weight: float = 1.0
    dice_epsilon: float = 1.0
    landmark_weight: float = 0.5
    local_weight: float = 1.0
    graph_threshold: float = THRESHOLD
    graph_normalisation: str = "row"
    graph_depth: int = 1
    graph_width: int = 64
    graph_nodes: str = "features"
    graph_matrix: str | None = None

    def _check(self) -> None:
        _choice("variant", self.variant, JAA_VARIANTS)
        _choice("dice", self.dice, get_args(DiceForm))
        _choice("graph_normalisation", self.graph_normalisation, get_args(Normalisation))
        _choice("graph_nodes", self.graph_nodes, get_args(GraphNodes))
        assert self.au_set  # checks the AUs
        if self.crop < 48 or self.crop % 16:
            raise ConfigError(
                f"crop is {self.crop}; JAA-Net cuts its features into strips, so it must be a multiple of "
                "16, at least 48."
            )
        for name in ("dice_weight", "landmark_weight", "local_weight"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must not be negative.")
        if not self.dice_epsilon > 0:
            raise ConfigError(f"dice_epsilon is {self.dice_epsilon}; it must be above 0: it keeps 0/0 away.")
        if not 0 <= self.graph_threshold <= 1:
            raise ConfigError(f"graph_threshold is {self.graph_threshold}; it must be a probability.")
        for name in ("graph_depth", "graph_width"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 1.")


_KINDS: Final[Mapping[Any, str]] = {
    str: "a name",
    bool: "true or false",
    int: "a whole number",
    float: "a finite number",
    Sequence[int]: "a list of whole numbers",
    NoneType: "left out",
}


def _typed(name: str, hint: Any, value: Any) -> Any:
    """The value as the type that a field asks for; ConfigError if it is of none of them."""
    kinds = get_args(hint) if get_origin(hint) is UnionType or isinstance(hint, UnionType) else (hint,)
    number = isinstance(value, Real) and not isinstance(value, bool)
    for kind in kinds:
        if kind in (str, bool, NoneType) and isinstance(value, kind):
            return value
        if kind is int and number and isinstance(value, Integral):
            return int(value)
        if kind is float and number and math.isfinite(value):
            return float(value)
        if kind == Sequence[int] and isinstance(value, Iterable) and not isinstance(value, str | Mapping):
            numbers = tuple(value)
            if all(isinstance(each, Integral) and not isinstance(each, bool) for each in numbers):
                return tuple(int(each) for each in numbers)
    raise ConfigError(f"{name} is {value!r}; it must be {' or '.join(_KINDS[kind] for kind in kinds)}.")


def _choice(field: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ConfigError(f"{field} is {value!r}; it must be one of {', '.join(allowed)}.")
