"""The second rig: ICT-FaceKit (MIT licence), which the user brings; its files are never part of aulens.

`--assets` is either a checkout of the public repository (its folder with the .obj files) or the same content
packed as one .npz with the arrays base, faces, mat, mats, ex, E, I.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from aulens.errors import DatasetError
from aulens.render.canonical import settle, to_canonical
from aulens.render.rig import Floats, Ints, Material, Rig

# The rig's published vertex numbers of the 68 landmarks.
_LANDMARKS: Final = (
    1225, 1888, 1052, 367, 1719, 1722, 2199, 1447, 966, 3661, 4390, 3927, 3924, 2608, 3272, 4088, 3443, 268,
    493, 1914, 2044, 1401, 3615, 4240, 4114, 2734, 2509, 978, 4527, 4942, 4857, 1140, 2075, 1147, 4269,
    3360, 1507, 1542, 1537, 1528, 1518, 1511, 3742, 3751, 3756, 3721, 3725, 3732, 5708, 5695, 2081, 0, 4275,
    6200, 6213, 6346, 6461, 5518, 5957, 5841, 5702, 5711, 5533, 6216, 6207, 6470, 5517, 5966,
)  # fmt: skip
# The mesh is stored part after part: first vertex of each part, and what it is made of (None: left out).
_PARTS: Final = (
    (0, Material.SKIN),
    (11248, Material.MOUTH),
    (13294, Material.SOCKET),
    (14062, Material.TONGUE),
    (17039, Material.TEETH),
    (21451, Material.EYE),
    (24591, None),
    (25351, Material.LASH),
)
_LEFT_EYE, _RIGHT_EYE = (21451, 23021), (23021, 24591)
_VERTICES: Final = 26719


def _read_obj(path: Path) -> tuple[Floats, Ints]:
    vertices: list[tuple[float, ...]] = []
    triangles: list[tuple[int, int, int]] = []
    for line in path.read_text().splitlines():
        word, _, rest = line.partition(" ")
        if word == "v":
            vertices.append(tuple(float(x) for x in rest.split()[:3]))
        elif word == "f":
            corners = [int(corner.split("/")[0]) - 1 for corner in rest.split()]
            triangles += [(corners[0], b, c) for b, c in pairwise(corners[1:])]
    return np.array(vertices, np.float32), np.array(triangles, np.int32)


def _read_checkout(root: Path) -> tuple[Floats, Ints, dict[str, Floats], Floats]:
    found = sorted(root.rglob("generic_neutral_mesh.obj"))
    if not found:
        raise DatasetError(
            f"{root} is no ICT-FaceKit: it holds no generic_neutral_mesh.obj. "
            "Give a checkout of the public repository, or an .npz made from it"
        )
    base, faces = _read_obj(found[0])
    units: dict[str, Floats] = {}
    identities: list[Floats] = []
    for path in sorted(found[0].parent.glob("*.obj")):
        if path.stem == "generic_neutral_mesh":
            continue
        displacement = _read_obj(path)[0] - base
        if path.stem.startswith("identity"):
            identities.append(displacement)
        else:
            units[path.stem] = displacement
    return base, faces, units, np.stack(identities)


def _read_npz(path: Path) -> tuple[Floats, Ints, dict[str, Floats], Floats]:
    try:
        with np.load(path) as packed:
            units = dict(zip((str(n) for n in packed["ex"]), packed["E"].astype(np.float32), strict=True))
            return (
                packed["base"].astype(np.float32),
                packed["faces"].astype(np.int32),
                units,
                packed["I"].astype(np.float32),
            )
    except (KeyError, ValueError, OSError) as error:
        raise DatasetError(
            f"{path} is not a packed ICT-FaceKit ({error}); see `aulens render --help`"
        ) from error


@lru_cache(maxsize=1)
def load_ict(assets: Path) -> Rig:
    """Read the rig from `assets` (an .npz or a checkout).

    Raises:
        DatasetError: if there is nothing there, or it is something else.
    """
    if not assets.exists():
        raise DatasetError(f"--assets {assets} does not exist; the rig 'ict' needs ICT-FaceKit's files")
    base, faces, raw, identities = _read_npz(assets) if assets.is_file() else _read_checkout(assets)
    if len(base) != _VERTICES:
        raise DatasetError(f"{assets} has {len(base)} vertices, ICT-FaceKit has {_VERTICES}: another mesh?")
    part = np.full(len(base), -1, np.int8)
    for (start, material), end in zip(_PARTS, [s for s, _ in _PARTS[1:]] + [len(base)], strict=True):
        part[start:end] = -1 if material is None else material
    keep = (part[faces] >= 0).all(1)
    landmarks = np.array(_LANDMARKS, np.int32)
    scale, shift = settle(base, landmarks)
    neutral = (base * scale + shift).astype(np.float32)
    units = {name: unit * np.float32(scale) for name, unit in raw.items()}
    triangles = np.ascontiguousarray(faces[keep])

    def identity(rng: np.random.Generator) -> Floats:
        strength = np.clip(rng.normal(0, 1, len(identities)), -2.2, 2.2).astype(np.float32)
        offset: Floats = np.tensordot(strength, identities, 1) * np.float32(scale)
        return offset

    return Rig(
        "ict", neutral, to_canonical(neutral, landmarks), triangles, part[triangles[:, 0]], landmarks, units,
        (np.arange(*_RIGHT_EYE, dtype=np.int32), np.arange(*_LEFT_EYE, dtype=np.int32)), identity,
    )  # fmt: skip
