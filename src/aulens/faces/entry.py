"""What a detector is made of, and what it enters into the registry (`aulens.faces.registry`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aulens.faces.detector import FaceDetector
from aulens.runtime.backend import BACKENDS

DEFAULT_DETECTOR: Final = "aulens"
"""The detector of whoever asks for none: aulens' own networks."""


@dataclass(frozen=True)
class DetectorOptions:
    """Which detector is asked for, with which options.

    Attributes:
        name: one of DETECTORS.
        model: its file: card or .onnx of aulens' network for faces, dlib's predictor, MediaPipe's landmarker.
        upscale: dlib's enlargement.
        landmarks: card or .onnx of a network that finds the landmarks: one for aulens' detector, or a JAA-Net
            for any.
        backend: runs a JAA-Net.
        threads: of the networks.
    """

    name: str = DEFAULT_DETECTOR
    model: Path | None = None
    upscale: float | None = None
    landmarks: Path | None = None
    backend: str = BACKENDS[0]
    threads: int | None = field(default=None, repr=False)  # changes no result


@dataclass(frozen=True)
class DetectorEntry:
    """What aulens knows of a face detector.

    Attributes:
        make: makes it of the options that it has a use for; raises `ModelError` where its library or a file
            is missing.
        make_boxes: likewise where a JAA-Net is to find the landmarks, which may do with boxes; None: as ever.
        options: those of `DetectorOptions` that it has a use for, of "model", "upscale" and "landmarks" (a
            network for landmarks of aulens' own).
        has_quality: its faces have a `quality`.
    """

    make: Callable[[DetectorOptions], FaceDetector]
    make_boxes: Callable[[DetectorOptions], FaceDetector] | None = None
    options: frozenset[str] = frozenset()
    has_quality: bool = False
