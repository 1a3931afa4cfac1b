"""Run a study: train what is missing, test each run, keep a row of each. After a kill, the same call goes on.

OUT/study.json         the study as it runs here, for `aulens study table`
OUT/runs/VARIANT/fold1-seed1/   a run folder each, with test/ (report, result)
OUT/rows.csv           one row per finished run
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from aulens import metrics
from aulens.data.prepared import read_about
from aulens.data.whole import write_text
from aulens.errors import AulensError, ConfigError
from aulens.processes import in_processes
from aulens.study.config import StudyConfig, Variant
from aulens.study.results import RESULT, RunResult
from aulens.training.config import TrainConfig
from aulens.training.run_folder import RunFolder

BOOTSTRAP: Final = 200
"""Resamplings in the report of each single run; tables draw their own."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class PlannedRun:
    """One training of a study, and what is tested of it.

    Attributes:
        folder: its run folder.
        config: what it is trained by.
        variants: name → folder of the model that is tested under that name: its own, or its first stage.
        fold: the part that is tested, "" = none.
        seed: of the training.
        tested: the data set whose frames are tested.
        trained_on: the data set of the training, if another; else "".
    """

    folder: Path
    config: TrainConfig
    variants: tuple[tuple[str, Path], ...]
    fold: str
    seed: int
    tested: str
    trained_on: str

    @property
    def results(self) -> tuple[Path, ...]:
        """Folders of its results, finished or not."""
        return tuple(folder / "test" for _, folder in self.variants)

    @property
    def finished(self) -> bool:
        """Whether every result is there."""
        return all((folder / RESULT).is_file() for folder in self.results)


def plan_runs(study: StudyConfig, out: Path, data: Path, tests: Path | None = None) -> tuple[PlannedRun, ...]:
    """All runs of a study, finished or not, in the order in which they are trained: seed by seed.

    Args:
        study: what to run.
        out: the study's folder.
        data: prepared folder of the data set.
        tests: prepared folder of the data set that is tested, if it is another.

    Raises:
        ConfigError: a setting is wrong, or folders do not fit the study.
    """
    for folder, name in ((data, study.dataset), (tests, study.tested)):
        if (folder is None) != (not name):
            raise ConfigError(
                f"The study tests on {name}: give its prepared folder."
                if name
                else "The study tests on its own data set, but a folder of another was given."
            )
        if folder is not None and (found := read_about(folder)["dataset"]) != name:
            raise ConfigError(f"The study is of {name}, but {folder} holds {found}.")
    runs = []
    for seed in study.seeds:
        for fold in study.folds:
            for variant in study.variants:
                if not variant.stage1_of:
                    runs.append(_plan_run(study, variant, fold, seed, Path(out), data, tests))
    return tuple(runs)


def _plan_run(
    study: StudyConfig, variant: Variant, fold: int, seed: int, out: Path, data: Path, tests: Path | None
) -> PlannedRun:
    folder = out / "runs" / variant.name / (f"fold{fold}-seed{seed}" if fold else f"seed{seed}")
    stages = [one.name for one in study.variants if one.stage1_of == variant.name]
    config = study.training(variant, fold, seed, data, tests)
    if stages and not config.two_stages:
        raise ConfigError(f"{stages[0]} is to be the first stage of {variant.name}, which has only one.")
    tested = ((variant.name, folder), *((name, folder / "stage1") for name in stages))
    return PlannedRun(
        folder,
        config,
        tested,
        str(fold) if fold else "",
        seed,
        study.tested or study.dataset,
        study.dataset if study.tested else "",
    )


def run_study(
    runs: Sequence[PlannedRun], out: Path, *, jobs: int = 1, threads: int = 0, say: Say = lambda text: None
) -> tuple[str, ...]:
    """Train and test what is missing.

    Args:
        runs: of :func:`plan_runs`, or some of them.
        out: the study's folder; its rows.csv is brought up to date after every run.
        jobs: runs at once, each in a process of its own; 1 = here, with a bar.
        threads: of torch in each run; 0 leaves its configuration's.
        say: told what ends, in a line.

    Returns:
        What failed, a sentence each; the other runs were done all the same.
    """
    missing = [run for run in runs if not run.finished]
    say(f"{len(runs)} runs, {len(runs) - len(missing)} of them finished before.")
    failures: list[str] = []
    started = time.monotonic()
    for done, (run, error) in enumerate(_each(missing, jobs, threads), 1):
        name = "/".join(run.folder.parts[-2:])
        if error:
            failures.append(f"{name}: {error}")
            say(f"{name} FAILED: {error}")
        else:
            left = (time.monotonic() - started) / done * (len(missing) - done)
            say(f"{done} of {len(missing)}: {name}, {summary(run)}; about {left / 60:.0f} min left")
        write_rows(runs, out)
    write_rows(runs, out)
    return tuple(failures)


