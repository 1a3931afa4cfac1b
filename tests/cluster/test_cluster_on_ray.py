"""A real Ray cluster on this machine: a worker is killed midway, and nothing is lost or done twice."""

import gc
import importlib
import importlib.util
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import av
import pytest
from PIL import Image
from waiting_patches import Waiting, WaitingDetector, patches

from aulens.analysis.analyzer import Analyzer
from aulens.app.job_queue import Ticket
from aulens.app.source import probe
from aulens.app.work import clip_work, picture_work
from aulens.cluster import AnalyzerSettings, ClusterSettings, OnRay
from aulens.cluster.session import connected
from aulens.errors import ConfigError
from aulens.output import Here, OutputSettings, analyze_files
from command_line import aulens
from patch_people import PatchDetector, patch_frame, write_people
from people import noise
from stub_model import write_stub

pytestmark = [
    pytest.mark.slow,
    # Not imported here, where runs without these tests come by.
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="Ray is not installed (extra: cluster)"
    ),
    # Ray Data reads its own old settings when it is imported.
    pytest.mark.filterwarnings("ignore:`use_.*` is deprecated:DeprecationWarning"),
]

LONG, AT = 320, 290
DRAWN = OutputSettings(overlay=True)
KEPT = 250


def where(i: int) -> dict[str, tuple[int, int]]:
    return {"red": (10 + i % 30, 20)} | ({"blue": (100, 30)} if i == AT else {})


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_stub(tmp_path_factory.mktemp("stub"))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Six videos, two of one name; one that is none; eighteen pictures, one of which is none."""
    folder = tmp_path_factory.mktemp("in")
    (folder / "more").mkdir()
    made = [write_people(folder / "talk.mp4", LONG, where), write_people(folder / "more" / "talk.mp4", 40)]
    made += [write_people(folder / f"short{i}.mp4", 30 + i) for i in range(4)]
    (folder / "broken.mp4").write_bytes(b"no video at all")
    made.append(folder / "broken.mp4")
    for i in range(18):
        image = patch_frame({"red": (10 + 5 * i, 20)}) if i % 3 else noise(60, 60)
        made.append(folder / f"p{i:02}.png")
        Image.fromarray(image).save(made[-1])
    (folder / "p05.png").write_bytes(b"no picture")
    return made


@pytest.fixture(scope="module")
def alone(files: list[Path], model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one process makes of them."""
    out = tmp_path_factory.mktemp("alone")
    (out / "go").touch()
    analyze_files(files, out, DRAWN, executor=Here(Analyzer(model, WaitingDetector(out), threads=1)))
    (out / "go").unlink()
    return out


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("PYTHONPATH", os.pathsep.join(map(os.path.abspath, sys.path)))
        stack.enter_context(connected(None, 2))
        yield
        with warnings.catch_warnings():
            # Ray kills its processes without waiting for them.
            warnings.filterwarnings("ignore", "subprocess .* is still running", ResourceWarning)
            stack.close()
            gc.collect()


def kill_who_waits(folder: Path, note: Path, killed: list[int]) -> None:
    """Kill the worker that waits once its video is kept up to there, and let the next one go on."""
    while not ((folder / "waits").exists() and note.exists()):
        time.sleep(0.02)
    killed.append(int((folder / "waits").read_text()))
    os.kill(killed[0], signal.SIGKILL)
    (folder / "go").touch()


def test_a_killed_worker_costs_nothing_and_a_second_run_does_nothing(
    cluster: None, files: list[Path], model: Path, alone: Path, tmp_path: Path
):
    out, killed = tmp_path / "out", list[int]()
    executor = OnRay(AnalyzerSettings(model, Waiting(tmp_path)), ClusterSettings(workers=2))
    watch = threading.Thread(
        target=kill_who_waits, args=(tmp_path, out / "talk.part" / "note.json", killed), daemon=True
    )
    watch.start()
    result = analyze_files([*files, files[0]], out, DRAWN, executor=executor)
    watch.join(10)

    done = [(outcome.job.kind, outcome.job.name) for outcome in result.outcomes]
    assert sorted(done) == [
        ("pictures", "000000"), ("pictures", "000001"), ("video", "broken"), ("video", "more_talk"),
        ("video", "short0"), ("video", "short1"), ("video", "short2"), ("video", "short3"), ("video", "talk"),
    ]  # fmt: skip
    talk = next(outcome for outcome in result.outcomes if outcome.job.name == "talk")
    assert (talk.tries, talk.frames) == (2, LONG - KEPT)
    assert all(outcome.tries == 1 for outcome in result.outcomes if outcome is not talk)
    assert int(talk.worker.split()[1]) != killed[0]
    assert set(result.failed) == {str(files[6]), str(files[12])}
    assert set(result.clips) == set(map(str, files[:6]))
    assert result.pictures is not None
    assert (result.pictures.frames, result.pictures.with_face) == (17, 11)

    made = contents(out)
    for each in (made, alone := contents(alone)):
        assert len([each.pop(name) for name in list(each) if name.endswith((".json", ".mp4"))]) == 13
    assert made == alone
    assert [path.name for path in out.iterdir() if path.is_dir()] == ["pictures"]

    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    again = analyze_files(files, out, DRAWN, executor=executor, resume=True)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    assert [outcome.frames for outcome in again.outcomes] == [0] * 9
    assert again.clips == result.clips
    assert (again.pictures, again.failed) == (result.pictures, result.failed)


