"""`aulens prepare`: needs the extra `data`, which is loaded when it is called."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer
from rich.console import Console
from rich.table import Table

from aulens.commands.bar import StepsBar
from aulens.commands.options import Dataset, Delivered, DetectorModel, DetectorName, Lists, Processes
from aulens.commands.research import extras
from aulens.commands.tally import counted
from aulens.commands.terminal import to_stderr, to_stdout
from aulens.faces.registry import DEFAULT_DETECTOR, DetectorSpec

if TYPE_CHECKING:
    from aulens.data.prepare import PrepareResult

_SHOWN: Final = 5
"""Errors of the data that are shown, at most."""


def prepare(
    dataset: Dataset,
    root: Delivered,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the prepared data.")],
    lists: Lists = None,
    size: Annotated[int, typer.Option(min=32, help="Side of the largest crop of a model, in pixels.")] = 256,
    margin: Annotated[
        float, typer.Option(min=0, max=1, help="Margin around it for rotation and shift, as a share of it.")
    ] = 0.25,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Quality of the JPEG pictures.")] = 92,
    landmarks: Annotated[
        Literal["auto", "given", "detect"],
        typer.Option(
            help="Those given with the data, detected ones, or detected where none are given (auto)."
        ),
    ] = "auto",
    detector: DetectorName = DEFAULT_DETECTOR,
    detector_model: DetectorModel = None,
    allow_near_duplicates: Annotated[
        bool,
        typer.Option(
            "--allow-near-duplicates",
            help="Go on though two splits of a manifest share nearly the same pictures.",
        ),
    ] = False,
    processes: Processes = None,
) -> None:
    """Cut one upright face from each frame of a data set, once for all models.

    Frames without a face are listed in OUT/missing.csv. If it is stopped, the same command goes on and gives
    the same files. Exit code 1 if no face at all could be stored.
    """
    console = to_stderr()
    with extras():
        from aulens.data.prepare import PrepareSettings
        from aulens.data.prepare import prepare as run
        from aulens.data.registry import open_dataset

        settings = PrepareSettings(size, margin, quality, landmarks)
        with console.status("reading the data set's folder"):
            index = open_dataset(dataset, root, lists=lists)
        if index.problems:
            remarks = counted(len(index.problems), "remark")
            console.print(f"{remarks} on these data; see aulens doctor.", markup=False)
        # Errors are better known before the hours that follow.
        for problem in [each for each in index.problems if each.level == "error"][:_SHOWN]:
            console.print(f"{problem.where}: {problem.message}", markup=False)
        with stoppable(console), StepsBar(console) as bar:
            spec = DetectorSpec(detector, detector_model)
            result = run(
                index, out, settings, detector=spec, processes=processes,
                allow_near_duplicates=allow_near_duplicates, progress=partial(bar.step, "frames"),
            )  # fmt: skip
    to_stdout().print(_table(result))
    console.print(f"see {result.root}", markup=False)
    if not result.stored:
        console.print(_nothing(result), markup=False)
        raise typer.Exit(1)


@contextmanager
def stoppable(console: Console) -> Iterator[None]:
    """Ctrl-C ends work that the same command goes on with: a sentence, exit code 130."""
    try:
        yield
    except KeyboardInterrupt:
        console.print("Stopped; the same command goes on.")
        raise typer.Exit(130) from None


def _nothing(result: "PrepareResult") -> str:
    """Why no face was stored, and what to do."""
    from aulens.data.prepare.units import REASONS

    reason, count = max(result.missing.items(), key=lambda one: one[1])
    if reason in ("missing_picture", "missing_video"):
        advice = "See whether they lie in the folder that you gave; aulens doctor names the missing ones."
    elif reason == "no_face":
        advice = "Look at some of the pictures: does each show a face, upright, of some 40 pixels or more?"
    elif reason in ("no_landmarks", "bad_landmarks"):
        advice = "Let landmarks be detected: leave out --landmarks."
    else:
        advice = "Get the files again; OUT/missing.csv names them."
    return (
        f"No face was stored: of {count:,} of {result.frames:,} frames, {REASONS[reason]}. {advice} "
        f"Then delete {result.root} and prepare again."
    )


def _table(result: "PrepareResult") -> Table:
    from aulens.data.prepare.faces import FOUND
    from aulens.data.prepare.units import REASONS

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style="dim")
    table.add_row("frames", f"{result.frames:,}")
    table.add_row("stored", f"{result.stored:,}")
    for found, meaning in FOUND.items():
        if found in result.found:
            table.add_row(f"  {found}", f"{result.found[found]:,}", meaning)
    if result.detector is not None and set(result.found) - {"given"}:
        table.add_row("  detector", "", result.detector)
    table.add_row("missing", f"{result.frames - result.stored:,}")
    for reason, meaning in REASONS.items():
        if reason in result.missing:
            table.add_row(f"  {reason}", f"{result.missing[reason]:,}", meaning)
    if result.near_duplicates:
        table.add_row("near-duplicates", f"{len(result.near_duplicates):,}", "pairs in two splits, allowed")
    if result.done:
        table.add_row("frames/s", f"{result.rate:.1f}")
        table.add_row("frames/s per core", f"{result.rate_per_core:.1f}", "of CPU time, not of the clock's")
    else:
        table.add_row("", "", "all of it was done before")
    return table
