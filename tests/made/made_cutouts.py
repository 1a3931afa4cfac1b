"""Faces of which one knows where everything is: a white disc on black at one of the five points."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from aulens.align import five_points
from aulens.data.face_nets.camera import Taken
from aulens.data.face_nets.cutouts import Cutout, read_cutouts
from synthetic_faces import face68

PARTNER = (1, 0, 2, 4, 3)
"""Of five points, those that stand where they stood, after the picture is mirrored."""
SIZE = 208, 240  # width, height; a fifth of it is the face, so that borders are far away


def landmarks(size: tuple[int, int] = SIZE, share: float = 0.16, seed: int = 0) -> np.ndarray:
    """A face of 68 points about the middle of a picture (width, height), a little irregular."""
    random = np.random.default_rng(seed)
    points = face68() * share * min(size) + (np.array(size) - 1) / 2
    return points + random.normal(0, 0.01 * min(size), (68, 2))


def picture(points: np.ndarray, spots: np.ndarray, size: tuple[int, int] = SIZE) -> np.ndarray:
    """(H, W, 3) uint8, black, with a white disc about each of (N, 2) spots, its border soft."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    radius = 0.08 * float(np.ptp(points[:, 0]))
    image = np.zeros(x.shape)
    for spot in np.reshape(spots, (-1, 2)):
        image = np.maximum(image, np.clip(radius + 0.5 - np.hypot(x - spot[0], y - spot[1]), 0, 1))
    return np.repeat(np.rint(255 * image).astype(np.uint8)[..., None], 3, 2)


def write_folder(root: Path, pictures: list[tuple[np.ndarray, np.ndarray]], **columns: object) -> Path:
    """ROOT/manifest.parquet and pictures (image, landmarks), as `aulens render` would."""
    root.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, (image, points) in enumerate(pictures):
        file = f"{number}.png"
        cv2.imwrite(str(root / file), image[..., ::-1])
        row: dict[str, object] = {"file": file, "subject": file, "split": "train", "yaw": 0.1, **columns}
        rows.append(row | {f"{a}_{i}": float(points[i, "xy".index(a)]) for i in range(68) for a in "xy"})
    pd.DataFrame(rows).to_parquet(root / "manifest.parquet")
    return root


def disc_faces(folder: Path, size: tuple[int, int] = SIZE) -> list[Cutout]:
    """The same face five times, a disc at each of its five points in turn, and once without."""
    points = landmarks(size)
    spots = [*five_points(points)[:, None], np.empty((0, 2))]
    write_folder(folder, [(picture(points, spot, size), points) for spot in spots])
    return read_cutouts([folder], "train")


def centre_of(light: np.ndarray) -> np.ndarray:
    """Centre (x, y) of brightness (H, W), an integer = the centre of a pixel."""
    weight = light.astype(np.float64)
    y, x = np.indices(weight.shape)
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


def as_it_is(image: np.ndarray, random: np.random.Generator, *, hard: float) -> Taken:
    """A camera that changes nothing."""
    return Taken(image, 1.0, 0.0, 0.0)


def nothing(image: np.ndarray, points: np.ndarray, kind: str, random: np.random.Generator) -> np.ndarray:
    """What somebody wears who wears nothing."""
    return np.zeros(image.shape[:2], np.float32)
