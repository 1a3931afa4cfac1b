"""`aulens render`: faces with known Action Units, to train on or in the layout of a published data set."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from aulens.commands.prepare import stoppable
from aulens.commands.research import extras
from aulens.errors import ConfigError


class Rig(StrEnum):
    """Face rigs by name."""

    ANNY = "anny"
    ICT = "ict"


class Layout(StrEnum):
    """Layouts of published data sets by name."""

    BP4D = "bp4d"
    DISFA = "disfa"
    AFFWILD2 = "affwild2"


def render(
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Folder of the data set.", show_default=False),
    ] = None,
    n: Annotated[
        int | None, typer.Option("--n", min=1, help="Number of pictures.", show_default="1000")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides everything that is drawn.")] = 1,
    rig: Annotated[Rig, typer.Option(help="Head model; ict needs --assets.")] = Rig.ANNY,
    assets: Annotated[
        Path | None,
        typer.Option(help="ICT-FaceKit: its .npz or a checkout of its repository.", show_default=False),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            min=48,
            help="Side of the square pictures in pixels; of a layout, their height.",
            show_default="192; bp4d 256, disfa 240, affwild2 112",
        ),
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Processes at once.", show_default="one per core")
    ] = None,
    contact_sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="PNG", help="Draw a sample of the data set in --out; renders it first if it is new."
        ),
    ] = None,
    wide: Annotated[
        bool, typer.Option("--wide", help="Turn heads as far as profiles, not mostly towards the camera.")
    ] = False,
    layout: Annotated[
        Layout | None,
        typer.Option(
            help="Write sequences in the layout in which this data set is delivered.", show_default=False
        ),
    ] = None,
    subjects: Annotated[
        int | None, typer.Option(min=1, help="Of a layout: how many people.", show_default="6")
    ] = None,
    tasks: Annotated[
        int | None, typer.Option(min=1, help="Of bp4d: sequences of each subject.", show_default="2")
    ] = None,
    frames: Annotated[
        int | None, typer.Option(min=4, help="Of a layout: labelled frames a sequence.", show_default="24")
    ] = None,
) -> None:
    """Draw faces with exactly known Action Units, to train on.

    With --layout, a look-alike of a published data set: its folders, names, codes and landmark files, to try
    out what is to run on the real one. The same seed gives the same pictures on any number of processes;
    after a kill, the same command goes on.
    """
    if out is None:
        raise ConfigError("give the folder of the data set: --out DIR")
    path = None if assets is None else str(assets)
    if layout is not None:
        of_renders = {"--n": n, "--contact-sheet": contact_sheet}
        if wrong := [name for name, value in of_renders.items() if value is not None]:
            raise ConfigError(
                f"--layout takes --subjects, --tasks and --frames; leave out {' and '.join(wrong)}"
            )
        _render_layout(out, layout, subjects or 6, tasks, frames or 24, seed, rig, path, size, processes)
        return
    given = {"--subjects": subjects, "--tasks": tasks, "--frames": frames}
    if lonely := [name for name, value in given.items() if value is not None]:
        raise ConfigError(f"{', '.join(lonely)} is for look-alikes: give --layout too, or --n instead")
    n, console = n or 1000, _console()
    with extras():
        from aulens.render.generate import RenderConfig, generate
        from aulens.render.sheet import contact_sheet as draw_sheet

        if contact_sheet is None or not (out / "manifest.parquet").exists():
            config = RenderConfig(n, seed, rig.value, path, size or 192, wide=wide)
            with stoppable(console), Progress(console=console, disable=not console.is_terminal) as bar:
                task = bar.add_task("pictures", total=n)
                manifest = generate(
                    out, config, processes, lambda done, total: bar.update(task, completed=done, total=total)
                )
            console.print(f"{n} pictures; see {manifest}", markup=False)
        if contact_sheet is not None:
            console.print(f"sample: {draw_sheet(out, contact_sheet)}", markup=False)


def _console() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True)


def _render_layout(
    out: Path,
    layout: Layout,
    subjects: int,
    tasks: int | None,
    frames: int,
    seed: int,
    rig: Rig,
    assets: str | None,
    size: int | None,
    processes: int | None,
) -> None:
    console = _console()
    with extras():
        from aulens.render.lookalike import LookalikeConfig, write_lookalike

        config = LookalikeConfig(layout.value, subjects, tasks, frames, seed, rig.value, assets, size)
        with stoppable(console), Progress(console=console, disable=not console.is_terminal) as bar:
            task = bar.add_task("frames", total=None)
            root = write_lookalike(
                out, config, processes, lambda done, total: bar.update(task, completed=done, total=total)
            )
    console.print(f"look-alike of {layout.value} with {subjects} subjects in {root}", markup=False)
