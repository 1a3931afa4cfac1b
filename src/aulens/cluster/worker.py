"""What a worker does: it makes its analyzer once, then does one job after another. Nothing here needs Ray."""

import os
import socket
from collections.abc import Mapping, Sequence

import cv2

import aulens
from aulens.analysis.analyzer import Analyzer
from aulens.cluster.scratch import MAX_TRIES, Scratch
from aulens.cluster.settings import Setup
from aulens.errors import AulensError, BusyError, ConfigError
from aulens.faces.detector import Face, left_out_text
from aulens.files import disk_errors
from aulens.locks import Held
from aulens.output.checkpoint import frames_kept
from aulens.output.pictures import analyze_pictures
from aulens.output.plan import Job, Outcome
from aulens.output.settings import AGAIN
from aulens.output.video import do_clip


class Worker:
    """Does jobs; Ray Data makes one in each of its processes.

    A fault that stops all jobs is in `Outcome.fatal`: after an error at the beginning Ray would make it again
    and again.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._plan = setup.plan
        self._scratch = Scratch(setup.plan.out)
        self._left_out: list[str] = []
        self._analyzer: Analyzer | None = None
        self._fault: str | None = None
        try:
            self._analyzer = self._begin()
        except AulensError as error:
            self._fault = f"{error} (a worker on {socket.gethostname()})"

    def __call__(self, batch: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """Do the jobs in the column "job", each as JSON; the column "outcome" is likewise."""
        return {"outcome": [self.do(Job.from_json(str(text))).to_json() for text in batch["job"]]}

    def do(self, job: Job) -> Outcome:
        """Do one job, or go on with it where another worker died."""
        who = f"{socket.gethostname()} {os.getpid()}"
        if self._analyzer is None:
            return Outcome(job, who, fatal=self._fault)
        try:
            with disk_errors(self._plan.out, AGAIN), self._scratch.alone(job) as held:
                if job.kind == "pictures":
                    return self._pictures(job, who, self._analyzer, held)
                return self._clip(job, who, self._analyzer, held)
        except AulensError as error:
            if isinstance(error, BusyError) and job.kind != "pictures":  # the others can be done
                return Outcome(job, who, failed={job.paths[0]: str(error)})
            return Outcome(job, who, fatal=str(error))

    def _begin(self) -> Analyzer:
        setup = self._setup
        if setup.version != aulens.__version__:
            raise ConfigError(
                f"aulens is {aulens.__version__} here and {setup.version} where the run was started: install "
                "the same on all machines"
            )
        if not self._scratch.has(setup.token):
            raise ConfigError(
                f"the folder {self._plan.out} is not shared by all machines; give as --out one that is, at "
                "the same path everywhere"
            )
        if os.path.isdir(setup.folder):
            os.chdir(setup.folder)  # so that paths stay as they were given, in tables too
        cv2.setNumThreads(setup.threads)
        return setup.analyzer.open(setup.threads, self._note_left_out)

    def _note_left_out(self, face: Face, why: str) -> None:
        self._left_out.append(left_out_text(face, why))

    def _clip(self, job: Job, who: str, analyzer: Analyzer, held: Held) -> Outcome:
        place = frames_kept(self._plan.out, job.name)
        tries, here = self._scratch.begin(f"{job.kind}-{job.name}", place)
        if here > MAX_TRIES:
            return Outcome(job, who, tries - 1, failed={job.paths[0]: _died(f"after frame {place}")})
        return do_clip(self._plan, job, analyzer, self._left_out, held=held, worker=who, tries=tries)

    def _pictures(self, job: Job, who: str, analyzer: Analyzer, held: Held) -> Outcome:
        def begin(place: int) -> tuple[int, str | None]:
            tries, here = self._scratch.begin(f"{job.kind}-{job.name}", place)
            return tries, _died("at it") if here > MAX_TRIES else None

        return analyze_pictures(
            self._plan, job, analyzer, self._left_out, worker=who, tries=begin, check=held.check
        )


def _died(where: str) -> str:
    return (
        f"{MAX_TRIES} workers in a row died {where}: too little memory, or a library crashed. Fewer workers "
        "need less memory; without --cluster the library's own message may be seen"
    )
