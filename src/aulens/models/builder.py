"""Names and numbers become a model; a model becomes a file that rebuilds it."""

import json
from pathlib import Path
from typing import Final

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from aulens.errors import ModelError
from aulens.models.base import AUModel
from aulens.models.config import ModelConfig
from aulens.models.family import au_family, model_config
from aulens.relations import AURelations

FORMAT: Final = "aulens-checkpoint/1"


def build(config: ModelConfig, relations: AURelations | None = None) -> AUModel:
    """The model of a configuration, with random weights except for a backbone's that it names.

    Args:
        config: What to build.
        relations: How the AUs go together, for "jaa_gcn"; None to read the configuration's `graph_matrix`.

    Raises:
        ConfigError: No such backbone, or "jaa_gcn" without relations.
        ModelError: The backbone can't take this crop, its weights can't be had or don't fit; or the relations
            are of other AUs.
    """
    return au_family(config.variant).build(config, relations)


def save_checkpoint(path: str | Path, model: AUModel, config: ModelConfig) -> None:
    """Write a model to a safetensors file that alone rebuilds it (see `load_checkpoint`).

    Args:
        path: File to write.
        model: What `build(config)` gave, trained or not.
        config: Its configuration, stored in the file's header.
    """
    metadata = {"format": FORMAT, "config": json.dumps(config.to_dict(), sort_keys=True)}
    save_file({k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}, path, metadata)


def load_checkpoint(path: str | Path) -> tuple[AUModel, ModelConfig]:
    """Rebuild a model from a file of `save_checkpoint` alone: every tensor in its place, none left over.

    Returns:
        The model, in training mode and on the CPU, and its configuration.

    Raises:
        ModelError: No such file, not a checkpoint, truncated, or not matching its configuration.
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
        config = model_config(json.loads(metadata["config"]), key="")
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path} has a configuration that this version can't read: {error}") from error
    model = au_family(config.variant).empty(config)
    try:
        model.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise ModelError(f"{path} does not match its own configuration: {error}") from error
    return model, config
