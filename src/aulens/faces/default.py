"""What finds faces, and tells who is who, where nothing else is asked for."""

from collections.abc import Callable

from aulens.faces.detector import FaceDetector, FaceFollower
from aulens.faces.identity import FaceEmbedder, NetEmbedder

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


def default_embedder() -> FaceEmbedder:
    """aulens' own network that tells people apart.

    Raises:
        ModelError: a file is missing or damaged.
    """
    return NetEmbedder()
