"""`aulens detect`: pictures and videos in, rows out, one per face and frame."""

import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import cv2
import typer
from rich.console import Console

from aulens.commands.bar import progress
from aulens.commands.neutral import baseline_of
from aulens.commands.options import (
    MODELS,
    VIDEOS,
    Backend,
    DetectorModel,
    DetectorName,
    Every,
    From,
    KeepLost,
    MaxPitch,
    MaxYaw,
    MinQuality,
    Model,
    Neutral,
    OwnBaseline,
    Resume,
    Smooth,
    Threads,
    To,
)
from aulens.commands.output import Format, closing_all, refuse_inputs, results_path, sinks
from aulens.commands.pictures import analyze_pictures
from aulens.commands.sources import Found, gather, made_text, path_of, seconds
from aulens.commands.tally import Tally
from aulens.errors import ConfigError
from aulens.faces.detector import left_out_text
from aulens.faces.registry import DEFAULT_DETECTOR, DetectorSpec, refuse_quality
from aulens.output.names import clip_names
from aulens.output.settings import OutputSettings
from aulens.runtime.analyzer import Analyzer
from aulens.runtime.backend import BACKENDS

if TYPE_CHECKING:
    from aulens.cluster.settings import ClusterSettings
    from aulens.commands.album import Album
    from aulens.commands.clips import ClipTable

_CLUSTER: Final = "Many machines"


