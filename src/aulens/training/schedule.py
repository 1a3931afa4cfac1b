"""Learning rates and seeds as pure functions of the step, so that a resumed run needs no state of them."""

from __future__ import annotations

import math

from aulens.training.sections import OptimiserConfig


def rate(step: int, steps_per_epoch: int, epochs: int, optimiser: OptimiserConfig) -> float:
    """Return the learning rate of a step.

    Args:
        step: steps done so far in the whole run, 0-based.
        steps_per_epoch: at least 1.
        epochs: of the whole run.
        optimiser: name and numbers of the schedule.
    """
    warmup = optimiser.warmup_epochs * steps_per_epoch
    total = epochs * steps_per_epoch
    if step < warmup:
        # From 1/25 of the peak, as one-cycle has it; a first step of exactly 0 would be wasted.
        share = (step + 1) / warmup
        return optimiser.lr * min(1.0, 0.04 + 0.96 * share)
    if optimiser.schedule == "constant":
        return optimiser.lr
    if optimiser.schedule == "step":
        epoch = step // steps_per_epoch
        return optimiser.lr * float(optimiser.gamma) ** (epoch // optimiser.step_epochs)
    # "cosine" ends at 1 % of the peak, "one_cycle" at nearly nothing.
    floor = 1e-2 if optimiser.schedule == "cosine" else 1e-5
    share = min(1.0, (step - warmup) / max(1.0, total - warmup))
    return optimiser.lr * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * share)))


def step_seed(seed: int, step: int, rank: int) -> int:
    """Return what torch is seeded with before a step of one process: below 2^63, whatever the seed."""
    return ((seed << 40) + (step << 8) + rank) % (1 << 63)
