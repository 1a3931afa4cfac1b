"""The jobs of a plan handed out to the workers of a Ray cluster."""

import logging
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import aulens
from aulens.cluster.scratch import Scratch
from aulens.cluster.session import connected
from aulens.cluster.settings import AnalyzerSettings, ClusterSettings, Setup
from aulens.cluster.worker import Worker
from aulens.errors import ConfigError
from aulens.output.checkpoint import remove_part
from aulens.output.engine import Check
from aulens.output.plan import Job, Outcome, Plan
from aulens.output.receipt import begin_anew
from aulens.output.video import hold_clip
from aulens.processes import cpus_here
from aulens.runtime.card import ModelCard, find_card, read_card

_LINE_BYTES: Final = 1 << 20
"""More than an outcome takes. Ray Data would else reserve 128 MB for each, and let fewer workers work."""


class OnRay:
    """Has jobs done by workers on Ray Data; an executor for `aulens.analyze_files`.

    A worker that dies is replaced, and its video goes on where it was last kept. A file at which three
    workers die in a row is named among those that can't be read; the others are done. On a cluster of several
    machines all of them see the files and the folder of results, at the same path; relative paths start from
    the current folder, which must then be at the same place on all machines.

    Args:
        analyzer: model and detector.
        cluster: where, and with how many workers.

    Raises:
        ConfigError: by its jobs: Ray is missing, no cluster answers, or the folder of results is not shared.
        ModelError: the model or the detector is missing or damaged.
        BusyError: by its jobs: another run on a cluster writes into the folder.
    """

    def __init__(
        self, analyzer: AnalyzerSettings | None = None, cluster: ClusterSettings | None = None
    ) -> None:
        self._analyzer, self._cluster = analyzer or AnalyzerSettings(), cluster or ClusterSettings()

    @cached_property
    def card(self) -> ModelCard:
        """See `aulens.output.Executor`."""
        return read_card(find_card(self._analyzer.model))

    @contextmanager
    def __call__(self, plan: Plan, check: Check) -> Generator[Iterator[Outcome], None, None]:
        """See `aulens.output.Executor`."""
        _ = self.card  # its errors are raised here
        with Scratch(plan.out).run() as token:
            for job in () if plan.resume else plan.clips:
                with hold_clip(plan.out, job.name):  # or a run without a cluster is at it
                    begin_anew(plan.out / f"{job.name}.json")
                    remove_part(plan.out / f"{job.name}.part")
            # From here on what is there is of this run: a worker goes on with what another one began.
            shared = replace(plan, jobs=(), resume=True)
            setup = Setup(
                aulens.__version__, str(Path.cwd()), token, shared, self._analyzer, self._cluster.threads
            )
            yield self._outcomes(largest_first(plan), setup)

    def _outcomes(self, jobs: Sequence[Job], setup: Setup) -> Iterator[Outcome]:
        for outcome in self.hand_out(jobs, setup) if jobs else ():
            if outcome.fatal is not None:
                raise ConfigError(outcome.fatal)
            yield outcome

    def hand_out(self, jobs: Sequence[Job], setup: Setup) -> Iterator[Outcome]:
        """Have jobs done, each once; what became of them, as it comes."""
        cluster = self._cluster
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


def largest_first(plan: Plan) -> list[Job]:
    """Large videos come first: the last to be handed out should be short, as the others wait for it."""
    return [*sorted(plan.clips, key=lambda job: -_size(job.paths[0])), *plan.pictures]


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0  # the worker says what is wrong with it


def _rows(data: Any, exceptions: Any) -> Iterator[Mapping[str, str]]:
    try:
        yield from data.iter_rows()
    except exceptions.RayTaskError:
        raise  # a fault of ours: with its traceback
    except exceptions.RayError as error:
        *_, last = str(error).strip().splitlines()
        raise ConfigError(
            f"Ray's workers can't start ({last.strip()}). On all machines Python must find the same aulens, "
            "and what makes the detector, if that is your own"
        ) from error


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
