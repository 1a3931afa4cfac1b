"""From files to files: a plan, who does its jobs, and what was made."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from aulens.analysis.analyzer import Analyzer
from aulens.files import clear_unfinished, disk_errors
from aulens.locks import hold
from aulens.output.pictures import OnPicture, analyze_pictures, begin_pictures, finish_pictures
from aulens.output.plan import DRAWN, Job, Outcome, Plan, make_plan
from aulens.output.receipt import Receipt
from aulens.output.settings import AGAIN, OutputSettings
from aulens.runtime.card import ModelCard

if TYPE_CHECKING:
    from aulens.output.video import OnFrame

Check = Callable[[], None]
OnOutcome = Callable[[Outcome, int], None]
"""Called with what became of each job, and the number of jobs."""


class Executor(Protocol):
    """Does the jobs of a plan: `Here`, or `aulens.cluster.OnRay`."""

    @property
    def card(self) -> ModelCard:
        """Of the model."""

    def __call__(self, plan: Plan, check: Check) -> AbstractContextManager[Iterator[Outcome]]:
        """Do its jobs while the block runs; what became of each, as it is done.

        Each video is one run's alone. Without `plan.resume` what earlier runs began of it is thrown away.

        Args:
            plan: all jobs.
            check: raises `BusyError` if the table of pictures has become another run's.
        """


@dataclass
class Results:
    """What was made of all files.

    Attributes:
        clips: of each video that could be read, by its path as given.
        pictures: of all pictures; None if there were none.
        failed: inputs that can't be read, or not to their end, each with the reason.
        outcomes: of each job, in the order in which they were done.
    """

    clips: dict[str, Receipt] = field(default_factory=dict)
    pictures: Receipt | None = None
    failed: dict[str, str] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)


def analyze_files(
    paths: Iterable[str | Path],
    out: str | Path,
    settings: OutputSettings | None = None,
    *,
    executor: Executor,
    sequence: bool = False,
    rate: float | None = None,
    resume: bool = False,
    on_outcome: OnOutcome | None = None,
    command: str | None = None,
) -> Results:
    """Analyze pictures and videos, each once, into the files that `aulens detect --out` writes.

    Of each video come the files of `aulens.analyze_video`, of all pictures one table, OUT/results.csv, with a
    receipt beside it. What can't be read is named in `Results.failed`; the others are done.

    Args:
        paths: of files.
        out: folder, made where it is missing.
        settings: what to make of a video; its format, and whether they are drawn, is also that of pictures.
        executor: who does it: `Here(analyzer)`, or the workers of a cluster, `aulens.cluster.OnRay()`.
        sequence: each path is a folder whose pictures are the frames of a video.
        rate: frames per second of those.
        resume: keep what an earlier run did, and go on with what it began.
        on_outcome: called as soon as a video, or some pictures, are done.
        command: what to say in reports of how they were made.

    Raises:
        ConfigError: `out` can't be written, or an input lies where results go.
        BusyError: another run writes the same.
    """
    plan = make_plan(paths, out, settings, sequence=sequence, rate=rate, resume=resume, command=command)
    return execute(plan, executor, on_outcome)


def execute(plan: Plan, executor: Executor, on_outcome: OnOutcome | None = None) -> Results:
    """Have the jobs of a plan done, and make one table of all pictures; errors as in `analyze_files`."""
    results = Results()
    with disk_errors(plan.out, AGAIN), ExitStack() as stack:
        plan.out.mkdir(parents=True, exist_ok=True)
        check: Check = _alone
        if plan.pictures:
            lock = plan.out / ".results.lock"
            check = stack.enter_context(hold(lock, f"The table of pictures in {plan.out}")).check
            begin_pictures(plan)
            clear_unfinished(plan.out / DRAWN)
        clear_unfinished(plan.out)
        for outcome in stack.enter_context(executor(plan, check)):
            results.outcomes.append(outcome)
            results.failed |= outcome.failed
            if outcome.receipt is not None and outcome.job.kind != "pictures":
                results.clips[outcome.job.paths[0]] = outcome.receipt
            if on_outcome is not None:
                on_outcome(outcome, len(plan.jobs))
        done = [outcome.receipt for outcome in results.outcomes if outcome.job.kind == "pictures"]
        if done and None not in done:
            results.pictures = done[0]
        elif done:
            check()
            results.pictures = finish_pictures(plan, executor.card)
    if results.pictures is not None:
        results.failed |= results.pictures.failed
    return results


def _alone() -> None:
    """Nobody else is at it."""


class Here:
    """Does the jobs in this process, one after another.

    Args:
        analyzer: the model and the detector.
        left_out: where the detector notes faces that it leaves out.
        on_frame: called with each result of a video.
        on_picture: called with what was seen in each picture.
    """

    def __init__(
        self,
        analyzer: Analyzer,
        left_out: list[str] | None = None,
        on_frame: "OnFrame | None" = None,
        on_picture: OnPicture | None = None,
    ) -> None:
        self._analyzer, self._left_out = analyzer, [] if left_out is None else left_out
        self._on_frame, self._on_picture = on_frame, on_picture or (lambda seen, result: None)

    @property
    def card(self) -> ModelCard:
        """See `Executor`."""
        return self._analyzer.card

    @contextmanager
    def __call__(self, plan: Plan, check: Check) -> Generator[Iterator[Outcome], None, None]:
        """See `Executor`."""
        yield (self._do(plan, job, check) for job in plan.jobs)

    def _do(self, plan: Plan, job: Job, check: Check) -> Outcome:
        if job.kind != "pictures":
            from aulens.output.video import do_clip  # takes longer than a picture

            return do_clip(plan, job, self._analyzer, self._left_out, self._on_frame)
        # What was begun before was thrown away, if it was to be.
        plan = replace(plan, resume=True)
        return analyze_pictures(plan, job, self._analyzer, self._left_out, self._on_picture, check=check)
