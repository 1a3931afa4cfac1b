"""From a picture to the Action Units of its faces, without torch."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.align import TEMPLATES, transform, warp
from aulens.errors import InputError
from aulens.faces.detector import Face, FaceDetector, check_image
from aulens.runtime.card import ModelCard, find_card, read_card
from aulens.runtime.image import read_image
from aulens.runtime.model import open_model, to_input
from aulens.runtime.result import AUResult, Evidence
from aulens.tables.schema import rows_of, to_frame

# Faces that go through the model at once: more gains nothing on a CPU and costs memory.
_BATCH = 16


class Analyzer:
    """Finds the faces of a picture and their Action Units.

    Args:
        model: None for the shipped model, or the path of a card (.json) or of an .onnx beside its card.
        detector: None for dlib, or anything that `FaceDetector` describes.
        backend: "onnxruntime" or "openvino" (an extra).
        threads: threads within one run of the model; None leaves it to the backend.

    Raises:
        ModelError: a file is missing, damaged, of another kind or does not fit its card; says which.
        ConfigError: unknown backend or number of threads.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        detector: FaceDetector | None = None,
        backend: str = "onnxruntime",
        threads: int | None = None,
    ) -> None:
        self._card = read_card(find_card(model))
        self._model = open_model(self._card, backend, threads)
        self._detector = _default_detector() if detector is None else detector

    @property
    def card(self) -> ModelCard:
        """The card of the model in use."""
        return self._card

    def __call__(self, image: str | Path | NDArray[np.uint8]) -> tuple[AUResult, ...]:
        """Analyze every face of one picture, largest first; () where there is none.

        Args:
            image: path of a picture, or (H, W, 3) uint8 RGB.

        Raises:
            InputError: the picture can't be read or is not such an array.
        """
        pixels = check_image(image) if isinstance(image, np.ndarray) else read_image(image)
        return self.analyze(pixels, self._detector(pixels))

    def analyze(self, image: NDArray[np.uint8], faces: Sequence[Face]) -> tuple[AUResult, ...]:
        """Analyze faces that were found before; `face_id` is their position in `faces`.

        Args:
            image: (H, W, 3) uint8 RGB.
            faces: with landmarks in pixels of `image`.

        Raises:
            InputError: faces without landmarks, or landmarks of no known layout or all in one place.
            ModelError: the model gives other shapes than its card promises, or no finite scores.
        """
        if any(len(face.landmarks) == 0 for face in faces):
            raise InputError(
                "faces without landmarks can't be aligned: wrap the detector that finds boxes only in "
                "aulens.JAALandmarks, or take another"
            )
        results: list[AUResult] = []
        for start in range(0, len(faces), _BATCH):
            results += self._batch(image, faces[start : start + _BATCH], start)
        return tuple(results)

    def table(
        self,
        paths: Iterable[str | Path],
        on_error: Callable[[Path, InputError], None] | None = None,
    ) -> pd.DataFrame:
        """Analyze pictures into a table of one row per face; columns as in `aulens.tables.schema.columns`.

        A picture without a face has one row with `success` 0 and empty scores.

        Args:
            paths: pictures.
            on_error: called with the path and the error of a picture that can't be read, which is then left
                out; None raises the error.

        Raises:
            InputError: a picture can't be read, and `on_error` is None.
        """
        rows = []
        for path in map(Path, paths):
            try:
                results = self(path)
            except InputError as error:
                if on_error is None:
                    raise
                on_error(path, error)
            else:
                rows += rows_of(str(path), results, self._card.aus)
        return to_frame(rows, self._card.aus)

    def _batch(self, image: NDArray[np.uint8], faces: Sequence[Face], first_id: int) -> list[AUResult]:
        card = self._card
        template = TEMPLATES[card.template]
        matrices = [template.matrix(face.landmarks, card.crop) for face in faces]
        crops = np.stack([warp(image, matrix, card.crop) for matrix in matrices])
        output = self._model(to_input(crops))
        landmarks = np.stack([transform(m, f.landmarks) for m, f in zip(matrices, faces, strict=True)])
        sides = self._model.probabilities(self._model.scores(output, landmarks))
        return [
            self._result(first_id + i, face, sides[i], output.maps[i], matrices[i], image.shape[:2])
            for i, face in enumerate(faces)
        ]

    def _result(
        self,
        face_id: int,
        face: Face,
        sides: NDArray[np.float64],
        maps: NDArray[np.float32],
        matrix: NDArray[np.float64],
        shape: tuple[int, int],
    ) -> AUResult:
        card = self._card
        labels = card.aus.labels
        probability = sides.max(axis=-1)
        right, left = sides.T if card.tells_sides else np.full((2, len(labels)), np.nan)
        return AUResult(
            face_id=face_id,
            box=face.box,
            landmarks=face.landmarks,
            confidence=face.confidence,
            probability=dict(zip(labels, probability.tolist(), strict=True)),
            occurrence=dict(zip(labels, (probability >= np.array(card.threshold)).tolist(), strict=True)),
            left=dict(zip(labels, left.tolist(), strict=True)),
            right=dict(zip(labels, right.tolist(), strict=True)),
            threshold=dict(zip(labels, card.threshold, strict=True)),
            evidence=Evidence(card.aus, maps, matrix, card.crop, shape, attention=card.attention),
            matrix=matrix,
        )


def _default_detector() -> FaceDetector:
    from aulens.faces.dlib_detector import DlibDetector

    return DlibDetector()
