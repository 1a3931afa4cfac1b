"""A folder of portraits with meshes of landmarks, as the training of landmarks reads it.

    python -m aulens.data.sight.portraits PORTRAITS OUT

PORTRAITS holds folders of pictures and `landmarks478.npz`, whose keys `folder/file` lead to
(478, 3) points of MediaPipe's Face Landmarker. OUT/manifest.parquet names the pictures where they are.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from aulens.data.whole import whole
from aulens.errors import DatasetError
from aulens.faces.mediapipe_detector import MESH_OF_68

SOURCES: Final = ("sfhq", "cc0", "pexels")
"""Folders whose licences allow training; see docs/licences.md."""
_TEST, _VALIDATION = 15, 30  # per cent

# The oval of the mesh from each ear to the chin, and the lower edges of the ends of the brows.
_RIGHT_OVAL: Final = (127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152)
_LEFT_OVAL: Final = (356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152)
_BROWS: Final = (((70, 46), 63, 105, 66, (107, 55)), ((336, 285), 296, 334, 293, (300, 276)))
_WINGS: Final = ((60, 98), (290, 327))


def from_mesh(mesh: ArrayLike) -> NDArray[np.float64]:
    """iBUG's 68 points of a mesh of 478, nearer to their definition than single vertices are.

    The ends of a brow are midway between its edges, its other points evenly spaced; so are those of the jaw
    along the oval; the outer points of the nose's base are midway between two vertices of the wing. The rest
    are the vertices of `MESH_OF_68`.

    Args:
        mesh: (478, 2) or (478, 3), pixels.

    Returns:
        (68, 2) pixels.
    """
    vertices = np.asarray(mesh, np.float64)[:, :2]
    points = vertices[list(MESH_OF_68)]
    points[0:9] = evenly(vertices[list(_RIGHT_OVAL)], 9)
    points[8:17] = evenly(vertices[list(_LEFT_OVAL)], 9)[::-1]
    for start, brow in zip((17, 22), _BROWS, strict=True):
        line = np.stack([vertices[list(np.atleast_1d(v))].mean(0) for v in brow])
        points[start : start + 5] = evenly(line, 5)
    points[[31, 35]] = [vertices[list(wing)].mean(0) for wing in _WINGS]
    return points


def evenly(line: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Points (count, 2) evenly spaced along a line of points (K, 2), its ends included."""
    steps = np.hypot(*np.diff(line, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0.0, along[-1], count)
    return np.stack([np.interp(wanted, along, line[:, axis]) for axis in (0, 1)], 1)


def split_of(key: str) -> str:
    """The split that a portrait `folder/file` is in: "test", "val" or "train", 15 / 15 / 70 by its name."""
    share = zlib.crc32(key.encode()) % 100
    return "test" if share < _TEST else "val" if share < _VALIDATION else "train"


def yaw_of(mesh: NDArray[np.floating]) -> float:
    """Degrees by which a mesh (478, 3) is turned; > 0: nose to the subject's left."""
    across = mesh[MESH_OF_68[16]] - mesh[MESH_OF_68[0]]
    return float(np.degrees(np.arctan2(across[2], across[0])))


def write_manifest(portraits: Path, out: Path, sources: Sequence[str] = SOURCES) -> Path:
    """Write OUT/manifest.parquet for the portraits of `sources`.

    Raises:
        DatasetError: `portraits` has no landmarks478.npz, or none of these sources.
    """
    file = Path(portraits) / "landmarks478.npz"
    if not file.is_file():
        raise DatasetError(f"{portraits} has no landmarks478.npz: give the folder that holds it")
    rows = []
    with np.load(file) as meshes:
        for key in meshes.files:
            if key.partition("/")[0] not in sources:
                continue
            mesh = meshes[key]
            row: dict[str, object] = {"file": str(Path(portraits).resolve() / key), "subject": key}
            row |= {"split": split_of(key), "yaw": yaw_of(mesh)}
            for point, (x, y) in enumerate(from_mesh(mesh).tolist()):
                row[f"x_{point}"], row[f"y_{point}"] = x, y
            rows.append(row)
    if not rows:
        raise DatasetError(f"{file} has no pictures of {', '.join(sources)}")
    target = Path(out) / "manifest.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    with whole(target) as part:
        pd.DataFrame(rows).to_parquet(part)
    return target


if __name__ == "__main__":
    print(write_manifest(Path(sys.argv[1]), Path(sys.argv[2])))
