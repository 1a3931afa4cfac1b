"""Results of runs that never were: random subjects, labels and decisions, seeded."""

import numpy as np

from aulens.aus import BP4D, MISSING, AUSet
from aulens.study.results import RunResult


def simulated(
    variant: str = "roi",
    fold: str = "1",
    seed: int = 0,
    *,
    aus: AUSet = BP4D,
    subjects: int = 9,
    frames: int = 30,
    right: float = 0.8,
    missing: float = 0.0,
    dataset: str = "bp4d",
    selected_on_test: bool = False,
    of_data: str = "0123456789abcdef",
) -> RunResult:
    """Frames of a fold's own people: labels depend on the fold only, decisions on variant and seed too."""
    data = np.random.default_rng([ord(letter) for letter in f"{dataset} {fold}"])
    who = np.repeat([f"{dataset}-{fold}-{s:02d}" for s in range(subjects)], frames)
    rates = data.beta(2, 4, (subjects, len(aus)))
    labels = (data.random((len(who), len(aus))) < np.repeat(rates, frames, axis=0)).astype(np.int8)
    model = np.random.default_rng([ord(letter) for letter in f"{variant} {fold} {seed}"])
    correct = [model.random(labels.shape) < right for _ in range(2)]
    decisions, uncalibrated = (np.where(c, labels == 1, labels != 1) for c in correct)
    labels[data.random(labels.shape) < missing] = MISSING
    return RunResult(
        dataset=dataset,
        variant=variant,
        fold=fold,
        seed=seed,
        aus=aus,
        subjects=who,
        labels=labels,
        scores=(uncalibrated - 0.5 + model.random(labels.shape) / 4).astype(np.float32),
        decisions=decisions,
        uncalibrated=uncalibrated,
        selected_on_test=selected_on_test,
        run=f"{variant}-fold{fold}-seed{seed}",
        data=of_data,
    )


def study(
    variants: dict[str, float], folds: str = "123", seeds: int = 3, **options: object
) -> list[RunResult]:
    """Every run of a study; `variants`: name → share of right decisions."""
    return [
        simulated(variant, fold, seed, right=right, **options)  # type: ignore[arg-type]
        for variant, right in variants.items()
        for fold in folds
        for seed in range(seeds)
    ]
