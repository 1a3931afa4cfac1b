"""Lock files: one holder at a time, and none that is dead."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aulens.errors import BusyError
from aulens.locks import HOST, hold, runs_here


@pytest.fixture
def dead() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="ended processes are told by /proc")
def test_one_that_ended_unnoticed_does_not_run(tmp_path: Path):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert runs_here(process.pid)
        assert process.stdin is not None
        process.stdin.close()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and stays a zombie
        assert not runs_here(process.pid)


def test_one_holds_and_the_next_is_told_who(tmp_path: Path):
    lock = tmp_path / "new" / ".lock"
    with hold(lock, "The run"):
        said = rf"The run is in use by process {os.getpid()} on {HOST}.*delete {lock}"
        with pytest.raises(BusyError, match=said), hold(lock, "The run"):
            pass
        assert lock.exists()
    assert not lock.parent.exists()
    with hold(lock, "The run"):
        (lock.parent / "kept").touch()
    assert [path.name for path in lock.parent.iterdir()] == ["kept"]


def test_an_error_in_the_block_frees_it(tmp_path: Path):
    with pytest.raises(ZeroDivisionError), hold(tmp_path / ".lock", "It"):
        _ = 1 / 0
    assert not list(tmp_path.iterdir())


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path: Path, dead: int):
    lock = tmp_path / ".lock"
    assert not runs_here(dead)
    lock.write_text(f"{HOST} {dead}")
    with hold(lock, "It"):
        assert lock.read_text() == f"{HOST} {os.getpid()}"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "holder", ["elsewhere 1", f"{HOST} {os.getpid()}", ""], ids=["other", "this", "none"]
)
def test_a_lock_that_is_no_longer_touched_is_taken_over(tmp_path: Path, holder: str):
    lock = tmp_path / ".lock"
    lock.write_text(holder)
    with pytest.raises(BusyError), hold(lock, "It"):
        pass
    os.utime(lock, (time.time() - 1000,) * 2)
    with hold(lock, "It"):
        pass


def test_a_living_holder_touches_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("aulens.locks._TOUCHED_EACH", 0.01)
    lock = tmp_path / ".lock"
    with hold(lock, "It"):
        os.utime(lock, (0, 0))
        until = time.monotonic() + 5
        while lock.stat().st_mtime == 0 and time.monotonic() < until:
            time.sleep(0.01)
        assert time.time() - lock.stat().st_mtime < 60


def test_a_lock_that_another_took_meanwhile_is_theirs(tmp_path: Path):
    lock = tmp_path / ".lock"
    with hold(lock, "It"):
        lock.write_text("elsewhere 1")
    assert lock.read_text() == "elsewhere 1"
