"""Files of a published JAA-Net are read in all the forms they come in; a wrong one is named."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from aulens.aus import DISFA, AUSet
from aulens.errors import ModelError
from aulens.models.jaa_net import JAANet
from aulens.models.official_jaa import SUBNETS, from_official, read_official, to_official
from plain_jaa import Parts, filled_plain, parts_of

pytestmark = pytest.mark.slow

TWO = AUSet("two", (1, 12))
SMALL = 48


@pytest.fixture(scope="module")
def small() -> Parts:
    return parts_of(filled_plain(TWO, SMALL))


def save(parts: Parts, folder: Path, wrap: Callable[[dict[str, Tensor]], object] = dict) -> dict[str, Path]:
    files = {}
    for name, state in parts.items():
        files[name] = folder / f"{name}_4.pth"
        torch.save(wrap(state), files[name], _use_new_zipfile_serialization=False)  # as torch did until 1.6
    return files


WRAPS: dict[str, Callable[[dict[str, Tensor]], object]] = {
    "bare": dict,
    "state_dict": lambda state: {"state_dict": state},
    "module": lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
    "no counters": lambda state: {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")},
}


@pytest.mark.parametrize("wrap", ["in turn", *(pytest.param(w) for w in WRAPS)])
def test_files(small: Parts, tmp_path: Path, wrap: str) -> None:
    files = {}
    for name, turn in zip(SUBNETS, itertools.cycle(WRAPS)):
        files |= save({name: small[name]}, tmp_path, WRAPS[turn if wrap == "in turn" else wrap])
    found = to_official(read_official(files, TWO, SMALL))
    assert all(torch.equal(found[s][name], small[s][name]) for s in SUBNETS for name in small[s])


NUMBERS: dict[str, tuple[str, Callable[[Tensor], Tensor]]] = {
    "nan": ("align_output.0.weight", lambda tensor: tensor.clone().fill_(torch.nan)),
    "infinite": ("align_feat.feat_extract.1.running_var", lambda tensor: tensor + torch.inf),
    "too large": ("align_output.1.bias", lambda tensor: tensor.double() + 1e300),
    "whole": ("align_output.0.bias", lambda tensor: tensor.long()),
    "complex": ("align_output.0.bias", lambda tensor: tensor.to(torch.complex64)),
    "no counter": ("align_feat.feat_extract.1.num_batches_tracked", lambda tensor: tensor + torch.nan),
}
"""A tensor of align_net, and what is done to it."""


def wrong(small: Parts, kind: str) -> Parts:
    parts = {subnet: dict(state) for subnet, state in small.items()}
    if kind == "swapped":
        parts["region_learning"], parts["align_net"] = parts["align_net"], parts["region_learning"]
    elif kind == "v1":
        local = parts["local_au_net"]
        parts["local_au_net"] = {k: v for k, v in local.items() if not k.startswith("local_aus_output")}
    elif kind == "strange":
        parts["au_net"] = {"fc.weight": torch.zeros(2, 2)}
    elif kind == "ours":
        parts["local_au_net"] = from_official(small, TWO, SMALL).state_dict()
    elif kind == "none":
        parts["au_net"] = {}
    elif kind == "lacks":
        del parts["align_net"]["align_feat.feat_extract.3.bias"]
    elif kind == "more":
        parts["global_au_feat"]["feat_extract.21.weight"] = torch.zeros(1)
    elif kind == "shape":
        parts["global_au_feat"]["feat_extract.0.weight"] = torch.zeros(96, 3, 3, 3)
    elif kind == "scalar":
        parts["align_net"]["align_output.0.weight"] = torch.tensor(0.0)
    elif kind in NUMBERS:
        name, change = NUMBERS[kind]
        parts["align_net"][name] = change(parts["align_net"][name])
    else:
        del parts[kind]
    return parts


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (
            "swapped",
            r"region_learning is align_net \(it has align_feat.*the published code calls region_learning_",
        ),
        ("v1", r"local_au_net is of version 1 .*no local_aus_output.*version 2 training"),
        (
            "strange",
            r"au_net is no part of JAA-Net \(it has fc.weight\); au_net has names like au_output.0.weight",
        ),
        ("ours", r"local_au_net is no part of JAA-Net \(it has region.0.conv.weight\)"),
        ("none", r"au_net is no part of JAA-Net \(it has no tensors\)"),
        ("lacks", r"align_net does not fit JAA-Net: 1 missing \(align_feat.feat_extract.3.bias\)"),
        ("more", r"global_au_feat does not fit JAA-Net: 1 unknown \(feat_extract.21.weight\)"),
        (
            "shape",
            r"1 of another shape \(feat_extract.0.weight \(96, 3, 3, 3\) instead of \(96, 64, 3, 3\)\)",
        ),
        pytest.param(
            "scalar",
            r"1 of another shape \(align_output.0.weight \(\) instead of \(512, 160\)\)",
        ),
        ("nan", r"align_net does not fit JAA-Net: 1 not finite \(align_output.0.weight\)"),
        pytest.param("infinite", r"1 not finite \(align_feat.*running_var\)"),
        pytest.param("too large", r"1 not finite \(align_output.1.bias\)"),
        ("whole", r"1 of another kind \(align_output.0.bias of torch.int64\)"),
        pytest.param("complex", r"kind \(align_output.0.bias of torch.complex64\)"),
        ("no counter", r"1 not finite \(align_feat.feat_extract.1.num_batches_tracked\)"),
        ("au_net", r"au_net is not among those given \(region_learning, .*\)"),
    ],
)
def test_wrong_parts_are_named(small: Parts, kind: str, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        from_official(wrong(small, kind), TWO, SMALL)


@pytest.mark.parametrize(
    "dtype",
    [torch.float16, *(pytest.param(d) for d in (torch.bfloat16, torch.float64))],
)
def test_weights_of_another_precision_are_taken(small: Parts, dtype: torch.dtype) -> None:
    parts = {s: {k: v.to(dtype) for k, v in state.items()} for s, state in small.items()}
    found = to_official(from_official(parts, TWO, SMALL))
    assert all(torch.equal(found[s][k], parts[s][k].to(found[s][k].dtype)) for s in SUBNETS for k in found[s])


@pytest.mark.parametrize("aus", [DISFA, AUSet("one", (1,))])
def test_other_aus_are_named(small: Parts, aus: AUSet) -> None:
    said = rf"local_attention_refine was made for 2 AUs, but the {len(aus)} AUs of {aus.name} are asked for"
    with pytest.raises(ModelError, match=said):
        from_official(small, aus, SMALL)


@pytest.fixture(scope="module")
def eight() -> Parts:
    return to_official(JAANet(DISFA, SMALL))


@pytest.mark.parametrize(
    "subnet",
    [
        "au_net",
        *(pytest.param(s) for s in ("local_attention_refine", "local_au_net")),
    ],
)
def test_other_aus_in_any_part(small: Parts, eight: Parts, subnet: str) -> None:
    with pytest.raises(ModelError, match=rf"{subnet} was made for 8 AUs, .* of two .*; 8 have disfa"):
        from_official({**small, subnet: eight[subnet]}, TWO, SMALL)


@pytest.fixture(scope="module")
def crops() -> tuple[Parts, Parts]:
    return to_official(JAANet(TWO, 176)), to_official(JAANet(TWO, 112))


@pytest.mark.parametrize(("subnet", "takes", "has"), [("align_net", 4000, 1440), ("au_net", 12000, 4320)])
def test_another_crop_is_named(crops: tuple[Parts, Parts], subnet: str, takes: int, has: int) -> None:
    large, less = crops
    said = rf"{subnet} was made for another crop: .* takes {takes} .* 160 or 176; a crop of 112 has {has}"
    with pytest.raises(ModelError, match=said):
        from_official({**less, subnet: large[subnet]}, TWO, 112)


@pytest.fixture(scope="module")
def saved(small: Parts, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return save(small, tmp_path_factory.mktemp("saved"))


@pytest.mark.parametrize("left", [0, 1234, *(pytest.param(left) for left in (100, 3000, 5000, 100_000))])
def test_a_damaged_file_is_named(saved: dict[str, Path], tmp_path: Path, left: int) -> None:
    files = {**saved, "align_net": tmp_path / "align_net_4.pth"}
    files["align_net"].write_bytes(saved["align_net"].read_bytes()[:left])
    with pytest.raises(ModelError, match=rf"align_net_4.pth \({left} bytes\) can't be read"):
        read_official(files, TWO, SMALL)


def test_a_file_says_what_it_was_given_as(saved: dict[str, Path]) -> None:
    with pytest.raises(ModelError, match=r"align_net_4.pth, given as au_net, is align_net"):
        read_official({**saved, "au_net": saved["align_net"]}, TWO, SMALL)
