"""The bars that show how far a command is."""

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from aulens.commands.tally import counted
from aulens.named import legible
from aulens.output.checkpoint import frames_kept
from aulens.output.pictures import AnalyzedPicture
from aulens.output.plan import Job, Outcome
from aulens.output.settings import OutputSettings, expected
from aulens.runtime.result import FrameResult
from aulens.video.media import VideoInfo


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.0f}/s")


class FrameBar(Progress):
    """Pictures and frames that are done, with speed and time left; nothing if `quiet` or in a pipe."""

    def __init__(self, console: Console, settings: OutputSettings, pictures: int, *, quiet: bool) -> None:
        super().__init__(
            TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), _Speed(),
            TimeRemainingColumn(), console=console, transient=True, disable=quiet or not console.is_terminal,
        )  # fmt: skip
        self._settings, self._pictures = settings, pictures
        self._tasks_of: dict[str, TaskID] = {}

    def picture(self, seen: AnalyzedPicture, result: FrameResult | None = None) -> None:
        """A picture was analyzed."""
        self._advance("pictures", self._pictures)

    def frame(self, job: Job, result: FrameResult, info: VideoInfo) -> None:
        """A frame was analyzed."""
        self._advance(Path(job.paths[0]).name, expected(info, self._settings))

    def end(self, job: Job) -> None:
        """A video is over."""
        task = self._tasks_of.pop(Path(job.paths[0]).name, None)
        if task is not None:
            self.remove_task(task)

    def _advance(self, name: str, total: int | None) -> None:
        if name not in self._tasks_of:
            self._tasks_of[name] = self.add_task(legible(name), total=total)
        self.advance(self._tasks_of[name])


class StepsBar(Progress):
    """How many steps of each of several tasks are done; nothing in a pipe."""

    def __init__(self, console: Console, *, transient: bool = False) -> None:
        # A step may take minutes: the speed is taken over several.
        super().__init__(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            console=console, disable=not console.is_terminal, transient=transient, speed_estimate_period=900,
        )  # fmt: skip
        self._tasks_of: dict[str, TaskID] = {}

    def step(self, name: str, done: int, total: int) -> None:
        """So many steps of so many are done; those of the first call were done before, which is no speed."""
        if name not in self._tasks_of:
            self._tasks_of[name] = self.add_task(name, total=total, completed=done)
        self.update(self._tasks_of[name], completed=done, total=total)


class FileBar(Progress):
    """Files that workers have done, and how many frames of the videos `names` are kept in `out`."""

    def __init__(self, console: Console, out: Path, names: Iterable[str]) -> None:
        self._frames = _Frames(out, names)
        super().__init__(
            TextColumn("files"), BarColumn(), MofNCompleteColumn(), self._frames, TimeElapsedColumn(),
            console=console, transient=True, disable=not console.is_terminal,
        )  # fmt: skip
        self._task = self.add_task("files", total=None)

    def outcome(self, outcome: Outcome, jobs: int) -> None:
        """A job is done."""
        self._frames.take(outcome)
        self.update(self._task, advance=1, total=jobs)


class _Frames(ProgressColumn):
    max_refresh = 2.0

    def __init__(self, out: Path, names: Iterable[str]) -> None:
        super().__init__()
        self._out, self._left, self._done = out, set(names), 0

    def take(self, outcome: Outcome) -> None:
        self._left.discard(outcome.job.name)
        if outcome.receipt is not None and outcome.job.kind != "pictures":
            self._done += outcome.receipt.frames

    def render(self, task: Task) -> Text:
        kept = sum(frames_kept(self._out, name) for name in self._left)
        return Text(counted(self._done + kept, "frame"))
