"""A second, opt-in detector: MediaPipe's Face Landmarker, from a `face_landmarker.task` that you give."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aulens.errors import ConfigError, ModelError
from aulens.faces.detector import Face, check_image, largest_first
from aulens.faces.entry import DetectorEntry, DetectorOptions

# Vertex of MediaPipe's mesh of 478 points for each of the 68 iBUG points, by position on the face. The jaw
# follows the oval of the mesh, from the subject's right ear over the chin (152) to the left.
MESH_OF_68: Final = (
    127, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 356,  # jaw 0-16
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,  # brows 17-26
    6, 197, 5, 4, 60, 97, 2, 326, 290,  # nose 27-35
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,  # eyes 36-47
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,  # outer lips 48-59
    78, 82, 13, 312, 308, 317, 14, 87,  # inner lips 60-67
)  # fmt: skip
_MESH_POINTS = (468, 478)
# Later releases send figures about use to their maker, without a switch to turn that off.
_LAST_SILENT = (0, 10, 21)


class MediaPipeDetector:
    """Faces and landmarks by MediaPipe, brought to the 68-point layout.

    Args:
        path: the file `face_landmarker.task`; aulens never downloads one.
        max_faces: the most faces that are returned.
        threshold: least confidence of detection, 0 to 1.

    Raises:
        ModelError: mediapipe is not installed or is a release that reports usage; the file is missing or of
            another kind.
    """

    def __init__(self, path: str | Path, *, max_faces: int = 32, threshold: float = 0.5) -> None:
        path = Path(path)
        _check_release()
        import mediapipe

        if not path.is_file():
            raise ModelError(
                f"{path}: there is no such file; give the path of a face_landmarker.task, "
                "which MediaPipe's site offers for download"
            )
        vision = mediapipe.tasks.vision
        options = vision.FaceLandmarkerOptions(
            base_options=mediapipe.tasks.BaseOptions(model_asset_path=str(path)),
            num_faces=max_faces,
            min_face_detection_confidence=threshold,
        )
        try:
            self._landmarker = vision.FaceLandmarker.create_from_options(options)
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelError(f"{path}: not a Face Landmarker of MediaPipe ({error})") from error
        self._mediapipe = mediapipe
        self._options = (
            f"{path.name}, {path.stat().st_size} bytes, max_faces={max_faces}, threshold={threshold:g}"
        )

    def __repr__(self) -> str:
        return f"MediaPipeDetector({self._options})"

    def __call__(self, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        """Return the faces of `image` (H, W, 3) uint8 RGB, largest first; () if there is none.

        MediaPipe gives no score per face, so the confidence is always 1.

        Raises:
            InputError: `image` is not such an array.
        """
        image = check_image(image)
        picture = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=image)
        found = self._landmarker.detect(picture).face_landmarks
        return largest_first([_face(mesh, image.shape[1], image.shape[0]) for mesh in found])


def _check_release() -> None:
    install = "pip install 'aulens[mediapipe]'"
    try:
        installed = version("mediapipe")
    except PackageNotFoundError as error:
        raise ModelError(f"the mediapipe detector needs the package mediapipe: {install}") from error
    numbers = tuple(int(part) for part in installed.split(".")[:3] if part.isdigit())
    if numbers > _LAST_SILENT:
        last = ".".join(map(str, _LAST_SILENT))
        raise ModelError(
            f"mediapipe {installed} reports usage to its maker and can't be told not to; aulens works with "
            f"releases up to {last}: {install} brings one (Python 3.12 or older)"
        )


def _face(mesh: list[Any], width: int, height: int) -> Face:
    """One face from mesh points in shares of the picture's size, 0 at the outer edge of the first pixel."""
    if len(mesh) not in _MESH_POINTS:
        raise ModelError(f"expected a mesh of {_MESH_POINTS[0]} or {_MESH_POINTS[1]} points, got {len(mesh)}")
    points = np.array([(point.x, point.y) for point in mesh]) * (width, height) - 0.5
    return Face(np.concatenate([points.min(axis=0), points.max(axis=0)]), points[list(MESH_OF_68)])


def _make(spec: DetectorOptions) -> MediaPipeDetector:
    if spec.model is None:
        raise ConfigError(
            "--detector mediapipe needs --detector-model with the path of a face_landmarker.task"
        )
    return MediaPipeDetector(spec.model)


ENTRY: Final = DetectorEntry(_make, options=frozenset({"model"}))
