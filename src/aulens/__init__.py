"""Facial Action Units: which are present, on which side of the face, and where they were seen.

    analyzer = aulens.Analyzer()
    for face in analyzer("photo.jpg"):
        face.occurrence["AU12"], face.left["AU12"], face.evidence["AU12"]

The names below are loaded when they are first used, so that `import aulens` is quick and never needs torch.
"""

from typing import TYPE_CHECKING, Any

from aulens import lazy

if TYPE_CHECKING:
    from aulens.aus import AU, AU_SETS, AUS, MISSING, AUSet, au_set
    from aulens.errors import AulensError, ConfigError, DatasetError, InputError, ModelError
    from aulens.faces.detector import Face, FaceDetector
    from aulens.faces.dlib_detector import DlibBoxes, DlibDetector
    from aulens.faces.jaa_landmarks import JAALandmarks
    from aulens.faces.mediapipe_detector import MediaPipeDetector
    from aulens.faces.net_detector import NetDetector
    from aulens.faces.tracker import FaceTracker
    from aulens.output import OutputSettings, Receipt, analyze_video
    from aulens.runtime.analyzer import Analyzer
    from aulens.runtime.card import ModelCard
    from aulens.runtime.image import read_image
    from aulens.runtime.result import FaceResult, FrameResult
    from aulens.tables import read_table
    from aulens.video import VideoWriter, open_sequence, open_video, open_webcam

__all__ = [
    "AU",
    "AUS",
    "AU_SETS",
    "MISSING",
    "AUSet",
    "Analyzer",
    "AulensError",
    "ConfigError",
    "DatasetError",
    "DlibBoxes",
    "DlibDetector",
    "Face",
    "FaceDetector",
    "FaceResult",
    "FaceTracker",
    "FrameResult",
    "InputError",
    "JAALandmarks",
    "MediaPipeDetector",
    "ModelCard",
    "ModelError",
    "NetDetector",
    "OutputSettings",
    "Receipt",
    "VideoWriter",
    "__version__",
    "analyze_video",
    "au_set",
    "open_sequence",
    "open_video",
    "open_webcam",
    "read_image",
    "read_table",
]

_HOME = {
    "aulens.aus": ("AU", "AUS", "AU_SETS", "MISSING", "AUSet", "au_set"),
    "aulens.errors": ("AulensError", "ConfigError", "DatasetError", "InputError", "ModelError"),
    "aulens.faces.detector": ("Face", "FaceDetector"),
    "aulens.faces.dlib_detector": ("DlibBoxes", "DlibDetector"),
    "aulens.faces.jaa_landmarks": ("JAALandmarks",),
    "aulens.faces.mediapipe_detector": ("MediaPipeDetector",),
    "aulens.faces.net_detector": ("NetDetector",),
    "aulens.faces.tracker": ("FaceTracker",),
    "aulens.output": ("OutputSettings", "Receipt", "analyze_video"),
    "aulens.runtime.analyzer": ("Analyzer",),
    "aulens.runtime.card": ("ModelCard",),
    "aulens.runtime.image": ("read_image",),
    "aulens.runtime.result": ("FaceResult", "FrameResult"),
    "aulens.tables": ("read_table",),
    "aulens.video": ("VideoWriter", "open_sequence", "open_video", "open_webcam"),
}


_named = lazy.names(__name__, _HOME)


def __getattr__(name: str) -> Any:
    return _version() if name == "__version__" else _named(name)


def __dir__() -> list[str]:
    return __all__


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("aulens")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0+unknown"
