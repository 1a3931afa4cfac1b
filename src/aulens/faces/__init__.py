"""Image to faces: the detector protocol, and an adapter for each library that finds faces."""

from aulens.faces.detector import Face, FaceDetector

__all__ = ["Face", "FaceDetector"]
