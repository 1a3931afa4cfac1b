"""Options that several commands have: each in the same words."""

from pathlib import Path
from typing import Annotated, Final

import typer

from aulens.data.registry import DATASETS
from aulens.faces.registry import DETECTORS
from aulens.runtime.backend import BACKENDS

VIDEOS: Final = "Videos"
MODELS: Final = "Models"

Dataset = Annotated[
    str,
    typer.Argument(
        metavar="DATASET",
        help=f"{', '.join(DATASETS.own)}, or one that an installed package adds.",
        autocompletion=DATASETS.names,
        show_default=False,
    ),
]
Delivered = Annotated[
    Path,
    typer.Argument(metavar="ROOT", help="Its folder as delivered, or the manifest.", show_default=False),
]
Lists = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="JAA-Net's list files: only the frames that they name.",
        show_default="all coded frames",
    ),
]
Every = Annotated[
    int, typer.Option(min=1, metavar="N", help="Videos: analyze each N-th frame.", rich_help_panel=VIDEOS)
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="TIME",
        help="From this time on: seconds, 1:30 or 0:01:30.",
        rich_help_panel=VIDEOS,
    ),
]
To = Annotated[
    str | None, typer.Option("--to", metavar="TIME", help="Up to this time.", rich_help_panel=VIDEOS)
]
Smooth = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="Add columns smoothed over so long a time (AU12_smooth_p); raw columns stay.",
        show_default=False,
        rich_help_panel=VIDEOS,
    ),
]
OwnBaseline = Annotated[
    bool,
    typer.Option(
        "--baseline",
        help="Add columns that tell how far an AU is above the person's own baseline (AU12_above).",
        rich_help_panel=VIDEOS,
    ),
]
Neutral = Annotated[
    str | None,
    typer.Option(
        metavar="FRAME|TIME|FILE",
        help="Likewise, above a frame of the clip with the face at rest (250, 0:10), or a picture of it.",
        show_default=False,
        rich_help_panel=VIDEOS,
    ),
]
KeepLost = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="Who is gone for longer has no more rows until they return.",
        show_default="rows to the end",
        rich_help_panel=VIDEOS,
    ),
]
MaxYaw = Annotated[
    float | None,
    typer.Option(
        metavar="DEGREES",
        help="Who is turned further to a side counts as not seen in events, shares, pages and figures.",
        show_default=False,
        rich_help_panel=VIDEOS,
    ),
]
MaxPitch = Annotated[
    float | None,
    typer.Option(
        metavar="DEGREES",
        help="Likewise who looks further up or down.",
        show_default=False,
        rich_help_panel=VIDEOS,
    ),
]
MinQuality = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Likewise who is seen worse than this, 0 to 1.",
        show_default=False,
        rich_help_panel=VIDEOS,
    ),
]
Resume = Annotated[
    bool,
    typer.Option("--resume", help="Go on where an earlier run into DIR was stopped.", rich_help_panel=VIDEOS),
]
Model = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Card (.json) or .onnx of another model.",
        show_default="the shipped one",
        rich_help_panel=MODELS,
    ),
]
DetectorName = Annotated[
    str,
    typer.Option(
        "--detector",
        metavar="NAME",
        help=f"What finds the faces: {', '.join(DETECTORS.own)}, or one that an installed package adds.",
        autocompletion=DETECTORS.names,
        rich_help_panel=MODELS,
    ),
]
DetectorModel = Annotated[
    Path | None,
    typer.Option(
        "--detector-model",
        metavar="FILE",
        help="aulens: card or .onnx of another network. dlib: a 68-point predictor. mediapipe: "
        "face_landmarker.task.",
        show_default=False,
        rich_help_panel=MODELS,
    ),
]
Backend = Annotated[
    str, typer.Option(help=f"Runs the model: {' or '.join(BACKENDS)}.", rich_help_panel=MODELS)
]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="Threads to use.", show_default="one per core", rich_help_panel=MODELS
    ),
]
