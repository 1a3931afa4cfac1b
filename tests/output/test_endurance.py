"""Runs that are killed, stopped, run out of disk or lose their folder; two that write into one."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

import forked_runs
from aulens.analysis.analyzer import Analyzer
from aulens.app.job_queue import Ticket
from aulens.app.source import probe
from aulens.app.work import picture_work
from aulens.errors import BusyError, ConfigError, InputError
from aulens.output import Here, Results, analyze_files, analyze_video
from aulens.output.writers import count_rows
from forked_runs import ALL
from killed import Killed, killed_after
from patch_people import PatchDetector, patch_frame, write_people

pytestmark = [pytest.mark.usefixtures("people_by_colour"), pytest.mark.slow]
posix = pytest.mark.skipif(sys.platform == "win32", reason="nothing forks or is stopped there")

KILLS = 10
"""benchmarks/endurance.py has 30, of the command with the shipped model."""


@pytest.fixture(scope="module")
def analyzer(model: Path) -> Analyzer:
    return Analyzer(model, PatchDetector())


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_people(tmp_path_factory.mktemp("video") / "talk.mp4", 60)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    paths = [folder / f"p{i:02}.png" for i in range(20)]
    for i, path in enumerate(paths):
        Image.fromarray(patch_frame({"red": (10 + i, 20)} if i % 4 else {})).save(path)
    return paths


def contents(folder: Path) -> dict[str, object]:
    """Of each file its bytes; of a drawn video time stamps and pixels: nothing else of it is promised."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".mp4":
            with av.open(str(path)) as container:
                found[path.name] = [
                    (frame.pts, frame.to_ndarray().tobytes()) for frame in container.decode(video=0)
                ]
        elif path.is_file() and path.suffix != ".pdf":
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


class Runs:
    """Runs in processes of their own, all into one folder."""

    def __init__(self, model: Path, out: Path, video: Path, pictures: list[Path]) -> None:
        command = [sys.executable, forked_runs.__file__, *map(str, (model, out, video, *pictures))]
        paths = os.pathsep.join(map(os.path.abspath, sys.path))
        self._program = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
            env=os.environ | {"PYTHONPATH": paths},
        )  # fmt: skip
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._ask, self._told = self._program.stdin, self._program.stdout

    def begin(self) -> int:
        """Go on with the run; the process that does."""
        self._ask.write("\n")
        return int(self._told.readline())

    def end(self) -> int:
        """Its status, once it has ended."""
        return int(self._told.readline())

    def close(self) -> None:
        self._program.kill()
        self._program.communicate()


@pytest.fixture
def runs(model: Path, video: Path, pictures: list[Path], tmp_path: Path) -> Iterator[Runs]:
    made = Runs(model, tmp_path / "out", video, pictures)
    yield made
    made.close()


@posix
def test_kills_at_random_moments_leave_no_trace(runs: Runs, tmp_path: Path) -> None:
    out, chance = tmp_path / "out", random.Random(14)
    start = time.perf_counter()
    runs.begin()
    assert runs.end() == 0
    long, whole = time.perf_counter() - start, contents(out)
    killed = 0
    while killed < KILLS:
        shutil.rmtree(out)
        status = -1
        while status:
            process = runs.begin()
            time.sleep(chance.uniform(0, long))
            with suppress(ProcessLookupError):  # it has ended
                os.kill(process, signal.SIGKILL)
            status = runs.end()
            killed += status == signal.SIGKILL
            assert status in (0, signal.SIGKILL)
        assert contents(out) == whole
        assert len(whole) > 30


@posix
def test_a_stopped_run_keeps_its_results_to_itself(
    runs: Runs, analyzer: Analyzer, video: Path, pictures: list[Path], tmp_path: Path
) -> None:
    """However long it stands still: the same command is refused, and it ends as if nothing had been."""
    out, process = tmp_path / "out", runs.begin()
    for lock, begun in ((".results.lock", "results.part"), (".talk.lock", "talk.part/note.json")):
        until = time.monotonic() + 60
        while not (out / begun).exists() and time.monotonic() < until:
            time.sleep(0.002)
        os.kill(process, signal.SIGSTOP)
        os.utime(out / lock, (1, 1))
        with pytest.raises(BusyError, match=f"in use by process {process} on"):
            analyze_files([*pictures, video], out, ALL, executor=Here(analyzer), resume=True)
        os.kill(process, signal.SIGCONT)
    assert runs.end() == 0
    analyze_files([*pictures, video], tmp_path / "whole", ALL, executor=Here(analyzer))
    made, whole = contents(out), contents(tmp_path / "whole")
    assert made.keys() == whole.keys()
    assert made["talk.csv"] == whole["talk.csv"]
    assert made["results.csv"] == whole["results.csv"]


# One that was taken for dead


