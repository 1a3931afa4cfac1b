"""Ctrl-C and what does the same: in a program, in a block that ends by it, in processes that others start."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aulens.interrupts import at_ctrl_c, ended_by_signals, kept_handlers

posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals there")
ENDS = [pytest.param("SIGTERM", 143), pytest.param("SIGHUP", 129)]


def raised(name: str) -> None:
    signal.raise_signal(getattr(signal, name))


def code_of(program: Callable[[], None]) -> object:
    """The exit code of a program that signals may end."""
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    with pytest.raises(SystemExit) as stop, ended_by_signals():
        program()
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)] == before
    return stop.value.code


@posix
@pytest.mark.parametrize(("name", "code"), ENDS)
def test_a_program_that_is_ended_cleans_up_and_says_by_what(name: str, code: int) -> None:
    cleaned = []

    def program() -> None:
        try:
            raised(name)
        except KeyboardInterrupt:
            raised("SIGTERM")  # the whole group was ended
            cleaned.append(name)
            raise OSError(5, "the terminal is gone") from None

    assert code_of(program) == code
    assert cleaned == [name]


@posix
@pytest.mark.parametrize(("name", "code"), ENDS)
def test_a_command_that_ends_well_after_a_signal_says_so(name: str, code: int) -> None:
    def program() -> None:
        with pytest.raises(KeyboardInterrupt):
            raised(name)
        raise SystemExit(0)

    assert code_of(program) == code


@posix
def test_without_a_signal_errors_are_what_they_are() -> None:
    with pytest.raises(OSError, match="full"), ended_by_signals():
        raise OSError("full")
    with ended_by_signals():
        pass


@posix
def test_who_was_made_deaf_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_by_signals(), at_ctrl_c(lambda: pytest.fail("it was not deaf")):
            raised("SIGHUP")
    finally:
        signal.signal(signal.SIGHUP, before)


@posix
@pytest.mark.parametrize(("name", "code"), ENDS)
def test_the_first_ends_a_block_and_the_second_the_program(name: str, code: int) -> None:
    first: list[str] = []

    def program() -> None:
        with at_ctrl_c(lambda: first.append(name)):
            raised(name)
            assert first == [name]
            raised(name)

    assert code_of(program) == code
    assert first == [name]


@posix
def test_a_library_does_not_take_signals_over() -> None:
    def program() -> None:
        with kept_handlers():
            signal.signal(signal.SIGTERM, lambda *_: pytest.fail("the library's"))
        raised("SIGTERM")

    assert code_of(program) == 143


def test_a_started_process_ends_at_ctrl_c_without_a_word():
    code = (
        "import signal, time\n"
        "from aulens.interrupts import interrupts_deferred, exit_quietly\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "with interrupts_deferred():\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        "    print('deaf', flush=True)\n"
        "    exit_quietly()\n"
        "    time.sleep(60)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "deaf\n", "")


@posix
@pytest.mark.parametrize("heard", ["typer", "onnxruntime"])
def test_ctrl_c_while_libraries_are_loaded_ends_without_a_traceback(heard: str, tmp_path: Path) -> None:
    """Libraries in C make an ImportError of a KeyboardInterrupt."""
    (tmp_path / f"{heard}.py").write_text(
        "import signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "try:\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        "except KeyboardInterrupt as error:\n"
        "    raise ImportError('initialization failed') from error\n"
        "def __getattr__(name): return lambda *a, **k: lambda f: f\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "aulens", "detect", tmp_path / "nothing.jpg"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
