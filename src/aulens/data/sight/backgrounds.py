"""Pictures without people: read once, and random parts of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens import align
from aulens.data.sight.cutouts import shrunk
from aulens.errors import DatasetError

Image = NDArray[np.uint8]

_SMALLEST = 64  # pixels; icons are no scenes


def read_backgrounds(roots: Sequence[Path], longest: int = 512) -> list[Image]:
    """The pictures (.jpg, .png) in and below folders.

    Args:
        roots: the folders.
        longest: they are shrunk to so many pixels.

    Returns:
        (h, w, 3) uint8 RGB each, folder by folder, by name; those below 64 pixels and what can't be read
        are left out.

    Raises:
        DatasetError: a folder does not exist, or there is no picture in any.
    """
    if lost := [str(root) for root in roots if not Path(root).is_dir()]:
        raise DatasetError(f"no such folder of backgrounds: {', '.join(lost)}; see data.backgrounds")
    files = sorted(
        file
        for root in roots
        for file in Path(root).rglob("*")
        if file.suffix.lower() in {".jpg", ".jpeg", ".png"}
    )
    pictures = []
    for file in files:
        picture = cv2.imread(str(file), cv2.IMREAD_COLOR)
        if picture is not None and min(picture.shape[:2]) >= _SMALLEST:
            pictures.append(shrunk(np.asarray(picture[..., ::-1], np.uint8), longest))
    if not pictures:
        raise DatasetError(
            f"no pictures (.jpg, .png) of {_SMALLEST} pixels or more in {', '.join(map(str, roots))}"
        )
    return pictures


def draw_background(
    backgrounds: Sequence[Image],
    size: int,
    random: np.random.Generator,
    *,
    chances: NDArray[np.float64] | None = None,
) -> Image:
    """A random part of a background, (S, S, 3) uint8 RGB, sometimes turned or mirrored.

    Args:
        backgrounds: pictures without people, (h, w, 3) uint8 RGB.
        size: S.
        random: the only source of randomness.
        chances: (len(backgrounds),) how often each background is taken; None: alike.
    """
    picture = backgrounds[int(random.choice(len(backgrounds), p=chances))]
    height, width = picture.shape[:2]
    side = float(np.exp(random.uniform(np.log(0.35), 0))) * min(height, width)
    x, y = random.uniform(0, width - side), random.uniform(0, height - side)
    matrix = np.array([[size / side, 0, -x * size / side], [0, size / side, -y * size / side]])
    if random.random() < 0.25:
        turn = align.rotation_scale(float(random.uniform(-180, 180)), 1.3, (size / 2, size / 2))
        matrix = align.compose(turn, matrix)
    border = cv2.BORDER_REFLECT_101
    out = cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=border)
    return np.ascontiguousarray(out[:, ::-1] if random.random() < 0.5 else out, np.uint8)
