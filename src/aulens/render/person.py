"""How a person looks, whatever they do: skin, lips, brows, eyes, age, and hair on a shell above the head."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aulens.render.rig import Floats, Ints, Material, Rig, smoothstep

# sRGB, light to dark.
_SKIN: Final = np.array(
    [[0.88, 0.70, 0.61], [0.82, 0.61, 0.50], [0.75, 0.53, 0.41], [0.65, 0.44, 0.32],
     [0.53, 0.34, 0.24], [0.39, 0.24, 0.16], [0.27, 0.16, 0.11]]
)  # fmt: skip
_HAIR: Final = np.array(
    [
        [0.05, 0.04, 0.035],
        [0.11, 0.07, 0.05],
        [0.22, 0.14, 0.08],
        [0.45, 0.33, 0.19],
        [0.37, 0.17, 0.09],
        [0.5, 0.49, 0.48],
    ]
)
_IRIS: Final = np.array(
    [[0.28, 0.16, 0.08], [0.20, 0.11, 0.06], [0.35, 0.42, 0.48], [0.33, 0.38, 0.24], [0.42, 0.30, 0.15]]
)


class Appearance(NamedTuple):
    """Appearance of one person; colours are linear RGB (3,) float32, lengths canonical centimetres.

    A NamedTuple because the compiled shader takes it as it is.
    """

    skin: Floats
    lips: Floats
    hair: Floats
    brow: Floats
    iris: Floats
    teeth: Floats
    cloth: Floats
    darkness: float  # 0 light .. 1 dark skin
    age: float  # 0 .. 1: depth of the wrinkles
    redness: float
    freckles: float
    gloss: float
    beard: float  # density, 0 = shaven
    brow_density: float
    brow_width: float
    brow_lift: float  # the hair sits this much above the brow landmarks
    brow_tilt: float  # and its inner end this much more
    pupil: float
    lashes: float
    eye_shadow: float
    seed: int  # of the skin's noise
    hair_kind: int  # 0 bald, 1 cropped, 2 short, 3 medium, 4 long
    hair_thickness: float
    hairline: float  # height over the forehead
    fringe: float  # raggedness of the hairline


def _linear(colour: NDArray[np.float64]) -> Floats:
    """From sRGB."""
    linear: Floats = (np.clip(colour, 0, 1) ** 2.2).astype(np.float32)
    return linear


def draw_appearance(rng: np.random.Generator) -> Appearance:
    """A random person."""
    tone = rng.uniform(0, len(_SKIN) - 1)
    low = min(int(tone), len(_SKIN) - 2)
    skin = (_SKIN[low] * (1 - tone + low) + _SKIN[low + 1] * (tone - low)) * rng.uniform(0.94, 1.05, 3)
    darkness = tone / (len(_SKIN) - 1)
    hair_shares = (
        [0.38, 0.26, 0.13, 0.09, 0.05, 0.09] if darkness < 0.6 else [0.6, 0.25, 0.04, 0.0, 0.02, 0.09]
    )
    hair = _linear(_HAIR[rng.choice(len(_HAIR), p=hair_shares)] * rng.uniform(0.8, 1.2))
    bearded = rng.random() < 0.3
    painted = not bearded and rng.random() < 0.2
    natural_lips = skin * np.array([0.93, 0.72, 0.74]) * rng.uniform(0.92, 1.08) + np.array([0.02, 0, 0.015])
    lipstick = np.array([0.62, 0.2, 0.24]) * rng.uniform(0.6, 1.25, 3)
    kind = int(rng.choice(5, p=[0.07, 0.13, 0.3, 0.26, 0.24]))
    cloth = rng.uniform(0.05, 0.9, 3)
    return Appearance(
        skin=_linear(skin),
        lips=_linear(lipstick if painted else natural_lips),
        hair=hair,
        brow=(hair * rng.uniform(0.5, 1.0)).astype(np.float32),
        iris=_linear(_IRIS[rng.choice(len(_IRIS), p=[0.35, 0.3, 0.15, 0.1, 0.1])] * rng.uniform(0.8, 1.2)),
        teeth=np.array([0.72, 0.67, 0.55], np.float32) * np.float32(rng.uniform(0.75, 1.08)),
        cloth=_linear(0.55 * cloth.mean() + 0.45 * cloth),
        darkness=float(darkness),
        age=float(rng.beta(1.2, 1.6)),
        redness=float(rng.uniform(0.2, 1.0)),
        freckles=float(rng.random() ** 4),
        gloss=float(rng.uniform(0.15, 0.8)),
        beard=float(rng.choice([0.25, 0.5, 0.85])) if bearded else 0.0,
        brow_density=float(rng.uniform(0.35, 1.0)),
        brow_width=float(rng.uniform(0.22, 0.5)),
        brow_lift=float(rng.uniform(-0.2, 0.2)),
        brow_tilt=float(rng.uniform(-0.1, 0.5)),
        pupil=float(rng.uniform(0.17, 0.32)),
        lashes=float(rng.uniform(0.3, 1.0)),
        eye_shadow=float(rng.uniform(0.1, 0.5)) if painted else 0.0,
        seed=int(rng.integers(1, 9999)),
        hair_kind=kind,
        hair_thickness=float((0.0, 0.15, 0.5, 1.1, 1.5)[kind] * rng.uniform(0.7, 1.3)),
        hairline=float(rng.uniform(7.4, 10.2)),
        fringe=float(rng.uniform(0, 0.6)),
    )


class Shell(NamedTuple):
    """A second skin over the haired part; S vertices, T triangles, numbered on from the head's V vertices."""

    points: Floats  # (S, 3)
    normals: Floats  # (S, 3)
    canonical: Floats  # (S, 3)
    cover: Floats  # (S,)
    triangles: Ints  # (T, 3)


