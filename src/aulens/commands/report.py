"""`aulens report`: a page and figures for each video; `aulens detect --report` with less to say."""

from pathlib import Path
from typing import Annotated

import typer

from aulens.commands.detect import detect
from aulens.commands.options import Every, From, Model, Resume, To


def report(
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="VIDEO...", help="Videos, or folders with them.", show_default=False),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Write here.", show_default=False)],
    every: Every = 1,
    start: From = None,
    stop: To = None,
    overlay: Annotated[bool, typer.Option("--overlay", help="Also draw the video.")] = False,
    resume: Resume = False,
    model: Model = None,
) -> None:
    """Make a page for each video: NAME.html, one file to open, keep or send, and figures for print.

    The same as `aulens detect --report`: the table, its events and the page's figures are written too.
    """
    detect(
        inputs, out=out, every=every, start=start, stop=stop, overlay=overlay, report=True, resume=resume,
        model=model,
    )  # fmt: skip
