"""Lock files: one holder at a time, and none that is dead."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aulens.errors import BusyError, ConfigError
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
        assert lock.read_text().startswith(f"{HOST} {os.getpid()} ")
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


def test_a_clock_that_is_off_frees_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The drive's clock tells when it was touched, and what time it is."""
    lock = tmp_path / ".lock"
    lock.write_text("elsewhere 1 1.00 -")
    monkeypatch.setattr(time, "time", lambda: lock.stat().st_mtime + 1e6)
    with pytest.raises(BusyError), hold(lock, "It"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_living_holder_touches_it(tmp_path: Path):
    lock = tmp_path / ".lock"
    with hold(lock, "It", touched_each=0.01):
        os.utime(lock, (0, 0))
        until = time.monotonic() + 5
        while lock.stat().st_mtime == 0 and time.monotonic() < until:
            time.sleep(0.01)
        assert time.time() - lock.stat().st_mtime < 60


def test_a_lock_that_another_took_meanwhile_is_theirs(tmp_path: Path):
    lock = tmp_path / ".lock"
    with hold(lock, "It") as held:
        held.check()
        lock.write_text("elsewhere 1")
        with pytest.raises(
            BusyError, match=r"It is no longer this process's.*process 1 on elsewhere took it"
        ):
            held.check()
    assert lock.read_text() == "elsewhere 1"


def test_who_holds_a_lock_that_is_gone_is_told(tmp_path: Path):
    lock = tmp_path / "new" / ".lock"
    with hold(lock, "It") as held:
        lock.unlink()
        with pytest.raises(BusyError, match="somebody deleted its lock"):
            held.check()
        lock.parent.rmdir()
        with pytest.raises(FileNotFoundError):
            held.check()


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A process that holds a lock, and the lock."""
    lock = tmp_path / ".lock"
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from aulens.locks import hold\n"
        "with hold(Path(sys.argv[1]), 'It'):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process, lock
        process.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="nothing stops a process there")
def test_a_stopped_process_keeps_its_lock_however_long(holder: tuple[subprocess.Popen[bytes], Path]):
    process, lock = holder
    process.send_signal(signal.SIGSTOP)
    os.utime(lock, (time.time() - 1e6,) * 2)
    with pytest.raises(BusyError, match=f"process {process.pid} on {HOST}"), hold(lock, "It"):
        pass
    process.kill()  # the number is a zombie's until somebody waits for it
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    with hold(lock, "It"):
        pass


@pytest.mark.parametrize("field", [2, 3], ids=["began at another time", "in another boot"])
def test_a_number_that_another_process_has_now_holds_nothing_once_it_is_not_touched(
    field: int, holder: tuple[subprocess.Popen[bytes], Path]
):
    _, lock = holder
    said = lock.read_text().split()
    said[field] = "1.5"
    lock.write_text(" ".join(said))
    with pytest.raises(BusyError), hold(lock, "It"):  # a clock may have been set, or the name be another's
        pass
    os.utime(lock, (time.time() - 1000,) * 2)
    with hold(lock, "It"):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
@pytest.mark.parametrize("kind", ["link", "dangling", "looping", "fifo", "folder"])
def test_what_is_no_file_is_no_lock_and_is_left_alone(kind: str, tmp_path: Path):
    lock, other = tmp_path / ".lock", tmp_path / "other"
    if kind == "fifo":
        os.mkfifo(lock)
    elif kind == "folder":
        lock.mkdir()
    else:
        lock.symlink_to({"link": other, "dangling": tmp_path / "gone", "looping": lock}[kind])
    other.write_text("theirs")
    with pytest.raises(ConfigError, match="is no file: aulens did not make it"), hold(lock, "It"):
        pass
    assert other.read_text() == "theirs"
    assert lock.is_symlink() or lock.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_a_folder_that_can_not_be_made_ends_it(tmp_path: Path):
    (tmp_path / "out").symlink_to(tmp_path / "gone")
    with pytest.raises(FileExistsError), hold(tmp_path / "out" / ".lock", "It"):
        pass
