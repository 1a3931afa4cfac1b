"""What finds faces, and tells who is who, where nothing else is asked for."""

from collections.abc import Callable

from aulens import extras
from aulens.faces.detector import FaceDetector, FaceFollower
from aulens.faces.identity import FaceEmbedder, NetEmbedder
from aulens.faces.net_card import WEIGHTS

MakeDetector = Callable[[], FaceDetector]
"""Makes a detector where one is needed: in each process one. It can be sent there, and is hashable."""


def default_detector(threads: int = 1) -> FaceFollower:
    """aulens' own detector, two small networks.

    Args:
        threads: within one run of a network.

    Raises:
        ModelError: its files are missing or damaged.
    """
    from aulens.faces.net_detector import NetDetector

    return NetDetector(threads=threads)


def default_embedder() -> FaceEmbedder | None:
    """aulens' own network that tells people apart.

    While it is not part of the package: that of dlib, if the extra is there; else None.

    Raises:
        ModelError: a file is missing or damaged.
    """
    if (WEIGHTS / "people.onnx").is_file():
        return NetEmbedder()
    if extras.is_installed("dlib"):
        from aulens.faces.dlib_detector import DlibEmbedder

        return DlibEmbedder()
    return None
