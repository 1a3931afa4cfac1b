"""Names and numbers become a model; a model becomes a file that rebuilds it."""

import json
from pathlib import Path
from typing import Final

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from aulens.aus import AUSet
from aulens.errors import ConfigError, ModelError
from aulens.models.backbone import backbone
from aulens.models.base import AUModel
from aulens.models.config import JAAConfig, ModelConfig, RoiConfig
from aulens.models.graph import GraphReasoning
from aulens.models.jaa_gcn import JAAGraphNet
from aulens.models.jaa_net import JAANet
from aulens.models.pooled import PooledNet
from aulens.models.roi_gcn import HEATMAP_THRESHOLD, EigenClassifier, EigenHead, RoiNet
from aulens.relations import AURelations

FORMAT: Final = "aulens-checkpoint/1"


def build(config: ModelConfig, relations: AURelations | None = None) -> AUModel:
    """The model of a configuration, with random weights except for the backbone's if the configuration names
    some.

    Args:
        config: What to build.
        relations: How the AUs go together, for "jaa_gcn"; None to read the configuration's `graph_matrix`.

    Raises:
        ConfigError: No such backbone, or "jaa_gcn" without relations.
        ModelError: The backbone's weights can't be had or don't fit, or it can't take this crop; or the
            relations are of other AUs.
    """
    if isinstance(config, JAAConfig):
        return _jaa(config, _relations(config, relations) if config.variant == "jaa_gcn" else None)
    assert isinstance(config, RoiConfig)
    return _roi(config, config.backbone_weights)


def _relations(config: JAAConfig, given: AURelations | None) -> AURelations:
    if given is None and config.graph_matrix is None:
        raise ConfigError(
            "jaa_gcn needs to know how the AUs go together: give build() relations (AURelations.from_labels "
            "counts them in training labels), or name a file of them in graph_matrix."
        )
    return given or AURelations.load(config.graph_matrix or "", config.au_set)


def _jaa(config: JAAConfig, relations: AURelations | None) -> AUModel:
    jaa = JAANet(config.au_set, config.crop, config.template)
    return jaa if relations is None else JAAGraphNet(jaa, relations, config)


def _roi(config: RoiConfig, backbone_weights: str | None) -> AUModel:
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


def _empty(config: ModelConfig) -> AUModel:
    """The model of a configuration, to be filled from a checkpoint: what that holds is not looked for."""
    if isinstance(config, JAAConfig):
        aus = config.au_set
        stored = AURelations(aus, np.eye(len(aus)), np.zeros(len(aus), np.int64))
        return _jaa(config, stored if config.variant == "jaa_gcn" else None)
    assert isinstance(config, RoiConfig)
    return _roi(config, None)


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
    model = _empty(config)
    try:
        model.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise ModelError(f"{path} does not match its own configuration: {error}") from error
    return model, config
