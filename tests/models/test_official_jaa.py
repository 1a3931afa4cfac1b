"""Published weights come in and go out unchanged, and compute what the plain network computes."""

import zlib

import pytest
import torch
from torch import Tensor

from aulens.aus import AFFWILD2, BP4D, DISFA, GFT, AUSet
from aulens.errors import ModelError
from aulens.losses import JAACriterion
from aulens.models.base import AUOutput
from aulens.models.config import JAAConfig
from aulens.models.jaa_net import JAANet
from aulens.models.official_jaa import SUBNETS, disfa_from_bp4d, from_official, to_official
from plain_jaa import Parts, face49, filled_plain, hollow, parts_of

pytestmark = pytest.mark.slow

TWO = AUSet("two", (1, 12))
SMALL = 48  # the least crop; features of one pixel
SIZES = [
    (TWO, SMALL),
    *(pytest.param(aus, crop) for aus in (BP4D, DISFA, GFT, AFFWILD2) for crop in (112, 176)),
]
STEPS = [
    (TWO, SMALL, True),
    pytest.param(TWO, SMALL, False),
    pytest.param(DISFA, 112, True),
    pytest.param(GFT, 112, True),
    pytest.param(BP4D, 176, True),
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
        ours = JAANet(BP4D, 176)
    for parts in (parts_of(hollow(BP4D, 176)), to_official(ours)):
        assert {name: checksum(parts[name]) for name in SUBNETS} == PUBLISHED


# Parameters of the authors' parts, by number of AUs; region_learning, align_net and global_au_feat have
# 1,615,392, 2,912,098 and 813,312 whatever it is.
@pytest.mark.parametrize(
    ("aus", "refinement", "local", "output"),
    [(BP4D, 905484, 12834072, 6156824), (DISFA, 603656, 8556048, 6152720), (GFT, 754570, 10695060, 6154772)],
)
def test_number_of_parameters(aus: AUSet, refinement: int, local: int, output: int) -> None:
    model = hollow(aus, 176)
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


@pytest.mark.parametrize(("aus", "crop", "training"), STEPS)
def test_one_step_of_training_moves_both_alike(aus: AUSet, crop: int, training: bool) -> None:
    """In float64, where a difference can't hide; every parameter and every running statistic."""
    theirs = filled_plain(aus, crop).double().train(training)
    ours = from_official(parts_of(theirs), aus, crop).double().train(training)
    theirs.draw = lambda points: ours.attention(torch.from_numpy(points)).numpy()  # numpy's are float32
    start = {s: {k: v.clone() for k, v in state.items()} for s, state in parts_of(theirs).items()}
    labels = torch.randint(0, 2, (2, len(aus), 1), generator=torch.Generator().manual_seed(1)).expand(
        -1, -1, 2
    )
    face = torch.from_numpy(face49(crop)).expand(2, -1, -1)
    image = images(crop).double()
    rates = [0.1 * (1 + a % 5) for a in range(len(aus))]
    criterion = JAACriterion(JAAConfig(aus=aus.numbers, crop=crop), rates).double()

    expected = theirs((image - 0.5) / 0.5)
    final, local = expected.log_probability, expected.local_log_probability
    logits = final[:, 1] - final[:, 0]
    output = AUOutput(
        logits=logits,
        maps=expected.refined,
        sides=logits.unsqueeze(2).expand(-1, -1, 2),
        landmarks=expected.landmarks.reshape(2, -1, 2),
        local_logits=local[:, 1] - local[:, 0],
    )
    for model, seen in ((theirs, output), (ours, ours(image, face))):
        optimiser = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)
        criterion(seen, face, labels)["loss"].backward()
        optimiser.step()

    found, wanted = to_official(ours), parts_of(theirs)
    for subnet in SUBNETS:
        for name, tensor in wanted[subnet].items():
            torch.testing.assert_close(
                found[subnet][name], tensor, rtol=0, atol=1e-11, msg=f"{subnet}.{name}"
            )
            if training or name.endswith(("weight", "bias")):
                assert not torch.equal(tensor, start[subnet][name]), f"{subnet}.{name} did not move"


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


def test_a_start_for_disfa() -> None:
    bp4d = JAANet(BP4D, SMALL)
    for module in bp4d.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 1.5)
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
