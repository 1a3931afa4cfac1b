"""Face detectors by name, and the options of a command by which one of them is made."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from aulens.errors import ConfigError, ModelError
from aulens.faces.detector import Face, FaceDetector
from aulens.faces.foreign import of_package
from aulens.faces.net_card import is_landmark_card
from aulens.registry import Registry, blamed
from aulens.runtime.backend import BACKENDS

DEFAULT_DETECTOR: Final = "aulens"
"""The detector of whoever asks for none: aulens' own networks."""


@dataclass(frozen=True)
class DetectorSpec:
    """Which detector, with which options: it can be sent to another process, and makes the detector there.

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

    def __call__(self, on_left_out: Callable[[Face, str], None] = lambda face, why: None) -> FaceDetector:
        """The detector.

        Args:
            on_left_out: called with a face whose landmarks a JAA-Net could not find, and why.

        Raises:
            ConfigError: there is none of that name, or options do not go together.
            ModelError: a file is missing or of another kind; the library is not installed; what a package
                enters makes no detector.
        """
        entry = DETECTORS[self.name]
        for option, value in (("model", self.model), ("upscale", self.upscale)):
            if value is not None and option not in entry.options:
                flag = {"model": "--detector-model", "upscale": "--upscale"}[option]
                raise ConfigError(f"The detector {self.name} has no use for {flag}; leave it out.")
        if self.landmarks is None:
            return self._made(entry.make, self)
        if not is_landmark_card(self.landmarks):
            from aulens.faces.jaa_landmarks import JAALandmarks  # which makes a detector where it gets none

            boxes = self._made(entry.make_boxes or entry.make, replace(self, landmarks=None))
            return JAALandmarks(self.landmarks, boxes, self.backend, self.threads, on_left_out=on_left_out)
        if "landmarks" not in entry.options:
            raise ConfigError(
                f"{self.landmarks}: the landmarks of aulens' own detector do not go with the detector "
                f"{self.name}; leave out --detector, or give a JAA-Net"
            )
        return self._made(entry.make, self)

    def _made(self, make: Callable[[DetectorSpec], FaceDetector], spec: DetectorSpec) -> FaceDetector:
        foreign = self.name not in DETECTORS.own
        with blamed(f"The face detector {self.name!r}", ModelError) if foreign else nullcontext():
            made = make(spec)
        if not callable(made):  # None would stand for aulens' own
            raise ModelError(
                f"The detector {self.name} gave {made!r} instead of something to call with a picture: "
                "its package must mend that."
            )
        return of_package(made, self.name) if foreign else made


@dataclass(frozen=True)
class DetectorEntry:
    """What aulens knows of a face detector.

    Attributes:
        make: makes it of the options that it has a use for; raises `ModelError` where its library or a file
            is missing.
        make_boxes: likewise where a JAA-Net is to find the landmarks, which may do with boxes; None: as ever.
        options: those of `DetectorSpec` that it has a use for, of "model", "upscale" and "landmarks" (a
            network for landmarks of aulens' own).
        has_quality: its faces tell their `quality`.
    """

    make: Callable[[DetectorSpec], FaceDetector]
    make_boxes: Callable[[DetectorSpec], FaceDetector] | None = None
    options: frozenset[str] = frozenset()
    has_quality: bool = False


DETECTORS: Final = Registry(
    "detector",
    "aulens.detectors",
    DetectorEntry,
    MappingProxyType(
        {
            "aulens": "aulens.faces.net_detector:ENTRY",
            "dlib": "aulens.faces.dlib_detector:ENTRY",
            "mediapipe": "aulens.faces.mediapipe_detector:ENTRY",
        }
    ),
)
"""What finds faces: our own networks, two libraries that are extras, and what packages add."""


def refuse_quality(detector: str, least: float | None) -> None:
    """Raise `ConfigError` if faces are to be left out by a quality that their detector does not tell."""
    if least is not None and not DETECTORS[detector].has_quality:
        raise ConfigError(
            f"--min-quality {least:g}: the detector {detector} does not tell the quality of a face; leave "
            "out --min-quality, or take --detector aulens"
        )
