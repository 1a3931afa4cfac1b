"""`aulens doctor`: what is wrong with a data set; the extra `data` is loaded when it is called."""

import json
from pathlib import Path
from typing import Annotated

import typer

from aulens.commands.bar import StepsBar
from aulens.commands.options import Dataset, Delivered, DetectorModel, DetectorName, Lists
from aulens.commands.research import extras
from aulens.commands.terminal import to_stderr, to_stdout
from aulens.faces.registry import DEFAULT_DETECTOR, DetectorSpec
from aulens.image import format_to_write


def doctor(
    dataset: Dataset,
    root: Delivered,
    lists: Lists = None,
    prepared: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Also check this folder of `aulens prepare` against ROOT."),
    ] = None,
    subset: Annotated[
        bool,
        typer.Option(
            "--subset", help="ROOT holds only some subjects, on purpose (always so for a look-alike)."
        ),
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Check no pictures.")] = False,
    contact_sheet: Annotated[
        Path | None, typer.Option(metavar="PNG", help="Draw landmarks on faces, the most doubtful first.")
    ] = None,
    detector: DetectorName = DEFAULT_DETECTOR,
    detector_model: DetectorModel = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all findings as JSON.")] = False,
) -> None:
    """Examine a data set: frames and base rates against the published ones, codes, landmarks, labels.

    Exit code 1 if the data can't give the published protocol, that is, if there is an error; warnings and
    notes don't count.
    """
    if contact_sheet is not None:
        format_to_write(contact_sheet)  # before anything is examined
    console = to_stderr()
    with extras():
        from aulens.data.registry import open_dataset
        from aulens.doctor import contact_sheet as draw_sheet
        from aulens.doctor import examine
        from aulens.doctor.terminal import WIDTH, report

        with console.status("reading the data set's folder"):
            index = open_dataset(dataset, root, lists=lists)
        with StepsBar(console, transient=True) as bar:
            diagnosis = examine(
                index,
                pictures=not quick,
                prepared=prepared,
                whole=not (subset or index.renders),
                detector=DetectorSpec(detector, detector_model),
                progress=bar.step,
            )
        if contact_sheet is not None:
            console.print(f"faces: {draw_sheet(index, contact_sheet)}", markup=False)
    if as_json:
        typer.echo(json.dumps(diagnosis.to_dict(), indent=2, ensure_ascii=False))
    else:
        out = to_stdout()
        out.width = min(out.width, WIDTH)
        out.print(report(diagnosis))
    if not diagnosis.ok:
        raise typer.Exit(1)
