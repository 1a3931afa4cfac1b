"""The published JAA-Net weights as ours, and ours as theirs.

The PyTorch code of JAA-Net's authors saves six files per epoch, one per part of the network, and holds one
small convolution per cell of the face and one network per AU. `JAANet` has the same numbers side by side in
grouped tensors, so that each published tensor is a slice of one of ours: `_layers` says which.

Version 2 (IJCV 2021, "JAAv2") is meant. Version 1 has no classifiers in its local_au_net and is refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from aulens.aus import BP4D, DISFA, AUSet
from aulens.errors import ModelError
from aulens.models.base import AUModel
from aulens.models.jaa_net import JAANet
from aulens.models.jaa_parts import FEATURE_CHANNELS, GRIDS
from aulens.models.official_check import COUNTER, SUBNETS, check
from aulens.models.weights import read_state

Parts = dict[str, dict[str, Tensor]]

DISFA_FROM_BP4D: Final[Mapping[int, int]] = {1: 1, 2: 2, 4: 4, 6: 6, 12: 12, 25: 23, 26: 17}
"""Whose attention and features of BP4D an AU of DISFA starts from; AU9 has none."""

_TENSORS: Final = ("weight", "bias", "running_mean", "running_var", COUNTER)


@dataclass(frozen=True)
class _Layer:
    """A published layer, and where it lies in `JAANet`.

    Attributes:
        subnet: One of `SUBNETS`.
        name: The layer in the published file.
        key: The layer in ours.
        index: Its place in ours, which has `groups` such layers one after the other on the first axis.
        groups: As said.
    """

    subnet: str
    name: str
    key: str
    index: int = 0
    groups: int = 1

    def cut(self, ours: Tensor) -> Tensor:
        """A view of this layer's part of one of our tensors; `GroupedLinear` has the groups on an axis."""
        if self.key.startswith("local_output"):
            return ours[self.index]
        size = ours.shape[0] // self.groups
        return ours.narrow(0, self.index * size, size)


def from_official(
    parts: Mapping[str, Mapping[str, Tensor]],
    aus: AUSet,
    crop: int,
    template: str = "jaanet",
    sources: Mapping[str, str] | None = None,
) -> JAANet:
    """The network with the published weights.

    Args:
        parts: For each of `SUBNETS` its state dictionary; batch counters may be absent.
        aus: What the weights were trained on, in their order: `BP4D` or `DISFA` for the published ones.
        crop: What they were trained on, in pixels: 176 for the published ones.
        template: Name of the crop template.
        sources: What to call each part in messages, such as its file; its own name by default.

    Raises:
        ModelError: A part is absent, is another part or another version, or was made for other AUs or another
            crop.
    """
    model = JAANet(aus, crop, template)
    wanted = to_official(model)
    for subnet in SUBNETS:
        if subnet not in parts:
            raise ModelError(
                f"JAA-Net has the parts {', '.join(SUBNETS)}; {subnet} is not among those given "
                f"({', '.join(parts) or 'none'})."
            )
        source = subnet if sources is None else sources[subnet]
        check(subnet, parts[subnet], wanted[subnet], aus, crop, source)

    state = model.state_dict()
    for layer in _layers(len(aus)):
        for tensor in _TENSORS:
            ours = state.get(f"{layer.key}.{tensor}")
            given = parts[layer.subnet].get(f"{layer.name}.{tensor}")
            if ours is None or given is None:
                continue
            if tensor == COUNTER:  # one for all groups
                ours.clamp_(min=int(given))
            else:
                layer.cut(ours).copy_(given)
    return model


def to_official(model: JAANet) -> Parts:
    """The six state dictionaries that the published code would load; copies, in its names and order."""
    state = model.state_dict()
    parts: Parts = {subnet: {} for subnet in SUBNETS}
    for layer in _layers(len(model.aus)):
        for tensor in _TENSORS:
            ours = state.get(f"{layer.key}.{tensor}")
            if ours is not None:
                own = ours if tensor == COUNTER else layer.cut(ours)
                parts[layer.subnet][f"{layer.name}.{tensor}"] = own.clone(
                    memory_format=torch.contiguous_format
                )
    return parts


