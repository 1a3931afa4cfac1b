"""`aulens detect`: pictures and videos in, rows out, one per face and frame."""

from pathlib import Path
from typing import Annotated

import typer

from aulens.commands.analysis import Analysis
from aulens.commands.option_groups import (
    ClusterOptions,
    ModelOptions,
    Resume,
    SourceOptions,
    VideoOptions,
    grouped,
)
from aulens.commands.printed import Format


@grouped
def detect(
    videos: VideoOptions,
    sources: SourceOptions,
    models: ModelOptions,
    cluster: ClusterOptions,
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="INPUT...", help="Pictures, videos, or folders with them.", show_default=False
        ),
    ] = None,
    format: Annotated[
        Format,
        typer.Option(
            "--format",
            "-f",
            help="Of the table; `table` is for reading, the last three are those of other tools.",
        ),
    ] = Format.TABLE,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="Folder for results: results.csv (.jsonl, .parquet) of pictures; NAME.csv, NAME.events.csv "
            "and more of each video.",
        ),
    ] = None,
    overlay: Annotated[
        bool,
        typer.Option(
            "--overlay",
            help="Draw the results: DIR/pictures/, DIR/index.html, DIR/NAME.overlay.mp4.",
        ),
    ] = False,
    report: Annotated[
        bool,
        typer.Option(
            "--report", help="Write a page and figures for print of each video, and one page of all pictures."
        ),
    ] = False,
    resume: Resume = False,
) -> None:
    """Find the Action Units of every face in pictures and videos.

    One row per face, in videos per frame and person: file, frame, time (seconds), face_id (in a picture 0 is
    the largest; in a video it stays with the person), success, box, and for each Action Unit its calibrated
    probability (AU12_p), whether it is present by that Action Unit's own threshold (AU12_c) and the
    probability on the person's own left and right (AU12_left_p, AU12_right_p; empty if the model has no
    scores per side). A picture without a face, or a person lost in a frame, is a row with success 0. See
    docs/tables.md.

    Exit code: 0 = all done, 1 = some inputs or faces failed (each is named), 2 = wrong use; 130, 143 or 129 =
    stopped by Ctrl-C, SIGTERM or SIGHUP.
    """
    Analysis(inputs or [], out, format, overlay, report, resume, videos, sources, models, cluster).run()
