"""What `aulens detect` and `aulens report` do: from options to a plan, and messages about it."""

import sys
from collections.abc import Sequence
from contextlib import closing, redirect_stdout
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import typer
from rich.console import Console

from aulens.analysis.analyzer import Analyzer
from aulens.commands.bar import FileBar, FrameBar
from aulens.commands.neutral import baseline_of
from aulens.commands.option_groups import ClusterOptions, ModelOptions, SourceOptions, VideoOptions
from aulens.commands.options import refuse_file
from aulens.commands.printed import Format, PictureTable, Printed, PrintedRows, print_table
from aulens.commands.sources import Found, command_line, gather, others_text, previous_text
from aulens.commands.stream import stream_clips, stream_pictures
from aulens.commands.tally import Tally
from aulens.commands.terminal import to_stderr
from aulens.errors import ConfigError, InputError
from aulens.inputs import parse_time
from aulens.named import legible, several
from aulens.output.engine import Here, OnOutcome, Results, execute
from aulens.output.plan import PAGE, PARTS, ROWS, Job, Kind, Outcome, Plan, make_plan, results_path, times_of
from aulens.output.settings import OutputSettings

if TYPE_CHECKING:
    from aulens.commands.clip_table import ClipTable


@dataclass(frozen=True)
class Analysis:
    """The options of `aulens detect`."""

    inputs: Sequence[Path]
    out: Path | None
    format: Format
    overlay: bool
    report: bool
    resume: bool
    videos: VideoOptions
    sources: SourceOptions
    models: ModelOptions
    cluster: ClusterOptions

    def run(self) -> None:
        """Analyze the inputs, and sum up.

        Raises:
            AulensError: wrong use, or nothing can be done at all.
            typer.Exit: 1 if some inputs or faces failed, 130 if it was stopped by Ctrl-C.
        """
        self._refuse()
        if self.models.threads is not None:
            cv2.setNumThreads(self.models.threads)
        console = to_stderr()
        tally = Tally(lambda line: console.print(f"aulens: {legible(line)}", style="red", markup=False))
        settings = self._settings()
        if self.report:
            note_missing_figures(console)
        analyzer = self.models.analyzer(tally.left_out)
        settings = replace(
            settings,
            baseline=baseline_of(self.videos.baseline, self.videos.neutral, analyzer, settings.mirrored),
        )
        tally.left_out.clear()
        theirs, sources = self.format.theirs, self.sources
        if theirs is not None and (lacking := theirs.left_out(analyzer.card.aus)):
            console.print(
                f"the format {self.format} has no columns for {', '.join(lacking)}: they are left out"
            )
        found = gather(
            self.inputs,
            self.out,
            sequence=sources.sequence,
            webcam=sources.webcam,
            timed=sources.fps is not None or sources.times is not None,
        )
        tally.failed |= found.failed
        if found.previous:
            console.print(previous_text(found.previous), markup=False)
        for path, more in found.in_part.items():
            console.print(f"{path}: the first of {more + 1} pictures in it is read", markup=False)
        if found.others:
            console.print(f"{others_text(found.others)} left out: no pictures, no videos", markup=False)
        self._work(found, settings, analyzer, tally, console)
        for path, reason in tally.failed.items():
            tally.say(f"{path}: {reason}")
        see = "" if self.out is None else f"; see {self._first_result(self.out, found)}"
        console.print(tally.summary() + see, markup=False)
        if tally.failed or tally.lost:
            raise typer.Exit(1)

    def _refuse(self) -> None:
        """Raise `ConfigError` at options that do not go together."""
        videos, cluster, out = self.videos, self.cluster, self.out
        if sys.stdout is None:  # closed by the caller
            raise ConfigError("standard output is closed, the table has nowhere to go: redirect it to a file")
        for wanted, name in (
            (self.overlay, "--overlay"), (self.report, "--report"), (self.resume, "--resume"),
            (cluster.cluster, "--cluster"), (videos.smooth is not None, "--smooth"),
            (videos.baseline, "--baseline"), (videos.neutral is not None, "--neutral"),
        ):  # fmt: skip
            if wanted and out is None:
                raise ConfigError(f"{name} needs a folder: --out DIR")
        self.models.refuse(videos)
        if self.sources.fps is not None and self.sources.times is not None:
            raise ConfigError("--fps and --times both give the times of the frames; leave one of them out")
        if self.sources.webcam is not None and self.resume:
            raise ConfigError("a camera can't be resumed; leave out --resume")
        if self.sources.webcam is not None and cluster.cluster:
            raise ConfigError("--webcam and --cluster do not go together: a camera belongs to one machine")
        if self.format is Format.PARQUET and out is None and sys.stdout.isatty():
            raise ConfigError(
                "Parquet is not for the screen: redirect the output to a file, or give --out DIR"
            )
        if not cluster.cluster and (cluster.address is not None or cluster.workers is not None):
            raise ConfigError("--address and --workers are for --cluster only")
        if out is not None:
            refuse_file(out)

    def _settings(self) -> OutputSettings:
        videos = self.videos
        return OutputSettings(
            self.format.stored.value, videos.every, parse_time(videos.start, "--from"),
            parse_time(videos.stop, "--to"), videos.smooth, self.overlay, self.report, videos.keep_lost,
            videos.max_yaw, videos.max_pitch, videos.min_quality, mirrored=videos.mirrored,
        )  # fmt: skip

    def _work(
        self, found: Found, settings: OutputSettings, analyzer: Analyzer, tally: Tally, console: Console
    ) -> None:
        has_clips = bool(found.clips) or self.sources.webcam is not None
        table = _clip_table(analyzer, settings) if has_clips and self.format is Format.TABLE else None
        out, sources = self.out, self.sources
        plan = out and make_plan(
            [*found.pictures, *found.clips], out, settings, clips=found.clips, sequence=sources.sequence,
            rate=sources.fps, times=sources.times, camera=sources.webcam, resume=self.resume,
            command=command_line(),
        )  # fmt: skip
        try:
            if out and plan:
                self._store(plan, out, analyzer, table, tally, console)
            else:
                self._stream(found, settings, analyzer, table, tally, console)
        except KeyboardInterrupt:
            rows = _rows_so_far(out, plan) if out and plan else ""
            console.print(f"stopped{rows}", markup=False)
            raise typer.Exit(130) from None
        if table is not None:
            table.print()

    def _stream(
        self, found: Found, settings: OutputSettings, analyzer: Analyzer, table: "ClipTable | None",
        tally: Tally, console: Console,
    ) -> None:  # fmt: skip
        """To standard output, and nowhere else."""
        sources, theirs = self.sources, self.format.theirs
        kind: Kind = "sequence" if sources.sequence else "video"
        times = sources.times
        jobs = [
            Job(kind, "", (str(path),), rate=sources.fps, times=times and times_of(str(path), times))
            for path in found.clips
        ]
        if sources.webcam is not None:
            jobs.append(Job("camera", "", (f"camera {sources.webcam}",), camera=sources.webcam))
        if theirs is not None and not theirs.names_files and len(found.pictures) + len(jobs) > 1:
            raise ConfigError(
                f"rows of the format {self.format} do not say of which file they are: give --out DIR"
            )
        if theirs is not None and found.pictures and jobs:
            raise ConfigError(
                f"the format {self.format} has other columns for pictures than for videos: give --out DIR"
            )
        # Rows that are streamed to the same terminal would tear the bar.
        quiet = sys.stdout.isatty() and self.format in {Format.CSV, Format.JSONL}
        card, pictures = analyzer.card, bool(found.pictures)
        printed: Printed = (
            PictureTable(card)
            if self.format is Format.TABLE
            else PrintedRows(self.format, card, settings.limits, pictures=pictures, named=sources.sequence)
        )
        with (
            closing(printed) as rows,
            FrameBar(console, settings, len(found.pictures), quiet=quiet) as bar,
        ):
            stream_pictures(found.pictures, analyzer, settings, rows, tally, bar)
            if jobs:
                stream_clips(jobs, analyzer, settings, rows, table, tally, bar)

    def _store(
        self, plan: Plan, out: Path, analyzer: Analyzer, table: "ClipTable | None", tally: Tally,
        console: Console,
    ) -> None:  # fmt: skip
        """To files; on standard output, rows of pictures in the chosen format, videos summed up."""

        def done(outcome: Outcome, jobs: int) -> None:
            tally.outcome(outcome, out)
            if table is not None and outcome.receipt is not None and outcome.job.kind != "pictures":
                _sum_up(table, outcome, out, analyzer, tally)

        results = (
            self._on_ray(plan, done, console)
            if self.cluster.cluster
            else _here(plan, done, analyzer, tally, console)
        )
        if results.pictures is None:
            return
        tally.of_pictures(results.pictures)
        tally.failed |= {Path(name): why for name, why in results.pictures.failed.items()}
        if "table" in results.pictures.files:
            print_table(out / results.pictures.files["table"], self.format, analyzer.card)

    def _on_ray(self, plan: Plan, done: OnOutcome, console: Console) -> Results:
        from aulens.cluster import AnalyzerSettings, ClusterSettings, OnRay

        models, cluster = self.models, self.cluster
        executor = OnRay(
            AnalyzerSettings(models.model, models.spec, models.backend),
            ClusterSettings(cluster.address, cluster.workers, models.threads or 1),
        )

        def on_outcome(outcome: Outcome, jobs: int) -> None:
            bar.outcome(outcome, jobs)
            done(outcome, jobs)

        bar = FileBar(console, plan.out, (job.name for job in plan.clips))
        with redirect_stdout(sys.stderr), bar:  # Ray prints what it has to say
            return execute(plan, executor, on_outcome)

    def _first_result(self, out: Path, found: Found) -> Path:
        """The file or folder to open first."""
        if found.clips or not found.pictures:
            return out
        if self.overlay or self.report:
            return out / PAGE
        several = self.format.theirs is not None and not self.format.theirs.names_files
        return out if several else results_path(out, self.format.stored.value)