def detect(
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="INPUT...", help="Pictures, videos, or folders with them.", show_default=False
        ),
    ] = None,
    format: Annotated[
        Format,
        typer.Option(
            "--format", "-f", help="Of the table; `table` is for reading, the last three are other tools'."
        ),
    ] = Format.TABLE,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="Write here: results.csv (.jsonl, .parquet) of pictures; NAME.csv, NAME.events.csv and more "
            "of each video.",
        ),
    ] = None,
    overlay: Annotated[
        bool,
        typer.Option(
            "--overlay", help="Draw what was seen: DIR/pictures/, DIR/index.html, DIR/NAME.overlay.mp4."
        ),
    ] = False,
    report: Annotated[
        bool,
        typer.Option(
            "--report", help="A page to look through each video, and figures for print; one for all pictures."
        ),
    ] = False,
    every: Every = 1,
    start: From = None,
    stop: To = None,
    smooth: Smooth = None,
    baseline: OwnBaseline = False,
    neutral: Neutral = None,
    keep_lost: KeepLost = None,
    max_yaw: MaxYaw = None,
    max_pitch: MaxPitch = None,
    min_quality: MinQuality = None,
    resume: Resume = False,
    sequence: Annotated[
        bool,
        typer.Option(
            "--sequence",
            help="Each INPUT is a folder whose pictures are the frames of one video.",
            rich_help_panel=VIDEOS,
        ),
    ] = False,
    fps: Annotated[
        float | None,
        typer.Option(
            metavar="RATE",
            help="Frames per second of a sequence.",
            show_default=False,
            rich_help_panel=VIDEOS,
        ),
    ] = None,
    webcam: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER",
            help="Watch this camera, until Ctrl-C.",
            show_default=False,
            rich_help_panel=VIDEOS,
        ),
    ] = None,
    model: Model = None,
    detector: DetectorName = DEFAULT_DETECTOR,
    detector_model: DetectorModel = None,
    landmarks: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Card (.json) or .onnx of what finds the landmarks: a network for aulens' detector, or a "
            "JAA-Net for any.",
            show_default=False,
            rich_help_panel=MODELS,
        ),
    ] = None,
    upscale: Annotated[
        float | None,
        typer.Option(
            min=1,
            max=8,
            help="Enlarge so much to find small faces (dlib).",
            show_default="as needed",
            rich_help_panel=MODELS,
        ),
    ] = None,
    backend: Backend = BACKENDS[0],
    threads: Threads = None,
    cluster: Annotated[
        bool,
        typer.Option(
            "--cluster",
            help="Share the files out among workers (needs the extra `cluster`). docs/cluster.md tells more.",
            rich_help_panel=_CLUSTER,
        ),
    ] = False,
    address: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="A running Ray cluster; `auto` on one of its machines.",
            show_default="one on this machine, for this run",
            rich_help_panel=_CLUSTER,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="How many, each with a model of its own and with --threads threads.",
            show_default="one per core",
            rich_help_panel=_CLUSTER,
        ),
    ] = None,
) -> None:
    """Find the Action Units of every face in pictures and videos.

    One row per face, in videos per frame and person: file, frame, time (seconds), face_id (in a picture 0 is
    the largest; in a video it stays with the person), success, box, and for each Action Unit its calibrated
    probability (AU12_p), the decision by that Action Unit's own threshold (AU12_c) and the probability on the
    person's own left and right (AU12_left_p, AU12_right_p; empty if the model does not tell sides). Nobody in
    a picture, or a person lost in a frame, is a row with success 0. docs/tables.md has all of it.

    Exit code: 0 all done, 1 some inputs or faces failed (each is named), 2 wrong use, 130 stopped by Ctrl-C.
    """
    if sys.stdout is None:  # closed by the caller
        raise ConfigError("standard output is closed, the table has nowhere to go: redirect it to a file")
    for wanted, name in (
        (overlay, "--overlay"), (report, "--report"), (resume, "--resume"), (cluster, "--cluster"),
        (smooth is not None, "--smooth"), (baseline, "--baseline"), (neutral is not None, "--neutral"),
    ):  # fmt: skip
        if wanted and out is None:
            raise ConfigError(f"{name} needs a folder: --out DIR")
    refuse_quality(detector, min_quality)
    if webcam is not None and resume:
        raise ConfigError("a camera can't be resumed: what it saw is over. Leave out --resume")
    if format is Format.PARQUET and out is None and sys.stdout.isatty():
        raise ConfigError("Parquet is not for the screen: redirect the output to a file, or give --out DIR")
    if threads is not None:
        cv2.setNumThreads(threads)
    console = Console(stderr=True, highlight=False, soft_wrap=True)

    def say(line: str) -> None:
        console.print(f"aulens: {line}", style="red", markup=False)

    settings = OutputSettings(
        format.stored.value, every, seconds(start, "--from"), seconds(stop, "--to"), smooth, overlay, report,
        keep_lost, max_yaw, max_pitch, min_quality,
    )  # fmt: skip
    if settings.limits and out is None and format is not Format.TABLE:
        raise ConfigError(
            "--max-yaw, --max-pitch and --min-quality leave faces out of events, shares, pages and figures, "
            "not out of rows as they come: give --out DIR, or look at pose_yaw, pose_pitch and quality"
        )
    where = _cluster(address, workers, threads, webcam) if cluster else None
    if where is None and (address is not None or workers is not None):
        raise ConfigError("--address and --workers are for --cluster only")
    if report:
        _tell_of_figures(console)
    tally = Tally(say)
    spec = DetectorSpec(detector, detector_model, upscale, landmarks, backend, threads)
    analyzer = Analyzer(
        model, spec(lambda face, why: tally.left_out.append(left_out_text(face, why))), backend, threads
    )
    settings = replace(settings, baseline=baseline_of(baseline, neutral, analyzer))
    tally.left_out.clear()
    lacking = () if format.dialect is None else format.dialect.left_out(analyzer.card.aus)
    if lacking:
        console.print(f"the format {format} has no columns for {', '.join(lacking)}: they are left out")
    found = gather(inputs or [], out, sequence=sequence, rate=fps, webcam=webcam)
    tally.failed |= found.failed
    if settings.limits and found.pictures:
        console.print(
            "--max-yaw, --max-pitch and --min-quality are for videos: rows of pictures are all there, "
            "pose_yaw, pose_pitch and quality tell which to leave out"
        )
    if found.made:
        console.print(made_text(found.made), markup=False)
    album = _prepare(out, format, (overlay or report) and where is None, analyzer, found)
    told = _clip_table(analyzer, found, settings) if format is Format.TABLE and where is None else None
    try:
        if where is not None and out is not None:
            from aulens.cluster.settings import AnalyzerSettings
            from aulens.commands.cluster import detect_on_cluster

            with_what = AnalyzerSettings(model, spec, backend)
            detect_on_cluster(found, out, settings, with_what, where, tally, console, rate=fps, resume=resume)
        else:
            _detect_here(found, out, format, settings, analyzer, album, tally, console, told, resume=resume)
    except KeyboardInterrupt:
        console.print(_stopped(out), markup=False)
        raise typer.Exit(130) from None
    if told is not None:
        told.print()
    for path, reason in tally.failed.items():
        say(f"{path}: {reason}")
    see = ""
    if out is not None:
        see = f"; see {_first_result(format, out, found, album)}"
    console.print(tally.summary() + see, markup=False)
    if tally.failed or tally.lost:
        raise typer.Exit(1)


