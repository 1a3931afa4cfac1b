"""What a face rig is: one neutral mesh, its expression units, its 68 landmarks, and a way to draw people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aulens.contents import bytes_of
from aulens.errors import DatasetError

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


class Material(IntEnum):
    """What a triangle is made of; the shader's only switch."""

    SKIN = 0
    MOUTH = 1  # inside of the mouth, behind the teeth
    SOCKET = 2
    TONGUE = 3  # tongue and gums
    TEETH = 4
    EYE = 5
    LASH = 6
    HAIR = 7


@dataclass(frozen=True)
class Rig:
    """A head that can be given an identity and an expression.

    Coordinates are centimetres, x towards the subject's left, y up, z towards the camera.
    V vertices, F triangles.

    Attributes:
        name: "anny" or "ict".
        neutral: (V, 3) float32, the mean face.
        canonical: (V, 3) float32, where each vertex lies on the canonical face (see `canonical.py`):
            skin, brows, wrinkles are painted in this frame, so that they fit every rig and identity.
        triangles: (F, 3) int32 vertex indices, counter-clockwise seen from outside.
        material: (F,) int8, a `Material` per triangle.
        landmarks: (68,) int32, the vertex of each iBUG-68 landmark.
        units: name of an expression unit ("mouthSmile_L") to its displacement at full strength, (V, 3)
            float32. `_L` and `_R` are the subject's own sides.
        eyes: per side (right, left) the vertex indices of the eyeball, int32.
        identity: draws a person: `identity(rng) -> (V, 3)` displacement of the neutral face.
        modes: the people it can draw, as `modes() -> (K, V, 3)` float32 displacements, to be added up with
            about standard normal weights; a face is fitted with them.
    """

    name: str
    neutral: Floats
    canonical: Floats
    triangles: Ints
    material: NDArray[np.int8]
    landmarks: Ints
    units: Mapping[str, Floats]
    eyes: tuple[Ints, Ints]
    identity: Callable[[np.random.Generator], Floats]
    modes: Callable[[], Floats]


def read_obj(path: Path) -> tuple[Floats, Ints, NDArray[np.str_]]:
    """Vertices (V, 3) of an .obj file, its faces as triangles (F, 3), and the group of each triangle (F,);
    DatasetError if it is no such file."""
    vertices: list[tuple[float, ...]] = []
    triangles: list[tuple[int, int, int]] = []
    groups: list[str] = []
    group = ""
    try:
        for line in bytes_of(path).decode("utf-8").splitlines():
            word, _, rest = line.partition(" ")
            if word == "v":
                vertices.append(tuple(float(x) for x in rest.split()[:3]))
            elif word == "g":
                group = rest.strip()
            elif word == "f":
                first, *others = (int(corner.split("/")[0]) - 1 for corner in rest.split())
                triangles += [(first, second, third) for second, third in pairwise(others)]
                groups += [group] * (len(others) - 1)
        return np.array(vertices, np.float32), np.array(triangles, np.int32), np.array(groups)
    except (OSError, ValueError, OverflowError) as error:
        raise DatasetError(f"{path} is no mesh that can be read ({error!s:.200}); get it again") from error


def smoothstep(low: float, high: float | NDArray[np.floating], value: NDArray[np.floating]) -> Floats:
    """0 below `low`, 1 above `high` (or the reverse), smooth in between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    result: Floats = t * t * (3 - 2 * t)
    return result
