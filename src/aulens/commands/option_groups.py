"""Options of what analyzes pictures and videos, in groups: a command has a parameter for each group."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.models import OptionInfo

from aulens.analysis.analyzer import Analyzer
from aulens.commands.options import (
    MAX_WORKERS,
    MODELS,
    Backend,
    DetectorModel,
    DetectorName,
    Model,
    Threads,
    bounds,
)
from aulens.faces.detector import left_out_text
from aulens.faces.registry import DEFAULT_DETECTOR, DetectorSpec, refuse_quality
from aulens.output.settings import OutputSettings
from aulens.runtime.backend import BACKENDS
from aulens.runtime.doubt import DOUBTFUL
from aulens.tables.usable import Limits


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """A command for Typer whose options are those of the groups among its parameters."""
    parameters: list[inspect.Parameter] = []
    options: list[inspect.Parameter] = []
    groups: dict[str, Any] = {}
    for parameter in inspect.signature(command).parameters.values():
        group = parameter.annotation
        if isinstance(group, type) and is_dataclass(group):
            groups[parameter.name] = group
            options += inspect.signature(group).parameters.values()
        else:
            parameters.append(parameter)
    flat = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in (*parameters, *options)]

    @wraps(command)
    def call(**given: Any) -> None:
        made = {
            name: group(**{field.name: given.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(**given, **made)

    call.__signature__ = inspect.Signature(flat)  # type: ignore[attr-defined]
    call.__annotations__ = {each.name: each.annotation for each in flat}
    return call


def _video(*names: str, **more: Any) -> OptionInfo:
    return _option("Videos", *names, **more)


def _cluster(*names: str, **more: Any) -> OptionInfo:
    return _option("Many machines", *names, **more)


def _option(panel: str, *names: str, show_default: bool | str = False, **more: Any) -> OptionInfo:
    made: OptionInfo = typer.Option(*names, rich_help_panel=panel, show_default=show_default, **more)
    return made


@dataclass(frozen=True)
class VideoOptions:
    """Which frames of a video are analyzed, and what is made of them."""

    mirrored: Annotated[
        bool,
        _option(
            "Pictures and videos",
            "--mirrored",
            help="The input is mirrored, as selfies often are: flip it, so that left and right are the "
            "person's own.",
        ),
    ] = False
    every: Annotated[
        int,
        _video(
            metavar="N",
            help="Analyze every N-th frame only.",
            show_default=True,
            **bounds(OutputSettings, "frame_step"),
        ),
    ] = 1
    start: Annotated[
        str | None, _video("--from", metavar="TIME", help="Start at this time: seconds, 1:30 or 0:01:30.")
    ] = None
    stop: Annotated[str | None, _video("--to", metavar="TIME", help="Stop at this time.")] = None
    smooth: Annotated[
        float | None,
        _video(
            metavar="SECONDS",
            help="Add columns smoothed over a window of this length (AU12_smooth_p); the raw ones stay.",
        ),
    ] = None
    baseline: Annotated[
        bool,
        _video(
            "--baseline",
            help="Add columns of how far each AU is above the person's own baseline (AU12_above).",
        ),
    ] = False
    neutral: Annotated[
        str | None,
        _video(
            metavar="FRAME|TIME|FILE",
            help="The same, above a face at rest: a frame of the video (250, or 0:10), or a picture.",
        ),
    ] = None
    keep_lost: Annotated[
        float | None,
        _video(
            metavar="SECONDS",
            help="A person who is lost for longer than this has no rows until they return.",
            show_default="rows to the end",
        ),
    ] = None
    max_yaw: Annotated[
        float | None,
        _video(
            metavar="DEGREES",
            help="Leave out faces turned further to a side: their rows have no scores, they make no events.",
            **bounds(Limits, "max_yaw"),
        ),
    ] = None
    max_pitch: Annotated[
        float | None,
        _video(
            metavar="DEGREES",
            help="Leave out faces turned further up or down than this.",
            **bounds(Limits, "max_pitch"),
        ),
    ] = None
    min_quality: Annotated[
        float | None,
        _video(
            metavar="SHARE",
            help=f"Leave out faces of lower quality, 0 to 1; those below {DOUBTFUL:g} are doubtful.",
            **bounds(Limits, "min_quality"),
        ),
    ] = None


@dataclass(frozen=True)
class SourceOptions:
    """Videos that are folders of pictures, or a camera."""

    sequence: Annotated[
        bool,
        _video("--sequence", help="Each INPUT is a folder whose pictures are the frames of one video."),
    ] = False
    fps: Annotated[float | None, _video(metavar="RATE", help="Frames per second of a sequence.")] = None
    times: Annotated[
        str | None,
        _video(
            metavar="FILE", help="Instead: a CSV of name,time (seconds), one in each folder or one for all."
        ),
    ] = None
    webcam: Annotated[
        int | None, _video(metavar="NUMBER", help="Analyze this camera (the first is 0) until Ctrl-C.")
    ] = None


@dataclass(frozen=True)
class ModelOptions:
    """What finds faces, landmarks and AUs."""

    model: Model = None
    detector: DetectorName = DEFAULT_DETECTOR
    detector_model: DetectorModel = None
    landmarks: Annotated[
        Path | None,
        _option(
            MODELS,
            metavar="FILE",
            help="Landmark model, card (.json) or .onnx: a network for the detector aulens, or a JAA-Net "
            "for any.",
        ),
    ] = None
    upscale: Annotated[
        float | None,
        _option(
            MODELS,
            min=1,
            max=8,
            metavar="FACTOR",
            help="Enlarge pictures to find small faces (dlib).",
            show_default="as needed",
        ),
    ] = None
    backend: Backend = BACKENDS[0]
    threads: Threads = None

    @property
    def spec(self) -> DetectorSpec:
        """The detector that is asked for."""
        return DetectorSpec(
            self.detector, self.detector_model, self.upscale, self.landmarks, self.backend, self.threads
        )

    def analyzer(self, left_out: list[str]) -> Analyzer:
        """Model and detector, which notes the faces that it leaves out in `left_out`; errors as theirs."""
        detector = self.spec(lambda face, why: left_out.append(left_out_text(face, why)))
        return Analyzer(self.model, detector, self.backend, self.threads)

    def refuse(self, videos: VideoOptions) -> None:
        """Raise `ConfigError` if faces are to be left out by a quality that the detector does not give."""
        refuse_quality(self.detector, videos.min_quality)


@dataclass(frozen=True)
class ClusterOptions:
    """Whether, and where, a Ray cluster does the work."""

    cluster: Annotated[
        bool,
        _cluster(
            "--cluster",
            help="Share the files among the workers of a Ray cluster (extra `cluster`; see docs/cluster.md).",
        ),
    ] = False
    address: Annotated[
        str | None,
        _cluster(
            metavar="HOST:PORT",
            help="Of a running cluster; `auto` on one of its machines.",
            show_default="one on this machine, for this run",
        ),
    ] = None
    workers: Annotated[
        int | None,
        _cluster(
            min=1,
            max=MAX_WORKERS,
            metavar="N",
            help="Number of workers, each with its own model and --threads threads.",
            show_default="one per core",
        ),
    ] = None


Resume = Annotated[bool, _video("--resume", help="Continue an earlier run into DIR that was stopped.")]
