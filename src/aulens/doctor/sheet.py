"""The contact sheet: landmarks drawn on faces, the most doubtful first, to be judged by eye."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.data.index import FrameIndex
from aulens.data.registry import protocol_of
from aulens.doctor.measures import Floats, face_axes
from aulens.doctor.sampling import Image, Rows, read_rows, spread
from aulens.doctor.shape import judge
from aulens.errors import DatasetError
from aulens.files import write_bytes
from aulens.image import encode_picture
from aulens.landmarks import SUBJECT_RIGHT, layout_of
from aulens.show.canvas import FRAME, INK, LEFT, PAPER, RIGHT, Colour, Layer, text_width

TILE: Final = 184
STRIP: Final = 34
HEAD: Final = 46
COLUMNS: Final = 8
MIN_APART: Final = 10
"""Neighbouring frames look alike, so two doubtful ones of a clip are so far apart or more."""

_GREY: Final = (198, 202, 210)


def contact_sheet(index: FrameIndex, out: Path, count: int = 40) -> Path:
    """Draw the data set's landmarks on a sample of its faces.

    The first half are the most doubtful: landmarks that are no face, that jump, then those whose shape is
    farthest from the subject's own; at most two of a clip. The others are spread over all clips. Teal
    dots are the subject's right side, orange ones the left, yellow ones the midline. Below each face stand
    its key and the AUs labelled as present, so that labels can be held against faces.

    Args:
        index: as an adapter read it.
        out: .png or .jpg to write.
        count: how many faces.

    Raises:
        DatasetError: no frame has a picture.
        ConfigError: `out` has another ending.
    """
    there = np.flatnonzero([bool(path) for path in index.media])
    if not len(there):
        raise DatasetError("No coded frame has a picture, so there is nothing to draw.")
    rows, words = _chosen(index, there, count)
    tiles = [_tile(index, row, word) for row, word in zip(rows, words, strict=True)]
    lines = -(-len(tiles) // COLUMNS)
    sheet = np.full((HEAD + lines * (TILE + STRIP), COLUMNS * TILE, 3), 255, np.uint8)
    for place, tile in enumerate(tiles):
        y, x = HEAD + place // COLUMNS * (TILE + STRIP), place % COLUMNS * TILE
        sheet[y : y + TILE + STRIP, x : x + TILE] = tile
    layer = Layer(sheet.shape[:2])
    _head(layer, index)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(out, encode_picture(out, layer.over(sheet)))
    return out


def _chosen(index: FrameIndex, there: Rows, count: int) -> tuple[list[int], list[str]]:
    """Rows to draw, and a word on each."""
    clip = np.empty(len(index), np.intp)
    for number, (_, _, members) in enumerate(index.sequences()):
        clip[members] = number
    chosen: dict[int, str] = {}
    if index.landmarks is not None:
        score, word = doubt(index, index.landmarks)
        taken: dict[int, list[int]] = {}
        for row in there[np.argsort(-score[there], kind="stable")].tolist():
            if len(chosen) >= count // 2 or np.isnan(score[row]):
                break
            near = taken.setdefault(int(clip[row]), [])
            if len(near) < 2 and all(abs(row - other) >= MIN_APART for other in near):
                near.append(row)
                chosen[row] = f"{word[row]} {score[row]:.2f}" if word[row] == "shape" else word[row]
    middles = [run[len(run) // 2] for run in np.split(there, np.flatnonzero(np.diff(clip[there])) + 1)]
    for rows in (spread(middles, count - len(chosen)), spread(there.tolist(), count)):
        for row in spread([row for row in rows if row not in chosen], count - len(chosen)):
            lacks = index.landmarks is not None and not np.isfinite(index.landmarks[row]).all()
            chosen[int(row)] = "no landmarks" if lacks else ""
    return list(chosen), list(chosen.values())


def doubt(index: FrameIndex, landmarks: NDArray[np.float32]) -> tuple[Floats, list[str]]:
    """How doubtful landmarks (N, K, 2) are: (N,), NaN where there are none, and a word on each.

    The distance from the subject's median shape, in eye distances; plus 100 if they are no face, 50 if they
    jump.
    """
    shapes = judge(index, landmarks)
    points = np.asarray(landmarks, np.float64)
    middle, level, down, eyes = face_axes(points)
    with np.errstate(invalid="ignore", divide="ignore"):
        own = (points - middle[:, None]) @ np.stack([level, down], -1) / eyes[:, None, None]
    score = np.full(len(points), np.nan)
    for subject in np.unique(index.subject):
        rows = np.flatnonzero((index.subject == subject) & shapes.given)
        if len(rows):
            score[rows] = np.hypot(*np.moveaxis(own[rows] - np.nanmedian(own[rows], 0), -1, 0)).mean(-1)
    score = np.where(np.isfinite(score), score, np.where(shapes.given, 10.0, np.nan))
    words = np.where(shapes.strange, "no face", np.where(shapes.jumps, "jump", "shape"))
    return np.minimum(score, 10.0) + 100.0 * shapes.strange + 50.0 * shapes.jumps, words.tolist()


def _tile(index: FrameIndex, row: int, word: str) -> Image:
    tile = np.full((TILE + STRIP, TILE, 3), INK, np.uint8)
    layer = Layer(tile.shape[:2])
    try:
        [(_, image)] = list(read_rows(index, np.array([row], np.intp)))
        points = None if index.landmarks is None else index.landmarks[row].astype(np.float64)
        if points is None or not np.isfinite(points).all():
            points = None
        matrix = _view(image, points)
        interpolation = cv2.INTER_AREA if matrix[0, 0] < 1 else cv2.INTER_CUBIC
        tile[:TILE] = cv2.warpAffine(image, matrix, (TILE, TILE), flags=interpolation, borderValue=INK)
        if points is not None:
            for (x, y), colour in zip(points @ matrix[:, :2].T + matrix[:, 2], _colours(points), strict=True):
                if 0 <= x < TILE and 0 <= y < TILE:
                    layer.dot(x, y, 1.6, colour, 235)
    except DatasetError:
        word = "can't be read"
    present = " ".join(str(n) for n, code in zip(index.aus, index.labels[row], strict=True) if code == 1)
    layer.text(5, TILE + 10, _name(index, row), 12, PAPER)
    layer.text(5, TILE + 25, f"AU {present}" if present else "no AU", 11, _GREY)
    if word:
        layer.box((TILE - text_width(word, 11) - 10, TILE - 19, TILE - 2, TILE - 2), fill=INK, opacity=200)
        layer.text(TILE - 6, TILE - 10, word, 11, FRAME, anchor="rm")
    return layer.over(tile)


def _name(index: FrameIndex, row: int) -> str:
    """A frame's key, as long as a tile is wide: the subject goes first, then the sequence's middle."""
    subject, sequence, frame = index.subject[row], str(index.sequence[row]), index.frame[row]
    names = [f"{subject}/{sequence}/{frame}", f"{sequence}/{frame}"]
    for kept in range(len(sequence) // 2, 0, -1):
        names.append(f"{sequence[:kept]}…{sequence[-kept:]}/{frame}")
    return next((name for name in names if text_width(name, 12) <= TILE - 10), names[-1])


def _view(image: Image, points: Floats | None) -> Floats:
    """(2, 3) matrix from the picture to a square tile about the landmarks, or the whole picture's middle."""
    height, width = image.shape[:2]
    middle, side = np.array([width / 2, height / 2]), float(max(height, width))
    if points is not None:
        low, high = points.min(0), points.max(0)
        middle, side = (low + high) / 2, min(float((high - low).max()) * 1.7, 1.5 * side)
    scale = TILE / max(side, 8.0)
    return np.array([[scale, 0, TILE / 2 - scale * middle[0]], [0, scale, TILE / 2 - scale * middle[1]]])


def _colours(points: Floats) -> list[Colour]:
    layout = layout_of(points)
    return [
        FRAME if layout.mirror[k] == k else RIGHT if point in SUBJECT_RIGHT else LEFT
        for k, point in enumerate(layout.in68)
    ]


def _head(layer: Layer, index: FrameIndex) -> None:
    protocol = protocol_of(index.dataset)
    name = index.dataset if protocol is None else protocol.title
    if index.landmarks is None:
        layer.text(8, 15, f"{name}: frames of all clips; the data set gives no landmarks", 15, INK)
        layer.text(8, 34, "AU = labelled as present", 12, INK)
        return
    text = f"{name}: landmarks as given; the most doubtful first, then frames of all clips"
    layer.text(8, 15, text, 15, INK)
    x = 8.0
    for colour, words in ((RIGHT, "subject's right"), (LEFT, "subject's left"), (FRAME, "midline")):
        layer.dot(x + 4, 34, 4, colour)
        layer.text(x + 13, 34, words, 12, INK)
        x += 120
    text = (
        "AU = labelled as present; shape = mean distance from the subject's median shape, in eye distances: "
        "an expression makes about 0.1"
    )
    layer.text(x, 34, text, 12, INK)