def _detect_here(
    found: Found,
    out: Path | None,
    format: Format,
    settings: OutputSettings,
    analyzer: Analyzer,
    album: "Album | None",
    tally: Tally,
    console: Console,
    told: "ClipTable | None",
    *,
    resume: bool,
) -> None:
    """Pictures first, then videos, in this process."""
    names = clip_names(map(path_of, found.clips), out)
    # Rows that are streamed to the same terminal would tear the bar.
    quiet = sys.stdout.isatty() and format in {Format.CSV, Format.JSONL}
    with (
        album or nullcontext(),
        # Of videos the folder has files of their own, and nothing goes to standard output then.
        closing_all(
            sinks(format, analyzer.card, out, names) if found.pictures or out is None else []
        ) as chosen,
        progress(console, quiet=quiet) as bar,
    ):
        pictures = bar.track(found.pictures, description="pictures") if found.pictures else ()
        analyze_pictures(pictures, analyzer, chosen, album, tally)
        if album is not None:
            album.finish(tally.failed)
        if not found.clips:
            return
        from aulens.commands.clips import record_clips, stream_clips

        if out is None:
            stream_clips(found.clips, analyzer, chosen, settings, tally, bar, told)
        else:
            record_clips(
                found.clips, analyzer, out, settings, tally, bar, names=names, resume=resume, told=told
            )


def _tell_of_figures(console: Console) -> None:
    from aulens.show.figure import NO_FIGURES, can_draw

    if not can_draw():
        console.print(NO_FIGURES, markup=False)


# What only videos or a cluster need is loaded for them: it takes longer than a picture.
def _cluster(
    address: str | None, workers: int | None, threads: int | None, webcam: int | None
) -> "ClusterSettings":
    from aulens.commands.cluster import cluster_settings

    return cluster_settings(address, workers, threads, webcam)


def _clip_table(analyzer: Analyzer, found: Found, settings: OutputSettings) -> "ClipTable | None":
    if not found.clips:
        return None
    from aulens.commands.clips import ClipTable

    return ClipTable(analyzer.card.aus, settings.limits)


def _stopped(out: Path | None) -> str:
    if out is None:
        return "stopped"
    return (
        f"stopped; the rows so far are in {out} (NAME.part/rows.csv). The same command with --resume goes on"
    )


def _first_result(format: Format, out: Path, found: Found, album: "Album | None") -> Path:
    """What to look at first."""
    if found.clips or not found.pictures:
        return out
    if album is not None:
        return album.index
    return out if format.dialect is not None and not format.dialect.names_files else results_path(format, out)


def _prepare(
    out: Path | None, format: Format, overlay: bool, analyzer: Analyzer, found: Found
) -> "Album | None":
    """Make the folder, and refuse to write over an input, or rows that do not say of which input they are."""
    dialect = format.dialect
    if out is None:
        if dialect is not None and not dialect.names_files and len(found.pictures) + len(found.clips) > 1:
            raise ConfigError(
                f"rows of the format {format} do not say of which file they are: give --out DIR"
            )
        if dialect is not None and found.pictures and found.clips:
            raise ConfigError(
                f"the format {format} has other columns for pictures than for videos: give --out DIR"
            )
        return None
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out} is a file; give a folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"--out {out}: the folder can't be made ({error.strerror}); give another"
        ) from error
    files = [*found.pictures, *map(path_of, found.clips)]
    refuse_inputs([results_path(format, out)], files)
    if not overlay or not found.pictures:
        return None
    from aulens.commands.album import Album

    return Album(out, analyzer.card, found.pictures)
