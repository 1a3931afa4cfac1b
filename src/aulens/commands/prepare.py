"""`aulens prepare`: needs the extra `data`, which is loaded when it is called."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from aulens.commands.options import Dataset, Delivered, DetectorModel, DetectorName, Lists
from aulens.commands.research import extras
from aulens.commands.terminal import to_stderr, to_stdout
from aulens.faces.registry import DEFAULT_DETECTOR, DetectorSpec

if TYPE_CHECKING:
    from aulens.data.prepare import PrepareResult
    from aulens.data.prepare.run import Progress as Report


_SHOWN: Final = 5
"""Errors of the data that are shown, at most."""


def prepare(
    dataset: Dataset,
    root: Delivered,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the prepared data.")],
    lists: Lists = None,
    size: Annotated[int, typer.Option(min=32, help="Side of the largest crop for a model, in pixels.")] = 256,
    margin: Annotated[
        float, typer.Option(min=0, max=1, help="Room around it for rotation and shift, a share of it.")
    ] = 0.25,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of the JPEG pictures.")] = 92,
    landmarks: Annotated[
        Literal["auto", "given", "detect"],
        typer.Option(help="Given with the data, detected, or detected where none are given."),
    ] = "auto",
    detector: DetectorName = DEFAULT_DETECTOR,
    detector_model: DetectorModel = None,
    allow_near_duplicates: Annotated[
        bool,
        typer.Option(
            "--allow-near-duplicates",
            help="Keep nearly the same picture in two splits of a manifest: different people may look alike.",
        ),
    ] = False,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Processes at once.", show_default="one per core")
    ] = None,
) -> None:
    """Cut one upright face from each frame of a data set, once for all models.

    Frames without a face are listed in OUT/missing.csv. After a kill, the same command goes on and gives the
    same files. Exit code 1 if no face at all could be stored.
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
            many = "s" if len(index.problems) > 1 else ""
            console.print(
                f"{len(index.problems)} remark{many} on these data; aulens doctor tells.", markup=False
            )
        # What no fold can be made of is better known before the hours that follow.
        for problem in [problem for problem in index.problems if problem.level == "error"][:_SHOWN]:
            console.print(f"{problem.where}: {problem.message}", markup=False)
        with stoppable(console), _bar(console) as report:
            spec = DetectorSpec(detector, detector_model)
            result = run(
                index, out, settings, detector=spec, processes=processes,
                allow_near_duplicates=allow_near_duplicates, progress=report,
            )  # fmt: skip
    # A file or a pipe has no width of its own: wide enough for every line.
    to_stdout().print(_table(result))
    console.print(f"see {result.root}", markup=False)
    if not result.stored:
        console.print(_nothing(result), markup=False)
        raise typer.Exit(1)


@contextmanager
def stoppable(console: Console) -> Iterator[None]:
    """Let Ctrl-C end work that the same command goes on with: a sentence, exit code 130."""
    try:
        yield
    except KeyboardInterrupt:
        console.print("Stopped; the same command goes on.")
        raise typer.Exit(130) from None


@contextmanager
def _bar(console: Console) -> Iterator["Report"]:
    columns = TextColumn("frames"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    # A unit may take minutes where faces are detected: the speed is taken over several.
    with Progress(
        *columns, console=console, disable=not console.is_terminal, speed_estimate_period=900
    ) as bar:

        def report(done: int, total: int) -> None:
            if bar.tasks:
                bar.update(bar.tasks[0].id, completed=done)
            else:  # what was done before this call is no speed
                bar.add_task("frames", total=total, completed=done)

        yield report


def _nothing(result: "PrepareResult") -> str:
    """Why no face was stored, and what to do."""
    from aulens.data.prepare.units import REASONS

    reason, count = max(result.missing.items(), key=lambda one: one[1])
    if reason in ("missing_picture", "missing_video"):
        advice = "See whether they lie in the folder that you gave; aulens doctor says what it looked for."
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
