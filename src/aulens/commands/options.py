"""Options that several commands have: each in the same words."""

from pathlib import Path
from typing import Annotated, Any, Final, get_args, get_type_hints

import typer

from aulens.data.registry import DATASETS
from aulens.faces.registry import DETECTORS
from aulens.runtime.backend import BACKENDS

MODELS: Final = "Models"

Dataset = Annotated[
    str,
    typer.Argument(
        metavar="DATASET",
        help=f"{', '.join(DATASETS.own)}, or one that an installed package adds.",
        autocompletion=DATASETS.names,
    ),
]
Delivered = Annotated[Path, typer.Argument(metavar="ROOT", help="Its folder as delivered, or the manifest.")]
Lists = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="JAA-Net's list files: only the frames that they name.",
        show_default="all coded frames",
    ),
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


def bounds(settings: type, field: str) -> dict[str, Any]:
    """`min` and `max` of an option, as the annotation of what it fills says."""
    kind = get_type_hints(settings, include_extras=True)[field]
    (meta,) = [meta for part in (kind, *get_args(kind)) for meta in getattr(part, "__metadata__", ())]
    return {"min": meta.ge, "max": meta.le}
