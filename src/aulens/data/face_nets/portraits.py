"""A folder of portraits with meshes of landmarks, as the training of landmarks reads it.

    python -m aulens.data.face_nets.portraits PORTRAITS OUT
    python -m aulens.data.face_nets.portraits PORTRAITS OUT --moved REANIMATED

PORTRAITS holds folders of pictures and `landmarks478.npz`, whose keys `folder/file` lead to (478, 3) points
of MediaPipe's Face Landmarker. OUT/manifest.parquet names the pictures where they are; with --moved, those
that `aulens render --portraits` made of them, whose points are brought to the same places of the face.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from aulens.align import similarity
from aulens.contents import arrays_of
from aulens.data.columns import point_columns
from aulens.data.portraits.splits import TRAINING, split_of
from aulens.data.renders import POINTS, render_table
from aulens.errors import AulensError, DatasetError
from aulens.faces.mediapipe_detector import MESH_OF_68
from aulens.files import atomic_write, disk_errors
from aulens.landmarks import INNER_EYE_CORNERS, NOSE_BRIDGE, NOSE_TIP, OUTER_EYE_CORNERS

SOURCES: Final = TRAINING

# The oval of the mesh from each ear to the chin, and the lower edges of the ends of the brows.
_RIGHT_OVAL: Final = (127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152)
_LEFT_OVAL: Final = (356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152)
# The right brow from its outer end, the left one from its inner end. A hand places outer ends beyond the
# mesh's: nearest, on 17 faces, if they are moved on by so much of the way from the vertex before.
_BROWS: Final = (((70, 46), 63, 105, 66, (107, 55)), ((336, 285), 296, 334, 293, (300, 276)))
_BEYOND: Final = 0.4
_WINGS: Final = ((60, 98), (290, 327))
_STILL: Final = (*OUTER_EYE_CORNERS, *INNER_EYE_CORNERS, *NOSE_BRIDGE, NOSE_TIP)
"""Points of the 68 that no AU moves much."""


def from_mesh(mesh: ArrayLike) -> NDArray[np.float64]:
    """iBUG's 68 points of a mesh of 478, nearer to their definition than single vertices are.

    The ends of a brow are midway between its edges, the outer one further out along it, its other points
    evenly spaced; so are those of the jaw along the oval; the outer points of the nose's base are midway
    between two vertices of the wing. The rest are the vertices of `MESH_OF_68`.

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
        end, before = (0, 1) if start == 17 else (4, 3)
        line[end] += _BEYOND * (line[end] - line[before])
        points[start : start + 5] = evenly(line, 5)
    points[[31, 35]] = [vertices[list(wing)].mean(0) for wing in _WINGS]
    return points


def evenly(line: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Points (count, 2) evenly spaced along a line of points (K, 2), its ends included."""
    steps = np.hypot(*np.diff(line, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0.0, along[-1], count)
    return np.stack([np.interp(wanted, along, line[:, axis]) for axis in (0, 1)], 1)


def yaw_of(mesh: NDArray[np.floating]) -> float:
    """Degrees by which a mesh (478, 3) is turned; > 0: nose to the subject's left."""
    across = mesh[MESH_OF_68[16]] - mesh[MESH_OF_68[0]]
    return float(np.degrees(np.arctan2(across[2], across[0])))


def write_manifest(portraits: Path, out: Path, sources: Sequence[str] = SOURCES) -> Path:
    """Write OUT/manifest.parquet for the portraits of `sources`.

    Args:
        portraits: the folder with landmarks478.npz.
        out: folder for the manifest, made if missing.
        sources: folders in `portraits`.

    Raises:
        DatasetError: `portraits` has no landmarks478.npz, a damaged one, or none of these sources.
    """
    meshes = {key: mesh for key, mesh in _meshes(portraits).items() if key.partition("/")[0] in sources}
    if not meshes:
        raise DatasetError(f"{portraits}: its landmarks478.npz has no pictures of {', '.join(sources)}")
    table = pd.DataFrame(
        {
            "file": [str(Path(portraits).resolve() / key) for key in meshes],
            "subject": list(meshes),
            "split": [split_of(key) for key in meshes],
            "yaw": [yaw_of(mesh) for mesh in meshes.values()],
        }
    )
    points = np.stack([from_mesh(mesh).ravel() for mesh in meshes.values()])
    return _written(table.join(pd.DataFrame(points, columns=point_columns(POINTS))), out)


def write_moved(moved: Path, portraits: Path, out: Path) -> Path:
    """Write OUT/manifest.parquet for what `aulens render --portraits` made of portraits.

    That follows vertices of the mesh. Each point is moved on by as much as `from_mesh` differs from its
    vertex in the portrait, turned and scaled as eyes and nose were.

    Args:
        moved: the folder that it made.
        portraits: the folder with landmarks478.npz.
        out: folder for the manifest, made if missing.

    Raises:
        DatasetError: a folder lacks its files, or a portrait its mesh.
    """
    names = point_columns(POINTS)
    table = render_table(moved, ("file", *names))
    if "portrait" not in table:
        raise DatasetError(f"{moved} names no portraits; give a folder of `aulens render --portraits`")
    points = table[names].to_numpy(np.float64, copy=True).reshape(-1, POINTS, 2)
    meshes, still = _meshes(portraits), list(_STILL)
    for row, key in enumerate(table["portrait"].astype(str)):
        if key not in meshes:
            raise DatasetError(f"{portraits}: its landmarks478.npz has no {key}, of which {moved} was made")
        vertices = meshes[key][list(MESH_OF_68), :2].astype(np.float64)
        to = similarity(vertices[still], points[row][still])
        points[row] += (from_mesh(meshes[key]) - vertices) @ to[:, :2].T
    table[names] = points.reshape(len(table), -1)
    table["file"] = [str(Path(moved).resolve() / file) for file in table["file"]]
    return _written(table, out)


def _meshes(portraits: Path) -> dict[str, NDArray[Any]]:
    file = Path(portraits) / "landmarks478.npz"
    if not file.is_file():
        raise DatasetError(f"{portraits} has no landmarks478.npz: give the folder that holds it")
    try:
        meshes = arrays_of(file)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{file} can't be read ({error}); make it again") from error
    for key, mesh in meshes.items():
        if mesh.shape != (478, 3) or mesh.dtype.kind != "f" or not np.isfinite(mesh).all():
            raise DatasetError(
                f"{file}: {key} is no mesh of 478 finite points (x, y, z), its shape is {mesh.shape}"
            )
    return meshes


def _written(table: pd.DataFrame, out: Path) -> Path:
    target = Path(out) / "manifest.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(target) as part:
        table.to_parquet(part)
    return target


def main() -> None:
    """The command line of this file."""
    parser = argparse.ArgumentParser(prog="python -m aulens.data.face_nets.portraits", description=__doc__)
    parser.add_argument("portraits", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--moved", type=Path, metavar="REANIMATED")
    given = parser.parse_args()
    try:
        with disk_errors(given.out, "the same command"):
            if given.moved:
                print(write_moved(given.moved, given.portraits, given.out))
            else:
                print(write_manifest(given.portraits, given.out))
    except AulensError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
