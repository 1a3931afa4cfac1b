import pytest

from aulens.training.config import OptimiserConfig
from aulens.training.schedule import rate, step_seed


def test_the_papers_schedule():
    optimiser = OptimiserConfig()  # 1e-4, x0.1 every 10 epochs
    assert rate(0, 7, 30, optimiser) == 1e-4
    assert rate(10 * 7 - 1, 7, 30, optimiser) == 1e-4
    assert rate(10 * 7, 7, 30, optimiser) == pytest.approx(1e-5)
    assert rate(20 * 7, 7, 30, optimiser) == pytest.approx(1e-6)


def test_paper_bs_schedule():
    # The official code: lr = 0.01 * 0.3 ** (epoch // 2).
    optimiser = OptimiserConfig(lr=0.01, step_epochs=2, gamma=0.3)
    found = [rate(step, 5, 4, optimiser) for step in range(20)]
    assert found == pytest.approx([0.01] * 10 + [0.003] * 10)


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine"])
def test_cycles_rise_then_fall(schedule: str):
    optimiser = OptimiserConfig(lr=1.0, schedule=schedule, warmup_epochs=2)
    rates = [rate(step, 10, 10, optimiser) for step in range(100)]
    top = rates.index(max(rates))
    assert 19 <= top <= 20
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert 0.03 < rates[0] < 0.2
    assert rates[-1] < 0.02


def test_constant_is_constant():
    assert {rate(s, 3, 9, OptimiserConfig(lr=0.5, schedule="constant")) for s in range(27)} == {0.5}


def test_any_seed_seeds_torch_and_steps_differ():
    for seed in (0, 7, 20_240_101, 2**70):
        seeds = {step_seed(seed, step, rank) for step in range(50) for rank in range(4)}
        assert len(seeds) == 200
        assert max(seeds) < 2**63
