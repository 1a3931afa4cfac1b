"""`aulens train`, `evaluate`, `export`: each needs an extra, and is loaded when it is called."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from aulens.commands.options import Bootstrap, Settings, Threads
from aulens.commands.terminal import to_stderr
from aulens.errors import ConfigError
from aulens.files import disk_errors

_EXTRA_OF: Final = {
    "h5py": "data", "pyarrow": "data", "scipy": "data",
    "anny": "render", "numba": "render", "pytorch_grad_cam": "evidence",
    "lightning": "train", "onnx": "train", "onnxscript": "train", "safetensors": "train",
    "tensorboard": "train", "timm": "train", "torch": "train", "torchvision": "train",
}  # fmt: skip


@contextmanager
def extras(own: str = "data") -> Iterator[None]:
    """Turn a missing package into a sentence that says what to install.

    Args:
        own: the extra of the command, which brings the packages of `data` too.

    Raises:
        ConfigError: a package of an extra is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _EXTRA_OF:
            raise
        extra = _EXTRA_OF[package] if _EXTRA_OF[package] != "data" else own
        raise ConfigError(f"this command needs {package}: pip install 'aulens[{extra}]'") from error


def train(
    config: Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="TOML file; see configs/.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="RUN", help="Run folder.")],
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", "-d", metavar="DIR", help="Prepared data, repeatable; instead of the file's."),
    ] = None,
    backbone_weights: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|hub",
            help="Weights to start the backbone from: a file (timm's or the official names), or timm's hub.",
            show_default="random weights",
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|RUN",
            help="Checkpoint or run to start from, of the same architecture, AUs and crop.",
        ),
    ] = None,
    stage1: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|RUN",
            help="First stage of a network trained in two: only the second is trained.",
            show_default="both are trained",
        ),
    ] = None,
    settings: Settings = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a run in RUN that was stopped.")] = False,
) -> None:
    """Train a model; the best epoch on validation subjects is kept and calibrated."""
    with extras("train"):
        from aulens.training import load_config
        from aulens.training import train as run

        starts = {"model.backbone_weights": backbone_weights, "train.start": start, "stage2.start": stage1}
        given = [f"{key}={json.dumps(path, ensure_ascii=False)}" for key, path in starts.items() if path]
        chosen = load_config(config, data=data or (), settings=[*(settings or ()), *given])
        with disk_errors(out, "the same command with --resume"):
            result = run(chosen, out, resume=resume)
    to_stderr().print(
        f"{result.epochs} epochs in {result.seconds:.0f} s; best is epoch {result.best_epoch} with "
        f"{result.metric} {result.value:.4f} on validation subjects; see {result.run}",
        markup=False,
    )


def evaluate(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="Run folder, or card (.json) of an exported model.")
    ],
    data: Annotated[
        list[Path] | None,
        typer.Option(
            "--data", "-d", metavar="DIR", help="Prepared data, repeatable.", show_default="the run's"
        ),
    ] = None,
    split: Annotated[str, typer.Option(metavar="val|test", help="Subjects to test on.")] = "test",
    fold: Annotated[
        int | None, typer.Option(min=1, help="Published part to test on.", show_default="the run's")
    ] = None,
    tests: Annotated[
        list[Path] | None,
        typer.Option(
            "--tests",
            metavar="DIR",
            help="Another data set, prepared, all frames of which are tested, repeatable.",
        ),
    ] = None,
    subjects: Annotated[
        str,
        typer.Option(
            metavar="PATTERN",
            help="Only subjects whose names match: `portraits/london/*`, `bp4d/F*`.",
            show_default="all",
        ),
    ] = "*",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="Folder for report.json and report.md.",
            show_default="RUN/SPLIT",
        ),
    ] = None,
    format: Annotated[
        Literal["markdown", "json"], typer.Option("--format", "-f", help="Format to print in.")
    ] = "markdown",
    bootstrap: Bootstrap = 1000,
    evidence: Annotated[
        bool,
        typer.Option("--evidence", help="Also measure how faithful its evidence is, on 300 faces; slow."),
    ] = False,
    threads: Threads = None,
) -> None:
    """Measure a model on a data set: F1, accuracy, ROC-AUC and more, per Action Unit, with intervals."""
    with extras("train"):
        from aulens.training import evaluate as run

        report = run(
            model,
            data or (),
            split=split,
            tests=tests or (),
            fold=fold,
            subjects=subjects,
            out=out,
            threads=threads,
            bootstrap=bootstrap,
        )
        found, page = report.to_dict(), report.to_markdown()
        if evidence:
            from aulens.evidence.faithfulness import faithfulness
            from aulens.training.evaluation import report_folder

            seen = faithfulness(
                model, data or (), split=split, tests=tests or (), fold=fold, subjects=subjects,
                out=report_folder(model, split, data or (), tests or (), subjects, out), threads=threads,
            )  # fmt: skip
            found, page = found | {"evidence": seen.to_dict()}, f"{page}\n{seen.to_markdown()}"
    typer.echo(json.dumps(found, indent=2) if format == "json" else page)


def export(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="Run folder of `aulens train`, or a checkpoint alone.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the files.")],
    name: Annotated[str, typer.Option(help="Name of the files and of the model.")] = "model",
    licence: Annotated[str, typer.Option(help="Licence of the weights, for the card.")] = "MIT",
    trained_on: Annotated[
        str | None, typer.Option(help="Data, for the card.", show_default="from the run")
    ] = None,
    statement: Annotated[
        str | None,
        typer.Option(help="What to expect of the model, for the card.", show_default="written from the run"),
    ] = None,
    allow_uncalibrated: Annotated[
        bool,
        typer.Option(
            "--allow-uncalibrated", help="Export a checkpoint, or a run that stopped before its calibration."
        ),
    ] = False,
    half: Annotated[bool, typer.Option("--half", help="Store weights in 16 bits: half the size.")] = False,
    inner: Annotated[
        bool, typer.Option("--inner", help="Also export the inner layers, for `aulens explain`.")
    ] = False,
) -> None:
    """Write a trained model as ONNX and a card: all that `aulens detect --model` needs."""
    with extras("train"):
        from aulens.training import export as run_export

        model = run_export(
            run, out, name, licence=licence, trained_on=trained_on, statement=statement,
            allow_uncalibrated=allow_uncalibrated, half=half, inner=inner,
        )  # fmt: skip
    to_stderr().print(
        f"{model.onnx} ({model.bytes / 1e6:.1f} MB) and {model.card}; "
        f"largest difference of an output from torch {model.max_difference:.1e}",
        markup=False,
    )
