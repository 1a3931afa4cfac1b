"""Face detectors by name, and the options of a command by which one of them is made."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from aulens.errors import ConfigError, ModelError
from aulens.faces.detector import Face, FaceDetector
from aulens.faces.entry import DEFAULT_DETECTOR as DEFAULT_DETECTOR
from aulens.faces.entry import DetectorEntry as DetectorEntry
from aulens.faces.entry import DetectorOptions
from aulens.faces.foreign import of_package
from aulens.faces.net_card import is_landmark_card
from aulens.registry import Registry, blamed


@dataclass(frozen=True)
class DetectorSpec(DetectorOptions):
    """Which detector, with which options: it can be sent to another process, and makes the detector there."""

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
        for option, flag in (("model", "--detector-model"), ("upscale", "--upscale")):
            if getattr(self, option) is not None and option not in entry.options:
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

    def _made(self, make: Callable[[DetectorOptions], FaceDetector], spec: DetectorOptions) -> FaceDetector:
        foreign = self.name not in DETECTORS.own
        with blamed(f"The face detector {self.name!r}", ModelError) if foreign else nullcontext():
            made = make(spec)
        if not callable(made):  # None would stand for aulens' own
            raise ModelError(
                f"The detector {self.name} gave {made!r} instead of something to call with a picture: "
                "its package must mend that."
            )
        return of_package(made, self.name) if foreign else made


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


def refuse_quality(detector: str, min_quality: float | None) -> None:
    """Raise `ConfigError` if faces are to be left out by a quality that their detector does not give."""
    if min_quality is not None and not DETECTORS[detector].has_quality:
        raise ConfigError(
            f"--min-quality {min_quality:g}: the detector {detector} gives no quality of a face; leave out "
            "--min-quality, or take --detector aulens"
        )
