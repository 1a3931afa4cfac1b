"""Rendering with several processes at once, each with a rig of its own."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from os import cpu_count
from typing import Any

from aulens.errors import DatasetError


def work_through(
    todo: Sequence[int],
    work: Callable[[int], int],
    start: Callable[..., None],
    settings: tuple[Any, ...],
    processes: int | None,
) -> Generator[int, None, None]:
    """Do all of `todo`; yields what `work` returns, in the order in which it is done.

    When the caller stops early (its loop raises), what is queued is not begun.

    Args:
        todo: numbers of the pieces.
        work: does one piece, in a process of the pool.
        start: called once in each process, with `settings`.
        settings: must be picklable.
        processes: how many at once; all cores by default.

    Raises:
        DatasetError: a process died.
    """
    workers = min(processes or cpu_count() or 1, max(1, len(todo)))
    with ProcessPoolExecutor(workers, get_context("spawn"), start, settings) as pool:
        waiting = {pool.submit(work, piece) for piece in todo}
        try:
            while waiting:
                finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield future.result()
        except BrokenProcessPool as error:
            raise DatasetError(
                "a rendering process died (out of memory?); the same command goes on where it stopped, "
                "with fewer --processes it needs less"
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # or it would first finish all that is queued
            raise
