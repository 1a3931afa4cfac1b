"""`aulens render`: faces with known Action Units, to train on or in the layout of a published data set."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer
from rich.console import Console

from aulens.commands.bar import StepsBar
from aulens.commands.options import DetectorModel, DetectorName
from aulens.commands.prepare import stoppable
from aulens.commands.research import extras
from aulens.commands.terminal import to_stderr
from aulens.errors import ConfigError
from aulens.faces.registry import DEFAULT_DETECTOR, DetectorSpec

if TYPE_CHECKING:
    from aulens.render.generate import RenderConfig
    from aulens.render.reanimate.portraits import ReanimateConfig

_SHOWN: Final = 5
"""Portraits that are left out and named, at most."""


def render(
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Folder of the data set.")
    ] = None,
    n: Annotated[
        int | None, typer.Option("--n", min=1, help="Number of pictures.", show_default="1000")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides everything that is drawn.")] = 1,
    rig: Annotated[Literal["anny", "ict"], typer.Option(help="Head model; ict needs --assets.")] = "anny",
    assets: Annotated[
        Path | None, typer.Option(help="ICT-FaceKit: its .npz or a checkout of its repository.")
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            min=48,
            help="Side of the square pictures in pixels; of a layout, their height.",
            show_default="192; bp4d 256, disfa 240, affwild2 112",
        ),
    ] = None,
    per_subject: Annotated[
        int | None, typer.Option(min=1, help="Pictures of each person.", show_default="12")
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
    joint: Annotated[
        bool, typer.Option("--joint", help="Draw AUs as faces show them together, not nearly freely.")
    ] = False,
    displacements: Annotated[
        bool,
        typer.Option(
            "--displacements", help="Write how far each AU moved what is seen, to judge evidence by."
        ),
    ] = False,
    portraits: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Re-animate these pictures of one face each instead.")
    ] = None,
    landmarks: Annotated[
        Path | None,
        typer.Option(
            metavar="NPZ", help="Of the portraits: their landmarks.", show_default="they are detected"
        ),
    ] = None,
    detector: DetectorName = DEFAULT_DETECTOR,
    detector_model: DetectorModel = None,
    codes: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Of the portraits: the AUs that they show.")
    ] = None,
    neutral: Annotated[
        bool, typer.Option("--neutral", help="Portraits without codes show no AU; else that is not known.")
    ] = False,
    free_mouths: Annotated[
        bool, typer.Option("--free-mouths", help="Only portraits whose mouth does nothing and may move.")
    ] = False,
    layout: Annotated[
        Literal["bp4d", "disfa", "affwild2"] | None,
        typer.Option(help="Write sequences in the layout in which this data set is delivered."),
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

    With --portraits, the faces of your own pictures are moved, and all else is left as it is.
    With --layout, a look-alike of a published data set: its folders, names, codes and landmark files, to try
    out what is to run on the real one. The same seed gives the same pictures on any number of processes;
    after a kill, the same command goes on.
    """
    if out is None:
        raise ConfigError("give the folder of the data set: --out DIR")
    path = None if assets is None else str(assets)
    console = to_stderr()
    if layout is not None:
        of_renders = {
            "--n": n, "--contact-sheet": contact_sheet, "--wide": wide or None, "--joint": joint or None,
            "--portraits": portraits, "--per-subject": per_subject, "--displacements": displacements or None,
        }  # fmt: skip
        if wrong := [name for name, value in of_renders.items() if value is not None]:
            raise ConfigError(
                f"--layout takes --subjects, --tasks and --frames; leave out {' and '.join(wrong)}"
            )
        with extras("render"):
            from aulens.render.lookalike import LookalikeConfig, write_lookalike

            people = subjects or 6
            alike = LookalikeConfig(layout, people, tasks, frames or 24, seed, rig, path, size)
            with stoppable(console), StepsBar(console, "frames") as bar:
                root = write_lookalike(out, alike, processes, partial(bar.step, "frames"))
        console.print(f"look-alike of {layout} with {people} subjects in {root}", markup=False)
        return
    given = {"--subjects": subjects, "--tasks": tasks, "--frames": frames}
    if lonely := [name for name, value in given.items() if value is not None]:
        raise ConfigError(f"{', '.join(lonely)} is for look-alikes: give --layout too, or --n instead")
    of_portraits = {
        "--landmarks": landmarks,
        "--detector": None if detector == DEFAULT_DETECTOR else detector,
        "--detector-model": detector_model,
        "--codes": codes,
        "--neutral": neutral or None,
        "--free-mouths": free_mouths or None,
    }
    if portraits is None and (lonely := [name for name, value in of_portraits.items() if value is not None]):
        raise ConfigError(f"{', '.join(lonely)} is for portraits: give --portraits too")
    if portraits is not None and (wide or joint or per_subject):
        raise ConfigError(
            "--wide, --joint and --per-subject are for renders: a portrait's head turns little, its AUs are "
            "always joint, and --n is spread evenly over the portraits"
        )
    with extras("render"):
        if contact_sheet is None or not (out / "manifest.parquet").exists():
            if portraits is None:
                from aulens.render.generate import RenderConfig

                each = per_subject or 12
                config = RenderConfig(
                    n or 1000, seed, rig, path, size or 192, each, wide, joint, displacements
                )
                _render_people(console, out, config, processes)
            else:
                from aulens.render.reanimate.portraits import ReanimateConfig

                points, coded = (None if file is None else str(file) for file in (landmarks, codes))
                moved = ReanimateConfig(
                    str(portraits), n or 1000, seed, rig, path, size or 192, points, coded, neutral,
                    free_mouths, displacements,
                )  # fmt: skip
                _reanimate(console, out, moved, processes, DetectorSpec(detector, detector_model))
        if contact_sheet is not None:
            from aulens.render.sheet import contact_sheet as draw_sheet

            console.print(f"sample: {draw_sheet(out, contact_sheet)}", markup=False)


def _render_people(console: Console, out: Path, config: "RenderConfig", processes: int | None) -> None:
    from aulens.render.generate import generate

    with stoppable(console), StepsBar(console, "pictures") as bar:
        manifest = generate(out, config, processes, partial(bar.step, "pictures"))
    console.print(f"{config.n} pictures; see {manifest}", markup=False)


def _reanimate(
    console: Console, out: Path, config: "ReanimateConfig", processes: int | None, detector: DetectorSpec
) -> None:
    from aulens.render.reanimate.generate import reanimate

    with stoppable(console), StepsBar(console, "portraits", "pictures") as bar:
        made = reanimate(out, config, processes, bar.step, detector)
    for file, why in list(made.left_out.items())[:_SHOWN]:
        console.print(f"left out: {file}: {why}", markup=False)
    if len(made.left_out) > _SHOWN:
        more = len(made.left_out) - _SHOWN
        console.print(f"... and {more} more, see {out / 'left_out.csv'}", markup=False)
    console.print(f"{config.n} pictures of {made.portraits} portraits; see {made.manifest}", markup=False)