def _each(
    runs: Sequence[PlannedRun], jobs: int, threads: int
) -> Iterable[tuple[PlannedRun, AulensError | None]]:
    if jobs == 1:
        for run in runs:
            yield run, _attempt(run, threads, progress=True)
        return
    attempt = partial(_attempt, threads=threads, progress=False)
    yield from in_processes(runs, attempt, jobs, doing="training", tasks_per_process=1)


def _attempt(run: PlannedRun, threads: int, progress: bool) -> AulensError | None:
    try:
        execute(run, threads=threads, progress=progress)
    except AulensError as error:
        return error
    return None


def execute(run: PlannedRun, *, threads: int = 0, progress: bool = True) -> None:
    """Train one run, or go on with it, and test it: writes RUN/test/report.{md,json} and its result."""
    import dataclasses

    from aulens.training.evaluation import predict, report, write_report
    from aulens.training.stages import train

    config = run.config
    if threads:
        config = dataclasses.replace(config, train=dataclasses.replace(config.train, threads=threads))
    train(config, run.folder, resume=True, progress=progress)
    for (variant, folder), target in zip(run.variants, run.results, strict=True):
        found = predict(folder, threads=threads or None, progress=progress)
        write_report(report(found, "test", BOOTSTRAP), target)
        facts = json.loads(RunFolder(folder).facts.read_text(encoding="utf-8"))
        RunResult(
            dataset=run.tested,
            variant=variant,
            fold=run.fold,
            seed=run.seed,
            aus=found.samples.aus,
            subjects=found.samples.subjects,
            labels=found.samples.labels,
            scores=found.scores,
            decisions=found.decisions,
            uncalibrated=found.uncalibrated,
            selected_on_test=found.selected_on_test,
            run="/".join(folder.parts[-2:]),
            commit=facts.get("commit"),
            trained_on=run.trained_on,
        ).save(target)


def load_results(runs: Sequence[PlannedRun]) -> tuple[RunResult, ...]:
    """The results of all finished runs."""
    return tuple(RunResult.load(folder) for run in runs if run.finished for folder in run.results)


def rows(runs: Sequence[PlannedRun]) -> pd.DataFrame:
    """One row per finished model: what it was, how it was trained, its means over AUs by both rules."""
    table: list[dict[str, Any]] = []
    for run in runs:
        if not run.finished:
            continue
        for (_, folder), target in zip(run.variants, run.results, strict=True):
            table.append({**_facts(RunResult.load(target)), **_training(RunFolder(folder))})
    return pd.DataFrame(table)


def write_rows(runs: Sequence[PlannedRun], out: Path) -> None:
    """Write OUT/rows.csv; a kill never leaves half of it."""
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "rows.csv", rows(runs).to_csv(index=False))


def summary(run: PlannedRun) -> str:
    """Mean F1 of a finished run, in words."""
    found = [RunResult.load(folder) for folder in run.results]
    return ", ".join(f"{one.variant} mean F1 {_facts(one)['f1_papers']:.3f}" for one in found)


def _facts(result: RunResult) -> dict[str, Any]:
    row: dict[str, Any] = {
        "dataset": result.dataset,
        "trained_on": result.trained_on or result.dataset,
        "variant": result.variant,
        "fold": result.fold,
        "seed": result.seed,
        "frames": len(result.labels),
        "subjects": int(np.unique(result.subjects).size),
        "selected_on_test": result.selected_on_test,
    }
    for rule, decisions in (("papers", result.uncalibrated), ("calibrated", result.decisions)):
        row[f"f1_{rule}"] = metrics.mean_f1(result.labels, decisions)
        row[f"accuracy_{rule}"] = metrics.total_accuracy(result.labels, decisions)
    ranks = metrics.roc_auc(result.labels, result.scores)
    row["roc_auc"] = float(np.nanmean(ranks)) if np.isfinite(ranks).any() else float("nan")
    return row | {"run": result.run, "commit": result.commit}


def _training(folder: RunFolder) -> dict[str, Any]:
    log = [json.loads(line) for line in folder.log.read_text(encoding="utf-8").splitlines()]
    return {
        "epochs": len(log),
        "train_seconds": round(sum(record["seconds"] for record in log), 1),
        "waiting_for_data": round(
            float(np.mean([record.get("waiting_for_data", np.nan) for record in log])), 4
        ),
    }
