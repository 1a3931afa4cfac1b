"""What a model is, as numbers and names: one frozen configuration for each family of models."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, get_args

import numpy as np
from msgspec import Meta

from aulens.align import TEMPLATES
from aulens.aus import AU_SETS, AUSet, au_set
from aulens.checked import Checked, Count, NotNegative, Positive, Probability, one_of
from aulens.errors import ConfigError
from aulens.relations import THRESHOLD, Normalisation

RoiVariant = Literal["pooled", "heatmap", "roi", "roi_gcn", "roi_gcn_supervised"]
JAAVariant = Literal["jaa_net", "jaa_gcn"]
DiceForm = Literal["paper", "port"]
GraphNodes = Literal["features", "hidden"]
AUs = Annotated[str | Sequence[int], Meta(description="a name or a list of whole numbers")]

ROI_VARIANTS: Final[tuple[str, ...]] = get_args(RoiVariant)
JAA_VARIANTS: Final[tuple[str, ...]] = get_args(JAAVariant)


@dataclass(frozen=True, kw_only=True)
class ModelConfig(Checked):
    """What all models are asked for. Use `RoiConfig` or `JAAConfig`, or `aulens.models.model_config`.

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
    aus: AUs
    crop: int
    template: Annotated[str, one_of(TEMPLATES)]

    def __post_init__(self) -> None:
        if not isinstance(self.aus, str) and isinstance(self.aus, Iterable):
            plain = tuple(n.item() if isinstance(n, np.generic) else n for n in self.aus)
            object.__setattr__(self, "aus", plain)
        super().__post_init__()
        if not isinstance(self.aus, str):
            object.__setattr__(self, "aus", tuple(self.aus))
        _ = self.au_set  # refuses unknown AUs
        self.check()

    def check(self) -> None:
        """Raise ConfigError for values of a family that can't be, though each is what its annotation says;
        called when a configuration is made."""

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


@dataclass(frozen=True, kw_only=True)
class RoiConfig(ModelConfig):
    """Paper A's networks and the plain classifier; the defaults are paper A's.

    Attributes:
        variant: "heatmap" (positives only), "roi" (+1 and -1), "roi_gcn" (with graph convolution),
            "roi_gcn_supervised" (the paper: eigenvectors asked for AUs), or "pooled" (plain classifier).
        weighted, aus, crop, template: As in `ModelConfig`; weighted as in section 4.3.2, crop at least 32.
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
            absence weigh more beside the zeros between; 0 counts regions only.
        graded: Ask for more in an AU's regions the more intense it is (`aulens.losses.roi.grades`),
            where intensities are coded; the paper asks for 1 whatever the intensity.
    """

    variant: RoiVariant = "roi_gcn_supervised"
    weighted: bool = False
    aus: AUs = "bp4d"
    crop: Annotated[
        int,
        Meta(ge=32, le=4096, description="a whole number of at least 32, pixels of a face, and 4096 at most"),
    ] = 256
    template: Annotated[str, one_of(TEMPLATES)] = "face"
    backbone: str = "hrnet_w18"
    roi_side: Count = 7
    eigenvectors: Literal["aus"] | int = "aus"
    eigen_head: Literal["context", "pooled"] = "context"
    channels: Count | None = None
    backbone_weights: str | None = None
    alpha: NotNegative = 0.001
    background: NotNegative = 1.0
    graded: bool = False

    @property
    def positives_only(self) -> bool:
        """Whether absent AUs leave their map at 0 instead of -1."""
        return self.variant == "heatmap"

    def check(self) -> None:
        """See `ModelConfig.check`."""
        count = len(self.au_set)
        needed = count if self.variant == "roi_gcn_supervised" else 1
        if self.eigenvectors != "aus" and self.eigenvectors < needed:
            raise ConfigError(
                f"eigenvectors is {self.eigenvectors}; {self.variant} with {count} AUs needs at least "
                f"{needed}."
            )
        if self.graded and self.variant == "pooled":
            raise ConfigError("graded grades the maps' targets, and the variant pooled has no maps.")
        if self.roi_side % 2 == 0:
            raise ConfigError(f"roi_side is {self.roi_side}; it must be odd, to have a centre.")


@dataclass(frozen=True, kw_only=True)
class JAAConfig(ModelConfig):
    """JAA-Net and paper B's network on top of it; the defaults are paper B's where it says them.

    Attributes:
        variant: "jaa_net" (stage 1) or "jaa_gcn" (stage 2: JAA-Net frozen, the AU relation graph trained).
        weighted, aus, template: As in `ModelConfig`; both papers weigh.
        crop: As in `ModelConfig`; a multiple of 16, at least 48. 176 is JAA-Net's, 112 paper B's.
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

    variant: JAAVariant = "jaa_net"
    weighted: bool = True
    aus: AUs = "affwild2"
    crop: Annotated[
        int,
        Meta(ge=48, le=4096, multiple_of=16, description="a whole number, a multiple of 16 from 48 to 4096"),
    ] = 112
    template: Annotated[str, one_of(TEMPLATES)] = "jaanet"
    dice: DiceForm = "paper"
    dice_weight: NotNegative = 1.0
    dice_epsilon: Positive = 1.0
    landmark_weight: NotNegative = 0.5
    local_weight: NotNegative = 1.0
    graph_threshold: Probability = THRESHOLD
    graph_normalisation: Normalisation = "row"
    graph_depth: Count = 1
    graph_width: Count = 64
    graph_nodes: GraphNodes = "features"
    graph_matrix: str | None = None
