"""`aulens explain`: the evidence of a network for the Action Units of one face."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from aulens.commands.analysis import note_missing_figures
from aulens.commands.options import DetectorModel, DetectorName
from aulens.commands.research import extras
from aulens.commands.terminal import to_stderr
from aulens.errors import InputError
from aulens.faces.registry import DEFAULT_DETECTOR, DetectorSpec
from aulens.image import read_image
from aulens.inputs import is_clip, parse_time
from aulens.named import as_text, legible


def explain(
    source: Annotated[
        Path, typer.Argument(metavar="PICTURE", help="A picture, or a video with --at.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for results.")] = Path(),
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|RUN",
            help="Another model: its card (.json) or .onnx file, a run folder, or a checkpoint.",
            show_default="the shipped one",
        ),
    ] = None,
    face: Annotated[int, typer.Option(min=0, help="Which face: 0 is the largest, 1 the next.")] = 0,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Of a video: seconds, 1:30 or 0:01:30.", show_default="its start"),
    ] = None,
    detector: DetectorName = DEFAULT_DETECTOR,
    detector_model: DetectorModel = None,
) -> None:
    """Show the evidence for each Action Unit of a face: where on it, and the inner maps of the network.

    Writes NAME.explain.html, a page to hover over, and a figure for print (NAME.explain.pdf and .png, which
    need the extra `figures`): for paper A's networks the ROI maps with their regions, each Action Unit's
    eigenvector map, and the features before and after the graph; for JAA-Net the attention before and after
    refinement.
    An exported model has its inner layers only if it was exported with --inner.
    """
    from aulens.evidence.draw import write_explanation
    from aulens.evidence.explain import explain

    pixels, stem = _pixels(source, at), Path(as_text(source)).stem
    name = stem if at is None else f"{stem}.{at.replace(':', '-')}"
    note_missing_figures(to_stderr())
    with extras():
        try:
            found = explain(pixels, model, face=face, detector=DetectorSpec(detector, detector_model)())
        except InputError as error:
            raise InputError(f"{source}: {error}") from error
        for path in write_explanation(found, out, name if face == 0 else f"{name}.face{face}"):
            typer.echo(legible(str(path)))


def _pixels(source: Path, at: str | None) -> NDArray[np.uint8]:
    """The picture, or the first frame of a video from a time on."""
    if not is_clip(source):
        if at is not None:
            raise InputError(f"{source}: --at is for videos; this is a picture")
        return read_image(source)
    from aulens.video.reader import open_video

    for frame in open_video(source).frames(start=parse_time(at, "--at")):
        return frame.image
    raise InputError(f"{source}: it has no frame at {at} or later")
