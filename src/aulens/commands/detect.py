"""`aulens detect`: pictures in, a row per face out."""

import sys
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import cv2
import typer
from rich.console import Console
from rich.progress import Progress

from aulens.commands.output import Format, closing_all, refuse_inputs, results_path, sinks
from aulens.commands.pictures import Album
from aulens.errors import ConfigError, InputError
from aulens.faces.detector import Face, FaceDetector
from aulens.faces.dlib_detector import DlibBoxes, DlibDetector
from aulens.faces.jaa_landmarks import JAALandmarks
from aulens.faces.mediapipe_detector import MediaPipeDetector
from aulens.runtime.analyzer import Analyzer
from aulens.runtime.backend import BACKENDS
from aulens.runtime.image import pictures_at, read_image
from aulens.tables.schema import rows_of


class Detector(StrEnum):
    """Face detectors by name."""

    DLIB = "dlib"
    MEDIAPIPE = "mediapipe"


def detect(
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="INPUT", help="Pictures, or folders with pictures.", show_default=False),
    ],
    format: Annotated[
        Format, typer.Option("--format", "-f", help="Format on standard output; table is for reading.")
    ] = Format.TABLE,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Write results.csv (or .jsonl, .parquet) here."),
    ] = None,
    overlay: Annotated[
        bool,
        typer.Option("--overlay", help="Draw what was seen: DIR/pictures/ and DIR/index.html; needs --out."),
    ] = False,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Card (.json) or .onnx of another model.", show_default="the shipped one"
        ),
    ] = None,
    detector: Annotated[Detector, typer.Option(help="Which library finds the faces.")] = Detector.DLIB,
    detector_model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="dlib: a 68-point predictor. mediapipe: face_landmarker.task.",
            show_default=False,
        ),
    ] = None,
    landmarks: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Card (.json) or .onnx of a JAA-Net that finds the landmarks; dlib then only finds boxes.",
            show_default=False,
        ),
    ] = None,
    upscale: Annotated[
        float | None,
        typer.Option(
            min=1, max=8, help="Enlarge so much to find small faces (dlib).", show_default="as needed"
        ),
    ] = None,
    backend: Annotated[str, typer.Option(help=f"Runs the model: {' or '.join(BACKENDS)}.")] = BACKENDS[0],
    threads: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Threads to use.", show_default="one per core")
    ] = None,
) -> None:
    """Find the Action Units of every face in pictures.

    One row per face: file, face_id (0 is the largest), success, box, and for each Action Unit its calibrated
    probability (AU12_p), the decision by that Action Unit's own threshold (AU12_c) and the probability on the
    person's own left and right (AU12_left_p, AU12_right_p; empty if the model does not tell sides). A picture
    without a face is one row, success 0.

    Exit code: 0 all done, 1 some inputs or faces failed (each is named), 2 wrong use.
    """
    if sys.stdout is None:  # closed by the caller
        raise ConfigError("standard output is closed, the table has nowhere to go: redirect it to a file")
    if overlay and out is None:
        raise ConfigError("--overlay needs a folder to draw into: --out DIR")
    if format is Format.PARQUET and out is None and sys.stdout.isatty():
        raise ConfigError("Parquet is not for the screen: redirect the output to a file, or give --out DIR")
    if threads is not None:
        cv2.setNumThreads(threads)
    left_out: list[str] = []
    finder = _detector(detector, detector_model, upscale, boxes_only=landmarks is not None)
    if landmarks is not None:
        finder = JAALandmarks(
            landmarks,
            finder,
            backend,
            threads,
            on_left_out=lambda face, why: left_out.append(_where(face, why)),
        )
    analyzer = Analyzer(model, finder, backend, threads)
    files, failed = _gather(inputs, out)
    album = _prepare(out, format, overlay, analyzer, files)
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    # Rows that are streamed to the same terminal would tear the bar.
    quiet = sys.stdout.isatty() and format in {Format.CSV, Format.JSONL}
    faces = with_face = read = lost = 0
    with (
        album or nullcontext(),
        closing_all(sinks(format, analyzer.card, out)) as chosen,
        Progress(console=console, transient=True, disable=quiet or not console.is_terminal) as bar,
    ):
        for path in bar.track(files, description="pictures"):
            left_out.clear()
            try:
                image = read_image(path)
                results = analyzer(image)
            except InputError as error:
                failed[path] = str(error).removeprefix(f"{path}: ")
                continue
            finally:
                lost += len(left_out)
                for why in left_out:
                    console.print(f"aulens: {path}: {why}", style="red", markup=False)
            rows = rows_of(str(path), results, analyzer.card.aus)
            for sink in chosen:
                sink.add(str(path), results, rows)
            if album is not None:
                album.add(path, image, results)
            faces, with_face, read = faces + len(results), with_face + bool(results), read + 1
        if album is not None:
            album.finish(failed)
    for path, reason in failed.items():
        console.print(f"aulens: {path}: {reason}", style="red", markup=False)
    summary = f"{_count(faces, 'face')} in {_count(with_face, 'picture')}"
    if read > with_face:
        summary += f", {_count(read - with_face, 'picture')} without a face"
    if lost:
        summary += f", {_count(lost, 'face')} left out"
    if failed:
        summary += f", {len(failed)} failed"
    if out is not None:
        summary += f"; see {album.index if album is not None else results_path(format, out)}"
    console.print(summary, markup=False)
    if failed or lost:
        raise typer.Exit(1)


def _where(face: Face, why: str) -> str:
    x, y = (face.box[:2] + face.box[2:]) / 2
    return f"the face at ({x:.0f}, {y:.0f}) is left out: {why}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _detector(kind: Detector, model: Path | None, upscale: float | None, boxes_only: bool) -> FaceDetector:
    if kind is Detector.DLIB and boxes_only:
        if model is not None:
            raise ConfigError("--detector-model has no use here: with --landmarks dlib only finds boxes")
        return DlibBoxes(upscale)
    if kind is Detector.DLIB:
        return DlibDetector(upscale, model)
    if upscale is not None:
        raise ConfigError("--upscale is for the detector dlib only")
    if model is None:
        raise ConfigError(
            "--detector mediapipe needs --detector-model with the path of a face_landmarker.task"
        )
    return MediaPipeDetector(model)


def _gather(inputs: list[Path], out: Path | None) -> tuple[list[Path], dict[Path, str]]:
    """All pictures, each once, and the folders that have none, with the reason."""
    files: dict[Path, Path] = {}
    empty: dict[Path, str] = {}
    for given in inputs:
        # What an earlier run wrote into `out` is no input of this one.
        found = pictures_at(given, skip=[out] if out is not None else [])
        if not found:
            empty[given] = "no pictures in this folder"
        for path in found:
            files.setdefault(path.resolve(), path)
    return list(files.values()), empty


def _prepare(
    out: Path | None, format: Format, overlay: bool, analyzer: Analyzer, files: list[Path]
) -> Album | None:
    """Make the folder, and refuse to write over an input."""
    if out is None:
        return None
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out} is a file; give a folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"--out {out}: the folder can't be made ({error.strerror}); give another"
        ) from error
    refuse_inputs([results_path(format, out)], files)
    return Album(out, analyzer.card, files) if overlay else None
