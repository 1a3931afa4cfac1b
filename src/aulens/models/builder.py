"""Names and numbers become a model; a model becomes a file that rebuilds it."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from aulens.align import TEMPLATES
from aulens.aus import AU_SETS, AUSet, au_set
from aulens.errors import ConfigError, ModelError
from aulens.models.backbone import backbone
from aulens.models.base import AUModel
from aulens.models.graph import GraphReasoning
from aulens.models.pooled import PooledNet
from aulens.models.roi_gcn import HEATMAP_THRESHOLD, EigenClassifier, EigenHead, RoiNet

Variant = Literal["pooled", "heatmap", "roi", "roi_gcn", "roi_gcn_supervised"]
VARIANTS: Final[tuple[str, ...]] = get_args(Variant)
FORMAT: Final = "aulens-checkpoint/1"


@dataclass(frozen=True)
class ModelConfig:
    """What a model is and what it is asked for; the defaults are paper A's.

    Attributes:
        variant: "heatmap" (positives only), "roi" (+1 and -1), "roi_gcn" (with graph convolution),
            "roi_gcn_supervised" (the paper: eigenvectors asked for AUs), or "pooled" (plain classifier).
        weighted: Multiply each AU's losses by its inverse occurrence rate (mean 1), section 4.3.2.
        backbone: "hrnet_lane16", "hrnet_lane8" (small, ours), or any timm model that can give features.
        aus: Name of an AU set, or AU numbers.
        crop: Side of the aligned image in pixels.
        roi_side: Side of a region in pixels of the map, odd.
        template: Name of the crop template.
        eigenvectors: Rank of the graph's similarity matrix: "aus" for one per AU, or a number (at least as
            many as AUs where they are supervised).
        eigen_head: How an AU is read from its eigenvector; see `aulens.models.roi_gcn.EigenClassifier`.
        channels: None to use the backbone's levels as they are, or the width to project them to.
        backbone_weights: None (random), "hub" (timm's, needs the network), or a weight file.
        alpha: Weight of the eigenvectors' loss (Eq 7) in the total; the paper's alpha_1.
        background: Weight of the pixels outside all regions in the map loss (Eq 4). 1 is the paper: all
            pixels count alike. Regions cover few pixels (two 7x7 of 64x64: 2 %), so below 1 presence and
            absence weigh more beside the zeros between; 0 looks at regions only.

    Raises:
        ConfigError: A value is not one of those above.
    """

    variant: str = "roi_gcn_supervised"
    weighted: bool = False
    backbone: str = "hrnet_w18"
    aus: str | Sequence[int] = "bp4d"
    crop: int = 256
    roi_side: int = 7
    template: str = "face"
    eigenvectors: str | int = "aus"
    eigen_head: str = "context"
    channels: int | None = None
    backbone_weights: str | None = None
    alpha: float = 0.001
    background: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.aus, str):
            object.__setattr__(self, "aus", tuple(self.aus))
        self._choice("variant", self.variant, VARIANTS)
        self._choice("template", self.template, tuple(TEMPLATES))
        self._choice("eigen_head", self.eigen_head, get_args(EigenHead))
        count = len(self.au_set)
        if isinstance(self.eigenvectors, str):
            self._choice("eigenvectors", self.eigenvectors, ("aus", "a number"))
        elif self.eigenvectors < (count if self.variant == "roi_gcn_supervised" else 1):
            raise ConfigError(
                f"eigenvectors is {self.eigenvectors}; {self.variant} with {count} AUs needs at least "
                f"{count if self.variant == 'roi_gcn_supervised' else 1}."
            )
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

    @staticmethod
    def _choice(field: str, value: str, allowed: Sequence[str]) -> None:
        if value not in allowed:
            raise ConfigError(f"{field} is {value!r}; it must be one of {', '.join(allowed)}.")

    @property
    def au_set(self) -> AUSet:
        """The AUs, as a set with a name."""
        if isinstance(self.aus, str):
            return au_set(self.aus)
        numbers = tuple(self.aus)
        names = (known.name for known in AU_SETS.values() if known.numbers == numbers)
        return AUSet(next(names, "custom"), numbers)

    @property
    def positives_only(self) -> bool:
        """Whether absent AUs leave their map at 0 instead of -1."""
        return self.variant == "heatmap"

    def to_dict(self) -> dict[str, Any]:
        """As plain values, with the AUs spelled out as numbers (a set's name could change its meaning)."""
        return {**dataclasses.asdict(self), "aus": list(self.au_set.numbers)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ModelConfig":
        """From plain values; unknown names are refused."""
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ConfigError(
                f"Unknown model settings: {', '.join(unknown)}. Known: {', '.join(sorted(known))}."
            )
        return cls(**values)


def build(config: ModelConfig) -> AUModel:
    """The model of a configuration, with random weights except for the backbone's if the configuration names
    some.

    Raises:
        ConfigError: No such backbone.
        ModelError: The backbone's weights can't be had or don't fit, or it can't take this crop.
    """
    return _assemble(config, config.backbone_weights)


def _assemble(config: ModelConfig, backbone_weights: str | None) -> AUModel:
    aus = config.au_set
    body = backbone(config.backbone, config.crop, config.channels, backbone_weights)
    common = (body, aus, config.crop, config.template, config.roi_side)
    if config.variant == "pooled":
        return PooledNet(*common)
    graph, eigen = None, None
    if config.variant in ("roi_gcn", "roi_gcn_supervised"):
        rank = config.eigenvectors if isinstance(config.eigenvectors, int) else len(aus)
        graph = GraphReasoning(body.channels, rank)
    if config.variant == "roi_gcn_supervised":
        head: EigenHead = "context" if config.eigen_head == "context" else "pooled"
        eigen = EigenClassifier(head, len(aus), body.channels)
    threshold = HEATMAP_THRESHOLD if config.positives_only else 0.0
    return RoiNet(*common, graph=graph, eigen=eigen, threshold=threshold)


def save_checkpoint(path: str | Path, model: AUModel, config: ModelConfig) -> None:
    """Write a model to a safetensors file that alone rebuilds it (see `load_checkpoint`).

    Args:
        path: File to write.
        model: What `build(config)` gave, trained or not.
        config: Its configuration, stored in the file's header.
    """
    metadata = {"format": FORMAT, "config": json.dumps(config.to_dict(), sort_keys=True)}
    save_file({k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}, path, metadata)


def load_checkpoint(path: str | Path, aus: AUSet | None = None) -> tuple[AUModel, ModelConfig]:
    """Rebuild a model from its file alone, strictly: every tensor in its place, none left over.

    Args:
        path: A file of `save_checkpoint`.
        aus: The AUs that the caller counts on, in order; None to take what the file has.

    Returns:
        The model, in training mode and on the CPU, and its configuration.

    Raises:
        ModelError: No such file, not a checkpoint, truncated, of other AUs, or not matching its
            configuration.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"No checkpoint at {path}. Give a file written by training.")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(
            f"{path} ({path.stat().st_size} bytes) is not a readable checkpoint: {error}. It is truncated or "
            "of another kind; checkpoints are safetensors files written by training."
        ) from error
    if metadata.get("format") != FORMAT:
        raise ModelError(
            f"{path} is a safetensors file but not a checkpoint: its format is {metadata.get('format')!r}, "
            f"not {FORMAT!r}. If these are weights of a backbone, give them as backbone_weights."
        )
    try:
        config = ModelConfig.from_dict(json.loads(metadata["config"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path} has a configuration that this version can't read: {error}") from error
    if aus is not None and aus.numbers != config.au_set.numbers:
        raise ModelError(
            f"{path} predicts {', '.join(config.au_set.labels)}, but {', '.join(aus.labels)} were asked for. "
            "Give a checkpoint of these AUs, in this order."
        )
    model = _assemble(config, None)
    try:
        model.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise ModelError(f"{path} does not match its own configuration: {error}") from error
    return model, config
