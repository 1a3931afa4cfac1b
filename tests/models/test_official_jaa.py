"""Published weights come in and go out unchanged, and compute what the plain network computes."""

import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from aulens.aus import AFFWILD2, BP4D, DISFA, GFT, AUSet
from aulens.errors import ModelError
from aulens.models.jaa_net import JAANet
from aulens.models.official_jaa import SUBNETS, disfa_from_bp4d, from_official, read_official, to_official
from plain_jaa import Parts, face49, filled_plain, parts_of, plain

TWO = AUSet("two", (1, 12))
SMALL = 48  # the least crop; features of one pixel
SIZES = [
    (TWO, SMALL),
    pytest.param(DISFA, 112, marks=pytest.mark.slow),
    pytest.param(BP4D, 176, marks=pytest.mark.slow),
    pytest.param(GFT, 176, marks=pytest.mark.slow),
    pytest.param(AFFWILD2, 112, marks=pytest.mark.slow),
]

# crc32 of the lines "name shape dtype", of files for 12 AUs at crop 176; read off the state dictionaries that
# the authors' PyTorch code makes: {n: crc32("\n".join(f"{k} {tuple(v.shape)} {dtype}" ...))}.
PUBLISHED = {
    "region_learning": 0x08687D87,
    "align_net": 0x4869B5EE,
    "local_attention_refine": 0xFD93FD34,
    "local_au_net": 0xED3DE51D,
    "global_au_feat": 0x7B7D1E69,
    "au_net": 0xEB33880B,
}


def checksum(state: dict[str, Tensor]) -> int:
    lines = [f"{k} {tuple(v.shape)} {str(v.dtype).removeprefix('torch.')}" for k, v in state.items()]
    return zlib.crc32("\n".join(lines).encode())


def images(crop: int) -> Tensor:
    return torch.rand(2, 3, crop, crop, generator=torch.Generator().manual_seed(0))


def equal(first: Parts, second: Parts) -> bool:
    return all(
        list(first[s]) == list(second[s]) and all(torch.equal(first[s][k], second[s][k]) for k in first[s])
        for s in SUBNETS
    )


@pytest.fixture(scope="module")
def small() -> Parts:
    return parts_of(filled_plain(TWO, SMALL))


def test_names_order_and_shapes_are_the_published_ones() -> None:
    with torch.device("meta"):
        written = plain().PlainJAANet(BP4D, 176)
    for parts in (parts_of(written), to_official(JAANet(BP4D, 176))):
        assert {name: checksum(parts[name]) for name in SUBNETS} == PUBLISHED


# Parameters of the authors' parts, by number of AUs; region_learning, align_net and global_au_feat have
# 1,615,392, 2,912,098 and 813,312 whatever it is.
@pytest.mark.parametrize(
    ("aus", "refinement", "local", "output"),
    [(BP4D, 905484, 12834072, 6156824), (DISFA, 603656, 8556048, 6152720), (GFT, 754570, 10695060, 6154772)],
)
def test_number_of_parameters(aus: AUSet, refinement: int, local: int, output: int) -> None:
    with torch.device("meta"):
        model = plain().PlainJAANet(aus, 176)
    counted = [sum(p.numel() for p in getattr(model, name).parameters()) for name in SUBNETS]
    assert counted == [1615392, 2912098, refinement, local, 813312, output]


@pytest.mark.parametrize(("aus", "crop"), SIZES)
def test_forward_equals_the_plain_network(aus: AUSet, crop: int) -> None:
    theirs = filled_plain(aus, crop)
    ours = from_official(parts_of(theirs), aus, crop).eval()
    with torch.no_grad():
        expected, features = theirs((images(crop) - 0.5) / 0.5), ours.features(images(crop))
        logits = ours.classify(features)
    local, final = expected.local_log_probability, expected.log_probability
    for found, wanted in (
        (features.landmarks.flatten(1), expected.landmarks),
        (features.attention, expected.refined),
        (features.align, expected.align.flatten(1)),
        (features.overall, expected.overall.flatten(1)),
        (features.local, expected.local.flatten(2)),
        (features.hidden, expected.hidden),
        (features.local_logits, local[:, 1] - local[:, 0]),
        (logits, final[:, 1] - final[:, 0]),
        (torch.sigmoid(logits), final[:, 1].exp()),
    ):
        torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("aus", "crop"), SIZES)
