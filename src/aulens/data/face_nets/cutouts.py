"""Faces with landmarks in memory, each at several sizes, and pictures without people: what samples are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens import align
from aulens.data.columns import point_columns
from aulens.data.renders import POINTS, render_table
from aulens.data.shards import read_rgb
from aulens.errors import DatasetError
from aulens.landmarks import IBUG68, face_box

Image = NDArray[np.uint8]
Points = NDArray[np.float64]

_LONGEST: Final = 448
_SMALLEST: Final = 24
_MARGIN: Final = 1.2  # of a face's size around it: more of a picture is of no use

_HIDDEN_FROM: Final[Mapping[int, float]] = MappingProxyType(
    {
        9: 65, 10: 48, 11: 40, 12: 32, 13: 26, 14: 24, 15: 22, 16: 22,
        22: 85, 23: 75, 24: 65, 25: 55, 26: 45,
        34: 75, 35: 60, 42: 72, 43: 65, 44: 60, 45: 56, 46: 60, 47: 65,
        52: 78, 53: 66, 54: 56, 55: 66, 56: 78, 63: 72, 64: 60, 65: 72,
    }
)  # fmt: skip
"""Degrees of yaw from which a point of the subject's left side is hidden by the head; read off renders."""
_SOFT: Final = 6.0  # degrees over which a point goes out of sight


@dataclass(frozen=True, eq=False)
class Cutout:
    """One face in its picture.

    Attributes:
        levels: the picture (h, w, 3) uint8 RGB, and it again at half the size each, to shrink from.
        landmarks: (68, 2) float64, pixels of the first level.
        visible: (68,) float64, 0 to 1: 0 where the head is turned so that a point can't be seen.
        yaw: degrees; see docs/renders.md.
        subject: who.
    """

    levels: tuple[Image, ...]
    landmarks: Points
    visible: NDArray[np.float64]
    yaw: float
    subject: str

    def source(self, matrix: Points) -> tuple[Image, Points]:
        """What to warp from instead of the first level, for a matrix (2, 3) from there: a level that need not
        shrink to less than half, and the matrix from it."""
        scale, step = float(np.sqrt(abs(np.linalg.det(matrix[:, :2])))), 0
        while step + 1 < len(self.levels) and scale * 2 ** (step + 1) <= 1.0:
            step += 1
        level = self.levels[step]
        x, y = np.divide(self.levels[0].shape[1::-1], level.shape[1::-1])  # odd sides do not halve exactly
        return level, align.compose(matrix, align.stretch(x, y))


def visible_points(yaw: float) -> NDArray[np.float64]:
    """How much of each of the 68 points is in sight, (68,) in 0 to 1, of a head turned by `yaw` degrees.

    yaw > 0 turns the nose to the subject's left, and the left side of the face away.
    """
    visible = np.ones(68)
    for point, limit in _HIDDEN_FROM.items():
        share = 1 / (1 + np.exp(-np.clip((limit - abs(yaw)) / _SOFT, -30, 30)))
        visible[point if yaw > 0 else IBUG68.mirror[point]] = share
    return visible


@dataclass(frozen=True)
class Spot:
    """Where a network saw a face that is not there.

    Attributes:
        background: its number.
        quarters: by how many quarters it was turned, counter-clockwise.
        x, y: the place, pixels of the turned picture.
        side: of the square that fills a scene as it was seen, pixels.
    """

    background: int
    quarters: int
    x: float
    y: float
    side: float


def read_cutouts(roots: Sequence[Path], split: str) -> list[Cutout]:
    """The faces of folders as `aulens render` writes them: manifest.parquet, with landmarks and yaw.

    Args:
        roots: the folders.
        split: "train", "val" or "test".

    Raises:
        DatasetError: a folder has no such manifest, it lacks columns or numbers, a picture can't be read or
            does not show its face.
    """
    found = []
    for root in roots:
        names = point_columns(POINTS)
        table = render_table(root, ("file", "split", "yaw", *names))
        table = table[table["split"] == split]
        points = table[names].to_numpy(np.float64).reshape(-1, POINTS, 2)
        if (bad := ~(np.isfinite(points).all((1, 2)) & np.isfinite(table["yaw"]))).any():
            raise DatasetError(
                f"{root}: {table['file'][bad].iloc[0]} and {bad.sum() - 1} more have landmarks or a yaw "
                "that are no numbers; delete their rows"
            )
        subjects = table["subject"] if "subject" in table else table["file"]
        for file, yaw, subject, one in zip(table["file"], table["yaw"], subjects, points, strict=True):
            found.append(_cutout(Path(root) / file, one, float(yaw), str(subject)))
    return found


