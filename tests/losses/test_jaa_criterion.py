"""JAA-Net's criterion: what it adds up, in which stage, and what MISSING and layouts do to it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from aulens.aus import MISSING
from aulens.errors import ConfigError, InputError
from aulens.landmarks import IBUG49, IBUG66, IBUG68, LandmarkLayout
from aulens.losses import (
    JAACriterion,
    RoiCriterion,
    inverse_rates,
    landmark_loss,
    weighted_cross_entropy,
    weighted_dice,
)
from aulens.models import AUOutput, JAAConfig, ModelConfig, RoiConfig
from aulens.models.family import au_family

AUS = (1, 12, 25)
RATES = (0.5, 0.1, 0.2)


STAGE1 = JAAConfig(aus=AUS, crop=64)


def criterion(config: ModelConfig, rates: Sequence[float] | None = None) -> torch.nn.Module:
    return au_family(config.variant).criterion(config, rates)


def batch(faces: int = 4, seed: int = 0) -> tuple[AUOutput, Tensor, Tensor]:
    """Output of stage 1 (leaves that take gradients), landmarks (faces, 68, 2), side labels of all codes."""
    generator = torch.Generator().manual_seed(seed)
    logits, local = (torch.randn(faces, 3, generator=generator).requires_grad_() for _ in range(2))
    landmarks = 64 * torch.rand(faces, 68, 2, generator=generator)
    landmarks[:, 36:42] = landmarks[:, 36:42] * 0.1 + torch.tensor([15.0, 20.0])
    landmarks[:, 42:48] = landmarks[:, 42:48] * 0.1 + torch.tensor([40.0, 20.0])
    labels = torch.randint(-1, 2, (faces, 3, 2), generator=generator).to(torch.int8)
    labels[0] = torch.tensor([[1, 0], [0, 0], [MISSING, 0]])
    found = (64 * torch.rand(faces, 49, 2, generator=generator)).requires_grad_()
    output = AUOutput(
        logits, torch.zeros(faces, 3, 16, 16), torch.zeros(faces, 3, 2), landmarks=found, local_logits=local
    )
    return output, landmarks, labels


def stage2(output: AUOutput) -> AUOutput:
    return AUOutput(output.logits, output.maps, output.sides, landmarks=output.landmarks)


def repeated(output: AUOutput, landmarks: Tensor, labels: Tensor) -> tuple[AUOutput, Tensor, Tensor]:
    assert output.landmarks is not None
    assert output.local_logits is not None
    twice = AUOutput(
        torch.cat((output.logits, output.logits)),
        output.maps.repeat(2, 1, 1, 1),
        output.sides.repeat(2, 1, 1),
        landmarks=torch.cat((output.landmarks, output.landmarks)),
        local_logits=torch.cat((output.local_logits, output.local_logits)),
    )
    return twice, landmarks.repeat(2, 1, 1), labels


@pytest.mark.parametrize("dice", ["paper", "port"])
@pytest.mark.parametrize("weighted", [True, False], ids=["weighted", "unweighted"])
def test_total_is_made_of_its_parts(dice: str, weighted: bool) -> None:
    settings = replace(
        STAGE1,
        dice=dice,
        weighted=weighted,
        dice_weight=0.3,
        dice_epsilon=2.0,
        landmark_weight=0.7,
        local_weight=0.2,
    )
    output, landmarks, sides = batch()
    losses = criterion(settings, RATES)(output, landmarks, sides)
    labels = torch.tensor(
        [[1 if 1 in s else MISSING if MISSING in s else 0 for s in f] for f in sides.tolist()]
    )
    weight = inverse_rates(RATES) if weighted else torch.ones(3)
    assert output.local_logits is not None
    assert output.landmarks is not None
    softmax, local_softmax = (
        weighted_cross_entropy(logits, labels, weight) for logits in (output.logits, output.local_logits)
    )
    final_dice, local_dice = (
        weighted_dice(logits.sigmoid(), labels, weight, dice, 2.0)
        for logits in (output.logits, output.local_logits)
    )
    target = landmarks[:, list(IBUG68.positions(IBUG49.in68))]
    landmark = landmark_loss(output.landmarks, target, (labels != MISSING).any(1))
    local = local_softmax + 0.3 * local_dice
    expected = {
        "loss": softmax + 0.3 * final_dice + 0.2 * local + 0.7 * landmark,
        "softmax": softmax,
        "dice": final_dice,
        "landmark": landmark,
        "local": local,
    }
    assert set(losses) == set(expected)
    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value, msg=name)
    assert [name for name, value in losses.items() if value.requires_grad] == ["loss"]


def test_defaults_are_the_official_ones() -> None:
    settings = JAAConfig()
    found = (settings.dice_weight, settings.dice_epsilon, settings.landmark_weight, settings.local_weight)
    assert found == (1.0, 1.0, 0.5, 1.0)
    assert settings.dice == "paper"


def test_stage_2_has_neither_landmark_nor_local_loss() -> None:
    output, landmarks, labels = batch()
    losses = criterion(replace(STAGE1, variant="jaa_gcn"), RATES)(stage2(output), landmarks, labels)
    assert set(losses) == {"loss", "softmax", "dice"}
    torch.testing.assert_close(losses["loss"], losses["softmax"] + losses["dice"])
    losses["loss"].backward()
    assert output.landmarks is not None
    assert output.landmarks.grad is None
    # landmarks are not even looked at: a face without them trains the graph
    criterion(STAGE1, RATES)(stage2(output), torch.full_like(landmarks, torch.nan), labels)


@pytest.mark.parametrize("layout", [IBUG68, IBUG66, IBUG49], ids=lambda layout: layout.name)
def test_landmarks_of_every_layout_give_the_same_target(layout: LandmarkLayout) -> None:
    output, landmarks, labels = batch()
    losses = criterion(STAGE1, RATES)
    expected = losses(output, landmarks, labels)["landmark"]
    fewer = landmarks[:, list(IBUG68.positions(layout.in68))]
    torch.testing.assert_close(losses(output, fewer, labels)["landmark"], expected)


def test_landmarks_of_no_layout_are_refused() -> None:
    output, landmarks, labels = batch()
    with pytest.raises(InputError, match="no layout has 5 landmarks"):
        criterion(STAGE1, RATES)(output, landmarks[:, :5], labels)


def test_missing_rows_change_nothing_and_get_no_gradient() -> None:
    losses = criterion(STAGE1, RATES)
    output, landmarks, labels = batch()
    expected = losses(output, landmarks, labels)
    more = torch.cat((labels, torch.full_like(labels, MISSING)))
    output, landmarks, _ = repeated(output, landmarks, labels)
    landmarks[4:] = torch.nan
    found = losses(output, landmarks, more)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, msg=name)
    leaves = [output.logits, output.local_logits, output.landmarks]
    for gradient in torch.autograd.grad(found["loss"], [leaf for leaf in leaves if leaf is not None]):
        assert (gradient[4:] == 0).all()
        assert (gradient[:4] != 0).any()


def test_a_missing_au_gets_no_gradient() -> None:
    output, landmarks, labels = batch()
    labels[:, 1], labels[:, 0] = MISSING, 1
    criterion(STAGE1, RATES)(output, landmarks, labels)["loss"].backward()
    assert output.local_logits is not None
    for gradient in (output.logits.grad, output.local_logits.grad):
        assert gradient is not None
        assert (gradient[:, 1] == 0).all()
        assert (gradient[:, 0] != 0).all()


def test_nothing_coded_is_zero_with_a_graph() -> None:
    output, landmarks, labels = batch()
    losses = criterion(STAGE1, RATES)(output, landmarks, torch.full_like(labels, MISSING))
    losses["loss"].backward()
    assert all(value.item() == 0 for value in losses.values())
    for leaf in (output.logits, output.local_logits, output.landmarks):
        assert leaf is not None
        assert leaf.grad is not None
        assert (leaf.grad == 0).all()


def test_batch_size_does_not_matter() -> None:
    losses = criterion(STAGE1, RATES)
    output, landmarks, labels = batch()
    twice, more, _ = repeated(output, landmarks, labels)
    expected, found = losses(output, landmarks, labels), losses(twice, more, labels.repeat(2, 1, 1))
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, msg=name)


def test_half_precision_is_summed_in_full() -> None:
    """Losses of a bfloat16 output are those of the same numbers in float32."""
    output, landmarks, labels = batch()

    def rounded(dtype: torch.dtype) -> AUOutput:
        assert output.landmarks is not None
        assert output.local_logits is not None
        logits, local, found = (
            t.bfloat16().to(dtype) for t in (output.logits, output.local_logits, output.landmarks)
        )
        return AUOutput(logits, output.maps, output.sides, landmarks=found, local_logits=local)

    losses = criterion(STAGE1, RATES)
    expected = losses(rounded(torch.float32), landmarks, labels)
    for name, value in losses(rounded(torch.bfloat16), landmarks, labels).items():
        assert value.dtype == torch.float32
        assert value.item() == expected[name].item(), name


class TestDoor:
    def test_the_configuration_chooses(self) -> None:
        assert isinstance(criterion(STAGE1, RATES), JAACriterion)
        assert isinstance(criterion(RoiConfig(aus=AUS)), RoiCriterion)

    @pytest.mark.parametrize("settings", [STAGE1, RoiConfig(aus=AUS, weighted=True)], ids=["jaa", "roi"])
    def test_weighted_needs_one_rate_for_each(self, settings: JAAConfig | RoiConfig) -> None:
        with pytest.raises(ConfigError, match="each of the 3 AUs, got none"):
            criterion(settings)
        with pytest.raises(ConfigError, match="each of the 3 AUs, got 2"):
            criterion(settings, RATES[:2])

    def test_unweighted_needs_none(self) -> None:
        assert criterion(replace(STAGE1, weighted=False)).au_weight.tolist() == [1, 1, 1]

    def test_nothing_of_it_is_saved_with_a_model(self) -> None:
        assert not criterion(STAGE1, RATES).state_dict()
