"""JAA-Net's own parts: cells, attention on the device, what each loss reaches.

The plain network and the published weights are compared in test_official_jaa.py.
"""

import numpy as np
import pytest
import torch
from torch import Tensor

from aulens.aus import AFFWILD2, BP4D, DISFA, RENDERS, AUSet
from aulens.errors import InputError
from aulens.models.jaa_net import InitialAttention, JAANet, present_minus_absent
from aulens.models.jaa_parts import GroupedLinear, recut
from plain_jaa import plain

TINY = 48


@pytest.fixture(scope="module")
def net() -> JAANet:
    torch.manual_seed(0)
    return JAANet(AUSet("two", (1, 12)), TINY)


def image(batch: int, crop: int = TINY) -> Tensor:
    return torch.rand(batch, 3, crop, crop, generator=torch.Generator().manual_seed(1))


# REFERENCE: the published network's 25,237,182 at 176; at 112 its two linear sizes shrink.
@pytest.mark.parametrize(
    ("aus", "crop", "expected"),
    [(BP4D, 176, 25_237_182), (AFFWILD2, 112, 18_028_222)],
)
def test_number_of_parameters(aus: AUSet, crop: int, expected: int) -> None:
    assert sum(p.numel() for p in JAANet(aus, crop).parameters()) == expected


@pytest.mark.parametrize("grid", [2, 4, 8])
def test_cells_lie_row_by_row_on_the_channels(grid: int) -> None:
    picture = torch.arange(2 * 3 * 16 * 16.0).view(2, 3, 16, 16)
    cells = recut(picture, 1, grid)
    side = 16 // grid
    for y in range(grid):
        for x in range(grid):
            k = y * grid + x
            expected = picture[:, :, y * side : (y + 1) * side, x * side : (x + 1) * side]
            assert torch.equal(cells[:, 3 * k : 3 * k + 3], expected)
    assert torch.equal(recut(cells, grid, 1), picture)


@pytest.mark.parametrize(("old", "new"), [(8, 4), (4, 2), (2, 8), (4, 4)])
def test_recut_is_the_picture_cut_anew(old: int, new: int) -> None:
    picture = torch.rand(2, 5, 32, 32)
    found = recut(recut(picture, 1, old), old, new)
    assert torch.equal(found, recut(picture, 1, new))
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_grouped_linear_is_one_linear_for_each_group() -> None:
    layer = GroupedLinear(3, 4, 2)
    features = torch.rand(5, 3, 4)
    for g in range(3):
        expected = torch.nn.functional.linear(features[:, g], layer.weight[g], layer.bias[g])
        assert torch.allclose(layer(features)[:, g], expected, atol=1e-6)


@pytest.mark.parametrize("aus", [BP4D, DISFA, AFFWILD2, RENDERS])
@pytest.mark.parametrize("crop", [176, 112, 64])
def test_attention_is_the_plain_one(aus: AUSet, crop: int) -> None:
    rng = np.random.default_rng(crop)
    # Some faces lie half outside the crop: their centres are clamped as in the published code.
    points = rng.uniform(-0.3 * crop, 1.3 * crop, (6, 49, 2)).astype(np.float32)
    found = InitialAttention(aus, crop)(torch.from_numpy(points))
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), plain().attention_maps(points, aus, crop), atol=1e-6)


def test_a_landmark_far_outside_marks_the_nearest_border() -> None:
    points = torch.full((1, 49, 2), 1e6)
    found = InitialAttention(AUSet("one", (12,)), 112)(points)
    assert found.shape == (1, 1, 36, 36)
    assert 0 <= float(found.min()) <= float(found.max()) <= 1


def test_what_comes_out(net: JAANet) -> None:
    output = net.eval()(image(2), torch.zeros(2, 49, 2))
    assert output.logits.shape == (2, 2)
    assert output.maps.shape == (2, 2, 12, 12)
    assert output.sides.shape == (2, 2, 2)
    assert output.landmarks is not None
    assert output.landmarks.shape == (2, 49, 2)
    assert output.local_logits is not None
    assert output.local_logits.shape == (2, 2)
    assert torch.equal(output.sides[..., 0], output.sides[..., 1])
    assert not net.has_side_scores
    exported = net.exported(image(2))
    assert torch.equal(exported["logits"], output.logits)
    assert torch.equal(exported["maps"], output.maps)
    assert torch.equal(exported["landmarks"], output.landmarks)


def test_the_landmarks_given_do_not_matter(net: JAANet) -> None:
    one = net.eval()(image(2), torch.zeros(2, 49, 2))
    other = net(image(2), torch.full((2, 68, 2), 30.0))
    assert torch.equal(one.logits, other.logits)


def test_logits_are_log_odds_of_the_published_pairs() -> None:
    pairs = torch.randn(4, 6)
    published = torch.log_softmax(pairs.view(4, 2, 3), 1)[:, 1].exp()
    assert torch.allclose(present_minus_absent(pairs).sigmoid(), published, atol=1e-6)


# Version 2 of the paper: branches and attention learn from their own AUs, not from the fused output.
@pytest.mark.parametrize(
    ("loss", "reached", "spared"),
    [
        (
            "logits",
            ("region", "align_overall", "output"),
            ("local", "refinement", "local_output", "align_output"),
        ),
        (
            "local_logits",
            ("region", "local", "refinement", "local_output"),
            ("output", "align_output", "align_overall"),
        ),
        (
            "landmarks",
            ("region", "align_overall", "align_output"),
            ("local", "refinement", "output"),
        ),
    ],
)
def test_what_each_loss_reaches(
    net: JAANet, loss: str, reached: tuple[str, ...], spared: tuple[str, ...]
) -> None:
    net.train().zero_grad(set_to_none=True)
    value = getattr(net(image(2), torch.zeros(2, 49, 2)), loss)
    value.square().sum().backward()
    for part, expected in [*((p, True) for p in reached), *((p, False) for p in spared)]:
        parameters = [p for p in net.get_submodule(part).parameters() if p.grad is not None]
        moved = any(bool((p.grad != 0).any()) for p in parameters if p.grad is not None)
        assert moved == expected, part


def test_coordinates_keep_their_digits_in_mixed_precision(net: JAANet) -> None:
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        output = net.eval()(image(2), torch.zeros(2, 49, 2))
    assert output.landmarks is not None
    assert output.landmarks.dtype == torch.float32
    assert output.logits.dtype == torch.float32
    assert not torch.equal(output.landmarks, output.landmarks.bfloat16().float())


def test_an_image_of_another_size_is_refused(net: JAANet) -> None:
    with pytest.raises(InputError, match="48"):
        net(image(1, 64), torch.zeros(1, 49, 2))
