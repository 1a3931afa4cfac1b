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
    """Pictures and frames, with speed and time left; nothing where nobody looks.

    Args:
        console: shows it.
        settings: which frames of videos come.
        pictures: how many there are.
        quiet: show nothing.
    """

    def __init__(self, console: Console, settings: OutputSettings, pictures: int, *, quiet: bool) -> None:
        super().__init__(
            TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), _Speed(),
            TimeRemainingColumn(), console=console, transient=True, disable=quiet or not console.is_terminal,
        )  # fmt: skip
        self._settings, self._pictures = settings, pictures
        self._tasks_of: dict[str, TaskID] = {}

    def picture(self, seen: AnalyzedPicture, result: FrameResult | None = None) -> None:
        """A picture was looked at."""
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
            self._tasks_of[name] = self.add_task(name, total=total)
        self.advance(self._tasks_of[name])


class StepsBar(Progress):
    """Steps that are done of each of several things; nothing where nobody looks.

    Args:
        console: shows it.
        names: of things, to be shown from the start.
        transient: gone at the end.
    """

    def __init__(self, console: Console, *names: str, transient: bool = False) -> None:
        super().__init__(console=console, disable=not console.is_terminal, transient=transient)
        self._tasks_of = {name: self.add_task(name, total=None) for name in names}

    def step(self, name: str, done: int, total: int) -> None:
        """So many steps of so many are done."""
        if name not in self._tasks_of:
            self._tasks_of[name] = self.add_task(name)
        self.update(self._tasks_of[name], completed=done, total=total)


class FileBar(Progress):
    """Files that workers have done, and how many frames of the others are kept.

    Args:
        console: shows it.
        out: folder of the results.
        names: of the files of videos.
    """

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
