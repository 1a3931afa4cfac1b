"""What a worker does: makes its analyzer once, then one job after another. Nothing in here knows Ray."""

import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2

import aulens
from aulens.cluster.jobs import Job, Outcome
from aulens.cluster.merge import Seen
from aulens.cluster.pictures import Looking, Part, part_path
from aulens.cluster.scratch import MOST_TRIES, Scratch
from aulens.cluster.settings import Setup
from aulens.cluster.watch import frames_kept
from aulens.errors import AulensError, ConfigError, InputError
from aulens.faces.detector import Face, left_out_text
from aulens.output import analyze_video
from aulens.output.writing import writing
from aulens.runtime.analyzer import Analyzer
from aulens.runtime.result import FrameResult
from aulens.video import Media, open_sequence, open_video
from aulens.video.reader import VideoInfo


class Worker:
    """Does jobs; Ray Data makes one in each of its processes.

    A fault that stops all jobs is told in `Outcome.fatal`: an error raised at the beginning would be tried
    again and again.

    Args:
        setup: all that it needs to know.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._out = Path(setup.out)
        self._scratch = Scratch(self._out)
        self._left_out: list[str] = []
        self._analyzer: Analyzer | None = None
        self._fault: str | None = None
        try:
            self._analyzer = self._begin()
        except AulensError as error:
            self._fault = f"{error} (said by a worker on {socket.gethostname()})"

    def __call__(self, batch: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """Do jobs.

        Args:
            batch: the column "job", each as text.

        Returns:
            The column "outcome", each as text.
        """
        return {"outcome": [self.do(Job.from_json(str(text))).to_json() for text in batch["job"]]}

    def do(self, job: Job) -> Outcome:
        """Do one job, or go on with it where another worker died."""
        who = f"{socket.gethostname()} {os.getpid()}"
        if self._analyzer is None:
            return Outcome(job, who, fatal=self._fault)
        try:
            with writing(self._out), self._scratch.alone(f"{job.kind}-{job.name}"):
                if job.kind == "pictures":
                    return self._pictures(job, who, self._analyzer)
                return self._clip(job, who, self._analyzer)
        except AulensError as error:
            return Outcome(job, who, fatal=str(error))

    def _begin(self) -> Analyzer:
        setup = self._setup
        if setup.version != aulens.__version__:
            raise ConfigError(
                f"aulens is {aulens.__version__} here and {setup.version} where the run was started: install "
                "the same on all machines"
            )
        if not self._scratch.sees(setup.token):
            raise ConfigError(
                f"the folder {self._out} is not shared by all machines; give as --out one that is, at the "
                "same path everywhere"
            )
        if os.path.isdir(setup.folder):
            os.chdir(setup.folder)  # so that paths stay as they were given, in tables too
        cv2.setNumThreads(setup.threads)
        return setup.analyzer.open(setup.threads, self._note_left_out)

    def _note_left_out(self, face: Face, why: str) -> None:
        self._left_out.append(left_out_text(face, why))

    def _clip(self, job: Job, who: str, analyzer: Analyzer) -> Outcome:
        path = job.paths[0]
        place = frames_kept(self._out, job.name)
        tries, here = self._scratch.begin(f"{job.kind}-{job.name}", place)
        if here > MOST_TRIES:
            return Outcome(job, who, tries - 1, failed={path: _died(f"after frame {place}")})
        self._left_out.clear()
        frames = 0

        def count(result: FrameResult, info: VideoInfo) -> None:
            nonlocal frames
            frames += 1

        try:
            media: Media = open_video(path) if job.kind == "video" else open_sequence(path, job.rate)
            done = analyze_video(
                analyzer, media, self._out, self._setup.settings,
                name=job.name, resume=True, progress=count, command=self._setup.command, lock=False,
            )  # fmt: skip
        except InputError as error:
            return Outcome(job, who, tries, failed={path: str(error).removeprefix(f"{path}: ")})
        return Outcome(
            job, who, tries, done, frames,
            failed={} if done.problem is None else {path: done.problem},
            left_out={path: tuple(self._left_out)} if self._left_out else {},
        )  # fmt: skip

    def _pictures(self, job: Job, who: str, analyzer: Analyzer) -> Outcome:
        setup = self._setup
        looking = Looking(analyzer.card.checksum, setup.analyzer.made_by, setup.settings.format)
        part = Part(part_path(self._out, job), job, looking)
        tries, here = self._scratch.begin(f"{job.kind}-{job.name}", len(part.seen))
        if here > MOST_TRIES and part.left:
            part.add(Seen(part.left[0], failed=_died("at it")))
        while part.left:
            part.look(analyzer, self._left_out)
        read = [seen for seen in part.seen if seen.failed is None]
        return Outcome(
            job, who, tries,
            pictures=len(read),
            faces=sum(seen.faces for seen in read),
            with_face=sum(bool(seen.faces) for seen in read),
            failed={seen.file: seen.failed for seen in part.seen if seen.failed is not None},
            left_out={seen.file: tuple(seen.left_out) for seen in part.seen if seen.left_out},
        )  # fmt: skip


def _died(where: str) -> str:
    return (
        f"{MOST_TRIES} workers in a row died {where}: too little memory, or a fault of a library that it "
        "brings out. Fewer workers need less memory; without --cluster its own message may be seen"
    )
