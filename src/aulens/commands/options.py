"""Options that several commands have: each in the same words."""

from pathlib import Path
from typing import Annotated, Any, Final, get_args, get_type_hints

import typer

from aulens.data.registry import DATASETS
from aulens.errors import ConfigError
from aulens.faces.registry import DETECTORS
from aulens.runtime.backend import BACKENDS

MODELS: Final = "Models"
MAX_WORKERS: Final = 1024
"""Threads, processes or workers, at most: more than any machine has use for."""

Dataset = Annotated[
    str,
    typer.Argument(
        metavar="DATASET",
        help=f"{', '.join(DATASETS.own)}, or one that an installed package adds.",
        autocompletion=DATASETS.names,
    ),
]
Delivered = Annotated[
    Path,
    typer.Argument(metavar="ROOT", help="The data set as delivered: its folder, or a manifest."),
]
Lists = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Folder of JAA-Net's list files: only the frames that they name.",
        show_default="all coded frames",
    ),
]
Model = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Another model: its card (.json) or .onnx file.",
        show_default="the shipped one",
        rich_help_panel=MODELS,
    ),
]
DetectorName = Annotated[
    str,
    typer.Option(
        "--detector",
        metavar="NAME",
        help=f"Face detector: {', '.join(DETECTORS.own)}, or one that an installed package adds.",
        autocompletion=DETECTORS.names,
        rich_help_panel=MODELS,
    ),
]
DetectorModel = Annotated[
    Path | None,
    typer.Option(
        "--detector-model",
        metavar="FILE",
        help="Model of the detector. aulens: card or .onnx of another network; dlib: a 68-point predictor; "
        "mediapipe: face_landmarker.task.",
        rich_help_panel=MODELS,
    ),
]
Backend = Annotated[
    str,
    typer.Option(
        metavar="NAME", help=f"What runs the model: {' or '.join(BACKENDS)}.", rich_help_panel=MODELS
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(min=1, max=MAX_WORKERS, metavar="N", help="Number of threads.", show_default="one per core"),
]
Processes = Annotated[
    int | None,
    typer.Option(
        min=1, max=MAX_WORKERS, metavar="N", help="Number of processes.", show_default="one per core"
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, repeatable: train.epochs=3."),
]
Bootstrap = Annotated[
    int, typer.Option(min=0, metavar="N", help="Resamples of test subjects for the intervals; 0 for none.")
]


def bounds(settings: type, field: str) -> dict[str, Any]:
    """`min` and `max` of an option, as the annotation of what it fills says."""
    kind = get_type_hints(settings, include_extras=True)[field]
    (meta,) = [meta for part in (kind, *get_args(kind)) for meta in getattr(part, "__metadata__", ())]
    return {"min": meta.ge, "max": meta.le}


def refuse_file(out: Path) -> None:
    """Raise `ConfigError` if there is a file in place of the folder for results."""
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out} is a file; give a folder")
