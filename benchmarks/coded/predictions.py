"""What a model says of pictures: faces are found once and kept, so that the next model takes seconds.

N pictures, A Action Units.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import numpy as np
from finding_faces.pictures import Image
from numpy.typing import NDArray

from aulens import Analyzer
from aulens.aus import AUSet
from aulens.faces.detector import Face, FaceDetector
from aulens.runtime.result import FaceResult


@dataclass(frozen=True, eq=False)
class Predictions:
    """What somebody says of N pictures.

    Attributes:
        found: (N,) whether there is a face.
        scores: (N, A), larger = more surely present; where no face was found below all others.
        said: (N, A) the own decision; False where no face was found.
        intensities: (N, A) 0 to 5, NaN where they are not told; None: never.
    """

    found: NDArray[np.bool_]
    scores: NDArray[np.float64]
    said: NDArray[np.bool_]
    intensities: NDArray[np.float64] | None = None

    def take(self, chosen: NDArray[np.bool_]) -> Predictions:
        """Of the pictures where `chosen` (N,) is True."""
        strong = None if self.intensities is None else self.intensities[chosen]
        return Predictions(self.found[chosen], self.scores[chosen], self.said[chosen], strong)


def missed_below(scores: NDArray[np.float64], found: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Scores (N, A) with those of pictures without a face set below all others of their AU."""
    if not found.any():
        return np.zeros_like(scores)
    lowest = scores[found].min(axis=0) - 1
    return np.where(found[:, None], scores, lowest)


class Faces:
    """The largest face of each picture, found once.

    Args:
        image: gives the picture of a name.
        detector: what finds faces.
        file: an .npz that keeps what was found for a later process with this detector; None: none does.
    """

    def __init__(self, image: Callable[[str], Image], detector: FaceDetector, file: Path | None) -> None:
        self.detector, self._image, self._file = detector, image, file
        self._known: dict[str, NDArray[np.float64]] = {}
        if file and file.is_file():
            with np.load(file) as kept:
                self._known = {name: kept[name] for name in kept.files}

    def of(self, names: Sequence[str]) -> Iterator[tuple[Image, Face | None]]:
        """Picture and face of each name."""
        before = len(self._known)
        for name in names:
            image = self._image(name)
            if name not in self._known:
                faces = self.detector(image)
                self._known[name] = _packed(faces[0]) if faces else np.zeros(0)
            packed = self._known[name]
            yield image, _unpacked(packed) if len(packed) else None
        if self._file and len(self._known) > before:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            np.savez(self._file, **self._known)  # type: ignore[arg-type]


def _packed(face: Face) -> NDArray[np.float64]:
    return np.concatenate([[face.confidence, face.quality], face.box, np.ravel(face.landmarks)])


def _unpacked(packed: NDArray[np.float64]) -> Face:
    confidence, quality = packed[:2].tolist()
    return Face(packed[2:6], packed[6:].reshape(-1, 2), confidence, quality=quality)


def digest_of(*files: Path) -> str:
    """Short digest of files, such as the networks of a detector."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def predict(analyzer: Analyzer, faces: Faces, names: Sequence[str], aus: AUSet) -> Predictions:
    """Let a model look at pictures; an AU that it does not know scores NaN."""
    rows = [None if face is None else analyzer.analyze(image, [face])[0] for image, face in faces.of(names)]
    found = np.array([row is not None for row in rows], bool)
    scores, strong = np.full((2, len(names), len(aus)), np.nan)
    said = np.zeros((len(names), len(aus)), bool)
    known = [(k, label) for k, label in enumerate(aus.labels) if label in analyzer.card.aus.labels]
    for n, row in enumerate(rows):
        for k, label in known if row is not None else ():
            assert row is not None
            scores[n, k], said[n, k] = _logit(row.probability[label]), row.occurrence[label]
            strong[n, k] = _intensity(row, label)
    return Predictions(found, missed_below(scores, found), said, None if np.isnan(strong).all() else strong)


def _logit(probability: float) -> float:
    """In proportion to the score, but where float64 has no more digits."""
    sure = min(max(probability, 1e-15), 1 - 1e-15)
    return float(np.log(sure / (1 - sure)))


def _intensity(row: FaceResult, label: str) -> float:
    predictions = getattr(row, "intensity", None)
    return float(predictions.get(label, np.nan)) if predictions else float("nan")


def milliseconds(analyzer: Analyzer, times: int = 300) -> float:
    """Processor time of the model alone for one face, ms: what else the machine does costs it none."""
    side = analyzer.card.crop
    image = np.random.default_rng(0).random((1, 3, side, side), np.float32)
    for _ in range(20):
        analyzer._model(image)
    start = process_time()
    for _ in range(times):
        analyzer._model(image)
    return 1000 * (process_time() - start) / times
