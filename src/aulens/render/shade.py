"""Paint and light on the face: one compiled pass over the visible pixels.

Legend: V vertices, F triangles, H x W pixels. x, y, z are canonical centimetres (`canonical.py`).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aulens.render.compiled import compiled, inlined
from aulens.render.light import key_share, reflect
from aulens.render.rig import Floats, Ints, Material
from aulens.render.skin import beard_cover, brow_cover, fractal, lip_cover, skin_tint, smooth, wrinkle

# Plain numbers, because the compiled code knows no enums of ours.
_SKIN, _MOUTH, _SOCKET = int(Material.SKIN), int(Material.MOUTH), int(Material.SOCKET)
_TONGUE, _TEETH, _EYE = int(Material.TONGUE), int(Material.TEETH), int(Material.EYE)
_LASH, _HAIR = int(Material.LASH), int(Material.HAIR)

# Light creeps a little round the edge of skin, red furthest.
_SKIN_WRAP: Final = (0.38, 0.20, 0.12)
_PLAIN_WRAP: Final = (0.1, 0.1, 0.1)
_STEP: Final = 0.04  # centimetres: over which the relief of the skin is differentiated


class Mesh(NamedTuple):
    """The posed head. A NamedTuple because the compiled shader takes it as it is."""

    position: Floats  # (V, 3) camera space, centimetres
    normal: Floats  # (V, 3) camera space
    canonical: Floats  # (V, 3)
    hair: Floats  # (V,) hair cover 0..1
    triangles: Ints  # (F, 3)
    material: NDArray[np.int8]  # (F,)
    rotation: Floats  # (3, 3) head to camera
    iris: Floats  # (2, 2) canonical x, y of the right and left iris


@inlined
def _scaled(colour: Any, by: float) -> Any:
    return colour[0] * by, colour[1] * by, colour[2] * by


@inlined
def _blend(below: Any, above: Any, cover: float) -> Any:
    """`above` over `below`; cover 0..1."""
    return (
        below[0] + (above[0] - below[0]) * cover,
        below[1] + (above[1] - below[1]) * cover,
        below[2] + (above[2] - below[2]) * cover,
    )


@inlined
def inside_triangle(table: Floats, corners: Any, w0: float, w1: float) -> Any:
    """A row of `table` (V, 3), interpolated between three vertices."""
    i, j, k = corners
    w2 = 1 - w0 - w1
    return (
        w0 * table[i, 0] + w1 * table[j, 0] + w2 * table[k, 0],
        w0 * table[i, 1] + w1 * table[j, 1] + w2 * table[k, 1],
        w0 * table[i, 2] + w1 * table[j, 2] + w2 * table[k, 2],
    )


@inlined
def _pores(x: float, y: float, z: float, appearance: Any) -> Any:
    return fractal(9 * x, 9 * y, 9 * z, appearance.seed + 50, 2)


@inlined
def _skin_colour(
    x: float,
    y: float,
    z: float,
    hair: float,
    fine: float,
    lip: float,
    brow: float,
    cloth: float,
    appearance: Any,
) -> Any:
    """Skin and what grows or lies on it, from the skin outwards."""
    tint = skin_tint(x, y, z, fine, appearance)
    colour = (appearance.skin[0] * tint[0], appearance.skin[1] * tint[1], appearance.skin[2] * tint[2])
    colour = _blend(colour, _scaled(appearance.hair, 0.8), beard_cover(x, y, z, appearance) * (1 - lip))
    if lip > 0:
        grain = 1 + 0.18 * fractal(11 * x, 2 * y, 3 * z, 5, 2)
        colour = _blend(colour, _scaled(appearance.lips, grain), lip)
    colour = _blend(colour, appearance.brow, brow)
    if appearance.hair_kind > 0 and hair > 0:  # cropped hair is a tint of the scalp
        colour = _blend(colour, appearance.hair, 0.85 * smooth(0.0, 0.3, hair + 0.12 * fine))
    if cloth > 0:
        colour = _blend(colour, _scaled(appearance.cloth, 1 + 0.25 * fine), cloth)
    return colour


@inlined
def _relief(x: float, y: float, z: float, fine: float, strength: Floats, appearance: Any) -> Any:
    """Height of the wrinkles, centimetres, and the slope of wrinkles and pores along x and y."""
    height = wrinkle(x, y, strength, appearance.age)
    along_x = (wrinkle(x + _STEP, y, strength, appearance.age) - height) / _STEP
    along_y = (wrinkle(x, y + _STEP, strength, appearance.age) - height) / _STEP
    pores = 0.010 / _STEP
    along_x += pores * (_pores(x + _STEP, y, z, appearance) - fine)
    along_y += pores * (_pores(x, y + _STEP, z, appearance) - fine)
    return height, along_x, along_y


@inlined
def _teeth_colour(x: float, appearance: Any) -> Any:
    ax = abs(x)
    gap = abs(ax - 0.42 - 0.72 * np.round((ax - 0.42) / 0.72)) if ax > 0.2 else ax
    return _scaled(appearance.teeth, 1 - 0.35 * np.exp(-((gap / 0.05) ** 2)))


@inlined
def _eye_colour(x: float, y: float, iris: Floats, appearance: Any) -> Any:
    """White with veins at its edge, iris with fibres and a dark ring, pupil."""
    side = 1 if x > 0 else 0
    u, v = x - iris[side, 0], y - iris[side, 1]
    radius = np.sqrt(u * u + v * v)
    veins = 0.25 * smooth(0.9, 1.6, radius)
    colour = (0.70 * (1 - 0.3 * veins), 0.64 * (1 - veins), 0.60 * (1 - veins))
    if radius < 0.7:
        around = np.arctan2(v, u)
        fibre = 1 + 0.35 * np.sin(23 * around + 3 * np.sin(7 * around))
        fibre *= 1.3 - 0.5 * smooth(0.2, 0.6, radius)
        fibre *= smooth(appearance.pupil, appearance.pupil + 0.07, radius) * (
            1 - 0.75 * smooth(0.48, 0.60, radius)
        )
        colour = _blend(_scaled(appearance.iris, fibre), colour, smooth(0.56, 0.66, radius))
    return colour


@inlined
def _lash_cover(x: float, y: float, z: float, appearance: Any) -> Any:
    inward = -1.0 if x > 0 else 1.0
    strands = fractal(16 * x + 4 * y * inward, 1.5 * y, 6 * z, appearance.seed + 71, 2)
    upper = 0.75 if y > 3.53 - 0.02 * (abs(x) - 3) ** 2 else 0.2
    return min(1.0, max(0.0, upper * (0.75 + 1.6 * strands))) * appearance.lashes


@compiled
def shade(
    index: Ints,
    weights: Floats,
    occlusion: Floats,
    mesh: Any,
    appearance: Any,
    strength: Floats,
    light: Any,
    colour: Floats,
    alpha: Floats,
    flesh: Floats,
) -> None:
    """Fill `colour`, `alpha` and `flesh` where `index` >= 0.

    Args:
        index: (H, W) int32, triangle seen, -1 for none.
        weights: (H, W, 2) float32, its barycentric weights.
        occlusion: (H, W) float32 0..1.2, openness to ambient light from the depth buffer.
        mesh: a `Mesh`.
        appearance: a `Appearance`.
        strength: (len(WRINKLING), 2) float32, AU intensity 0..1, right and left.
        light: a `Light`.
        colour: output (H, W, 3) float32, linear RGB.
        alpha: output (H, W) float32, 1 but for hair and lashes.
        flesh: output (H, W) float32, 1 on bare skin, else 0.
    """
    height, width = index.shape
    rotation = mesh.rotation
    for row in range(height):
        for col in range(width):
            t = index[row, col]
            if t < 0:
                continue
            corners = (mesh.triangles[t, 0], mesh.triangles[t, 1], mesh.triangles[t, 2])
            w0, w1 = weights[row, col, 0], weights[row, col, 1]
            x, y, z = inside_triangle(mesh.canonical, corners, w0, w1)
            nx, ny, nz = inside_triangle(mesh.normal, corners, w0, w1)
            hair = w0 * mesh.hair[corners[0]] + w1 * mesh.hair[corners[1]]
            hair += (1 - w0 - w1) * mesh.hair[corners[2]]
            kind = mesh.material[t]
            shine, rough, cover, bare = 0.35 * appearance.gloss, 0.42, 1.0, 0.0
            openness, inside = occlusion[row, col], 1.0

            if kind == _SKIN:
                fine = _pores(x, y, z, appearance)
                cloth = smooth(-10.8, -11.0, y + 0.1 * np.sin(2 * x) - 0.006 * x * x)
                lip, brow = lip_cover(x, y, z), brow_cover(x, y, z, appearance)
                albedo = _skin_colour(x, y, z, hair, fine, lip, brow, cloth, appearance)
                shine = (0.35 * appearance.gloss + 0.35 * lip) * (1 - cloth) * (1 - brow)
                rough = 0.42 + 0.1 * fine - 0.12 * lip
                bare = 1.0 if lip < 0.5 and cloth < 0.5 else 0.0
                if z > 2 and cloth < 0.5:
                    deep, along_x, along_y = _relief(x, y, z, fine, strength, appearance)
                    nx -= rotation[0, 0] * along_x + rotation[0, 1] * along_y
                    ny -= rotation[1, 0] * along_x + rotation[1, 1] * along_y
                    nz -= rotation[2, 0] * along_x + rotation[2, 1] * along_y
                    openness *= min(1.0, max(0.55, 1 + 2.2 * min(0.0, deep)))
            elif kind == _MOUTH:
                albedo, shine = (0.10, 0.015, 0.012), 0.05
            elif kind == _SOCKET:
                albedo = (0.35 * appearance.skin[0], 0.18 * appearance.skin[1], 0.18 * appearance.skin[2])
            elif kind == _TONGUE:
                albedo, shine, rough = (0.42, 0.12, 0.11), 0.5, 0.3
            elif kind == _TEETH:
                albedo, shine, rough = _teeth_colour(x, appearance), 0.5, 0.25
            elif kind == _EYE:
                albedo, shine, rough = _eye_colour(x, y, mesh.iris, appearance), 1.3, 0.08
                openness *= 0.52 + 0.43 * smooth(4.9, 3.6, y)  # the upper lid's shade
            elif kind == _LASH:
                albedo, shine = (0.012, 0.009, 0.008), 0.0
                cover = _lash_cover(x, y, z, appearance)
            else:  # the hair's shell
                angle = np.arctan2(x, z + 0.01)
                strands = 1 + 0.9 * fractal(26 * angle, 0.7 * y, 0.2 * z, appearance.seed + 33, 3)
                albedo, shine, rough = _scaled(appearance.hair, 1.2 * strands), 0.35, 0.4
                ragged = 0.3 * fractal(40 * angle, 1.2 * y, z, appearance.seed + 44, 3)
                cover = smooth(0.02, 0.30, hair + ragged)
            if kind in (_MOUTH, _TONGUE, _TEETH):  # darker the deeper in the mouth
                inside = min(1.0, max(0.12, 1 - (10.3 - z) * 0.22))

            length = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
            normal = (nx / length, ny / length, nz / length)
            share = key_share(light, inside_triangle(mesh.position, corners, w0, w1)) * inside
            wrap = _SKIN_WRAP if kind == _SKIN else _PLAIN_WRAP
            sent = reflect(light, normal, albedo, wrap, shine, rough, share, openness * inside)
            colour[row, col, 0], colour[row, col, 1], colour[row, col, 2] = sent
            alpha[row, col] = cover
            flesh[row, col] = bare
