"""What is handed out, what workers leave for each other, and what a run does with it; without Ray."""

import json
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
import types
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from in_one_process import InOneProcess
from PIL import Image
from waiting_patches import patches

from aulens import __version__
from aulens.analysis.analyzer import Analyzer
from aulens.cluster import AnalyzerSettings, ClusterSettings, OnRay, scratch
from aulens.cluster.on_ray import largest_first
from aulens.cluster.scratch import MAX_TRIES, Scratch
from aulens.cluster.session import connected
from aulens.cluster.settings import Setup
from aulens.cluster.worker import Worker
from aulens.errors import BusyError, ConfigError
from aulens.output import Here, OutputSettings, analyze_files, analyze_video
from aulens.output.identity import identity_of_pictures, video_of
from aulens.output.names import clip_names
from aulens.output.pictures import AnalyzedPicture, PicturesPart, analyze_picture, part_of
from aulens.output.plan import Job, Outcome, Plan, make_plan
from aulens.output.video import hold_clip
from aulens.tables.baseline import Baseline
from command_line import aulens
from entries import replace_detector
from full_disk import room_for
from killed import Killed, killed_after
from patch_people import PatchDetector, patch_frame, write_people
from people import noise
from stub_model import write_stub

pytestmark = [pytest.mark.usefixtures("people_by_colour"), pytest.mark.slow]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_stub(tmp_path_factory.mktemp("stub"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Twenty: with a face, without, one that is none, and two of one name."""
    folder = tmp_path_factory.mktemp("in")
    (folder / "more").mkdir()
    paths = [folder / f"p{i:02}.png" for i in range(19)] + [folder / "more" / "p04.png"]
    for i, path in enumerate(paths):
        people = {"red": (10 + i, 20)} | ({"blue": (100, 30)} if i % 2 else {})
        Image.fromarray(patch_frame(people) if i % 3 else noise(60, 60)).save(path)
    paths[5].write_bytes(b"no picture")
    return paths


def setup(out: Path, model: Path, token: str, version: str = __version__) -> Setup:
    plan = Plan(out, OutputSettings(), (), resume=True)
    return Setup(version, str(Path.cwd()), token, plan, AnalyzerSettings(model, patches), 1)


def part(worker: Worker, job: Job) -> Path:
    return part_of(worker._setup.plan, job)


def seen_by(worker: Worker, job: Job) -> list[AnalyzedPicture]:
    return [AnalyzedPicture(**json.loads(line)) for line in part(worker, job).read_text().splitlines()[1:]]


@pytest.fixture
def worker(model: Path, tmp_path: Path) -> Iterator[Worker]:
    before = Path.cwd()
    with Scratch(tmp_path).run() as token:
        yield Worker(setup(tmp_path, model, token))
    os.chdir(before)


# What is handed out


def test_jobs_are_named_by_the_order_given_and_large_videos_come_first(tmp_path: Path) -> None:
    for name, size in (("a.mp4", 5), ("b.mov", 50), ("x/a.mp4", 500)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(bytes(size))
    given = [tmp_path / name for name in ("a.mp4", "p.png", "x/a.mp4", "b.mov", "x/../a.mp4", "missing.avi")]
    plan = make_plan([*given, given[1]], tmp_path / "out")
    assert [job.name for job in plan.jobs] == ["000000", "a", "x_a", "b", "missing"]
    assert [(job.kind, job.name, job.paths) for job in largest_first(plan)] == [
        ("video", "x_a", (str(given[2]),)),
        ("video", "b", (str(given[3]),)),
        ("video", "a", (str(given[0]),)),
        ("video", "missing", (str(given[5]),)),
        ("pictures", "000000", (str(given[1]),)),
    ]


@pytest.mark.parametrize("count", [1, 16, 17, 32_001, 40_000])
def test_every_picture_is_in_one_job(count: int) -> None:
    given = [f"{i}.jpg" for i in range(count)]
    jobs = make_plan(given, "out").jobs
    assert [path for job in jobs for path in job.paths] == given
    assert [job.first for job in jobs] == [given.index(job.paths[0]) for job in jobs]
    assert len({job.name for job in jobs}) == len(jobs) <= 2000
    assert [job.name for job in jobs] == sorted(job.name for job in jobs)


def test_sequences_have_their_rate_and_videos_their_own(tmp_path: Path) -> None:
    assert make_plan([tmp_path], tmp_path / "out", sequence=True, rate=30).jobs == (
        Job("sequence", tmp_path.name, (str(tmp_path),), (str(tmp_path),), rate=30),
    )
    with pytest.raises(ConfigError, match="has its own time stamps"):
        make_plan(["a.mp4"], "out", rate=30)


def test_no_file_of_one_video_is_that_of_another() -> None:
    given = [
        "a.mp4",
        "b/a.avi",
        "a-2.mp4",
        "a.events.mp4",
        "c.events.mp4",
        "c.mp4",
        "results.mp4",
        "columns.gif",
    ]
    names = clip_names(given)
    written = [f"{name}{end}" for name in names for end in (".csv", ".events.csv", ".json", ".html")]
    assert len(set(written) | {"results.csv", "columns.csv"}) == len(written) + 2
    assert names[:3] == ("a", "b_a", "a-2")
    assert clip_names(given[:6]) == names[:6]


def test_jobs_and_outcomes_survive_their_journey() -> None:
    job = Job("video", "é\u2028", ("/a b/é.mp4",), ("é",), 29.97, drawn=("é", "b"))
    assert Job.from_json(job.to_json()) == job
    outcome = Outcome(job, "host 1", 2, None, 7, failed={"x": "y"}, left_out={"z": ("a", "b")})
    assert Outcome.from_json(outcome.to_json()) == outcome


def test_how_many_workers() -> None:
    assert ClusterSettings().count(8, 100) == 8
    assert ClusterSettings(threads=3).count(8, 100) == 2
    assert ClusterSettings(threads=16).count(8, 100) == 1
    assert ClusterSettings(workers=20).count(8, 100) == 20
    assert ClusterSettings().count(8, 3) == 3
    for wrong in ({"workers": 0}, {"threads": 0}):
        with pytest.raises(ConfigError, match="at least 1"):
            ClusterSettings(**wrong)
    with pytest.raises(ConfigError, match="there is no backend 'x'"):
        AnalyzerSettings(backend="x")


# What a worker does


def test_a_worker_goes_on_where_another_died(worker: Worker, model: Path, tmp_path: Path) -> None:
    video = write_people(tmp_path / "talk.mp4", 30)
    job = Job("video", "talk", (str(video),))

    # What the other one did before it died.
    Scratch(tmp_path).begin("video-talk", 0)
    with pytest.raises(Killed):
        analyze_video(
            Analyzer(model, PatchDetector()), video, tmp_path, progress=killed_after(29), checkpoint_each=25
        )
    done = worker.do(job)
    assert (done.tries, done.frames, done.receipt.frames) == (2, 5, 30)
    again = worker.do(job)
    assert (again.frames, again.receipt) == (0, done.receipt)


def test_a_worker_takes_the_same_baseline_as_one_process(model: Path, tmp_path: Path) -> None:
    video, here = write_people(tmp_path / "talk.mp4", 12), Path.cwd()
    settings = OutputSettings(baseline=Baseline(min_frames=12))
    alone = analyze_video(Analyzer(model, PatchDetector()), video, tmp_path / "alone", settings)
    with Scratch(tmp_path).run() as token:
        told = setup(tmp_path, model, token)
        sent = pickle.loads(pickle.dumps(replace(told, plan=replace(told.plan, settings=settings))))
        done = Outcome.from_json(Worker(sent).do(Job("video", "talk", (str(video),))).to_json())
    os.chdir(here)
    assert (done.receipt.identity["baseline"], done.receipt.remark) == (alone.identity["baseline"], None)
    table = (tmp_path / "talk.csv").read_bytes()
    assert b"AU12_above" in table
    assert table == (tmp_path / "alone" / "talk.csv").read_bytes()


def test_a_video_at_which_workers_die_is_given_up(worker: Worker, tmp_path: Path) -> None:
    video = write_people(tmp_path / "talk.mp4", 3)
    for place in (*[0] * (MAX_TRIES - 1), 250, *[0] * MAX_TRIES):
        Scratch(tmp_path).begin("video-talk", place)
    done = worker.do(Job("video", "talk", (str(video),)))
    assert done.receipt is None
    assert done.failed[str(video)].startswith("3 workers in a row died after frame 0: too little memory")
    for _ in range(MAX_TRIES - 1):
        Scratch(tmp_path).begin("video-other", 0)
    assert worker.do(Job("video", "other", (str(video),))).receipt is not None


def test_a_picture_at_which_workers_die_is_given_up_and_the_others_are_not(
    worker: Worker, pictures: list[Path], tmp_path: Path
) -> None:
    job = Job("pictures", "000000", tuple(map(str, pictures[:4])))
    plan, analyzer = worker._setup.plan, worker._analyzer
    begun = PicturesPart(part(worker, job), job, identity_of_pictures(job.digest, analyzer, plan.settings))
    begun.add(analyze_picture(job.paths[0], job.call(0), analyzer, OutputSettings(), [])[0])
    for _ in range(MAX_TRIES):
        Scratch(tmp_path).begin("pictures-000000", 1)
    done = worker.do(job)
    assert (done.frames, done.tries) == (3, MAX_TRIES + 1)
    assert list(done.failed) == [str(pictures[1])]
    assert "died at it" in done.failed[str(pictures[1])]
    assert sum(seen.failed is None for seen in seen_by(worker, job)) == 3


def test_a_line_that_was_cut_off_is_done_again(worker: Worker, pictures: list[Path], tmp_path: Path) -> None:
    job = Job("pictures", "000000", tuple(map(str, pictures[:6])))
    whole = worker.do(job)
    path = part(worker, job)
    before = path.read_bytes()
    path.write_bytes(before[: before.rindex(b'{"file"') + 30])
    again = worker.do(job)
    assert again.frames == 1
    assert path.read_bytes() == before
    assert (whole.frames, again.failed) == (6, whole.failed)


def test_a_changed_picture_makes_its_part_new(worker: Worker, pictures: list[Path], tmp_path: Path) -> None:
    own = tmp_path / "p.png"
    own.write_bytes(pictures[1].read_bytes())
    job = Job("pictures", "000000", (str(own),))

    def faces(job: Job) -> int:
        worker.do(job)
        (seen,) = seen_by(worker, job)
        return seen.faces

    assert faces(job) == 2
    own.write_bytes(pictures[2].read_bytes())
    assert faces(job) == 1
    # Of the same size: the time of change tells.
    bitmap = tmp_path / "p.bmp"
    job = Job("pictures", "000001", (str(bitmap),))
    for number, people in enumerate(({"red": (10, 20)}, {"red": (10, 20), "blue": (100, 30)})):
        Image.fromarray(patch_frame(people)).save(bitmap)
        os.utime(bitmap, (number, number))
        assert faces(job) == number + 1


def test_what_keeps_a_worker_from_beginning_is_told(model: Path, tmp_path: Path) -> None:
    job = Job("video", "a", ("a.mp4",))
    with Scratch(tmp_path).run() as token:
        for wrong, said in (
            (setup(tmp_path, model, token, "0.0"), "install the same on all machines"),
            (setup(tmp_path, model, "token-of-another"), "is not shared by all machines"),
            (setup(tmp_path, tmp_path / "no.json", token), "no.json"),
        ):
            assert said in (Worker(wrong).do(job).fatal or "")


def test_a_full_disk_stops_the_run(worker: Worker, pictures: list[Path]) -> None:
    with room_for(0):
        done = worker.do(Job("pictures", "000000", (str(pictures[0]),)))
    assert "can't be written (File too large)" in (done.fatal or "")


# What workers leave for each other


def test_a_job_is_done_by_one_at_a_time(tmp_path: Path) -> None:
    order, job = [], Job("video", "talk", ("talk.mp4",))

    def second() -> None:
        with Scratch(tmp_path).alone(job, ask_each=0.05):
            order.append("second")

    with Scratch(tmp_path).alone(job):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.3)
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]


def test_after_a_while_it_is_said_who_is_at_a_job_and_the_others_are_done(
    model: Path, pictures: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a run without a cluster that is at the same video: the worker would wait for ever."""
    videos = [write_people(tmp_path / f"{name}.mp4", 4) for name in ("first", "second")]
    monkeypatch.setattr(scratch, "PATIENCE", 0.0)
    executor = InOneProcess(AnalyzerSettings(model, patches))
    with hold_clip(tmp_path / "out", "first"):
        made = analyze_files(videos, tmp_path / "out", executor=executor, resume=True)
    assert list(made.clips) == [str(videos[1])]
    assert list(made.failed) == [str(videos[0])]
    said = made.failed[str(videos[0])]
    assert f"is in use by process {os.getpid()} on" in said
    assert "the same command with --resume goes on" in said
    again = analyze_files(videos, tmp_path / "out", executor=executor, resume=True)
    assert sorted(again.clips) == sorted(map(str, videos))


def test_a_worker_waits_as_long_as_the_job_goes_on_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, job = tmp_path / "results.part" / "000000.jsonl", Job("pictures", "000000", ())
    part.parent.mkdir()

    class Clock:
        """Of seconds that pass while it sleeps; another worker keeps pictures for the first 2,000."""

        now = 0.0

        def monotonic(self) -> float:
            return self.now

        def sleep(self, seconds: float) -> None:
            self.now += 100
            if self.now <= 2000:
                part.write_text("kept\n" * int(self.now))

    monkeypatch.setattr(scratch, "time", clock := Clock())
    with (
        Scratch(tmp_path).alone(job),
        pytest.raises(BusyError, match="waited 10 minutes, in which nothing was done"),
        Scratch(tmp_path).alone(job),
    ):
        pass
    assert 2600 <= clock.now <= 2700


def test_the_lock_of_a_dead_worker_is_taken_over(tmp_path: Path) -> None:
    lock = tmp_path / ".cluster" / "locks" / "000000.lock"
    die = "import aulens.locks, os, sys\nwith aulens.locks.hold(sys.argv[1], 'job'): os._exit(1)"
    subprocess.run([sys.executable, "-c", die, str(lock)], check=False, timeout=60)
    assert lock.exists()
    with Scratch(tmp_path).alone(Job("pictures", "000000", ())):
        assert lock.read_text().split()[1] == str(os.getpid())


def test_a_run_on_a_cluster_and_one_without_keep_out_of_each_others_way(
    model: Path, pictures: list[Path], tmp_path: Path
) -> None:
    """The second is refused: of the same video, and of pictures."""
    video, out, refused = write_people(tmp_path / "talk.mp4", 20), tmp_path / "out", list[str]()
    here = Here(Analyzer(model, PatchDetector()))
    on_cluster = InOneProcess(AnalyzerSettings(model, patches))

    def try_another(executor: Here | OnRay, given: Path) -> None:
        with pytest.raises(BusyError) as error:
            analyze_files([given], out, executor=executor)
        refused.append(str(error.value))

    frames = lambda *_: try_another(on_cluster, video)  # noqa: E731
    analyze_files([video], out, executor=Here(Analyzer(model, PatchDetector()), on_frame=frames))
    seen = lambda *_: try_another(on_cluster, pictures[1])  # noqa: E731
    analyze_files(pictures[:2], out, executor=Here(Analyzer(model, PatchDetector()), on_picture=seen))
    analyze_files(
        [*pictures[:2], video], out, executor=on_cluster, on_outcome=lambda *_: try_another(here, pictures[1])
    )
    assert {text.partition(" is in use by")[0] for text in refused} == {
        f"talk in {out}", f"The table of pictures in {out}",
    }  # fmt: skip
    assert len(refused) == 20 + 2 + 2
    assert not [path for path in out.iterdir() if path.name.startswith(".")]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
@pytest.mark.parametrize("name", [".cluster", ".cluster/tries", ".cluster/run.lock"])
def test_workers_write_through_no_link(name: str, model: Path, pictures: list[Path], tmp_path: Path) -> None:
    theirs, out = tmp_path / "theirs", tmp_path / "out"
    theirs.mkdir()
    (theirs / "token-mine").write_text("theirs")
    (out / name).parent.mkdir(parents=True)
    (out / name).symlink_to(theirs)
    with pytest.raises(ConfigError, match="is a link, and nothing is written through one"):
        analyze_files(pictures[:2], out, executor=InOneProcess(AnalyzerSettings(model, patches)))
    assert [path.read_text() for path in theirs.iterdir()] == ["theirs"]


def test_one_run_at_a_time_and_nothing_stays(tmp_path: Path) -> None:
    with Scratch(tmp_path).run() as token:
        assert Scratch(tmp_path).has(token)
        assert Scratch(tmp_path).begin("a", 0) == (1, 1)
        assert Scratch(tmp_path).begin("a", 0) == (2, 2)
        assert Scratch(tmp_path).begin("a", 9) == (3, 1)
        with pytest.raises(BusyError, match="is in use by process"), Scratch(tmp_path).run():
            pass
    with Scratch(tmp_path).run():
        assert not Scratch(tmp_path).has(token)
        assert Scratch(tmp_path).begin("a", 0) == (1, 1)
    assert list(tmp_path.iterdir()) == []


# A run


@pytest.mark.parametrize(
    "format",
    [
        "csv",
        "openface",
        *(pytest.param(f) for f in ("jsonl", "parquet", "pyfeat", "pyfeat2")),
    ],
)
def test_the_table_of_pictures_is_that_of_one_process(
    format: str, pictures: list[Path], model: Path, tmp_path: Path
) -> None:
    """And so is all else: what is drawn, the page, the receipt."""
    settings, analyzer = OutputSettings(format, overlay=True), AnalyzerSettings(model, patches)
    alone = analyze_files(
        pictures, tmp_path / "alone", settings, executor=Here(Analyzer(model, PatchDetector()))
    )
    result = analyze_files(pictures, tmp_path / "out", settings, executor=InOneProcess(analyzer))
    made = contents(tmp_path / "out")
    assert made == contents(tmp_path / "alone")
    assert {"index.html", "results.json", "pictures/p04-2.face0.jpg"} <= made.keys()
    assert sorted(json.loads(made.pop("results.json"))["files"].values()) == sorted(made)
    assert (result.pictures, result.failed) == (alone.pictures, alone.failed)
    assert list(result.failed) == [str(pictures[5])]


def contents(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_resume_does_what_is_not_done(pictures: list[Path], model: Path, tmp_path: Path) -> None:
    video = write_people(tmp_path / "talk.mp4", 10)
    given, out = [video, *pictures], tmp_path / "out"
    executor = InOneProcess(AnalyzerSettings(model, patches))
    seen: list[tuple[str, int]] = []

    def progress(outcome: Outcome, jobs: int) -> None:
        seen.append((outcome.job.name, outcome.frames))

    def done(again: list[Path], resume: bool) -> list[tuple[str, int]]:
        seen.clear()
        analyze_files(again, out, executor=executor, resume=resume, on_outcome=progress)
        return list(seen)

    everything = [("talk", 10), ("000000", 16), ("000001", 4)]
    nothing = [(name, 0) for name, _ in everything]
    assert done(given, False) == everything
    assert done(given, True) == nothing
    assert done(given, False) == everything
    (out / "results.csv").unlink()
    (out / "talk.csv").unlink()
    assert done(given, True) == everything
    assert done(given[:-1], True) == [("talk", 0), ("000000", 16), ("000001", 3)]


def test_without_resume_what_an_earlier_run_began_is_thrown_away(model: Path, tmp_path: Path) -> None:
    video = write_people(tmp_path / "talk.mp4", 10)
    out = tmp_path / "out"
    (out / "talk.part").mkdir(parents=True)
    other = {
        "format": "aulens-part/1", "source": str(video), "identity": video_of(video) | {"every": 2},
        "next": 1, "tracker": {}, "lengths": {}, "counts": {},
    }  # fmt: skip
    (out / "talk.part" / "note.json").write_text(json.dumps(other))
    (out / "talk.part" / ".aulens").touch()
    arguments = {"executor": InOneProcess(AnalyzerSettings(model, patches))}
    told = analyze_files([video], out, **arguments, resume=True)
    assert "the earlier run can't go on" in told.failed[str(video)]
    result = analyze_files([video], out, **arguments)
    assert result.clips[str(video)].frames == 10
    assert not (out / "talk.part").exists()


def test_a_run_that_ray_cuts_short_is_not_taken_for_done(
    monkeypatch: pytest.MonkeyPatch, pictures: list[Path], model: Path, tmp_path: Path
) -> None:
    fake = fake_ray(monkeypatch)
    rows = [{"outcome": Outcome(job, "x 1").to_json()} for job in make_plan(pictures, tmp_path).jobs]
    fake.data.from_items = lambda *_, **__: Dataset([rows[0], rows[0]])
    fake.data.ActorPoolStrategy = lambda **_: None
    seen = []
    with pytest.raises(ConfigError, match="Ray lost track of 000001; the same command with --resume"):
        analyze_files(pictures, tmp_path, executor=OnRay(AnalyzerSettings(model, patches)),
                      on_outcome=lambda outcome, jobs: seen.append(outcome.job.name))  # fmt: skip
    assert seen == ["000000"]
    assert not (tmp_path / "results.json").exists()


class Dataset:
    def __init__(self, rows: list[dict[str, str]]) -> None:
        self.rows, self.context = rows, types.SimpleNamespace()

    def map_batches(self, *_, **__) -> "Dataset":
        return self

    def iter_rows(self) -> Iterator[dict[str, str]]:
        return iter(self.rows)


def fake_ray(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    ray, data = types.ModuleType("ray"), types.ModuleType("ray.data")
    ray.data, ray.calls = data, []
    ray.is_initialized = lambda: False
    ray.init = lambda **options: ray.calls.append((options, dict(os.environ)))
    ray.shutdown = lambda: ray.calls.append("shutdown")
    ray.exceptions = types.SimpleNamespace(RayTaskError=KeyError, RayError=LookupError)
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setitem(sys.modules, "ray.data", data)
    return ray


# Ray


def test_ray_is_told_to_keep_quiet_and_to_leave_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = fake_ray(monkeypatch)
    for name in ("RAY_USAGE_STATS_ENABLED", "RAY_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    before = dict(os.environ)
    with connected(None, 2):
        options, environment = ray.calls[0]
        folder = Path(options["_temp_dir"])
        assert folder.is_dir()
    assert ray.calls[1:] == ["shutdown"]
    assert not folder.exists()
    assert dict(os.environ) == before
    assert environment["RAY_USAGE_STATS_ENABLED"] == "0"
    assert len(environment["RAY_AUTH_TOKEN"]) == 64
    assert (options["address"], options["include_dashboard"]) == ("local", False)
    assert options["num_cpus"] > 2


def test_nobody_else_sees_what_ray_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = fake_ray(monkeypatch)
    ray.init = lambda **options: Path(options["_temp_dir"]).chmod(0o777) or ray.calls.append(options)
    with connected(None, 1):
        folder = Path(ray.calls[0]["_temp_dir"])
        assert folder.parent.stat().st_mode & 0o777 == 0o700
    assert not folder.parent.exists()


def test_no_cluster_at_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = fake_ray(monkeypatch)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with (
            pytest.raises(ConfigError, match=rf"no Ray cluster answers at 127.0.0.1:{port}"),
            connected(f"127.0.0.1:{port}", 1),
        ):
            pass
    assert ray.calls == ["shutdown"]

    def init(**options: object) -> None:
        raise ConnectionError("nobody there\nmore")

    ray.init = init
    with (
        pytest.raises(ConfigError, match=r"no Ray cluster answers at auto \(nobody there\)"),
        connected("auto", 1),
    ):
        pass


def test_a_ray_that_starts_too_slowly_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = fake_ray(monkeypatch)
    folders = []

    def init(**options: object) -> None:
        folders.append(Path(str(options["_temp_dir"])))
        if len(folders) not in (2, 6):
            raise Exception("The current node timed out during startup.")

    ray.init = init
    with connected(None, 1):
        assert [folder.exists() for folder in folders] == [False, True]
    with (
        pytest.raises(ConfigError, match=r"did not start in 3 tries \(The current node timed out"),
        connected(None, 1),
    ):
        pass
    assert len(folders) == 5
    assert not any(folder.exists() for folder in folders)
    ray.init = lambda **options: {}["a fault"]
    with pytest.raises(KeyError), connected(None, 1):
        pass


def test_ray_is_missing(monkeypatch: pytest.MonkeyPatch, model: Path, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    executor = OnRay(AnalyzerSettings(model, patches))
    with pytest.raises(ConfigError, match=r"pip install 'aulens\[cluster\]'"):
        analyze_files([tmp_path / "a.mp4"], tmp_path / "out", executor=executor)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["a.mp4", "--cluster"], "--cluster needs a folder: --out DIR"),
        (["a.mp4", "--workers", "2"], "--address and --workers are for --cluster only"),
        (["a.mp4", "--address", "auto"], "--address and --workers are for --cluster only"),
        (["--webcam", "0", "--cluster", "--out", "OUT"], "a camera belongs to one machine"),
    ],
)
def test_options_that_do_not_go_together(
    options: list[str], said: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    replace_detector(monkeypatch, "aulens", "patch_people:ENTRY")
    done = aulens("detect", *options, "--model", model)
    assert done.code == 2
    assert said in str(done.error)