def hair_cover(rig: Rig, appearance: Appearance) -> Floats:
    """How much hair grows at each vertex, (V,) float32 in 0..1."""
    x, y, z = rig.canonical.T
    if appearance.hair_kind == 0:
        return np.zeros(len(x), np.float32)
    ragged = appearance.fringe * np.sin(1.9 * x + appearance.seed) * np.cos(0.7 * x - 0.3 * appearance.seed)
    height = y - 0.02 * x**2 + 0.55 * (8 - np.minimum(z, 8)) + ragged
    over = smoothstep(appearance.hairline - 0.5, appearance.hairline + 0.8, height)
    side = smoothstep(5.9, 7.2, np.abs(x)) * smoothstep(7.2, 5.0, z) * smoothstep(2.2, 5.2, y)
    back = smoothstep(4.5, 2.5, z) * smoothstep(-6, -3, y) * (np.abs(x) < 9)
    ear = (np.abs(x) > 6.9) & (y < 5.2) & (y > -3.2) & (z > -1) & (z < 5)
    grown = np.maximum(over, np.maximum(side, back)) * ~ear
    skin = np.zeros(len(x), bool)
    skin[rig.triangles[rig.material == Material.SKIN]] = True
    cover: Floats = (grown * skin).astype(np.float32)
    return cover


def hair_shell(rig: Rig, appearance: Appearance, head: Floats, normals: Floats, cover: Floats) -> Shell:
    """The hair's outer surface for a moved head; empty for bald and cropped heads.

    Args:
        rig: the head's mesh.
        appearance: kind and thickness of the hair.
        head: (V, 3) the moved vertices, centimetres.
        normals: (V, 3) unit.
        cover: (V,) 0..1, see `hair_cover`.
    """
    if appearance.hair_kind < 2:
        empty = np.zeros((0, 3), np.float32)
        return Shell(empty, empty, empty, np.zeros(0, np.float32), np.zeros((0, 3), np.int32))
    grown = cover > 0.02
    lift = appearance.hair_thickness * smoothstep(0, 1, cover) - 0.02 * ~grown
    points = head + normals * lift[:, None]
    if appearance.hair_kind == 4:  # long hair hangs wide of the neck
        outwards = np.sign(head) * np.array([1.5, 0, 0], np.float32)
        points = points + smoothstep(3, -8, head[:, 1])[:, None] * outwards
    triangles = rig.triangles[(rig.material == Material.SKIN) & grown[rig.triangles].all(1)]
    numbered = (triangles + len(head)).astype(np.int32)
    return Shell(points.astype(np.float32), normals, rig.canonical, cover, numbered)
