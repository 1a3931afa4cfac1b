"""Files handed out to the workers of a Ray cluster."""

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aulens
from aulens.cluster.jobs import Job, Outcome, plan_jobs
from aulens.cluster.pictures import Looking, PictureFolder, PicturesDone
from aulens.cluster.scratch import Scratch
from aulens.cluster.session import connected
from aulens.cluster.settings import AnalyzerSettings, ClusterSettings, Setup, cpus_here
from aulens.cluster.worker import Worker
from aulens.errors import ConfigError
from aulens.output import OutputSettings, Receipt
from aulens.output.receipt import begin_anew
from aulens.output.writing import writing
from aulens.runtime.card import find_card, read_card

_LINE_BYTES: Final = 1 << 20
"""More than an outcome takes. Ray Data would else reserve 128 MB for each, and let fewer workers work."""


@dataclass
class ClusterResult:
    """What was made of all files.

    Attributes:
        clips: of each video that could be read, by its path as given: what `aulens.analyze_video` tells.
        pictures: of all pictures; None if there were none.
        failed: inputs that can't be read, or not to their end, each with the reason.
        outcomes: of each job that was handed out, in the order in which they were done.
    """

    clips: dict[str, Receipt] = field(default_factory=dict)
    pictures: PicturesDone | None = None
    failed: dict[str, str] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)


def analyze_files(
    paths: Iterable[str | Path],
    out: str | Path,
    settings: OutputSettings | None = None,
    *,
    analyzer: AnalyzerSettings | None = None,
    cluster: ClusterSettings | None = None,
    sequence: bool = False,
    rate: float | None = None,
    resume: bool = False,
    progress: Callable[[Outcome, int], None] | None = None,
    command: str | None = None,
) -> ClusterResult:
    """Analyze pictures and videos on Ray Data, each once; files as `aulens detect --out` writes them.

    Of each video come the files of `aulens.analyze_video`, of all pictures one table, OUT/results.csv. A
    worker that dies is replaced, and its video goes on where it was last kept. A file at which three workers die in
    a row is named in `ClusterResult.failed`, as are those that can't be read; the others are done.

    Relative paths start from the current folder, which must then be at the same place on all machines.

    Args:
        paths: of files; on a cluster of several machines, where all of them see them.
        out: folder, made where it is missing; also seen by all.
        settings: what to make of a video; its format is also that of pictures.
        analyzer: model and detector.
        cluster: where, and with how many workers.
        sequence: each path is a folder whose pictures are the frames of a video.
        rate: frames per second of those.
        resume: keep what an earlier run did, and go on with what it began.
        progress: called with each outcome, and the number of jobs.
        command: what to say in reports of how they were made.

    Raises:
        ConfigError: Ray is missing, no cluster answers, or `out` can't be written or is not shared.
        ModelError: the model or the detector is missing or damaged.
        BusyError: another run writes into `out`.
    """
    settings, analyzer = settings or OutputSettings(), analyzer or AnalyzerSettings()
    cluster = cluster or ClusterSettings()
    jobs = plan_jobs(paths, out, sequence=sequence, rate=rate)
    if settings.overlay and any(job.kind == "pictures" for job in jobs):
        raise ConfigError("a cluster draws videos only: leave out --overlay, or the pictures")
    card = read_card(find_card(analyzer.model))
    out = Path(out).absolute()
    looking = Looking(card.checksum, analyzer.made_by, settings.format)
    pictures = PictureFolder(out, jobs, looking)
    scratch = Scratch(out)
    result = ClusterResult()
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    with scratch.run() as token:
        if not resume:
            pictures.clear()
            _clear(out, jobs)
        result.pictures = pictures.done() if resume else None
        todo = [job for job in jobs if job.kind != "pictures" or result.pictures is None]
        setup = Setup(
            aulens.__version__, str(Path.cwd()), str(out), token, settings, analyzer, cluster.threads, command
        )
        for outcome in _outcomes(todo, setup, cluster):
            if outcome.fatal is not None:
                raise ConfigError(outcome.fatal)
            result.outcomes.append(outcome)
            result.failed |= outcome.failed
            if outcome.recorded is not None:
                result.clips[outcome.job.paths[0]] = outcome.recorded
            if progress is not None:
                progress(outcome, len(todo))
        if result.pictures is None:
            with writing(out):
                result.pictures = pictures.finish(card)
        else:
            result.failed |= result.pictures.failed
    return result


def _outcomes(jobs: Sequence[Job], setup: Setup, cluster: ClusterSettings) -> Iterator[Outcome]:
    """Have the jobs done; their outcomes as they come."""
    if not jobs:
        return
    workers = cluster.count(cpus_here(), len(jobs))
    with connected(cluster.address, workers * cluster.threads) as ray, _quiet():
        if cluster.address is not None:
            workers = cluster.count(ray.cluster_resources().get("CPU", 1), len(jobs))
        data: Any = ray.data
        # A block for each job, and one job at a time for each worker: none waits behind a long video.
        # Ray Data replaces actors that die and gives them their job again, without end; `Worker` counts.
        done = data.from_items([{"job": job.to_json()} for job in jobs], override_num_blocks=len(jobs))
        done = done.map_batches(
            Worker,
            fn_constructor_args=(setup,),
            batch_size=1,
            num_cpus=cluster.threads,
            compute=data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=1),
        )
        done.context.enable_progress_bars = False
        done.context.target_max_block_size = _LINE_BYTES
        missing = {(job.kind, job.name) for job in jobs}
        for row in _rows(done, ray.exceptions):
            outcome = Outcome.from_json(row["outcome"])
            if (outcome.job.kind, outcome.job.name) in missing:
                missing.remove((outcome.job.kind, outcome.job.name))
                yield outcome
        if missing:
            names = ", ".join(sorted(name for _, name in missing))
            raise ConfigError(f"Ray lost track of {names}; the same command with --resume does them")


def _rows(data: Any, exceptions: Any) -> Iterator[Mapping[str, str]]:
    try:
        yield from data.iter_rows()
    except exceptions.RayTaskError:
        raise  # a fault of ours: with all that is known of it
    except exceptions.RayError as error:
        *_, last = str(error).strip().splitlines()
        raise ConfigError(
            f"Ray's workers can't begin ({last.strip()}). On all machines Python must find the same aulens, "
            "and what makes the detector, if that is your own"
        ) from error


def _clear(out: Path, jobs: Iterable[Job]) -> None:
    """Throw away what earlier runs noted of these videos: from here on, what is there is of this run."""
    for job in jobs:
        if job.kind != "pictures":
            begin_anew(out / f"{job.name}.json")
            shutil.rmtree(out / f"{job.name}.part", ignore_errors=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Ray Data says nothing below an error."""
    logger = logging.getLogger("ray.data")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
