"""The second rig: ICT-FaceKit (MIT licence), which the user brings; its files are never part of aulens.

`--assets` is either a checkout of the public repository, found by its .obj files, or the same content packed
as one .npz, which `pack` makes and which loads in a second:

    base (V, 3) float     neutral vertices, centimetres
    faces (F, 3) int      triangles
    ex (U,) str           names of the expression units
    E (U, V, 3) float     their displacements
    I (K, V, 3) float     displacements of the identity modes, one standard deviation each
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from aulens.contents import arrays_of
from aulens.errors import DatasetError
from aulens.files import atomic_write
from aulens.render.canonical import settle, to_canonical
from aulens.render.expression import UNITS_NEEDED
from aulens.render.rig import Floats, Ints, Material, Rig, read_obj

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


class _Kit(NamedTuple):
    """ICT-FaceKit as published; V vertices, F triangles, K identity modes."""

    base: Floats  # (V, 3)
    faces: Ints  # (F, 3)
    units: dict[str, Floats]  # name to (V, 3)
    identities: Floats  # (K, V, 3)


def _read_checkout(root: Path) -> _Kit:
    found = sorted(root.rglob("generic_neutral_mesh.obj"))
    if not found:
        raise DatasetError(
            f"{root} is no ICT-FaceKit: it holds no generic_neutral_mesh.obj. "
            "Give a checkout of the public repository, or an .npz made from it"
        )
    base, faces, _ = read_obj(found[0])
    units: dict[str, Floats] = {}
    identities: list[Floats] = []
    for path in sorted(found[0].parent.glob("*.obj")):
        if path.stem == "generic_neutral_mesh":
            continue
        displacement = read_obj(path)[0] - base
        if path.stem.startswith("identity"):
            identities.append(displacement)
        else:
            units[path.stem] = displacement
    if not identities:
        raise DatasetError(f"{found[0].parent} holds no identity*.obj: an incomplete checkout?")
    return _Kit(base, faces, units, np.stack(identities))


def _read_npz(path: Path) -> _Kit:
    try:
        packed = arrays_of(path)
        units = dict(zip((str(n) for n in packed["ex"]), packed["E"].astype(np.float32), strict=True))
        return _Kit(
            packed["base"].astype(np.float32),
            packed["faces"].astype(np.int32),
            units,
            packed["I"].astype(np.float32),
        )
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise DatasetError(
            f"{path} is not a packed ICT-FaceKit ({error}); docs/renders.md says how to make one"
        ) from error


def _read(assets: Path) -> _Kit:
    if not assets.exists():
        raise DatasetError(f"--assets {assets} does not exist; the rig 'ict' needs ICT-FaceKit's files")
    kit = _read_npz(assets) if assets.is_file() else _read_checkout(assets)
    if len(kit.base) != _VERTICES:
        raise DatasetError(
            f"{assets} has {len(kit.base)} vertices, ICT-FaceKit has {_VERTICES}: another mesh?"
        )
    displacements = (*kit.units.values(), *kit.identities)
    if kit.faces.max() >= _VERTICES or any(one.shape != kit.base.shape for one in displacements):
        raise DatasetError(f"{assets} has faces or displacements of other vertices than its own: damaged?")
    if missing := sorted({*UNITS_NEEDED} - {*kit.units}):
        raise DatasetError(f"{assets} lacks the expressions {', '.join(missing)}: an incomplete checkout?")
    return kit


def pack(checkout: str | Path, out: str | Path) -> Path:
    """Pack a checkout of ICT-FaceKit into one .npz of about 26 MB.

    Displacements are kept as float16, which moves no vertex by more than 0.02 mm.

    Raises:
        DatasetError: if there is no such checkout.
    """
    kit = _read(Path(checkout))
    names = sorted(kit.units)
    displacements = np.stack([kit.units[name] for name in names])
    with atomic_write(Path(out)) as part, part.open("wb") as file:
        np.savez_compressed(
            file,
            base=kit.base,
            faces=kit.faces,
            ex=np.array(names),
            E=displacements.astype(np.float16),
            I=kit.identities.astype(np.float16),
        )
    return Path(out)


@lru_cache(maxsize=1)
def load_ict(assets: Path) -> Rig:
    """Read the rig from `assets` (an .npz or a checkout); DatasetError if it is something else."""
    base, faces, raw, identities = _read(assets)
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
        lambda: identities * np.float32(scale),
    )  # fmt: skip
