"""Work shared out among processes, which end with their parent; no more is queued than needed."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from multiprocessing.synchronize import Semaphore
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from aulens.errors import DatasetError
from aulens.interrupts import exit_quietly, interrupts_deferred

_AWAKE: Final = 0.5  # seconds
_CTRL_C: Final = 0.5
"""Seconds in which a Ctrl-C that ended a process also reaches its parent: that it is then, not a death."""

Job = TypeVar("Job")
Result = TypeVar("Result")


def cpus_here() -> int:
    """CPUs that this process may use: in a container or a batch job often fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_processes(
    jobs: Iterable[Job],
    work: Callable[[Job], Result],
    processes: int | None,
    *,
    doing: str,
    start: Callable[..., None] | None = None,
    settings: tuple[Any, ...] = (),
    tasks_per_process: int | None = None,
    stopped: Semaphore | None = None,
) -> Generator[tuple[Job, Result], None, None]:
    """Do all jobs; yields each with its result, in the order in which they are done.

    Jobs are taken as they are needed, so they may be made one by one. When the caller stops early (its loop
    raises, or it closes this), what is queued is not begun. Ctrl-C, and SIGTERM where it does the same, ends
    the processes in silence: what there is to say, the caller says.

    Args:
        jobs: what to do; picklable.
        work: does one, in a process of the pool; importable there.
        processes: how many at once, >= 1; None = one per core.
        doing: for the message when a process dies: "rendering".
        start: called once in each process, with `settings`.
        settings: picklable.
        tasks_per_process: jobs after which a process is replaced; None = never.
        stopped: of `stop_switch`, for a call on another thread than the main one, which no signal reaches.

    Raises:
        DatasetError: a process died.
    """
    processes = processes or cpus_here()
    context = get_context("spawn")
    stopped = stopped or stop_switch()
    pool = ProcessPoolExecutor(
        processes, context, _begin, (stopped, start, settings), max_tasks_per_child=tasks_per_process
    )
    done: SimpleQueue[Future[Result]] = SimpleQueue()
    with pool:
        waiting: dict[Future[Result], Job] = {}
        try:
            for job in jobs:
                with interrupts_deferred():  # an interrupted pool keeps its locks, and never ends
                    waiting[future := pool.submit(work, job)] = job
                    future.add_done_callback(done.put)
                if len(waiting) > 2 * processes:
                    yield _next(done, waiting)
            while waiting:
                yield _next(done, waiting)
        except BrokenProcessPool as error:
            time.sleep(_CTRL_C)
            raise DatasetError(
                f"A {doing} process died (out of memory?). The same command goes on where it stopped; with "
                "fewer processes it needs less."
            ) from error
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):  # SIGTERM comes to this process alone
                stopped.release()
            with interrupts_deferred():
                pool.shutdown(wait=False, cancel_futures=True)  # or it would first do all that is queued
            raise


def stop_switch() -> Semaphore:
    """What ends the processes that have it when it is released, also those that begin later."""
    return get_context("spawn").Semaphore(0)  # not an Event, which waits for processes that Ctrl-C has ended


def next_of(done: SimpleQueue[Result]) -> Result:
    """Wait for the next; an interrupt ends that, also one that another thread was woken for."""
    while True:
        try:
            return done.get(timeout=_AWAKE)
        except Empty:
            continue


def _next(done: SimpleQueue[Future[Result]], waiting: dict[Future[Result], Job]) -> tuple[Job, Result]:
    future = next_of(done)
    with interrupts_deferred():
        return waiting.pop(future), future.result()


def _begin(stopped: Semaphore, start: Callable[..., None] | None, settings: tuple[Any, ...]) -> None:
    exit_quietly()
    parent = multiprocessing.parent_process()
    # A killed parent can't stop its processes: without this they would work on, or wait for work for ever.
    for until in (partial(_passed_on, stopped), *([] if parent is None else [parent.join])):
        threading.Thread(target=_end_after, args=(until,), daemon=True).start()
    if start is not None:
        start(*settings)


def _passed_on(stopped: Semaphore) -> None:
    """Wait for the end, and pass it on."""
    stopped.acquire()
    stopped.release()


def _end_after(until: Callable[[], object]) -> None:
    until()
    os._exit(1)