@pytest.mark.usefixtures("patches_for_faces", "without_pdfs")
@pytest.mark.parametrize("name", ["p01.png", "short0.mp4"])
def test_command_line_python_page_and_cluster_make_the_same_files(
    name: str,
    cluster: None,
    files: list[Path],
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.chdir(files[0].parent)  # where the path is what a visitor calls the file
    settings, analyzer = OutputSettings(overlay=True, report=True), Analyzer(model, PatchDetector())
    by_hand = aulens("detect", name, "--model", model, "--overlay", "--report", "-o", tmp_path / "by_hand")
    assert by_hand.code == 0, by_hand.err
    workers = OnRay(AnalyzerSettings(model, patches), ClusterSettings(workers=1))
    for out, executor in (("python", Here(analyzer)), ("cluster", workers)):
        analyze_files([name], tmp_path / out, settings, executor=executor)
    (tmp_path / "page").mkdir()
    source, ticket = probe(Path(name), name), Ticket(lambda ticket: None)
    video = clip_work(analyzer, source, settings)
    (picture_work(analyzer, source) if source.info is None else video)(tmp_path / "page", ticket)

    made = {out: contents(tmp_path / out) for out in ("by_hand", "python", "cluster", "page")}
    for name in list(made["page"]):
        if name.endswith(".zip"):
            del made["page"][name]
    for each in made.values():
        each |= {name: frames(data) for name, data in each.items() if name.endswith(".mp4")}
        # The command is in the page of a video that was made by one.
        pages = {name: data for name, data in each.items() if name.endswith(".html")}
        each |= {name: re.sub(rb"<pre><code>.*?</code></pre>\s*", b"", data) for name, data in pages.items()}
    # Figures for print: Ray's workers make the PDFs, which are left empty here.
    assert {name: data for name, data in made["by_hand"].items() if not name.endswith(".pdf")}.keys() >= {
        *(["results.csv", "results.json", "index.html"] if source.info is None else ["short0.html"])
    }
    for out in ("python", "cluster", "page"):
        assert made[out].keys() == made["by_hand"].keys(), out
        for name, data in made["by_hand"].items():
            assert name.endswith(".pdf") or made[out][name] == data, (out, name)


def test_what_a_file_is_its_content_tells_a_worker_too(
    cluster: None, files: list[Path], model: Path, tmp_path: Path
):
    """Videos and pictures by each other's names and by none, pages, and what starts programs or is text."""
    given = tmp_path / "in"
    given.mkdir()
    for source, name in ((2, "holiday.jpg"), (3, "no ending"), (8, "film.mp4"), (9, "IMG_0001")):
        shutil.copy(files[source], given / name)
    shots = [Image.fromarray(patch_frame({"red": (20 + 30 * i, 20)})) for i in range(2)]
    shots[0].save(given / "both.heic", format="TIFF", save_all=True, append_images=shots[1:])
    (given / "letter.png").write_bytes(b"%!PS-Adobe-3.0\nshowpage\n")
    (given / "talk.mov").write_bytes(b"<!DOCTYPE html><title>404</title>")
    given_files = sorted(given.iterdir())
    workers = OnRay(AnalyzerSettings(model, patches), ClusterSettings(workers=2))
    here = Here(Analyzer(model, PatchDetector()))
    results = {
        name: analyze_files(given_files, tmp_path / name, executor=each)
        for name, each in (("here", here), ("cluster", workers))
    }
    for result in results.values():
        assert {Path(path).name for path in result.clips} == {"holiday.jpg", "no ending", "both.heic"}
        assert result.pictures is not None
        assert (result.pictures.frames, result.pictures.with_face) == (2, 2)
        said = {Path(path).name: why for path, why in result.failed.items()}
        assert said.keys() == {"letter.png", "talk.mov"}
        assert "PostScript, which is a program and is never run" in said["letter.png"]
        assert "a web page" in said["talk.mov"]
    assert contents(tmp_path / "cluster") == contents(tmp_path / "here")


def frames(video: bytes) -> bytes:
    """Time stamps and pixels: nothing else of a drawn video is promised."""
    with av.open(io.BytesIO(video)) as container:
        return b"".join(
            f"{frame.pts}".encode() + frame.to_ndarray().tobytes() for frame in container.decode(video=0)
        )


def test_a_worker_that_can_not_begin_says_why(cluster: None, files: list[Path], model: Path, tmp_path: Path):
    executor = OnRay(AnalyzerSettings(model, refuse), ClusterSettings(workers=1))
    with pytest.raises(ConfigError, match=r"no such detector here \(a worker on"):
        analyze_files(files[:1], tmp_path / "out", executor=executor)


def test_a_detector_that_workers_can_not_import(
    cluster: None, files: list[Path], model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "only_here.py").write_text("def make(on_left_out): ...")
    monkeypatch.syspath_prepend(tmp_path)
    make = importlib.import_module("only_here").make
    with pytest.raises(ConfigError, match="No module named 'only_here'"):
        analyze_files(files[:1], tmp_path / "out", executor=OnRay(AnalyzerSettings(model, make)))


def refuse(on_left_out: object) -> WaitingDetector:
    raise ConfigError("no such detector here")


def test_the_command_line_leaves_nothing_but_results(files: list[Path], model: Path, tmp_path: Path):
    home = tmp_path / "home"
    home.mkdir()
    before = ray_folders()
    out = tmp_path / "out"
    done = subprocess.run(
        [
            sys.executable, "-m", "aulens", "detect", *map(str, (files[2], files[6], files[7])),
            "--model", model, "--every", "20", "--out", out, "--cluster", "--workers", "2",
        ],
        capture_output=True, text=True,
        env=os.environ | {"HOME": str(home), "MPLCONFIGDIR": str(tmp_path / "matplotlib")},
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "no face" in done.stdout
    assert "broken.mp4: the video is damaged" in done.stderr
    assert "1 picture without a face, 2 frames of 1 video, 1 failed" in done.stderr
    assert sorted(path.name for path in out.iterdir()) == [
        "columns.csv", "results.csv", "results.json", "short0.csv", "short0.events.csv", "short0.json",
    ]  # fmt: skip
    assert list(home.iterdir()) == []
    none_is_left_beside(before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_ended_leaves_what_it_goes_on_with(
    number: signal.Signals, model: Path, tmp_path: Path
) -> None:
    before, out = ray_folders(), tmp_path / "out"
    video = write_people(tmp_path / "talk.mp4", 1200)
    command = [sys.executable, "-m", "aulens", "detect", str(video), "--model", str(model), "--out", str(out)]
    cluster = ["--cluster", "--workers", "1"]
    with subprocess.Popen(
        [*command, *cluster],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=listening,
    ) as run:
        until = time.monotonic() + 200
        while not (out / "talk.part" / "note.json").exists() and time.monotonic() < until:
            time.sleep(0.02)
        run.send_signal(number)
        _, told = run.communicate(timeout=120)
    assert run.returncode == 128 + number, told
    assert "--resume goes on" in told
    assert "Traceback" not in told
    none_is_left_beside(before)
    # Ray kills its workers: what they hold is free again, as of all that are dead.
    assert {path.name for path in out.iterdir()} - {".cluster", ".talk.lock"} == {"talk.part"}
    done = subprocess.run([*command, "--resume"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "frames of 1 video, " in done.stderr
    assert "more done before" in done.stderr
    assert {path.name for path in out.iterdir()} - {".cluster"} == {
        "columns.csv", "talk.csv", "talk.events.csv", "talk.json",
    }  # fmt: skip


def ray_folders() -> set[Path]:
    return set(Path("/tmp").glob("aulens-ray-*"))


def none_is_left_beside(before: set[Path]) -> None:
    """Those of tests that run at the same time go by themselves."""
    until = time.monotonic() + 120
    while ray_folders() - before and time.monotonic() < until:
        time.sleep(0.2)
    assert not ray_folders() - before


def listening() -> None:
    """Hear Ctrl-C, whatever started the tests."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
