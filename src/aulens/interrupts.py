"""What Ctrl-C does: to a process, to those that it starts, to a block that ends by it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def at_ctrl_c(do: Callable[[], None]) -> Iterator[None]:
    """What the first Ctrl-C in the block does, in place of stopping the program; a second one stops it."""

    def first(*_: object) -> None:
        signal.signal(signal.SIGINT, before)
        do()

    before = signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def born_deaf() -> Iterator[None]:
    """Processes that begin in this block don't hear Ctrl-C until `end_in_silence`.

    They would else die with a traceback.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_in_silence() -> None:
    """From here on Ctrl-C ends this process, which says nothing: what there is to say, its parent says."""
    # Where a shell made the parent deaf to Ctrl-C, as it does with what runs behind it, so is this process.
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda number, frame: os._exit(128 + number))
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
