"""Kills, full disks and restarts: nothing is lost, nothing is half, and the bytes are the same."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from aulens import locks
from aulens.data import prepare as preparing
from aulens.data.prepare import PrepareSettings
from aulens.data.prepared import load_prepared
from aulens.errors import BusyError, ConfigError, DatasetError
from aulens.locks import HOST
from drawn_frames import AUS, contents, drawn_index
from full_disk import room_for
from killed import Killed

pytestmark = pytest.mark.slow

SEQUENCES = (("F001", "T1", 9), ("F002", "T1", 4), ("M001", "T1", 5))
SETTINGS = PrepareSettings(size=64)

prepare = partial(preparing.prepare, unit_frames=4)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    return drawn_index(tmp_path_factory.mktemp("drawn"), SEQUENCES)


@pytest.fixture(scope="module")
def whole(index, tmp_path_factory):
    """What a run that nothing disturbed leaves."""
    out = tmp_path_factory.mktemp("whole") / "out"
    prepare(index, out, SETTINGS, processes=1)
    return contents(out)


def stop_after(frames):
    def stop(done, total):
        if done >= frames:
            raise InterruptedError

    return stop


def test_a_restart_does_only_what_is_left(index, tmp_path, whole):
    out = tmp_path / "out"
    with pytest.raises(InterruptedError):
        prepare(index, out, SETTINGS, processes=1, progress=stop_after(6))
    assert 1 <= len(list((out / "parts").glob("*.parquet"))) <= 3
    with pytest.raises(DatasetError, match=r"is not finished\. The same command"):
        load_prepared(out, AUS)
    for litter in ("shards/.x.tar", "parts/.x.parquet", ".m"):  # of a process that can't be
        (out / f"{litter}.{HOST}-{2**22 + 1}.part").write_bytes(b"half")
    # A shard without its rows, as a kill between the two leaves it.
    (out / "shards" / "00004_M001_T1.tar").write_bytes(b"old")
    seen = []
    result = prepare(index, out, SETTINGS, processes=1, progress=lambda *state: seen.append(state))
    assert seen[0][0] == 18 - result.done >= 6
    assert seen[-1] == (18, 18)
    assert contents(out) == whole
    again = prepare(index, out, SETTINGS)
    assert (again.done, again.rate, again.stored) == (0, 0.0, 18)
    assert contents(out) == whole


@pytest.mark.parametrize("after", [True, pytest.param(False)])
def test_a_kill_at_every_file_that_is_put_in_place(index, tmp_path, whole, monkeypatch, after):
    out, replace_file, reached = tmp_path / "out", os.replace, []

    def kill(source, target):
        if Path(target).name in reached:
            return replace_file(source, target)
        reached.append(Path(target).name)
        if after:
            replace_file(source, target)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", kill)
        for _ in range(100):
            try:
                prepare(index, out, SETTINGS, processes=1)
                break
            except Killed:
                continue
    assert len(reached) == 2 * 6 + 4  # units' shards and rows; begun, manifest, missing, prepared
    assert contents(out) == whole


def test_a_kill_before_the_rows_are_tidied_away(index, tmp_path, whole, monkeypatch):
    out = tmp_path / "out"

    def kill(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", kill)
        with pytest.raises(Killed):
            prepare(index, out, SETTINGS, processes=1)
    assert len(load_prepared(out, AUS)) == 18
    assert prepare(index, out, SETTINGS).done == 0
    assert contents(out) == whole


def test_any_number_of_processes_gives_the_same(index, tmp_path, whole):
    result = prepare(index, tmp_path / "out", SETTINGS, processes=2)
    assert contents(tmp_path / "out") == whole
    assert (result.done, result.stored) == (18, 18)
    assert result.rate_per_core > 0


# For a shard without its rows; for less than a shard.
@pytest.mark.parametrize("room", [9_000, pytest.param(3_000)])
def test_a_full_disk_is_said_and_a_restart_goes_on(index, tmp_path, whole, room):
    out = tmp_path / "out"
    with (
        room_for(room),
        pytest.raises(ConfigError, match=r"out can't be written \(.*\).*the same command goes on"),
    ):
        prepare(index, out, SETTINGS, processes=1)
    shards = ["shards/00000_F001_T1.tar"] if room > 3_000 else []
    assert sorted(contents(out)) == ["parts/begun.json", *shards]
    prepare(index, out, SETTINGS, processes=1)
    assert contents(out) == whole


def test_a_full_disk_at_the_end_too(index, tmp_path, whole, monkeypatch):
    def full(source, target):
        if Path(target).name == "manifest.parquet":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return replace_file(source, target)

    out, replace_file = tmp_path / "out", os.replace
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(ConfigError, match=r"out can't be written \(No space left"):
            prepare(index, out, SETTINGS, processes=1)
    prepare(index, out, SETTINGS, processes=1)
    assert contents(out) == whole


def test_one_process_at_a_time(index, tmp_path, whole):
    out = tmp_path / "out"

    def meddle(done, total):
        with pytest.raises(BusyError, match=r"The folder .*out is in use by process \d+"):
            prepare(index, out, SETTINGS, processes=1)

    prepare(index, out, SETTINGS, processes=1, progress=meddle)
    assert contents(out) == whole
    assert prepare(index, out, SETTINGS, progress=meddle).done == 0


def test_the_lock_of_a_dead_process_is_no_lock(index, tmp_path, whole):
    out = tmp_path / "out"
    out.mkdir()
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True)
    (out / ".prepare.lock").write_text(f"{locks.HOST} {ended.stdout.decode().strip()}")
    prepare(index, out, SETTINGS, processes=1)
    assert contents(out) == whole


def test_damaged_rows_are_named(index, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(InterruptedError):
        prepare(index, out, SETTINGS, processes=1, progress=stop_after(4))
    (rows,) = sorted((out / "parts").glob("*.parquet"))[:1]
    rows.write_bytes(rows.read_bytes()[:50])
    with pytest.raises(DatasetError, match=rf"{rows.name} is damaged .* Delete it"):
        prepare(index, out, SETTINGS, processes=1)


def test_other_settings_or_data_are_refused(index, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(InterruptedError):
        prepare(index, out, SETTINGS, processes=1, progress=stop_after(1))
    for _ in ("begun", "finished"):
        before = contents(out)
        with pytest.raises(ConfigError, match="begun with size = 64, now it is 80"):
            prepare(index, out, PrepareSettings(size=80))
        with pytest.raises(ConfigError, match="begun with landmarks = 'auto', now it is 'given'"):
            prepare(index, out, replace(SETTINGS, landmarks="given"))
        with pytest.raises(ConfigError, match="other data: 18 frames then, 17 now"):
            prepare(index.take(np.arange(17)), out, SETTINGS)
        moved = index.landmarks.copy()
        moved[0, 0, 0] += 0.5
        with pytest.raises(ConfigError, match="other data"):
            prepare(replace(index, landmarks=moved), out, SETTINGS)
        assert contents(out) == before
        prepare(index, out, SETTINGS, processes=1)


def test_the_data_may_have_moved(index, tmp_path):
    prepare(index, tmp_path / "out", SETTINGS, processes=1)
    elsewhere = replace(index, media=tuple(f"/elsewhere/{Path(file).name}" for file in index.media))
    assert prepare(elsewhere, tmp_path / "out", SETTINGS).done == 0


SCRIPT = """
import sys
from pathlib import Path
from aulens.data.prepare import PrepareSettings, prepare
from drawn_frames import drawn_index
if __name__ == "__main__":
    index = drawn_index(Path(sys.argv[1]), (("F001", "T1", 160),))
    prepare(index, Path(sys.argv[2]), PrepareSettings(size=64), processes=2, unit_frames=4)