def test_a_video_that_another_run_took_over_stays_its(
    analyzer: Analyzer, video: Path, tmp_path: Path
) -> None:
    """The first run, of a machine that seemed dead, wakes up when the second is done, and writes nothing."""
    out, seen = tmp_path / "out", []

    def overtaken(*_: object) -> None:
        seen.append(1)
        if len(seen) == 20:
            (out / ".talk.lock").unlink()
            analyze_video(analyzer, video, out, ALL, name="talk", resume=True, checkpoint_each=7)
            (out / ".talk.lock").write_text("elsewhere 7 1.00 -")

    with pytest.raises(BusyError, match="process 7 on elsewhere took it over"):
        analyze_video(analyzer, video, out, ALL, name="talk", progress=overtaken, checkpoint_each=7)
    assert (out / ".talk.lock").read_text().startswith("elsewhere")
    (out / ".talk.lock").unlink()
    whole = tmp_path / "whole"
    analyze_video(analyzer, video, whole, ALL, checkpoint_each=7)
    assert contents(out) == contents(whole)


def test_rows_in_hand_go_into_no_file_of_who_took_over(
    analyzer: Analyzer, video: Path, tmp_path: Path
) -> None:
    """The second goes on in files of its own, which the first, as it ends, does not touch."""
    out, seen = tmp_path / "out", []

    def overtaken(*_: object) -> None:
        seen.append(1)
        if len(seen) == 20:
            (out / ".talk.lock").unlink()
            with pytest.raises(Killed):
                analyze_video(
                    analyzer, video, out, ALL, name="talk", resume=True, progress=killed_after(20),
                    checkpoint_each=7,
                )  # fmt: skip
            kept.update(contents(out / "talk.part"))
            (out / ".talk.lock").write_text("elsewhere 7 1.00 -")

    kept: dict[str, object] = {}
    with pytest.raises(BusyError):
        analyze_video(analyzer, video, out, ALL, name="talk", progress=overtaken, checkpoint_each=7)
    assert contents(out / "talk.part") == kept
    (out / ".talk.lock").unlink()
    for folder in (out, tmp_path / "whole"):
        analyze_video(analyzer, video, folder, ALL, name="talk", resume=True, checkpoint_each=7)
    assert contents(out) == contents(tmp_path / "whole")


def test_pictures_that_another_run_took_over_stay_its(
    analyzer: Analyzer, pictures: list[Path], tmp_path: Path
) -> None:
    out, seen = tmp_path / "out", []

    def overtaken(*_: object) -> None:
        seen.append(1)
        if len(seen) == 5:
            (out / ".results.lock").unlink()
            analyze_files(pictures, out, ALL, executor=Here(analyzer), resume=True)
            (out / ".results.lock").write_text("elsewhere 7 1.00 -")

    with pytest.raises(BusyError, match="process 7 on elsewhere took it over"):
        analyze_files(pictures, out, ALL, executor=Here(analyzer, on_picture=overtaken))
    (out / ".results.lock").unlink()
    analyze_files(pictures, tmp_path / "whole", ALL, executor=Here(analyzer))
    assert contents(out) == contents(tmp_path / "whole")


def test_rows_that_another_program_wrote_are_seen(analyzer: Analyzer, video: Path, tmp_path: Path) -> None:
    rows, seen = tmp_path / "out" / "talk.part" / "rows.csv", []

    def written(*_: object) -> None:
        seen.append(1)
        if len(seen) == 60:
            with rows.open("a") as file:
                file.write(rows.read_text().splitlines()[1] + "\n")

    with pytest.raises(InputError, match=r"rows\.csv has 61 rows, not the 60 that were written"):
        analyze_video(analyzer, video, tmp_path / "out", name="talk", progress=written, checkpoint_each=7)
    assert not (tmp_path / "out" / "talk.json").exists()


# Two runs into one folder


def test_of_two_picture_runs_into_one_folder_one_is_refused(
    analyzer: Analyzer, pictures: list[Path], tmp_path: Path
) -> None:
    out, refused = tmp_path / "out", []

    def another(*_: object) -> None:
        with pytest.raises(BusyError, match=r"The table of pictures in .* is in use by process") as error:
            analyze_files(pictures[:3], out, executor=Here(analyzer))
        refused.append(error)

    analyze_files(pictures, out, ALL, executor=Here(analyzer, on_picture=another))
    assert len(refused) == len(pictures)
    analyze_files(pictures, tmp_path / "whole", ALL, executor=Here(analyzer))
    assert contents(out) == contents(tmp_path / "whole")


