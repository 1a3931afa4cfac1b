"""Hair: where on the head it grows, and a shell a little above the scalp that carries it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from aulens.render.person import Look
from aulens.render.rig import Floats, Ints, Material, Rig


class Shell(NamedTuple):
    """A second skin over the haired part; S vertices, T triangles, numbered on from the head's V vertices."""

    points: Floats  # (S, 3)
    normals: Floats  # (S, 3)
    canonical: Floats  # (S, 3)
    cover: Floats  # (S,)
    triangles: Ints  # (T, 3)


def _step(low: float, high: float, value: Floats) -> Floats:
    t = np.clip((value - low) / (high - low), 0, 1)
    result: Floats = (t * t * (3 - 2 * t)).astype(np.float32)
    return result


def hair_cover(rig: Rig, look: Look) -> Floats:
    """How much hair grows at each vertex, (V,) float32 in 0..1."""
    x, y, z = rig.canonical.T
    if look.hair_kind == 0:
        return np.zeros(len(x), np.float32)
    ragged = look.fringe * np.sin(1.9 * x + look.seed) * np.cos(0.7 * x - 0.3 * look.seed)
    height = y - 0.02 * x**2 + 0.55 * (8 - np.minimum(z, 8)) + ragged
    over = _step(look.hairline - 0.5, look.hairline + 0.8, height)
    side = _step(5.9, 7.2, np.abs(x)) * _step(7.2, 5.0, z) * _step(2.2, 5.2, y)
    back = _step(4.5, 2.5, z) * _step(-6, -3, y) * (np.abs(x) < 9)
    ear = (np.abs(x) > 6.9) & (y < 5.2) & (y > -3.2) & (z > -1) & (z < 5)
    grown = np.maximum(over, np.maximum(side, back)) * ~ear
    skin = np.zeros(len(x), bool)
    skin[rig.triangles[rig.material == Material.SKIN]] = True
    cover: Floats = (grown * skin).astype(np.float32)
    return cover


def hair_shell(rig: Rig, look: Look, head: Floats, normals: Floats, cover: Floats) -> Shell:
    """The hair's outer surface for a moved head; empty for bald and cropped heads.

    Args:
        rig: the head's mesh.
        look: kind and thickness of the hair.
        head: (V, 3) the moved vertices, centimetres.
        normals: (V, 3) unit.
        cover: (V,) 0..1, see `hair_cover`.
    """
    if look.hair_kind < 2:
        empty = np.zeros((0, 3), np.float32)
        return Shell(empty, empty, empty, np.zeros(0, np.float32), np.zeros((0, 3), np.int32))
    grown = cover > 0.02
    lift = look.hair_thickness * _step(0, 1, cover) - 0.02 * ~grown
    points = head + normals * lift[:, None]
    if look.hair_kind == 4:  # long hair hangs wide of the neck
        outwards = np.sign(head) * np.array([1.5, 0, 0], np.float32)
        points = points + _step(3, -8, head[:, 1])[:, None] * outwards
    triangles = rig.triangles[(rig.material == Material.SKIN) & grown[rig.triangles].all(1)]
    numbered = (triangles + len(head)).astype(np.int32)
    return Shell(points.astype(np.float32), normals, rig.canonical, cover, numbered)