def test_one_step_of_training_moves_both_alike(
    aus: AUSet, crop: int, training: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In float64, where a difference can't hide; every parameter and every running statistic."""
    monkeypatch.setattr(torch.Tensor, "float", lambda tensor: tensor)  # nothing is rounded on the way
    theirs = filled_plain(aus, crop).double().train(training)
    ours = from_official(parts_of(theirs), aus, crop).double().train(training)
    theirs.draw = lambda points: ours.attention(torch.from_numpy(points)).numpy()  # numpy's are float32
    start = {s: {k: v.clone() for k, v in state.items()} for s, state in parts_of(theirs).items()}
    labels = torch.randint(0, 2, (2, len(aus)), generator=torch.Generator().manual_seed(1))
    face = torch.from_numpy(face49(crop)).expand(2, -1, -1)
    image = images(crop).double()

    expected = theirs((image - 0.5) / 0.5)
    loss = functional.nll_loss(expected.log_probability, labels)
    loss = loss + functional.nll_loss(expected.local_log_probability, labels)
    step(theirs, loss + 0.5 * functional.mse_loss(expected.landmarks.reshape(2, -1, 2), face))
    output = ours(image, face)
    loss = functional.binary_cross_entropy_with_logits(output.logits, labels.double())
    loss = loss + functional.binary_cross_entropy_with_logits(output.local_logits, labels.double())
    step(ours, loss + 0.5 * functional.mse_loss(output.landmarks, face))

    found, wanted = to_official(ours), parts_of(theirs)
    for subnet in SUBNETS:
        for name, tensor in wanted[subnet].items():
            torch.testing.assert_close(
                found[subnet][name], tensor, rtol=0, atol=1e-11, msg=f"{subnet}.{name}"
            )
            if training or name.endswith(("weight", "bias")):
                assert not torch.equal(tensor, start[subnet][name]), f"{subnet}.{name} did not move"


def step(model: torch.nn.Module, loss: Tensor) -> None:
    optimiser = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)
    loss.backward()
    optimiser.step()


def test_round_trips(small: Parts) -> None:
    model = from_official(small, TWO, SMALL)
    assert equal(to_official(model), small)
    again = from_official(to_official(model), TWO, SMALL).state_dict()
    assert all(torch.equal(tensor, again[key]) for key, tensor in model.state_dict().items())


def test_every_tensor_of_ours_is_published(small: Parts) -> None:
    hollow = {s: {k: torch.full_like(v, 7) for k, v in state.items()} for s, state in small.items()}
    state = from_official(hollow, TWO, SMALL).state_dict()
    assert {key for key, tensor in state.items() if not (tensor == 7).all()} == set()


def test_what_goes_out_is_a_copy(small: Parts) -> None:
    model = from_official(small, TWO, SMALL)
    for state in to_official(model).values():
        for tensor in state.values():
            tensor.zero_()
    assert equal(to_official(model), small)


def save(parts: Parts, folder: Path, wrap: Callable[[dict[str, Tensor]], object] = dict) -> dict[str, Path]:
    files = {}
    for name, state in parts.items():
        files[name] = folder / f"{name}_4.pth"
        torch.save(wrap(state), files[name], _use_new_zipfile_serialization=False)  # as torch did until 1.6
    return files