def test_a_page_writes_into_no_folder_that_a_run_writes_into(
    analyzer: Analyzer, pictures: list[Path], tmp_path: Path
) -> None:
    """A visit's folder is its own; would it be another's, that would be said."""
    out, refused = tmp_path / "out", []

    def visit(*_: object) -> None:
        with pytest.raises(InputError, match="is in use by process") as error:
            picture_work(analyzer, probe(pictures[1], "me.png"))(out, Ticket(lambda ticket: None))
        refused.append(error)

    analyze_files(pictures[:2], out, executor=Here(analyzer, on_picture=visit))
    assert len(refused) == 2
    assert count_rows(out / "results.csv") == 2


def test_pictures_and_a_video_into_one_folder_are_both_whole(
    analyzer: Analyzer, video: Path, pictures: list[Path], tmp_path: Path
) -> None:
    out, begun = tmp_path / "out", []

    def meanwhile(*_: object) -> None:
        if not begun:
            begun.append(1)
            analyze_files([video], out, ALL, executor=Here(analyzer))

    analyze_files(pictures, out, ALL, executor=Here(analyzer, on_picture=meanwhile))
    analyze_files([*pictures, video], tmp_path / "whole", ALL, executor=Here(analyzer))
    assert contents(out) == contents(tmp_path / "whole")


# Disks


def analyzed(analyzer: Analyzer, given: list[Path], out: Path, **more: Any) -> Results:
    return analyze_files(given, out, ALL, executor=Here(analyzer, **more), resume=True)


@contextmanager
def mounted(folder: Path, size: int) -> Iterator[Callable[[str], None]]:
    """A disk of so many kB at a folder; gives what changes it."""
    folder.mkdir()
    if shutil.which("mount") is None or sys.platform != "linux":
        pytest.skip("no disks can be made here")
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", folder], capture_output=True
    ).returncode:
        pytest.skip("only root makes disks")

    def remount(options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)

    try:
        yield remount
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture(scope="module")
def whole(
    people_by_colour: None, analyzer: Analyzer, video: Path, pictures: list[Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, object]:  # fmt: skip
    """What is made of all where nothing is in the way."""
    out = tmp_path_factory.mktemp("whole")
    analyzed(analyzer, [*pictures, video], out)
    return contents(out)


@pytest.mark.parametrize("size", [4, 40, 300, 600, 900, 1200])
def test_a_full_disk_is_a_sentence_wherever_it_is_met_and_costs_nothing(
    size: int, whole: dict[str, object], analyzer: Analyzer, video: Path, pictures: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "disk" / "out"
    with mounted(tmp_path / "disk", size) as remount:
        with pytest.raises(
            ConfigError, match=r"No space left on device.*the same command with --resume goes on"
        ):
            analyzed(analyzer, [*pictures, video], out)
        remount("size=64m")
        analyzed(analyzer, [*pictures, video], out)
        assert contents(out) == whole


def test_a_disk_that_turns_read_only_is_a_sentence(
    whole: dict[str, object], analyzer: Analyzer, video: Path, pictures: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "disk" / "out"
    with mounted(tmp_path / "disk", 64 << 10) as remount:
        turned = []

        def turn(*_: object) -> None:
            turned.append(1)
            if len(turned) == 5:
                remount("ro")

        with pytest.raises(ConfigError, match=r"can't be written \(Read-only file system\)"):
            analyzed(analyzer, [*pictures, video], out, on_picture=turn)
        remount("rw")
        os.utime(out / ".results.lock", (1, 1))  # which could not be taken away; its process would have ended
        analyzed(analyzer, [*pictures, video], out)
        assert contents(out) == whole


@pytest.mark.parametrize("when", ["on_picture", "on_frame"])
def test_a_folder_that_is_gone_midway_is_a_sentence(
    when: str, analyzer: Analyzer, video: Path, pictures: list[Path], tmp_path: Path
) -> None:
    out, seen = tmp_path / "out", []

    def gone(*_: object) -> None:
        seen.append(1)
        if len(seen) == 5:
            shutil.rmtree(out)

    with pytest.raises(ConfigError, match=r"out can't be written \(No such file or directory\)"):
        analyzed(analyzer, [*pictures, video], out, **{when: gone})
    assert not list(tmp_path.iterdir())


def test_an_input_that_is_gone_midway_is_named_and_the_others_are_done(
    analyzer: Analyzer, video: Path, pictures: list[Path], tmp_path: Path
) -> None:
    folder, seen = tmp_path / "in", []
    folder.mkdir()
    given = [Path(shutil.copy(path, folder)) for path in [*pictures, video]]

    def gone(*_: object) -> None:
        seen.append(1)
        if len(seen) == 3:
            given[10].unlink()
            given[-1].unlink()

    results = analyzed(analyzer, given, tmp_path / "out", on_picture=gone)
    assert set(results.failed) == {str(given[10]), str(given[-1])}
    assert results.pictures is not None
    assert (results.pictures.frames, count_rows(tmp_path / "out" / "results.csv")) == (19, 19)
