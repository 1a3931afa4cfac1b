"""The runs of a study put in order: which there are, and their counts in every draw of test subjects.

Shapes: N frames, A AUs, R draws; row 0 of all draws is the subjects as they are, once each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from aulens.aus import MISSING, AUSet
from aulens.errors import ConfigError, InputError
from aulens.metrics.bootstrap import drawn_counts, subject_draws
from aulens.metrics.counts import Counts
from aulens.study.results import RunResult

Rule = Literal["papers", "calibrated"]
RULES: Final[tuple[str, ...]] = get_args(Rule)

Run = tuple[str, int]
"""Fold and seed."""
Key = tuple[str, str, int]
"""Variant, fold and seed."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Runs of one data set and one AU set.

    Attributes:
        dataset: whose frames were tested.
        aus: the AUs of the axis A: those that are coded in any run.
        not_coded: the other AUs of the models, by label: no tested frame says whether they are there.
        counts: variant → its runs → counts (R, A), the same draws in all; variants as they first came.
        selected_on_test: variant → its runs that were chosen on the test frames.
        trained_on: variant → the data set of its training, "" if it is the tested one.
        subjects: people tested, over all folds.
        lone: folds that test one person.
        uneven: folds whose runs were not all tested on the same labels.
        commits: versions of the code that made the runs, as far as they are known.
        data_unknown: results that do not say which data they are of.
    """

    dataset: str
    aus: AUSet
    not_coded: tuple[str, ...]
    counts: Mapping[str, Mapping[Run, Counts]]
    selected_on_test: Mapping[str, tuple[Run, ...]]
    trained_on: Mapping[str, str]
    subjects: int
    lone: tuple[str, ...]
    uneven: tuple[str, ...]
    commits: tuple[str, ...]
    data_unknown: int


def decided(result: RunResult, rule: str) -> NDArray[np.bool_]:
    """(N, A) the decisions by a rule: "papers" or "calibrated".

    Raises:
        ConfigError: there is no such rule.
    """
    if rule not in RULES:
        raise ConfigError(f"Decisions are by the rule {' or '.join(RULES)}; got {rule!r}.")
    return result.uncalibrated if rule == "papers" else result.decisions


def make_grid(results: Sequence[RunResult], rule: str, bootstrap: int, seed: int) -> Grid:
    """Count the decisions of all runs, in all draws.

    Subjects are drawn within the folds that test them, each fold's as many as it has. Folds that test the
    same people (all of another data set) draw the same ones.

    Raises:
        InputError: there is no run, one comes twice, they do not go together, or no AU is coded in any.
    """
    _check_together(results)
    aus = results[0].aus
    coded_au = np.any([(result.labels != MISSING).any(0) for result in results], axis=0)
    if not coded_au.any():
        raise InputError(f"{results[0].dataset} codes none of {', '.join(aus.labels)} in any frame")
    used = [(result.labels != MISSING).any(1) for result in results]
    draws = draw_subjects(results, used, bootstrap, seed)
    counts: dict[str, dict[Run, Counts]] = {}
    labels: dict[str, set[tuple[int, ...]]] = {}
    for result, rows in zip(results, used, strict=True):
        names, times = draws[result.fold]
        cells = np.ix_(rows, coded_au)
        subject = np.searchsorted(names, result.subjects[rows])
        found = drawn_counts(result.labels[cells], decided(result, rule)[cells], subject, times)
        counts.setdefault(result.variant, {})[result.fold, result.seed] = found
        labels.setdefault(result.fold, set()).add((*found[0].present.tolist(), *found[0].coded.tolist()))
    return Grid(
        dataset=results[0].dataset,
        aus=AUSet(aus.name, tuple(n for n, has in zip(aus.numbers, coded_au, strict=True) if has)),
        not_coded=tuple(label for label, has in zip(aus.labels, coded_au, strict=True) if not has),
        counts=counts,
        selected_on_test={
            name: tuple((r.fold, r.seed) for r in results if r.variant == name and r.selected_on_test)
            for name in counts
        },
        trained_on={result.variant: result.trained_on for result in results},
        subjects=count_people(draws),
        lone=tuple(sorted(fold for fold, (names, _) in draws.items() if len(names) == 1)),
        uneven=tuple(sorted(fold for fold, kinds in labels.items() if len(kinds) > 1)),
        commits=tuple(sorted({result.commit for result in results if result.commit})),
        data_unknown=sum(not result.data for result in results),
    )


def _check_together(results: Sequence[RunResult]) -> None:
    if not results:
        raise InputError("there is no result to compare; run the study first")
    first, seen = results[0], set[Key]()
    for result in results:
        if (result.dataset, result.aus.numbers) != (first.dataset, first.aus.numbers):
            raise InputError(
                f"results of {first.dataset} ({', '.join(first.aus.labels)}) and of {result.dataset} "
                f"({', '.join(result.aus.labels)}) cannot be compared; give those of one data set and AU set"
            )
        if result.key in seen:
            run = f"{result.variant}, {run_name((result.fold, result.seed))}"
            raise InputError(f"there are two results of {run}; give each run once")
        seen.add(result.key)
    trained = {(result.variant, result.trained_on) for result in results}
    if len(trained) > len({variant for variant, _ in trained}):
        raise InputError("one variant was trained on several data sets; give each its own name")


def run_name(run: Run) -> str:
    """Fold and seed in words: "fold 1 seed 2", without the fold where there is one split."""
    fold, seed = run
    return f"fold {fold} seed {seed}" if fold else f"seed {seed}"


Draws = Mapping[str, tuple[NDArray[np.str_], NDArray[np.int32]]]
"""Fold → its S people, sorted, and (R, S) how often each counts."""


def count_people(draws: Draws) -> int:
    """How many people are tested, over all folds."""
    return len(np.unique(np.concatenate([names for names, _ in draws.values()])))


def draw_subjects(
    results: Sequence[RunResult], used: Sequence[NDArray[np.bool_]], bootstrap: int, seed: int
) -> Draws:
    """Draw the people of each fold; `used`: (N,) which frames of each result count."""
    tested: dict[str, set[str]] = {}
    for result, counting in zip(results, used, strict=True):
        tested.setdefault(result.fold, set()).update(np.unique(result.subjects[counting]).tolist())
    groups: dict[frozenset[str], list[str]] = {}
    for fold in sorted(tested):
        people = frozenset(tested[fold])
        for others, folds in groups.items():
            if people != others and (both := sorted(people & others)):
                raise InputError(
                    f"folds {folds[0]!r} and {fold!r} both test {both[0]} ({len(both)} subjects in common), "
                    "but not all the same people; folds must be subject-exclusive"
                )
        groups.setdefault(people, []).append(fold)
    found = {}
    for stratum, (people, folds) in enumerate(groups.items()):
        names = np.array(sorted(people), dtype=np.str_)
        _, times = subject_draws(names, bootstrap, seed + stratum)
        found.update(dict.fromkeys(folds, (names, times)))
    rows = max(len(times) for _, times in found.values())
    return {  # a lone subject can't be drawn otherwise: it counts once in every draw
        fold: (names, times if len(times) == rows else np.repeat(times, rows, axis=0))
        for fold, (names, times) in found.items()
    }
