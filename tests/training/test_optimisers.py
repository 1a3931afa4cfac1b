"""What each optimiser does to a weight, by hand; frozen weights are left alone."""

import pytest
import torch
from torch import nn

from aulens.checked import checked
from aulens.training.config import TrainConfig
from aulens.training.setup import make_optimiser


def settings(**optimiser: object):
    return checked(TrainConfig, {"optimiser": optimiser})


def steps(module: nn.Module, optimiser: torch.optim.Optimizer, gradients: list[float]) -> list[float]:
    weight = module.weight
    found = []
    for gradient in gradients:
        weight.grad = torch.full_like(weight, gradient)
        optimiser.step()
        found.append(weight.item())
    return found


def test_sgd_is_nesterovs_with_weight_decay_on_everything():
    module = nn.Linear(1, 1, bias=False).double()
    nn.init.ones_(module.weight)
    chosen = settings(name="sgd", lr=0.1, weight_decay=0.5)
    expected, weight, velocity = [], 1.0, 0.0
    for gradient in (
        1.0,
        2.0,
        -0.5,
    ):  # Sutskever et al. 2013 as torch has it: v = 0.9 v + g; w -= lr (g + 0.9 v)
        decayed = gradient + 0.5 * weight
        velocity = 0.9 * velocity + decayed
        weight -= 0.1 * (decayed + 0.9 * velocity)
        expected.append(weight)
    assert steps(module, make_optimiser(chosen, module), [1.0, 2.0, -0.5]) == pytest.approx(expected)
    norm = nn.BatchNorm1d(3)
    assert {group["weight_decay"] for group in make_optimiser(chosen, norm).param_groups} == {0.5}


def test_plain_sgd():
    module = nn.Linear(1, 1, bias=False).double()
    nn.init.ones_(module.weight)
    chosen = settings(name="sgd", lr=0.1, weight_decay=0.0, momentum=0.0, nesterov=False)
    assert steps(module, make_optimiser(chosen, module), [1.0, 2.0]) == pytest.approx([0.9, 0.7])


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_frozen_parts_are_not_trained(name: str):
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].requires_grad_(False)
    groups = make_optimiser(settings(name=name), model).param_groups
    trained = {id(p) for group in groups for p in group["params"]}
    assert trained == {id(p) for p in model[1].parameters()}
