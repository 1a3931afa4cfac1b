"""Which detector finds the faces, from the options of a command."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from aulens.errors import ConfigError
from aulens.faces.default import default_detector
from aulens.faces.detector import Face, FaceDetector
from aulens.faces.dlib_detector import DlibBoxes, DlibDetector
from aulens.faces.jaa_landmarks import JAALandmarks
from aulens.faces.mediapipe_detector import MediaPipeDetector
from aulens.faces.net_card import is_landmark_card
from aulens.faces.net_detector import NetDetector
from aulens.runtime.backend import BACKENDS


class Detector(StrEnum):
    """Face detectors by name: our own networks, and two libraries that are extras."""

    AULENS = "aulens"
    DLIB = "dlib"
    MEDIAPIPE = "mediapipe"


def refuse_quality(kind: Detector, least: float | None) -> None:
    """Raise `ConfigError` if faces are to be left out by a quality that their detector does not tell."""
    if least is not None and kind is not Detector.AULENS:
        raise ConfigError(
            f"--min-quality {least:g}: the detector {kind} does not tell the quality of a face; leave out "
            "--min-quality, or take --detector aulens"
        )


@dataclass(frozen=True)
class Finder:
    """The options of a detector, which can be sent to another process; they are as in `open_detector`."""

    kind: Detector
    model: Path | None
    upscale: float | None = None
    landmarks: Path | None = None
    backend: str = BACKENDS[0]
    threads: int | None = field(default=None, repr=False)  # changes no result

    def __call__(self, on_left_out: Callable[[Face, str], None] = lambda face, why: None) -> FaceDetector:
        """The detector; errors as in `open_detector`."""
        return open_detector(
            self.kind, self.model, self.upscale, self.landmarks, self.backend, self.threads, on_left_out
        )


def open_detector(
    kind: Detector,
    model: Path | None,
    upscale: float | None,
    landmarks: Path | None,
    backend: str,
    threads: int | None,
    on_left_out: Callable[[Face, str], None],
) -> FaceDetector:
    """The detector that the options ask for.

    Args:
        kind: which one.
        model: its file: card or .onnx of a network for faces, dlib's predictor, or MediaPipe's landmarker.
        upscale: dlib's enlargement.
        landmarks: card or .onnx of a network that finds the landmarks: one for aulens' detector, or a JAA-Net
            for any.
        backend: runs a JAA-Net.
        threads: of the networks.
        on_left_out: called with a face whose landmarks a JAA-Net could not find, and why.

    Raises:
        ConfigError: options that do not go together.
        ModelError: a file is missing or of another kind; the library is not installed.
    """
    if upscale is not None and kind is not Detector.DLIB:
        raise ConfigError("--upscale is for the detector dlib only")
    own = landmarks if landmarks is not None and is_landmark_card(landmarks) else None
    if own is not None and kind is not Detector.AULENS:
        raise ConfigError(
            f"{own}: the landmarks of aulens' own detector do not go with the detector {kind}; "
            "leave out --detector, or give a JAA-Net"
        )
    finder = _finder(kind, model, upscale, own, threads, boxes_only=landmarks is not None)
    if landmarks is None or own is not None:
        return finder
    return JAALandmarks(landmarks, finder, backend, threads, on_left_out=on_left_out)


def _finder(
    kind: Detector,
    model: Path | None,
    upscale: float | None,
    landmarks: Path | None,
    threads: int | None,
    *,
    boxes_only: bool,
) -> FaceDetector:
    if kind is Detector.AULENS and model is None and landmarks is None:
        return default_detector(threads or 1)
    if kind is Detector.AULENS:
        return NetDetector(faces=model, landmarks=landmarks, threads=threads or 1)
    if kind is Detector.DLIB and boxes_only:
        if model is not None:
            raise ConfigError("--detector-model has no use here: with --landmarks dlib only finds boxes")
        return DlibBoxes(upscale)
    if kind is Detector.DLIB:
        return DlibDetector(upscale, model)
    if model is None:
        raise ConfigError(
            "--detector mediapipe needs --detector-model with the path of a face_landmarker.task"
        )
    return MediaPipeDetector(model)
