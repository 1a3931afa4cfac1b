"""JAA-Net in its plain form (`benchmarks/plain_jaa_net.py`), filled with numbers anyone can draw again."""

import functools
import importlib.util
import sys
import zlib
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from torch import Tensor, nn

from aulens.aus import AUSet
from aulens.landmarks import IBUG49
from synthetic_faces import face68

Parts = dict[str, dict[str, Tensor]]


@functools.cache
def plain() -> ModuleType:
    """The module, loaded from its file."""
    path = Path(__file__).parents[2] / "benchmarks" / "plain_jaa_net.py"
    spec = importlib.util.spec_from_file_location("plain_jaa_net", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def filled_array(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The numbers of a tensor, drawn by a generator that its name seeds."""
    draw = np.random.RandomState(zlib.crc32(name.encode()))
    last = name.rpartition(".")[2]
    if last == "num_batches_tracked":
        return np.zeros(shape, np.int64)
    if last == "running_var" or (last == "weight" and len(shape) == 1):
        return 0.5 + draw.random_sample(shape)
    if last == "weight":
        return draw.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
    return 0.1 * draw.standard_normal(shape)


def hollow(aus: AUSet, crop: int) -> nn.Module:
    """The plain network without numbers."""
    with torch.device("meta"):
        model: nn.Module = plain().PlainJAANet(aus, crop)
    return model


@functools.lru_cache(maxsize=2)
def _state(aus: AUSet, crop: int) -> dict[str, Tensor]:
    """Each tensor, seeded by its full name ("align_net.align_output.0.weight")."""
    state = {}
    for name, tensor in hollow(aus, crop).state_dict().items():
        drawn = np.asarray(filled_array(name, tuple(tensor.shape)))
        state[name] = torch.from_numpy(drawn).to(tensor.dtype)
    state["align_net.align_output.1.bias"] += torch.from_numpy(face49(crop).ravel())
    return state


def face49(crop: int) -> np.ndarray:
    """A frontal face of 49 points that fills a crop, (49, 2)."""
    return (face68()[list(IBUG49.in68)] * 0.4 + 0.5) * crop


def filled_plain(aus: AUSet, crop: int) -> nn.Module:
    """The plain network, filled, in evaluation mode. Its landmarks lie about a face, not about (0, 0) as the
    drawn numbers alone would have it, so that its attention is where attention is."""
    model = hollow(aus, crop).to_empty(device="cpu")
    model.load_state_dict(_state(aus, crop))
    return model.eval()


def parts_of(model: nn.Module) -> Parts:
    """The six state dictionaries, as the published code saves them."""
    return {name: getattr(model, name).state_dict() for name in plain().SUBNETS}
