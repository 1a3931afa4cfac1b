"""Run a study: train what is missing, test each run, keep a row of each. After a kill, the same call goes on.

OUT/study.json         the study as it runs here, for `aulens study table`
OUT/runs/VARIANT/fold1-seed1/   a run folder each, with test/ (report, result)
OUT/rows.csv           one row per finished run

Several processes, on several machines too, may work in one OUT: each run is held by one of them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing.synchronize import Semaphore
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aulens.errors import AulensError, BusyError
from aulens.files import disk_errors
from aulens.interrupts import interrupts_deferred
from aulens.locks import hold
from aulens.processes import in_processes, next_of, stop_switch
from aulens.study.planning import PlannedRun
from aulens.study.results import RunResult
from aulens.study.rows import summary, write_rows
from aulens.training.run_facts import read_facts
from aulens.training.run_folder import RunFolder

BOOTSTRAP: Final = 200
"""Resamplings in the report of each single run; tables draw their own."""

Say = Callable[[str], None]
Execute = Callable[..., None]
"""Trains and tests a run: `execute`, or what stands for it, called as it is."""


@dataclass(frozen=True)
class _End:
    """How an attempt at a run ended: `error` is "" if it is finished; `left`: it is another process's."""

    error: str = ""
    left: bool = False


def execute(run: PlannedRun, *, threads: int | None = None, progress: bool = True) -> None:
    """Train one run, or go on with it, and test it: writes RUN/test/report.{md,json} and its result."""
    from aulens.training.evaluation import report, write_report
    from aulens.training.inference import predict
    from aulens.training.stages import train

    config = run.config
    if threads:
        config = replace(config, train=replace(config.train, threads=threads))
    train(config, run.folder, resume=True, progress=progress)
    for (variant, folder), target in zip(run.variants, run.results, strict=True):
        found = predict(folder, threads=threads, progress=progress)
        write_report(report(found, "test", BOOTSTRAP), target)
        facts = read_facts(RunFolder(folder).facts)
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
            selected_on_test=found.scorer.selected_on_test,
            run="/".join(folder.parts[-2:]),
            commit=facts.commit if facts else None,
            trained_on=run.trained_on,
            data=run.data,
            coded=_stronger(found.samples.intensities),
            predicted=_stronger(found.intensities),
        ).save(target)


def _stronger(sides: NDArray[Any] | None) -> NDArray[np.float32] | None:
    """(N, A) intensity of an AU from its sides (N, A, 2)."""
    return None if sides is None else np.asarray(sides.max(-1), np.float32)


def run_study(
    runs: Sequence[PlannedRun],
    out: Path,
    *,
    share: tuple[int, int] = (1, 1),
    jobs: int = 1,
    threads: int | None = None,
    say: Say = lambda text: None,
    execute: Execute = execute,
) -> tuple[str, ...]:
    """Train and test what is missing.

    Args:
        runs: all of :func:`aulens.study.planning.plan_runs`.
        out: the study's folder; its rows.csv is brought up to date after every run, with the rows of all.
        share: (i, n): of `runs` only every n-th from the i-th on, i from 1.
        jobs: runs at once, each in a process of its own; 1 = here, with a bar.
        threads: of torch in each run; None = as in its configuration.
        say: called with a line when a run ends.
        execute: does one run; with several jobs it is sent to their processes.

    Returns:
        What failed, a sentence each, whatever the error; the other runs were done all the same. A run that
        another process has in hand is left to it, and is no failure.
    """
    first, of = share
    chosen = runs[first - 1 :: of]
    missing = [run for run in chosen if not run.finished]
    say(f"{len(chosen)} runs, {len(chosen) - len(missing)} of them finished before.")
    failures: list[str] = []
    started = time.monotonic()
    for done, (run, end) in enumerate(_each(missing, jobs, threads, execute), 1):
        if end.left:
            say(f"{run.name} left out: {end.error or 'another process has finished it meanwhile.'}")
        elif end.error:
            failures.append(f"{run.name}: {end.error}")
            say(f"{run.name} FAILED: {end.error}")
        else:
            left = (time.monotonic() - started) / done * (len(missing) - done)
            say(f"{done} of {len(missing)}: {run.name}, {summary(run)}; about {left / 60:.0f} min left")
        write_rows(runs, out)
    write_rows(runs, out)
    return tuple(failures)


def _each(
    runs: Sequence[PlannedRun], jobs: int, threads: int | None, execute: Execute
) -> Iterable[tuple[PlannedRun, _End]]:
    if jobs == 1:
        for run in runs:
            yield run, _attempt((run, threads, execute, True))
        return
    ended, stop = SimpleQueue[Future[_End]](), stop_switch()
    with interrupts_deferred():  # as of `in_processes`: an interrupted pool keeps its locks
        pool = ThreadPoolExecutor(jobs)
        futures = {pool.submit(_apart, run, threads, execute, stop): run for run in runs}
        for future in futures:
            future.add_done_callback(ended.put)
    try:
        for _ in runs:
            future = next_of(ended)
            yield futures[future], future.result()
    finally:
        with interrupts_deferred():
            stop.release()  # SIGTERM comes to this process alone
            pool.shutdown(cancel_futures=True)


def _apart(run: PlannedRun, threads: int | None, execute: Execute, stop: Semaphore) -> _End:
    """Attempt a run in a process of its own: if that dies, for want of memory say, the others go on."""
    job = (run, threads, execute, False)
    try:
        ((_, end),) = in_processes([job], _attempt, 1, doing="training", stopped=stop)
    except AulensError as error:
        return _End(str(error))
    return end


def _attempt(job: tuple[PlannedRun, int | None, Execute, bool]) -> _End:
    """Do a run with so many threads, with a bar or without."""
    run, threads, execute, progress = job
    try:
        with hold(run.folder / ".study.lock", f"The run {run.name}"):
            if run.finished:
                return _End(left=True)
            with disk_errors(run.folder, "the same command"):
                execute(run, threads=threads, progress=progress)
    except BusyError as error:
        return _End(str(error), left=True)
    except AulensError as error:
        return _End(str(error))
    except Exception as error:
        # A graphics card without memory, or a fault of ours: hours of other runs are to be done.
        logging.getLogger(__name__).exception("%s failed", run.name)
        return _End(f"{type(error).__name__}: {error}")
    return _End()
