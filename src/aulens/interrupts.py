"""What Ctrl-C, SIGTERM and SIGHUP do: to a process, to those that it starts, to a block that ends by them."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

_ENDS: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""By which a batch system, a container or a terminal that is closed ends a process."""


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP do in the block what Ctrl-C does; the program's exit code is then 143 or 129.

    What is at work is cleaned up, and says how it goes on. Further ones, as come where a whole group of
    processes is ended, don't disturb that.
    """
    came: list[int] = []

    def end(number: int, *_: object) -> None:
        for each in _ENDS:
            signal.signal(each, signal.SIG_IGN)
        came.append(number)
        raise KeyboardInterrupt

    before = {each: signal.signal(each, end) for each in _heard()}
    try:
        yield
    except (SystemExit, KeyboardInterrupt, OSError):  # the terminal may be gone, too
        if not came:
            raise
    finally:
        _restore(before)
    if came:
        raise SystemExit(128 + came[0])


def _restore(handlers: Mapping[int, Any]) -> None:
    for each, was in handlers.items():
        signal.signal(each, was)


def _heard() -> list[int]:
    """Those to which no shell made the process deaf, as nohup does."""
    return [each for each in _ENDS if signal.getsignal(each) is not signal.SIG_IGN]


@contextmanager
def kept_handlers() -> Iterator[None]:
    """What a library does at signals instead, if it sets that in the block, does not count: ours stays."""
    before = {each: was for each in _ENDS if callable(was := signal.getsignal(each))}
    try:
        yield
    finally:
        _restore(before)


@contextmanager
def at_ctrl_c(do: Callable[[], None]) -> Iterator[None]:
    """What the first Ctrl-C or SIGTERM in the block does, in place of stopping the program as the second."""

    def first(*_: object) -> None:
        _restore(before)
        do()

    before = {each: signal.signal(each, first) for each in (signal.SIGINT, *_heard())}
    try:
        yield
    finally:
        _restore(before)


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP in this block are heard when it ends.

    For code that holds locks, which a KeyboardInterrupt at the wrong instruction would never give back, and
    for libraries that make an ImportError of it. Processes that begin in the block hear Ctrl-C after
    `exit_quietly`: they would else die with a traceback.
    """
    came: list[int] = []
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():  # which alone hears, and sets who hears
        heard = {each: signal.getsignal(each) for each in (signal.SIGINT, *_ENDS)}
        before = {each: was for each, was in heard.items() if callable(was)}
    for each in before:
        signal.signal(each, lambda number, _: came.append(number))
    mask = None if sys.platform == "win32" else signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        try:
            if mask is not None:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        finally:
            _restore(before)
        if came:
            signal.raise_signal(came[0])


def exit_quietly() -> None:
    """From here on Ctrl-C ends this process, which says nothing: what there is to say, its parent says."""
    # Where a shell made the parent deaf to Ctrl-C, as it does with what runs behind it, so is this process.
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda number, frame: os._exit(128 + number))
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
