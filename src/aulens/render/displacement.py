"""How far each AU of an action moved what is seen: the truth that evidence for it is measured against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.contents import arrays_of
from aulens.errors import DatasetError
from aulens.files import atomic_write
from aulens.render.expression import Action
from aulens.render.rig import Floats, Ints

GRID: Final = 64
"""Side of a stored field; a cell is the mean of the pixels that it covers."""

Fields = Mapping[int, Floats]
"""AU number to (GRID, GRID) float32: how far it moved what is seen there, in per cent of the picture."""


def displacements(action: Action, place: Callable[[Action], Floats], index: Ints, corners: Floats) -> Fields:
    """The field of each AU of an action: where the face is less where it would be without this AU.

    Args:
        action: AU to intensity (subject's right, left); those of 0 have no field.
        place: where an action puts the vertices, (V, 2) pixels of a picture of n pixels.
        index: (n, n, 3) int32, the corners of the triangle seen at each pixel, -1 where none is.
        corners: (n, n, 3) float32, their weights.
    """
    moved, size = place(action), len(index)
    fields = {}
    for au, strengths in action.items():
        if max(strengths) <= 0:
            continue
        shift = moved - place({other: sides for other, sides in action.items() if other != au})
        length = np.linalg.norm((shift[index] * corners[..., None]).sum(2), axis=2)
        length[index[..., 0] < 0] = 0
        cells: Any = cv2.resize(length.astype(np.float32), (GRID, GRID), interpolation=cv2.INTER_AREA)
        fields[au] = cells * np.float32(100 / size)
    return fields


def seen_corners(index: Ints, weights: Floats, triangles: Ints) -> tuple[Ints, Floats]:
    """What `displacements` takes, of the buffers of `rasterize`."""
    corners = np.concatenate([weights, 1 - weights.sum(2, keepdims=True)], 2)
    return np.where(index[..., None] < 0, -1, triangles[index]), corners.astype(np.float32)


def save_fields(root: Path, index: int, fields: Fields) -> None:
    """Write the fields of picture `index`, as float16."""
    path = root / "displacements" / f"{index // 1000:02d}" / f"{index:06d}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {f"AU{au}": field.astype(np.float16) for au, field in fields.items()}
    with atomic_write(path) as part, part.open("wb") as file:
        np.savez_compressed(file, **arrays)


def read_fields(picture: str | Path) -> dict[str, NDArray[np.float32]]:
    """The fields of a picture of `aulens render --displacements`, by AU label.

    Raises:
        DatasetError: the picture has none, or they are damaged.
    """
    path = Path(picture)
    place = path.parents[2] / "displacements" / path.parent.name / f"{path.stem}.npz"
    if not place.is_file():
        raise DatasetError(f"{path} has no displacement fields: render with --displacements")
    try:
        return {label: field.astype(np.float32) for label, field in arrays_of(place).items()}
    except (OSError, ValueError) as error:
        raise DatasetError(f"{place} is damaged ({error}); render the folder again") from error
