"""The pictures that are looked at: portraits with the faces they show, and what is done to them."""

from __future__ import annotations

import csv
import importlib.util
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens import read_image
from aulens.align import transform
from aulens.data.face_nets import covers
from aulens.faces.mediapipe_detector import MESH_OF_68
from aulens.landmarks import face_box

Image = NDArray[np.uint8]
Points = NDArray[np.float64]

SOURCES = ("sfhq", "cc0", "pexels")
"""Sources of portraits that are trained on, but for those kept."""
TEST, UNTRAINED = 15, 30
_CHEEKS = (50, 205, 280, 425)  # vertices of MediaPipe's mesh
_LUMA = (0.299, 0.587, 0.114)
_GREY = 110  # what comes into view when a picture is turned


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture with one face or several.

    Attributes:
        name: "source/file" of the first face, and what was done to it.
        image: (H, W, 3) uint8 RGB.
        landmarks: (N, 68, 2) of its faces, by MediaPipe's mesh.
        quality: "ok", "soft", "styl" or "bad", as coded; "uncoded".
    """

    name: str
    image: Image
    landmarks: Points
    quality: str = "ok"

    @property
    def boxes(self) -> Points:
        """(N, 4): `aulens.landmarks.face_box` of each face."""
        return np.asarray(face_box(self.landmarks), np.float64).reshape(-1, 4)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.image.shape[1], self.image.shape[0]


def bucket(name: str) -> int:
    """0 to 99, from "source/file": below `TEST` kept for testing, below `UNTRAINED` not trained on."""
    return zlib.crc32(name.encode()) % 100


class Portraits:
    """A folder of portraits: SOURCE/FILE, codes.csv, boxes.csv and landmarks478.npz.

    The pictures of openpeople are cut out of the sheets in the package of that name, where it is installed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        package = importlib.util.find_spec("openpeople")
        self._packages = Path(str(package.origin)).parents[1] if package else None
        with (folder / "boxes.csv").open(newline="") as lines:
            self._tiles = {
                f"{row['source']}/{row['file']}": (
                    row["picture"],
                    [int(row[k]) for k in ("x0", "y0", "x1", "y1")],
                )
                for row in csv.DictReader(lines)
            }
        self._sheets: dict[str, Image] = {}
        with np.load(folder / "landmarks478.npz") as file:
            self.mesh = {name: file[name][:, :2].astype(np.float64) for name in file}
        said: dict[str, list[str]] = defaultdict(list)
        with (folder / "codes.csv").open(newline="") as lines:
            for row in csv.DictReader(lines):
                said[f"{row['source']}/{row['file']}"].append(row["quality"])
        worst = ("bad", "styl", "soft", "ok")
        self.quality = {name: min(words, key=worst.index) for name, words in said.items()}

    def names(self, *sources: str, below: int = 100, every: int = 1) -> list[str]:
        """Names of the pictures of some sources, those in `bucket` below a number, every so many-th."""
        chosen = [
            name
            for name in sorted(self.mesh)
            if name.split("/")[0] in sources and bucket(name) < below and self._is_there(name)
        ]
        return chosen[::every]

    def _is_there(self, name: str) -> bool:
        if name.startswith("openpeople/"):
            return self._packages is not None
        return (self._folder / name).is_file()

    def image(self, name: str) -> Image:
        """(H, W, 3) uint8 RGB."""
        if self._packages is None or not name.startswith("openpeople/"):
            return read_image(self._folder / name)
        sheet, (x0, y0, x1, y1) = self._tiles[name]
        if sheet not in self._sheets:
            self._sheets[sheet] = read_image(self._packages / sheet)
        return np.ascontiguousarray(self._sheets[sheet][y0:y1, x0:x1])

    def picture(self, name: str) -> Picture:
        landmarks = self.mesh[name][list(MESH_OF_68)][None]
        return Picture(name, self.image(name), landmarks, self.quality.get(name, "uncoded"))

    def pictures(self, names: Sequence[str]) -> Iterator[Picture]:
        """Those of good quality: neither stylised nor bad."""
        for name in names:
            if self.quality.get(name, "uncoded") in {"ok", "soft", "uncoded"}:
                yield self.picture(name)

    def skin(self, name: str) -> float:
        """Median luma (0 to 255) of the cheeks: four discs, each a tenth of the eyes' distance in radius."""
        image, mesh = self.image(name), self.mesh[name]
        radius = 0.1 * float(np.hypot(*(mesh[263] - mesh[33])))
        mask = np.zeros(image.shape[:2], np.uint8)
        for point in mesh[list(_CHEEKS)]:
            cv2.circle(mask, np.rint(point).astype(int).tolist(), max(1, round(radius)), 1, -1)
        return float(np.median(image[mask > 0] @ np.array(_LUMA)))


def exposed(image: Image, share: float) -> Image:
    """With `share` of the light: sRGB to linear, times `share`, back, rounded to 8 bits."""
    value = np.arange(256) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4) * share
    again = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(cv2.LUT(image, np.rint(255 * np.clip(again, 0, 1)).astype(np.uint8)), np.uint8)


def dimmed(image: Image, share: float) -> Image:
    """The pixel values times `share`, rounded: at 6 % white is 15."""
    return np.asarray(cv2.LUT(image, np.rint(np.arange(256) * share).astype(np.uint8)), np.uint8)


def turned(picture: Picture, degrees: float) -> Picture:
    """Counter-clockwise, on a canvas that holds all of it; what is new is grey."""
    width, height = picture.size
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    corners = transform(
        matrix,
        np.array([[-0.5, -0.5], [width - 0.5, height - 0.5], [-0.5, height - 0.5], [width - 0.5, -0.5]]),
    )
    low, high = corners.min(0), corners.max(0)
    matrix[:, 2] -= low + 0.5
    size = np.rint(high - low).astype(int).tolist()
    image = cv2.warpAffine(picture.image, matrix, size, flags=cv2.INTER_LINEAR, borderValue=(_GREY,) * 3)
    landmarks = transform(matrix, picture.landmarks)
    name = f"{picture.name} turned {degrees:g}"
    return Picture(name, np.asarray(image, np.uint8), landmarks, picture.quality)


SIDES = ("left", "top", "right", "bottom")


def cut(picture: Picture, side: str, share: float) -> Picture:
    """With a border of the picture so that `share` of the face's box is beyond it."""
    (box,) = picture.boxes
    part = share * (box[2:] - box[:2])
    width, height = picture.size
    x0, y0, x1, y1 = 0, 0, width, height
    if side == "left":
        x0 = round(box[0] + part[0] + 0.5)
    elif side == "top":
        y0 = round(box[1] + part[1] + 0.5)
    elif side == "right":
        x1 = round(box[2] - part[0] + 0.5)
    else:
        y1 = round(box[3] - part[1] + 0.5)
    x0, y0 = max(x0, 0), max(y0, 0)
    image = np.ascontiguousarray(picture.image[y0:y1, x0:x1])
    name = f"{picture.name} {100 * share:g} % off {side}"
    return Picture(name, image, picture.landmarks - (x0, y0), picture.quality)


def covered(picture: Picture, kind: str) -> Picture:
    """With a mask, dark glasses or a hand drawn over it, by the module that training uses too."""
    random = np.random.default_rng(zlib.crc32(f"{picture.name} {kind}".encode()))
    image = picture.image.copy()
    covers.cover(image, picture.landmarks[0], kind, random)
    return Picture(f"{picture.name} {kind}", image, picture.landmarks, picture.quality)
