"""`aulens detect` as its own process, with the shipped model: kinds of video, kills, full disks."""

import filecmp
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from aulens.tables import read_table
from face_clips import write_face
from video.made_videos import NTSC, steady, uneven

pytestmark = pytest.mark.slow

LEFT_TURN = (0, 1, 0, -1, 0, 0, 0, 0, 1)  # display matrix: turn by 90 degrees to be upright


def aulens(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, **options)


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "aulens", *map(str, arguments)]


@pytest.mark.parametrize(
    ("times", "size", "options"),
    [
        (steady(12, NTSC), (160, 160), {"rate": NTSC}),
        (uneven(12), (160, 160), {"tick": Fraction(1, 1000)}),
        (steady(12, 25), (144, 256), {"matrix": LEFT_TURN}),
        (steady(5, 25), (3840, 2160), {}),
    ],
    ids=["29.97", "variable rate", "portrait", "4K"],
)
def test_a_row_for_each_frame_at_its_time_with_the_face(
    times: list[Fraction], size: tuple[int, int], options: dict[str, Any], tmp_path: Path
):
    video = write_face(tmp_path / "talk.mp4", times, size, **options)
    done = aulens("detect", video, "--out", tmp_path / "out", "--overlay")
    assert done.returncode == 0, done.stderr
    table = read_table(tmp_path / "out" / "talk.csv")
    assert table["frame"].tolist() == list(range(len(times)))
    assert table["time"].tolist() == pytest.approx([float(at) for at in times], abs=1e-6)
    assert (table["success"] == 1).all()
    # The head fills the picture's shorter side: upright, in pixels of the picture as it is shown.
    assert 0.45 < table["box_w"].median() / min(size) < 0.75
    middle = (table["box_y"] + table["box_h"] / 2).median()
    assert middle == pytest.approx(size[1] / 2 + 0.05 * min(size), abs=0.1 * min(size))
    assert (table["AU12_c"] == 1).mean() > 0.8
    with av.open(str(tmp_path / "out" / "talk.overlay.mp4")) as drawn:
        frames = list(drawn.decode(video=0))
    assert [float(frame.time) for frame in frames] == pytest.approx([float(at) for at in times], abs=2e-3)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Long enough for two notes of a run (250 frames each)."""
    return write_face(tmp_path_factory.mktemp("talk") / "talk.mp4", steady(520, 25), (176, 176))


@pytest.fixture(scope="module")
def whole(talk: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run makes of it that nothing stops."""
    out = tmp_path_factory.mktemp("whole")
    done = aulens("detect", talk, "--out", out)
    assert done.returncode == 0, done.stderr
    assert len(read_table(out / "talk.csv")) == 520
    return out


def same(out: Path, whole: Path) -> bool:
    names = sorted(path.name for path in whole.iterdir())
    assert sorted(path.name for path in out.iterdir()) == names
    return filecmp.cmpfiles(out, whole, names, shallow=False)[0] == names


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_stopped_midway_and_resumed_is_the_whole_run(
    stop: signal.Signals, talk: Path, whole: Path, tmp_path: Path
):
    out = tmp_path / "out"
    with subprocess.Popen(
        command("detect", talk, "--out", out),
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=listening,
    ) as run:
        end = time.monotonic() + 120
        while not (out / "talk.part" / "note.json").exists() and time.monotonic() < end:
            time.sleep(0.02)
        run.send_signal(stop)
        assert run.stderr is not None
        message = run.stderr.read()
    killed = stop == signal.SIGKILL
    assert run.returncode == (-stop if killed else 128 + stop)
    assert ("--resume goes on" in message) == (not killed)
    assert "Traceback" not in message
    assert not (out / "talk.csv").exists()
    left = [".talk.lock", "talk.part"] if killed else ["talk.part"]
    assert sorted(path.name for path in out.iterdir()) == left
    again = aulens("detect", talk, "--out", out, "--resume")
    assert again.returncode == 0, again.stderr
    frames = int(again.stderr.split(" frames of 1 video")[0].split()[-1])
    assert 0 < frames <= 270  # not from the beginning
    assert same(out, whole)


def test_a_full_disk_is_a_sentence_and_resume_goes_on(talk: Path, whole: Path, tmp_path: Path):
    out = tmp_path / "out"
    # No file may hold more than two fifths of the table.
    done = aulens("detect", talk, "--out", out, preexec_fn=full((whole / "talk.csv").stat().st_size * 2 // 5))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "File too large" in done.stderr
    assert "--resume" in done.stderr
    again = aulens("detect", talk, "--out", out, "--resume")
    assert again.returncode == 0, again.stderr
    assert same(out, whole)


def listening() -> None:
    """Hear Ctrl-C and the like, whatever started the tests."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def full(most: int) -> Callable[[], None]:
    """Limits the size of files, as a full disk would; the error is the process's to tell."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    return limit


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_a_sentence(talk: Path, tmp_path: Path):
    (tmp_path / "locked").mkdir(mode=0o500)
    done = aulens("detect", talk, "--out", tmp_path / "locked" / "out")
    assert done.returncode == 2
    assert "can't be made" in done.stderr
