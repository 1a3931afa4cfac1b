"""Contact sheets of the worst errors of each AU, to look at: generated people only, never photographs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from finding_faces.pictures import Image
from numpy.typing import NDArray

from aulens.faces.detector import Face
from coded.predictions import Faces
from coded.subjects import Subject
from coded.truth import Coded

GENERATED = ("sfhq", "cc0", "openpeople")
_TILE, _ACROSS, _TEXT = 180, 8, 24
_KIND = ("said, coded absent", "not said, coded present")
_SAID, _MISSED = (255, 120, 0), (255, 60, 60)


def write_sheets(folder: Path, subject: Subject, coded: Coded, faces: Faces) -> list[Path]:
    """Write a sheet per AU with errors: first what is said and not coded, then what is coded and not said.

    Args:
        folder: where to.
        subject: whose errors.
        coded: pictures of generated people.
        faces: of them.

    Returns:
        The files.
    """
    chosen = coded.of(*GENERATED)
    predictions, labels = subject.predict(chosen), chosen.labels
    written = []
    folder.mkdir(parents=True, exist_ok=True)
    for k, label in enumerate(coded.aus.labels):
        rows = []
        for value, colour, sign in ((0, _SAID, -1), (1, _MISSED, 1)):
            wrong = np.flatnonzero(
                predictions.found & (labels[:, k] == value) & (predictions.said[:, k] == (value == 0))
            )
            worst = wrong[np.argsort(sign * predictions.scores[wrong, k], kind="stable")][:_ACROSS]
            if len(worst):
                title = f"{label} {_KIND[value]}: {len(wrong)} of {(labels[:, k] == value).sum()}"
                rows += [
                    _line(title),
                    _row([_tile(chosen, predictions.scores, n, k, faces, colour) for n in worst]),
                ]
        if rows:
            file = folder / f"{subject.name.replace(' ', '_')}-{label}.png"
            cv2.imwrite(str(file), np.vstack(rows)[..., ::-1])
            written.append(file)
    return written


def _tile(
    coded: Coded, scores: NDArray[np.float64], n: int, k: int, faces: Faces, colour: tuple[int, int, int]
) -> Image:
    ((image, face),) = faces.of([coded.names[n]])
    tile = np.full((_TILE + _TEXT, _TILE, 3), 30, np.uint8)
    tile[:_TILE] = _cut(image, face)
    probability = 1 / (1 + np.exp(-scores[n, k]))
    lines = (coded.names[n][-28:], f"coded {coded.intensities[n, k]:.1f}  p {probability:.2f}")
    for line, text in enumerate(lines):
        where = (2, _TILE + 10 + 11 * line)
        cv2.putText(tile, text, where, cv2.FONT_HERSHEY_SIMPLEX, 0.34, colour, 1, cv2.LINE_AA)
    return tile


def _cut(image: Image, face: Face | None) -> Image:
    """The face with its landmarks; the whole picture where only others found a face."""
    if face is None:
        return np.asarray(cv2.resize(image, (_TILE, _TILE), interpolation=cv2.INTER_AREA), np.uint8)
    points = face.landmarks
    low, high = points.min(0), points.max(0)
    scale = _TILE / (1.25 * float((high - low).max()))
    shift = _TILE / 2 - scale * (low + high) / 2
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    tile = cv2.warpAffine(image, matrix, (_TILE, _TILE), flags=flags, borderValue=(40, 40, 60))
    for x, y in np.rint(points * scale + shift).astype(int).tolist():
        if 0 <= x < _TILE and 0 <= y < _TILE:
            tile[y, x] = (0, 255, 0)
    return np.asarray(tile, np.uint8)


def _line(text: str) -> Image:
    line = np.zeros((20, _TILE * _ACROSS, 3), np.uint8)
    cv2.putText(line, text, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
    return line


def _row(tiles: Sequence[Image]) -> Image:
    blank = np.zeros_like(tiles[0])
    return np.hstack([*tiles, *[blank] * (_ACROSS - len(tiles))])
