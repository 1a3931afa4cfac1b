"""`aulens report`: a page and figures for each video; `aulens detect --report` with less to say."""

from pathlib import Path
from typing import Annotated

import typer

from aulens.commands.detect import detect


def report(
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="VIDEO...", help="Videos, or folders with them.", show_default=False),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Write here.", show_default=False)],
    every: Annotated[int, typer.Option(min=1, metavar="N", help="Analyze each N-th frame.")] = 1,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="From this time on: seconds, 1:30 or 0:01:30."),
    ] = None,
    stop: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Up to this time.")] = None,
    overlay: Annotated[bool, typer.Option("--overlay", help="Also draw the video.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an earlier run was stopped.")] = False,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Card (.json) or .onnx of another model.", show_default="the shipped one"
        ),
    ] = None,
) -> None:
    """Make a page for each video: NAME.html, one file to open, keep or send, and figures for print.

    The same as `aulens detect --report`: the table, its events and the page's figures are written too.
    """
    detect(
        inputs, out=out, every=every, start=start, stop=stop, overlay=overlay, report=True, resume=resume,
        model=model,
    )  # fmt: skip
