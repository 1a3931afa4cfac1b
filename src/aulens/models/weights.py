"""Reading weight files: safely (nothing in them is executed), strictly (nothing in them is silently
ignored)."""

import struct
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from aulens.errors import ModelError
from aulens.named import first_of

State = dict[str, Tensor]
_OURS = "backbone.body."
# Files whose tensors have names of their own, known by their first: they are matched by order.
_BY_ORDER: Final = {
    "features.0.0.weight": "torchvision",
    "_conv_stem.weight": "efficientnet_lite_pytorch",
}

# What the readers of torch and safetensors raise for damaged files, found by damaging ten thousand; those of
# before torch 1.6 have no checksums, and break anywhere.
DAMAGED: Final = (
    SafetensorError, UnpicklingError, struct.error, EOFError, OSError, RuntimeError, ValueError, TypeError,
    LookupError, AttributeError, AssertionError, MemoryError,
)  # fmt: skip


def read_state(path: str | Path) -> State:
    """Tensors of a weight file, by name.

    Args:
        path: A `.safetensors` file, or a file written by `torch.save` (read with `weights_only=True`): a
            state dictionary, bare or under "state_dict" or "model", its names with or without "module.". Of a
            checkpoint of ours, the backbone's tensors.

    Raises:
        ModelError: No such file, not a weight file, truncated, or holding something else than tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"No weight file at {path}. Give the path of a .safetensors or .pth file.")
    try:
        if path.suffix == ".safetensors":
            loaded: object = load_file(path)
        else:
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except DAMAGED as error:
        raise ModelError(
            f"{path} ({path.stat().st_size} bytes) can't be read as weights ({reason(error)}). "
            "It is truncated, of another kind, or holds more than tensors; get it again."
        ) from error
    for key in ("state_dict", "model"):
        if isinstance(loaded, Mapping) and isinstance(loaded.get(key), Mapping):
            loaded = loaded[key]
    if (
        not isinstance(loaded, Mapping)
        or not loaded
        or not all(isinstance(v, Tensor) for v in loaded.values())
    ):
        raise ModelError(
            f"{path} holds no dictionary of tensors but {type(loaded).__name__}; it is not a weight file."
        )
    state = {str(name).removeprefix("module."): tensor for name, tensor in loaded.items()}
    ours = {key.removeprefix(_OURS): tensor for key, tensor in state.items() if key.startswith(_OURS)}
    return ours or state


def load_body(body: nn.Module, state: State, whole: Mapping[str, Tensor], name: str, source: str) -> None:
    """Put weights into the feature pyramid `body`, often those of a whole classifier.

    Every tensor of the body must be in `state` with its shape (batch counters may be absent). Tensors of the
    classifier's head are dropped; any other surplus tensor is an error, since it means another network.

    Args:
        body: Feature pyramid, changed in place.
        state: Tensors in the naming of `whole`, or of a project in `_BY_ORDER`.
        whole: State dictionary of the classifier with its head (tensors may be on the meta device).
        name: Name of the network, for messages.
        source: Where the weights came from, for messages.

    Raises:
        ModelError: A tensor is missing, has another shape or belongs to another network.
    """
    for first, origin in _BY_ORDER.items():
        if first in state and "conv_stem.weight" in whole:
            state = by_order(state, whole, name, origin, source)
    given = {_plain(key): (key, tensor) for key, tensor in state.items()}
    wanted = {_plain(key): (key, tensor) for key, tensor in body.state_dict().items()}

    lacking = [wanted[key][0] for key in wanted.keys() - given.keys()]
    missing = [key for key in lacking if not key.endswith("num_batches_tracked")]
    strange = [given[key][0] for key in given.keys() - wanted.keys() - {_plain(key) for key in whole}]
    shapes = [
        f"{wanted[key][0]} is {tuple(given[key][1].shape)}, must be {tuple(wanted[key][1].shape)}"
        for key in wanted.keys() & given.keys()
        if given[key][1].shape != wanted[key][1].shape
    ]
    kinds = {"missing": missing, "of another network": strange, "of another shape": shapes}
    problems = [f"{len(found)} {kind}: {first_of(sorted(found))}" for kind, found in kinds.items() if found]
    if problems:
        raise ModelError(
            f"{source} does not fit the backbone {name}: {'; '.join(problems)}. Give weights of {name}."
        )
    body.load_state_dict({key: given.get(plain, ("", own))[1] for plain, (key, own) in wanted.items()})


def by_order(state: State, whole: Mapping[str, Tensor], name: str, origin: str, source: str) -> State:
    """Tensors of another project's network, which `origin` wrote, under timm's names; see `load_body`.

    Both list the same layers in the same order under different names, so tensors are matched by position and
    each pair's shape is checked: ModelError for others (another width, say).
    """
    names = [key for key in whole if not key.endswith("num_batches_tracked")]
    tensors = {key: tensor for key, tensor in state.items() if not key.endswith("num_batches_tracked")}
    if len(names) != len(tensors):
        raise ModelError(f"{source} holds {len(tensors)} tensors, but {origin}'s {name} has {len(names)}.")
    for own, (key, tensor) in zip(names, tensors.items(), strict=True):
        if whole[own].shape != tensor.shape:
            raise ModelError(
                f"{source}: {key} is {tuple(tensor.shape)}, {own} needs {tuple(whole[own].shape)}; "
                f"it is not {origin}'s {name}."
            )
    return dict(zip(names, tensors.values(), strict=True))


def reason(error: Exception) -> str:
    """The first line of what a library says went wrong; its type where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _plain(key: str) -> str:
    """A name without timm's wrappers: feature pyramids write `stages_0` for `stages.0`, some add `model.`."""
    return key.replace("_", ".").removeprefix("model.")
