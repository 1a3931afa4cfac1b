"""Which subjects train, choose and test: the published parts, and validation subjects taken from training.

Fold k tests part k and trains on the others. Publications number their folds differently (ME-GraphAU's fold 1
tests part 3, FG-Net's fold 0 part 1), so everything here is named by the part that is tested.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from aulens.checked import Checked
from aulens.data.columns import changes, distinct_pairs
from aulens.data.index import leak_problems
from aulens.data.samples import SPLITS
from aulens.errors import ConfigError, DatasetError

TRAIN, VALIDATION = "train", "validation"
"""Parts of a data set that is split by its makers, as Aff-Wild2."""

DEALT: Final = 3
"""Parts that subjects of no published part are dealt into."""


@dataclass(frozen=True)
class SplitPlan(Checked):
    """How parts become splits.

    Attributes:
        fold: the part that is tested, "1", "2", ...; "" for data that come with a training and a validation
            part, of which the latter is tested.
        validation: share of the training subjects that choose epoch and thresholds, 0 < share < 1.
        seed: decides which.
        select_on_test: choose on the tested subjects, as much of the literature does. Then all training
            subjects train, and every number must be marked.
    """

    fold: str = ""
    validation: Annotated[float, Meta(gt=0, lt=1, description="a share between 0 and 1")] = 0.15
    seed: int = 1
    select_on_test: bool = False


def has_own_splits(part: NDArray[np.str_]) -> bool:
    """Whether parts (N,) are splits already: "train", "val" and "test", of which "train" alone is none."""
    names = set(np.unique(part).tolist())
    return names <= set(SPLITS) and names != {TRAIN}


def split(
    subject: NDArray[np.str_], part: NDArray[np.str_], plan: SplitPlan, dataset: str
) -> NDArray[np.str_]:
    """Assign every sample to "train", "val" or "test".

    Args:
        subject: (N,).
        part: (N,) their parts; where no subject has one, subjects are dealt into three, always alike. Where
            others have one, a subject of no part, "", is in no split.
        plan: how.
        dataset: its name, for messages.

    Returns:
        (N,) str; "" = in none. No subject is in two. With `select_on_test` there is no "val".

    Raises:
        DatasetError: a subject is in two parts, or there are too few subjects.
        ConfigError: there is no such fold.
    """
    homes = parts_of_subjects(subject, part, dataset)
    tested = _tested(sorted(set(homes.values())), plan, dataset)
    training = sorted(name for name, home in homes.items() if home != tested)
    if not training:
        raise DatasetError(f"All {len(homes)} subjects of {dataset} are in the tested part: nobody trains.")
    choosing = set() if plan.select_on_test else validation_subjects(training, homes, plan)
    names = {
        name: "test" if home == tested else "val" if name in choosing else "train"
        for name, home in homes.items()
    }
    return _of_each(subject, names)


def train_only(subject: NDArray[np.str_], plan: SplitPlan) -> NDArray[np.str_]:
    """Assign samples to "train" and "val", none to "test": for tests on another data set; (N,) str."""
    names = sorted({name for name, _ in distinct_pairs(subject, subject)})
    choosing = validation_subjects(names, dict.fromkeys(names, ""), plan)
    return _of_each(subject, {name: "val" if name in choosing else "train" for name in names})


def _of_each(subject: NDArray[np.str_], names: Mapping[str, str]) -> NDArray[np.str_]:
    """(N,) what `names` says of each sample's subject, "" of one that it lacks."""
    new = changes(subject)
    values = np.array([names.get(name, "") for name in subject[new].tolist()], dtype=np.str_)
    return np.asarray(values[np.cumsum(new) - 1])


def parts_of_subjects(subject: NDArray[np.str_], part: NDArray[np.str_], dataset: str) -> dict[str, str]:
    """The part of each subject that has one; see `split`."""
    for leak in leak_problems(subject, part):
        raise DatasetError(f"Subject {leak.where!r} of {dataset} {leak.message}")
    homes = dict(sorted(distinct_pairs(subject, part)))
    if not any(homes.values()):
        order = np.random.default_rng(0).permutation(len(homes))
        return {name: str(1 + place % DEALT) for name, place in zip(sorted(homes), order, strict=True)}
    return {name: home for name, home in homes.items() if home}


def validation_subjects(training: list[str], homes: dict[str, str], plan: SplitPlan) -> set[str]:
    """Draw the subjects that choose: the same share of each training part, at least one in all.

    Raises:
        DatasetError: there are fewer than two training subjects.
    """
    if len(training) < 2:
        raise DatasetError(
            f"{len(training)} training subject is too few: one must be left to choose epoch and thresholds."
        )
    random = np.random.default_rng(plan.seed)
    chosen: set[str] = set()
    for home in sorted({homes[name] for name in training}):
        here = [name for name in training if homes[name] == home]
        order = random.permutation(len(here))
        chosen |= {here[i] for i in order[: round(plan.validation * len(here))]}
    if not chosen:
        chosen = {training[int(random.integers(len(training)))]}
    return chosen


def _tested(parts: list[str], plan: SplitPlan, dataset: str) -> str:
    if plan.fold:
        if plan.fold not in parts:
            raise ConfigError(f"{dataset} has no part {plan.fold!r} to test; it has {', '.join(parts)}.")
        return plan.fold
    if VALIDATION in parts:
        return VALIDATION
    raise ConfigError(
        f"{dataset} is used in folds: say which part is tested, data.fold = 1 to {len(parts)} "
        f"(parts {', '.join(parts)})."
    )