def _here(plan: Plan, done: OnOutcome, analyzer: Analyzer, tally: Tally, console: Console) -> Results:
    def on_outcome(outcome: Outcome, jobs: int) -> None:
        bar.end(outcome.job)
        done(outcome, jobs)

    pictures = sum(len(job.paths) for job in plan.pictures)
    with FrameBar(console, plan.settings, pictures, quiet=False) as bar:
        return execute(plan, Here(analyzer, tally.left_out, bar.frame, bar.picture), on_outcome)


def _sum_up(table: "ClipTable", outcome: Outcome, out: Path, analyzer: Analyzer, tally: Tally) -> None:
    """Sum up a video from its table."""
    from aulens.tables import read_table

    assert outcome.receipt is not None
    path = outcome.job.paths[0]
    try:
        rows = read_table(out / outcome.receipt.files["table"])
        table.add_table(path, rows, analyzer.card.threshold)
    except InputError as error:
        tally.fail(Path(path), error)


def _rows_so_far(out: Path, plan: Plan) -> str:
    """Where the rows of a stopped run are, if there are any, and how to go on, in words."""
    files = [out / f"{job.name}.part" / ROWS for job in plan.clips]
    files += [out / PARTS / f"{job.name}.jsonl" for job in plan.pictures]
    kept = sorted({str(file.parent) for file in files if _holds_rows(file)})
    where = f"; the rows so far are in {several(kept)}" if kept else ""
    return f"{where}. The same command with --resume goes on"


def _holds_rows(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as lines:
        return any(islice(lines, 1, 2))  # the first line says what the rows are of


# What only videos need is loaded for them: it takes longer than a picture.
def _clip_table(analyzer: Analyzer, settings: OutputSettings) -> "ClipTable":
    from aulens.commands.clip_table import ClipTable

    return ClipTable(analyzer.card.aus, settings.limits)


def note_missing_figures(console: Console) -> None:
    """Say what is missing for figures, if it is."""
    from aulens.show.figure import NO_FIGURES, can_draw

    if not can_draw():
        console.print(NO_FIGURES, markup=False)
