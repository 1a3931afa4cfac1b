"""`aulens render`: faces with known Action Units, to train on or in the layout of a published data set."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer
from rich.console import Console

from aulens.commands.bar import StepsBar
from aulens.commands.options import DetectorModel, DetectorName, Processes
from aulens.commands.prepare import stoppable
from aulens.commands.research import extras
from aulens.commands.terminal import to_stderr
from aulens.errors import ConfigError
from aulens.faces.registry import DEFAULT_DETECTOR, DetectorSpec
from aulens.image import format_to_write

if TYPE_CHECKING:
    from aulens.render.generate import RenderConfig
    from aulens.render.reanimate.portraits import ReanimateConfig

_SHOWN: Final = 5
"""Portraits that are left out and named, at most."""

_OF_LOOKALIKES: Final = ("subjects", "tasks", "frames")
_OF_PORTRAITS: Final = ("landmarks", "detector", "detector_model", "codes", "neutral", "free_mouths")
_OF_PEOPLE: Final = ("wide", "joint", "per_subject")
_OF_PICTURES: Final = ("n", "contact_sheet", "displacements", "portraits", *_OF_PEOPLE, *_OF_PORTRAITS)


def render(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the data set.")],
    n: Annotated[int, typer.Option("--n", min=1, help="Number of pictures.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all that is drawn at random.")] = 1,
    rig: Annotated[Literal["anny", "ict"], typer.Option(help="Head model; ict needs --assets.")] = "anny",
    assets: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="ICT-FaceKit: its .npz or a checkout of its repository."),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            min=48,
            help="Side of the square pictures in pixels; with --layout, their height.",
            show_default="192; bp4d 256, disfa 240, affwild2 112",
        ),
    ] = None,
    per_subject: Annotated[int, typer.Option(min=1, help="Pictures of each person.")] = 12,
    processes: Processes = None,
    contact_sheet: Annotated[
        Path | None,
        typer.Option(metavar="PNG", help="Draw a sample of the data set, which is rendered first if new."),
    ] = None,
    wide: Annotated[
        bool, typer.Option("--wide", help="Turn heads as far as profiles, not mostly towards the camera.")
    ] = False,
    joint: Annotated[
        bool, typer.Option("--joint", help="Draw AUs that co-occur as in real faces, not nearly independent.")
    ] = False,
    displacements: Annotated[
        bool,
        typer.Option(
            "--displacements", help="Write how far each AU moved the visible skin, to judge evidence by."
        ),
    ] = False,
    portraits: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Re-animate these pictures, of one face each, instead."),
    ] = None,
    landmarks: Annotated[
        Path | None,
        typer.Option(metavar="NPZ", help="Landmarks of the portraits.", show_default="they are detected"),
    ] = None,
    detector: DetectorName = DEFAULT_DETECTOR,
    detector_model: DetectorModel = None,
    codes: Annotated[
        Path | None, typer.Option(metavar="CSV", help="AUs that the portraits show already.")
    ] = None,
    neutral: Annotated[
        bool, typer.Option("--neutral", help="Portraits without codes show no AU; else theirs are unknown.")
    ] = False,
    free_mouths: Annotated[
        bool, typer.Option("--free-mouths", help="Only portraits whose mouth is at rest and may be moved.")
    ] = False,
    layout: Annotated[
        Literal["bp4d", "disfa", "affwild2"] | None,
        typer.Option(help="Write sequences in the layout in which this data set is delivered."),
    ] = None,
    subjects: Annotated[int, typer.Option(min=1, help="Of a layout: number of people.")] = 6,
    tasks: Annotated[
        int | None, typer.Option(min=1, help="Of bp4d: sequences of each subject.", show_default="2")
    ] = None,
    frames: Annotated[int, typer.Option(min=4, help="Of a layout: labelled frames of each sequence.")] = 24,
) -> None:
    """Render faces with exactly known Action Units, to train on.

    With --portraits, the faces of your own pictures are re-animated, and all else is left as it is.
    With --layout, a look-alike of a published data set is written: its folders, names, codes and landmark
    files, to try out what is to run on the real one. The same seed gives the same pictures on any number of
    processes; if it is stopped, the same command goes on.
    """
    _refuse(context, layout, portraits)
    if contact_sheet is not None:
        format_to_write(contact_sheet)  # before anything is rendered
    path = None if assets is None else str(assets)
    console = to_stderr()
    with extras("render"):
        if layout is not None:
            from aulens.render.lookalike import LookalikeConfig, write_lookalike

            alike = LookalikeConfig(layout, subjects, tasks, frames, seed, rig, path, size)
            with stoppable(console), StepsBar(console) as bar:
                root = write_lookalike(out, alike, processes, partial(bar.step, "frames"))
            console.print(f"look-alike of {layout} with {subjects} subjects in {root}", markup=False)
            return
        if contact_sheet is None or not (out / "manifest.parquet").exists():
            if portraits is None:
                from aulens.render.generate import RenderConfig

                config = RenderConfig(
                    n, seed, rig, path, size or 192, per_subject, wide, joint, displacements
                )
                _render_people(console, out, config, processes)
            else:
                from aulens.render.reanimate.portraits import ReanimateConfig

                points, coded = (None if file is None else str(file) for file in (landmarks, codes))
                moved = ReanimateConfig(
                    str(portraits), n, seed, rig, path, size or 192, points, coded, neutral, free_mouths,
                    displacements,
                )  # fmt: skip
                _reanimate(console, out, moved, processes, DetectorSpec(detector, detector_model))
        if contact_sheet is not None:
            from aulens.render.sheet import contact_sheet as draw_sheet

            console.print(f"sample: {draw_sheet(out, contact_sheet)}", markup=False)


def _refuse(context: typer.Context, layout: str | None, portraits: Path | None) -> None:
    """Raise `ConfigError` at options that do not go together."""
    option = {param.name: max(param.opts, key=len) for param in context.command.params}
    sources = {name: context.get_parameter_source(name) for name in option if name}

    def given(names: Sequence[str]) -> str:
        is_given = [name for name in names if (source := sources[name]) and source.name != "DEFAULT"]
        return " and ".join(option[name] for name in is_given)

    if layout is not None:
        if wrong := given(_OF_PICTURES):
            raise ConfigError(f"--layout takes --subjects, --tasks and --frames; leave out {wrong}")
        return
    if wrong := given(_OF_LOOKALIKES):
        raise ConfigError(f"give --layout too, or leave out {wrong}; the number of pictures is --n")
    if portraits is None and (wrong := given(_OF_PORTRAITS)):
        raise ConfigError(f"give --portraits too, or leave out {wrong}")
    if portraits is not None and given(_OF_PEOPLE):
        raise ConfigError(
            "--wide, --joint and --per-subject are for renders: a portrait's head turns little, its AUs are "
            "always joint, and --n is spread evenly over the portraits"
        )


def _render_people(console: Console, out: Path, config: "RenderConfig", processes: int | None) -> None:
    from aulens.render.generate import generate

    with stoppable(console), StepsBar(console) as bar:
        manifest = generate(out, config, processes, partial(bar.step, "pictures"))
    console.print(f"{config.n} pictures; see {manifest}", markup=False)


def _reanimate(
    console: Console, out: Path, config: "ReanimateConfig", processes: int | None, detector: DetectorSpec
) -> None:
    from aulens.render.reanimate.generate import reanimate

    with stoppable(console), StepsBar(console) as bar:
        made = reanimate(out, config, processes, bar.step, detector)
    for file, why in list(made.left_out.items())[:_SHOWN]:
        console.print(f"left out: {file}: {why}", markup=False)
    if len(made.left_out) > _SHOWN:
        more = len(made.left_out) - _SHOWN
        console.print(f"... and {more} more, see {out / 'left_out.csv'}", markup=False)
    console.print(f"{config.n} pictures of {made.portraits} portraits; see {made.manifest}", markup=False)