def read_official(files: Mapping[str, str | Path], aus: AUSet, crop: int) -> JAANet:
    """`from_official` from files.

    Args:
        files: For each of `SUBNETS` its file, as saved by the published code; nothing in it is executed. A
            "state_dict" around it and "module." before its names are taken off.
        aus, crop: See `from_official`.

    Raises:
        ModelError: A file is absent, damaged or not the part that it was given as.
    """
    parts = {subnet: read_state(path) for subnet, path in files.items()}
    return from_official(parts, aus, crop, sources={subnet: str(path) for subnet, path in files.items()})


def disfa_from_bp4d(bp4d: AUModel) -> JAANet:
    """A network for DISFA's AUs to start training from, made of one trained on BP4D, as its authors do.

    What all AUs share and the alignment are copied; of the AUs, attention and features (`DISFA_FROM_BP4D`).
    AU9's, the local classifiers and the last layers are fresh random numbers.

    Args:
        bp4d: A `JAANet`, trained on `aulens.aus.BP4D`; the result has its crop and template.

    Raises:
        ModelError: The network is another, or predicts other AUs.
    """
    if not isinstance(bp4d, JAANet):
        raise ModelError(f"a start for DISFA is made of a JAA-Net, not of a {type(bp4d).__name__}.")
    if bp4d.aus.numbers != BP4D.numbers:
        raise ModelError(
            f"a start for DISFA is made of a network for BP4D's AUs ({', '.join(BP4D.labels)}); this one "
            f"predicts {', '.join(bp4d.aus.labels)}."
        )
    given, start = to_official(bp4d), to_official(JAANet(DISFA, bp4d.crop, bp4d.template))
    for subnet in ("region_learning", "align_net", "global_au_feat"):
        start[subnet] = given[subnet]
    stems = {"local_attention_refine": "local_aus_attention", "local_au_net": "local_aus_branch"}
    for to, source in DISFA_FROM_BP4D.items():
        for subnet, stem in stems.items():
            new, old = f"{stem}.{DISFA.index(to)}.", f"{stem}.{BP4D.index(source)}."
            start[subnet] |= {
                name.replace(old, new): tensor
                for name, tensor in given[subnet].items()
                if name.startswith(old)
            }
    return from_official(start, DISFA, bp4d.crop, bp4d.template)


def _layers(count: int) -> Iterator[_Layer]:
    """All layers of a network for `count` AUs, in the published order."""
    for step in (0, 2):
        theirs, ours = f"multiscale_feat.{step}", f"region.{step}"
        yield _Layer("region_learning", f"{theirs}.conv", f"{ours}.conv")
        for place, grid in enumerate(GRIDS):
            for name, key in (("bns", "norm"), ("convs", "conv")):
                for cell in range(grid**2):
                    yield _Layer(
                        "region_learning",
                        f"{theirs}.local_conv_branch{place + 1}.{name}.{cell}",
                        f"{ours}.partitions.{place}.{key}",
                        cell,
                        grid**2,
                    )
        yield _Layer("region_learning", f"{theirs}.bn", f"{ours}.norm")

    yield from _extractor("align_net", "align_feat.", "align_overall", 0, 2)
    for step in (0, 1):
        yield _Layer("align_net", f"align_output.{step}", f"align_output.{step}")

    for au in range(count):
        for step in (0, 1, 3, 4, 6, 7, 9):
            name, key = f"local_aus_attention.{au}.{step}", f"refinement.{step}"
            yield _Layer("local_attention_refine", name, key, au, count)

    for au in range(count):
        yield from _extractor("local_au_net", f"local_aus_branch.{au}.", "local", au, count)
    for au in range(count):
        for step in (0, 1):
            name, key = f"local_aus_output.{au}.{step}", f"local_output.{step}"
            yield _Layer("local_au_net", name, key, au, count)

    yield from _extractor("global_au_feat", "", "align_overall", 1, 2)
    for step in (0, 1):
        yield _Layer("au_net", f"au_output.{step}", f"output.{step}")


def _extractor(subnet: str, prefix: str, key: str, index: int, groups: int) -> Iterator[_Layer]:
    for level in range(len(FEATURE_CHANNELS)):
        for step in (0, 1, 3, 4):
            place = 7 * level + step
            yield _Layer(subnet, f"{prefix}feat_extract.{place}", f"{key}.{place}", index, groups)