@pytest.mark.parametrize(
    "wrap",
    [
        dict,
        lambda state: {"state_dict": state},
        lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
        lambda state: {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")},
    ],
    ids=["bare", "state_dict", "module", "no counters"],
)
def test_files(small: Parts, tmp_path: Path, wrap: Callable[[dict[str, Tensor]], object]) -> None:
    assert equal(to_official(read_official(save(small, tmp_path, wrap), TWO, SMALL)), small)


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
        ("scalar", r"1 of another shape \(align_output.0.weight \(\) instead of \(512, 160\)\)"),
        ("au_net", r"au_net is not among those given \(region_learning, .*\)"),
    ],
)
def test_wrong_parts_are_named(small: Parts, kind: str, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        from_official(wrong(small, kind), TWO, SMALL)


@pytest.mark.parametrize("aus", [DISFA, AUSet("one", (1,))])
def test_other_aus_are_named(small: Parts, aus: AUSet) -> None:
    said = rf"local_attention_refine was made for 2 AUs, but the {len(aus)} AUs of {aus.name} are asked for"
    with pytest.raises(ModelError, match=said):
        from_official(small, aus, SMALL)


@pytest.mark.parametrize("subnet", ["local_attention_refine", "local_au_net", "au_net"])
def test_other_aus_in_any_part(small: Parts, subnet: str) -> None:
    eight = to_official(JAANet(DISFA, SMALL))
    with pytest.raises(ModelError, match=rf"{subnet} was made for 8 AUs, .* of two .*; 8 have disfa"):
        from_official({**small, subnet: eight[subnet]}, TWO, SMALL)


@pytest.mark.parametrize(("subnet", "takes", "has"), [("align_net", 4000, 1440), ("au_net", 12000, 4320)])
def test_another_crop_is_named(small: Parts, subnet: str, takes: int, has: int) -> None:
    large, less = to_official(JAANet(TWO, 176)), to_official(JAANet(TWO, 112))
    said = rf"{subnet} was made for another crop: .* takes {takes} .* 160 or 176; a crop of 112 has {has}"
    with pytest.raises(ModelError, match=said):
        from_official({**less, subnet: large[subnet]}, TWO, 112)


@pytest.mark.parametrize("left", [0, 100, 1234, 3000, 5000, 100_000])
def test_a_damaged_file_is_named(small: Parts, tmp_path: Path, left: int) -> None:
    files = save(small, tmp_path)
    files["align_net"].write_bytes(files["align_net"].read_bytes()[:left])
    with pytest.raises(ModelError, match=rf"align_net_4.pth \({left} bytes\) can't be read"):
        read_official(files, TWO, SMALL)


def test_a_file_says_what_it_was_given_as(small: Parts, tmp_path: Path) -> None:
    files = save(small, tmp_path)
    with pytest.raises(ModelError, match=r"align_net_4.pth, given as au_net, is align_net"):
        read_official({**files, "au_net": files["align_net"]}, TWO, SMALL)


def test_a_start_for_disfa() -> None:
    bp4d = from_official(parts_of(filled_plain(BP4D, SMALL)), BP4D, SMALL)
    start = disfa_from_bp4d(bp4d)
    assert start.aus == DISFA
    assert start.crop == SMALL
    theirs, ours = to_official(bp4d), to_official(start)
    for subnet in ("region_learning", "align_net", "global_au_feat"):
        assert all(torch.equal(tensor, ours[subnet][name]) for name, tensor in theirs[subnet].items())

    # The authors' code copies DISFA's branches [0, 1, 2, 3, 5, 6, 7] from BP4D's [0, 1, 2, 3, 6, 10, 9].
    came_from = [0, 1, 2, 3, None, 6, 10, 9]
    for subnet, name in (
        ("local_attention_refine", "local_aus_attention.{}.3.weight"),
        ("local_attention_refine", "local_aus_attention.{}.7.running_var"),
        ("local_au_net", "local_aus_branch.{}.feat_extract.17.weight"),
        ("local_au_net", "local_aus_branch.{}.feat_extract.1.running_mean"),
    ):
        own = [ours[subnet][name.format(au)] for au in range(8)]
        other = [theirs[subnet][name.format(au)] for au in range(12)]
        found = [next((b for b in range(12) if torch.equal(tensor, other[b])), None) for tensor in own]
        assert found == came_from
    fresh = ours["local_au_net"]["local_aus_output.0.0.weight"]
    assert not torch.equal(fresh, theirs["local_au_net"]["local_aus_output.0.0.weight"])
    assert ours["au_net"]["au_output.1.weight"].shape == (16, 512)
    assert (ours["local_au_net"]["local_aus_branch.4.feat_extract.1.running_var"] == 1).all()


def test_a_start_for_disfa_needs_bp4d() -> None:
    with pytest.raises(ModelError, match=r"BP4D's AUs \(AU1, .*AU24\); this one predicts AU1, AU12"):
        disfa_from_bp4d(JAANet(TWO, SMALL))