"""


def start(folder: Path, out: str, errors: int | None = None) -> subprocess.Popen:
    (folder / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "script.py", "source", out]
    return subprocess.Popen(command, cwd=folder, env=environment, stderr=errors, text=True)


def wait_for_units(process: subprocess.Popen, out: Path, number: int) -> None:
    while len(list((out / "parts").glob("*.parquet"))) < number:
        assert process.poll() is None
        time.sleep(0.005)


def children_of(process: subprocess.Popen) -> list[str]:
    """Its workers; multiprocessing's tracker of resources isn't one."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [child for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds children by /proc")
def test_a_process_that_dies(tmp_path):
    """As when memory runs out: one sentence, and the restart goes on."""
    process = start(tmp_path, "out", subprocess.PIPE)
    wait_for_units(process, tmp_path / "out", 3)
    os.kill(int(children_of(process)[0]), signal.SIGKILL)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "A preparing process died (out of memory?). The same command goes on" in said
    assert start(tmp_path, "out").wait(120) == 0
    assert len(load_prepared(tmp_path / "out", AUS)) == 160


@pytest.mark.skipif(sys.platform == "win32", reason="stops a process by a signal")
def test_a_second_process_is_refused_and_the_first_goes_on(tmp_path):
    assert start(tmp_path, "whole").wait(120) == 0
    first = start(tmp_path, "out")
    wait_for_units(first, tmp_path / "out", 3)
    first.send_signal(signal.SIGSTOP)  # or it may be done before the second has started
    second = start(tmp_path, "out", subprocess.PIPE)
    _, said = second.communicate(timeout=120)
    assert second.returncode == 1
    first.send_signal(signal.SIGCONT)
    assert f"in use by process {first.pid}" in said
    assert first.wait(120) == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds children by /proc")
def test_sigkill(tmp_path):
    """The parent is killed while both of its processes write; they end too, and the restart is as new."""
    assert start(tmp_path, "whole").wait(120) == 0
    for number in (3, 30):
        killed = start(tmp_path, "out")
        wait_for_units(killed, tmp_path / "out", number)
        children = children_of(killed)
        killed.kill()
        killed.wait()
        assert children
        for _ in range(400):
            alive = [child for child in children if _runs(child)]
            if not alive:
                break
            time.sleep(0.025)
        assert not alive
        assert not (tmp_path / "out" / "prepared.json").exists()
    assert start(tmp_path, "out").wait(120) == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def _runs(process: str) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
