"""The detector that finds faces where no other is asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from aulens.faces.detector import FaceDetector, FaceFollower

MakeDetector = Callable[[], FaceDetector]
"""Makes a detector where one is needed: in each process one. It can be sent there, and is hashable."""

_WEIGHTS: Final = Path(__file__).resolve().parents[1] / "weights" / "faces.onnx"


def default_detector(threads: int = 1) -> FaceFollower:
    """aulens' own detector, two small networks.

    Args:
        threads: within one run of a network.

    Raises:
        ModelError: its files are missing or damaged.
    """
    if not _WEIGHTS.is_file():  # until its weights are part of the package
        from aulens.faces.dlib_detector import DlibDetector

        return DlibDetector()
    from aulens.faces.net_detector import NetDetector

    return NetDetector(threads=threads)
