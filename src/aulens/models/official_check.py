"""Whether a state dictionary is the part of JAA-Net that it is given as; if not, what it looks like."""

import re
from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor

from aulens.aus import AU_SETS, AUSet
from aulens.errors import ModelError
from aulens.models.jaa_net import MIN_CROP
from aulens.models.jaa_parts import FEATURE_CHANNELS
from aulens.named import first_of

FIRST: Final[Mapping[str, tuple[str, ...]]] = {
    "region_learning": ("multiscale_feat",),
    "align_net": ("align_feat", "align_output"),
    "local_attention_refine": ("local_aus_attention",),
    "local_au_net": ("local_aus_branch", "local_aus_output"),
    "global_au_feat": ("feat_extract",),
    "au_net": ("au_output",),
}
"""How the names in each published file begin."""

SUBNETS: Final = tuple(FIRST)
"""The six parts, as the published files are called."""

COUNTER: Final = "num_batches_tracked"
"""Old files lack these tensors, and nothing depends on them."""

_WHOLE: Final = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)

# The layer of each part whose width depends on the crop, and how many branches' features it takes.
_FLAT: Final = {
    "align_net": ("align_output.0.weight", 1),
    "local_au_net": ("local_aus_output.0.0.weight", 1),
    "au_net": ("au_output.0.weight", 3),
}


def check(
    subnet: str,
    given: Mapping[str, Tensor],
    wanted: Mapping[str, Tensor],
    aus: AUSet,
    crop: int,
    source: str,
) -> None:
    """Refuse a state dictionary that is not the wanted part, with the likeliest reason first.

    Args:
        subnet: One of `SUBNETS`.
        given, wanted: The state dictionary, and one that fits.
        aus, crop: What is asked for.
        source: What to call it in messages.

    Raises:
        ModelError: It is another part, of version 1, for another number of AUs or another crop, its names
            or shapes are not those of the part, or it holds other things than finite weights.
    """
    said = source if source == subnet else f"{source}, given as {subnet},"
    firsts = {name.partition(".")[0] for name in given}
    if not firsts & set(FIRST[subnet]):
        other = next((part for part, names in FIRST.items() if firsts and firsts <= set(names)), None)
        what = "no part of JAA-Net" if other is None else other
        raise ModelError(
            f"{said} is {what} (it has {next(iter(given), 'no tensors')}); {subnet} has names like "
            f"{next(iter(wanted))}. Give the file that the published code calls {subnet}_EPOCH.pth."
        )
    if subnet == "local_au_net" and "local_aus_output" not in firsts:
        raise ModelError(
            f"{said} is of version 1 of JAA-Net: it has no local_aus_output, the classifier of each AU. Only "
            "version 2 (JAAv2) fits; give the files of a version 2 training, all six of the same epoch."
        )
    found = _count(given)
    if found is not None and found != len(aus):
        sets = [name for name, known in AU_SETS.items() if len(known) == found]
        raise ModelError(
            f"{said} was made for {found} AUs, but the {len(aus)} AUs of {aus.name} are asked for"
            f"{f'; {found} have ' + ', '.join(sets) if sets else ''}."
        )
    if subnet in _FLAT:
        name, branches = _FLAT[subnet]
        if name in given and given[name].ndim == 2 and given[name].shape[1] != wanted[name].shape[1]:
            per_branch = given[name].shape[1] / (branches * FEATURE_CHANNELS[-1])
            side = round(per_branch**0.5)
            near = (32 * side, 32 * side + 16)
            crops = [str(c) for c in near if c >= MIN_CROP and side**2 == per_branch]
            raise ModelError(
                f"{said} was made for another crop: {name} takes {given[name].shape[1]} features, "
                f"as of {' or '.join(crops) or 'no known crop'}; a crop of {crop} has "
                f"{wanted[name].shape[1]}."
            )
    problems = {
        "missing": [n for n in wanted if n not in given and not n.endswith(COUNTER)],
        "unknown": [n for n in given if n not in wanted],
        "of another shape": [
            f"{n} {tuple(given[n].shape)} instead of {tuple(wanted[n].shape)}"
            for n in wanted
            if n in given and given[n].shape != wanted[n].shape
        ],
        "of another kind": [f"{n} of {t.dtype}" for n, t in given.items() if not _is_weight(n, t)],
        "not finite": [n for n, t in given.items() if _is_weight(n, t) and not _is_finite(t)],
    }
    faults = [f"{len(names)} {kind} ({first_of(names)})" for kind, names in problems.items() if names]
    if faults:
        raise ModelError(f"{said} does not fit JAA-Net: {'; '.join(faults)}. Get the file again.")


def _is_weight(name: str, tensor: Tensor) -> bool:
    """Whether a tensor's numbers can be a weight's, or, whole ones, a counter's."""
    return tensor.is_floating_point() or (name.endswith(COUNTER) and tensor.dtype in _WHOLE)


def _is_finite(tensor: Tensor) -> bool:
    return bool(torch.isfinite(tensor.float()).all())  # in our precision, too


def _count(given: Mapping[str, Tensor]) -> int | None:
    """For how many AUs a part was made; None for one that does not depend on it."""
    last = given.get("au_output.1.bias")
    if last is not None:
        return last.numel() // 2
    numbers = [int(m[1]) for m in (re.match(r"local_aus_\w+\.(\d+)\.", name) for name in given) if m]
    return max(numbers) + 1 if numbers else None
