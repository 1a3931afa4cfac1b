"""`aulens detect --cluster`: the files shared out among workers."""

import sys
from collections.abc import Iterable
from contextlib import redirect_stdout
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from aulens.cluster import (
    AnalyzerSettings,
    ClusterSettings,
    Outcome,
    analyze_files,
    frames_so_far,
)
from aulens.commands.sources import Found, command_line, path_of
from aulens.commands.tally import Tally, counted
from aulens.errors import ConfigError
from aulens.output import OutputSettings
from aulens.output.names import clip_names


def cluster_settings(
    address: str | None, workers: int | None, threads: int | None, webcam: int | None
) -> ClusterSettings:
    """The options that say where to work.

    Raises:
        ConfigError: options that do not go together.
    """
    if webcam is not None:
        raise ConfigError("--webcam and --cluster do not go together: a camera is on one machine")
    return ClusterSettings(address, workers, threads or 1)


def detect_on_cluster(
    found: Found,
    out: Path,
    settings: OutputSettings,
    analyzer: AnalyzerSettings,
    cluster: ClusterSettings,
    tally: Tally,
    console: Console,
    *,
    rate: float | None,
    resume: bool,
) -> None:
    """Analyze pictures and videos into `out`, each on some worker.

    Args:
        found: pictures and videos; or sequences, which were opened.
        out: folder.
        settings: what to write, and which frames.
        analyzer: model and detector.
        cluster: where.
        tally: counts.
        console: shows how far it is.
        rate: frames per second of sequences.
        resume: go on with what an earlier run began.
    """
    clips = [path_of(source) for source in found.clips]
    sequence = any(not isinstance(source, Path) for source in found.clips)
    frames = _Frames(out, clip_names(clips, out))
    columns = TextColumn("files"), BarColumn(), MofNCompleteColumn(), frames, TimeElapsedColumn()
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with redirect_stdout(sys.stderr), bar:  # Ray prints what it has to say
        task = bar.add_task("files", total=None)

        def progress(outcome: Outcome, jobs: int) -> None:
            frames.take(outcome)
            bar.update(task, advance=1, total=jobs)
            _tell(outcome, out, tally)

        result = analyze_files(
            [*found.pictures, *clips], out, settings, analyzer=analyzer, cluster=cluster,
            sequence=sequence, rate=rate, resume=resume, progress=progress, command=command_line(),
        )  # fmt: skip
    for name, reason in result.failed.items():
        tally.fail(Path(name), reason)
    if result.pictures is not None:
        tally.pictures, tally.faces = result.pictures.pictures, result.pictures.faces
        tally.with_face = result.pictures.with_face


def _tell(outcome: Outcome, out: Path, tally: Tally) -> None:
    """Count a job that is done, and say what was special about it."""
    job, done = outcome.job, outcome.recorded
    for name, why in outcome.left_out.items():
        tally.left_out += why
        tally.end_of(Path(name))
    if outcome.tries > 1:
        what = "pictures" if job.kind == "pictures" else job.paths[0]
        tally.say(f"{what}: {counted(outcome.tries - 1, 'worker')} died at it, the next one went on with it")
    if done is not None:
        tally.clips += 1
        tally.frames += outcome.frames
        if done.remark is not None:
            tally.say(f"{job.paths[0]}: {done.remark}")
        if done.frames and not outcome.frames:
            tally.done += 1
            tally.say(f"{job.paths[0]}: was done before, see {out / done.files['table']}")


class _Frames(ProgressColumn):
    """How many frames of videos are done and kept."""

    max_refresh = 2.0

    def __init__(self, out: Path, names: Iterable[str]) -> None:
        super().__init__()
        self._out, self._left, self._done = out, set(names), 0

    def take(self, outcome: Outcome) -> None:
        """Count a video that is done."""
        self._left.discard(outcome.job.name)
        self._done += 0 if outcome.recorded is None else outcome.recorded.frames

    def render(self, task: Task) -> Text:
        """See `ProgressColumn`."""
        return Text(counted(self._done + frames_so_far(self._out, self._left), "frame"))