def draw_background(backgrounds: Sequence[Image], size: int, random: np.random.Generator) -> Image:
    """A random part of a background, (S, S, 3) uint8 RGB, sometimes turned or mirrored.

    Args:
        backgrounds: pictures without people, (h, w, 3) uint8 RGB.
        size: S, pixels.
    """
    picture = backgrounds[int(random.integers(len(backgrounds)))]
    height, width = picture.shape[:2]
    largest = min(height, width)
    smallest = min(largest, max(0.5 * size, 0.3 * largest))
    side = min(float(np.exp(random.uniform(np.log(smallest), np.log(largest)))), largest)
    x, y = random.uniform(0, width - side), random.uniform(0, height - side)
    return _square(picture, size, (x + side / 2, y + side / 2), side, random)


def draw_spot(backgrounds: Sequence[Image], spot: Spot, size: int, random: np.random.Generator) -> Image:
    """About what a network took for a face, (S, S, 3) uint8 RGB, as large as it was seen."""
    picture = np.rot90(backgrounds[spot.background], spot.quarters)
    side = spot.side * float(np.exp(random.normal(0, 0.15)))
    x, y = np.array([spot.x, spot.y]) + random.uniform(-0.4, 0.4, 2) * side
    return _square(np.ascontiguousarray(picture), size, (float(x), float(y)), side, random)


def _square(
    picture: Image, size: int, centre: tuple[float, float], side: float, random: np.random.Generator
) -> Image:
    """A square about a place of a picture, (S, S, 3), mirrored in half of the cases, turned in a quarter."""
    scale = size / side
    matrix = np.array([[scale, 0, size / 2 - centre[0] * scale], [0, scale, size / 2 - centre[1] * scale]])
    if random.random() < 0.25:
        turn = align.rotation_scale(float(random.uniform(-180, 180)), 1.3, (size / 2, size / 2))
        matrix = align.compose(turn, matrix)
    if scale < 0.7:
        picture = np.asarray(
            cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
        matrix = align.compose(matrix, np.array([[1 / scale, 0, 0.0], [0, 1 / scale, 0]]))
    flags, border = cv2.INTER_LINEAR, cv2.BORDER_REFLECT_101
    out = np.asarray(cv2.warpAffine(picture, matrix, (size, size), flags=flags, borderMode=border), np.uint8)
    return np.ascontiguousarray(out[:, ::-1]) if random.random() < 0.5 else out


def read_backgrounds(roots: Sequence[Path], longest: int = 800) -> list[Image]:
    """Pictures (.jpg, .png) without people in and below folders, ordered by name.

    Args:
        roots: the folders.
        longest: they are shrunk to so many pixels.

    Returns:
        (h, w, 3) uint8 RGB each. Those below 64 pixels, and what can't be read, are left out.

    Raises:
        DatasetError: a folder does not exist, or no picture is left.
    """
    if lost := [str(root) for root in roots if not Path(root).is_dir()]:
        raise DatasetError(f"there is no folder {', '.join(lost)} of pictures without people")
    files = sorted(
        file
        for root in roots
        for file in Path(root).rglob("*")
        if file.suffix.lower() in {".jpg", ".jpeg", ".png"}
    )
    pictures = []
    for file in files:
        with suppress(DatasetError):
            picture = read_rgb(str(file))
            if min(picture.shape[:2]) >= 64:
                pictures.append(_shrunk(picture, longest))
    if not pictures:
        raise DatasetError(f"no pictures (.jpg, .png) of 64 pixels or more in {', '.join(map(str, roots))}")
    return pictures


def _cutout(file: Path, landmarks: Points, yaw: float, subject: str) -> Cutout:
    picture = read_rgb(str(file))
    box = face_box(landmarks)
    reach = _MARGIN * float((box[2:] - box[:2]).max())
    height, width = picture.shape[:2]
    x0, y0 = np.maximum(np.floor(box[:2] - reach), 0).astype(int)
    x1, y1 = np.minimum(np.ceil(box[2:] + reach), (width, height)).astype(int)
    if x1 - x0 < 2 or y1 - y0 < 2:
        raise DatasetError(
            f"{file} is {width} x {height} pixels, but its landmarks lie elsewhere; delete its row"
        )
    part = picture[y0:y1, x0:x1]
    image = _shrunk(part, _LONGEST)
    points = (landmarks - (x0, y0) + 0.5) * np.divide(image.shape[1::-1], part.shape[1::-1]) - 0.5
    levels = [image]
    while min(levels[-1].shape[:2]) >= 2 * _SMALLEST:
        small = levels[-1].shape[1] // 2, levels[-1].shape[0] // 2
        levels.append(np.asarray(cv2.resize(levels[-1], small, interpolation=cv2.INTER_AREA), np.uint8))
    return Cutout(tuple(levels), points, visible_points(yaw), yaw, subject)


def _shrunk(picture: Image, longest: int) -> Image:
    scale = longest / max(picture.shape[:2])
    if scale < 1:
        size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    return np.ascontiguousarray(picture)
