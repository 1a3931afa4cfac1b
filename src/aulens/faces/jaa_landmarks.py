"""Landmarks by a model that finds its own: JAA-Net needs no more than a box or five points to begin with."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.align import FIVE_POINTS, TEMPLATES, five_points, invert, transform, warp
from aulens.errors import ConfigError, InputError, ModelError
from aulens.faces.default import default_detector
from aulens.faces.detector import Face, FaceDetector, check_image
from aulens.landmarks import LandmarkLayout
from aulens.runtime.card import ModelCard, find_card, read_card
from aulens.runtime.model import open_model, to_input

DLIB_BOX: Final = ((0.28, 0.285), (0.72, 0.285), (0.5, 0.525), (0.315, 0.785), (0.685, 0.785))
"""Where five points lie in a box of dlib's frontal detector, as shares of its width and height: right eye,
left eye, tip of the nose, right and left corner of the mouth.

Made symmetric from the medians over 1,090 boxes on renders of both rigs with their own landmarks, yaw within
45 degrees. The crop "jaanet" of these points is 1.28 boxes wide about (0.500, 0.535); that of the faces' true
points has the median 1.29 about (0.504, 0.543), its middle deviates by 0.04 and 0.05 boxes (standard
deviation), and 80 % are 1.14 to 1.45 boxes wide. In the first crop the five points lie 0.05 crops off, in the
median.
"""

_BATCH = 16
# Five points of an aligned face are 0.39 crops long; an eighth of that is one place, five times that no face.
_MIN_LENGTH, _MAX_LENGTH = 0.05, 2.0


class JAALandmarks:
    """A face detector whose landmarks come from an exported JAA-Net.

    Another detector says where faces are. A face is cut out by the landmarks or five points that it comes
    with, or else by its box; the model predicts its landmarks; it is cut out anew by these, and they are
    predicted again, now from an aligned face.

    Args:
        model: card (.json) or .onnx of a model that finds landmarks.
        detector: finds the faces; None for the default one.
        backend: "onnxruntime" or "openvino".
        threads: threads within one run of the model; None leaves it to the backend.
        box_points: (5, 2), where the five points lie in the detector's boxes, as shares of width and height;
            used for faces without landmarks.
        rounds: how often to predict; 1 trusts the first crop.
        on_left_out: called with each face for which the model gives no landmarks to go on with, and the
            reason; such faces are left out.

    Raises:
        ModelError: a file is missing, damaged, of another kind, does not fit its card or finds no landmarks.
        ConfigError: `box_points` or `rounds` can't be; unknown backend or number of threads.
    """

    def __init__(
        self,
        model: str | Path,
        detector: FaceDetector | None = None,
        backend: str = "onnxruntime",
        threads: int | None = None,
        *,
        box_points: ArrayLike = DLIB_BOX,
        rounds: int = 2,
        on_left_out: Callable[[Face, str], None] | None = None,
    ) -> None:
        self._box_points = np.array(box_points, np.float64)
        if self._box_points.shape != (FIVE_POINTS, 2) or not np.isfinite(self._box_points).all():
            raise ConfigError(f"box_points must be five finite points (5, 2), got {box_points!r}")
        if rounds < 1:
            raise ConfigError(f"rounds must be at least 1, got {rounds}")
        self._card = read_card(find_card(model))
        self._model = open_model(self._card, backend, threads)
        if not self._model.finds_landmarks:
            raise ModelError(
                f"{self._card.onnx}: this model finds no landmarks (the file has no output 'landmarks'); "
                "give an exported JAA-Net"
            )
        self._detector = default_detector() if detector is None else detector
        self._template = TEMPLATES[self._card.template]
        self._rounds = rounds
        self._leave_out = on_left_out or (lambda face, why: None)

    def __repr__(self) -> str:
        places = self._box_points.round(4).tolist()
        return (
            f"JAALandmarks({self._card.onnx_sha256!r}, {self._detector!r}, box_points={places}, "
            f"rounds={self._rounds})"
        )

    @property
    def card(self) -> ModelCard:
        """The card of the model in use."""
        return self._card

    @property
    def layout(self) -> LandmarkLayout:
        """The layout of the landmarks that it returns: 49 points for JAA-Net."""
        return self._card.layout

    def __call__(self, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        """Return the faces of `image` (H, W, 3) uint8 RGB in the detector's order; () if there is none.

        All but landmarks and visibility is the detector's.

        Raises:
            InputError: `image` is not such an array.
        """
        image = check_image(image)
        faces = self._detector(image)
        found: list[Face] = []
        for start in range(0, len(faces), _BATCH):
            found += self._batch(image, faces[start : start + _BATCH])
        return tuple(found)

    def _batch(self, image: NDArray[np.uint8], faces: Sequence[Face]) -> list[Face]:
        points = {
            i: face.landmarks
            if len(face.landmarks)
            else face.box[:2] + self._box_points * (face.box[2:] - face.box[:2])
            for i, face in enumerate(faces)
        }
        for _ in range(self._rounds):
            points = self._predict(image, faces, points)
        return [replace(faces[i], landmarks=found, visibility=None) for i, found in points.items()]

    def _predict(
        self, image: NDArray[np.uint8], faces: Sequence[Face], points: dict[int, NDArray[np.float64]]
    ) -> dict[int, NDArray[np.float64]]:
        """From face number → points to cut it out by, to face number → landmarks; who fails drops out."""
        size = self._card.crop
        matrices = {}
        for i, known in points.items():
            try:
                matrices[i] = self._template.matrix(known, size)
            except InputError as error:
                self._leave_out(faces[i], str(error))
        if not matrices:
            return {}
        crops = np.stack([warp(image, matrix, size) for matrix in matrices.values()])
        predicted = self._model(to_input(crops)).landmarks
        found = {}
        for (i, matrix), landmarks in zip(
            matrices.items(), predicted if predicted is not None else (), strict=True
        ):
            placed = transform(invert(matrix), landmarks)
            fault = _fault(landmarks, placed, size)
            if fault is None:
                found[i] = placed
            else:
                self._leave_out(faces[i], fault)
        return found


def _fault(landmarks: NDArray[np.float32], placed: NDArray[np.float64], size: int) -> str | None:
    """Why landmarks (K, 2) in a crop of `size` pixels, `placed` in the picture, are no face, if so."""
    if not np.isfinite(landmarks).all():
        return "the model's landmarks are not finite"
    five = five_points(landmarks)
    low, high = five.min(0), five.max(0)
    length = float((high - low).max())
    if length < _MIN_LENGTH * size:
        return f"the model's landmarks are all in one place ({length:.1f} of {size} pixels of its crop)"
    if length > _MAX_LENGTH * size or np.abs((low + high) / 2 - (size - 1) / 2).max() > size:
        return "the model's landmarks lie far outside the face"
    # Whoever takes this face may align it by any template; one that can't be would cost the others theirs.
    for template in TEMPLATES.values():
        try:
            template.matrix(placed, size)
        except InputError as error:
            return f"the model's landmarks can't be aligned: {error}"
    return None
