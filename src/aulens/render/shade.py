"""Light on the face: one compiled pass over the visible pixels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from aulens.render.noise import fractal
from aulens.render.rig import FAST, Floats, Ints, Material
from aulens.render.skin import beard_cover, brow_cover, lip_cover, skin_tint, smooth, wrinkle

_MOUTH, _SOCKET, _TONGUE = int(Material.MOUTH), int(Material.SOCKET), int(Material.TONGUE)
_TEETH, _EYE, _LASH, _HAIR = int(Material.TEETH), int(Material.EYE), int(Material.LASH), int(Material.HAIR)
_SKIN = int(Material.SKIN)


class Light(NamedTuple):
    """A key light with shadows, a soft fill, and an ambient dome; colours linear RGB (3,), directions camera space."""

    key: Floats
    key_direction: Floats
    fill: Floats
    fill_direction: Floats
    ambient: Floats
    dome: Floats  # (3,) how the ambient light leans
    shadow: Floats  # (M, M) depth along the key light
    shadow_axes: Floats  # (3, 3) rows: right, up, towards the light
    shadow_scale: float  # texels per centimetre


class Mesh(NamedTuple):
    """The posed head; V vertices, F triangles."""

    position: Floats  # (V, 3) camera space, centimetres
    normal: Floats  # (V, 3) camera space
    canonical: Floats  # (V, 3)
    hair: Floats  # (V,) hair cover 0..1
    triangles: Ints  # (F, 3)
    material: NDArray[np.int8]  # (F,)
    rotation: Floats  # (3, 3) head to camera
    iris: Floats  # (2, 2) canonical x, y of the right and left iris


@njit(cache=True, fastmath=FAST, nogil=True)  # type: ignore[untyped-decorator]
def _shadow(light: Any, px: float, py: float, pz: float) -> Any:
    """Share of the key light that reaches a point: 16 taps of the shadow map."""
    axes, size = light.shadow_axes, light.shadow.shape[0]
    u = size / 2 + light.shadow_scale * (axes[0, 0] * px + axes[0, 1] * py + axes[0, 2] * pz)
    v = size / 2 - light.shadow_scale * (axes[1, 0] * px + axes[1, 1] * py + axes[1, 2] * pz)
    depth = -(axes[2, 0] * px + axes[2, 1] * py + axes[2, 2] * pz)
    hidden = 0.0
    for du in (-1.5, -0.5, 0.5, 1.5):
        for dv in (-1.5, -0.5, 0.5, 1.5):
            i = min(size - 1, max(0, int(v + dv)))
            j = min(size - 1, max(0, int(u + du)))
            hidden += smooth(0.15, 0.55, depth - light.shadow[i, j])
    return 1 - hidden / 16


@njit(cache=True, fastmath=FAST, nogil=True)  # type: ignore[untyped-decorator]
def shade(
    index: Ints,
    weights: Floats,
    occlusion: Floats,
    mesh: Any,
    look: Any,
    strength: Floats,
    light: Any,
    colour: Floats,
    alpha: Floats,
    flesh: Floats,
) -> None:
    """Fill `colour` (H, W, 3) linear RGB, `alpha` (H, W) and `flesh` (H, W: bare skin 0/1) where `index` >= 0.

    Args:
        index: (H, W) triangle seen, -1 for none.
        weights: (H, W, 2) its barycentric weights.
        occlusion: (H, W) 0..1.2, openness to ambient light from the depth buffer.
        mesh: a `Mesh`.
        look: a `Look`.
        strength: (len(WRINKLING), 2) float32, AU strength right and left.
        light: a `Light`.
        colour: output.
        alpha: output, 1 but for hair and lashes.
        flesh: output.
    """
    height, width = index.shape
    step = 0.04
    rot = mesh.rotation
    for row in range(height):
        for col in range(width):
            t = index[row, col]
            if t < 0:
                continue
            i, j, k = mesh.triangles[t, 0], mesh.triangles[t, 1], mesh.triangles[t, 2]
            w0, w1 = weights[row, col, 0], weights[row, col, 1]
            w2 = 1 - w0 - w1
            can, pos, nor = mesh.canonical, mesh.position, mesh.normal
            x = w0 * can[i, 0] + w1 * can[j, 0] + w2 * can[k, 0]
            y = w0 * can[i, 1] + w1 * can[j, 1] + w2 * can[k, 1]
            z = w0 * can[i, 2] + w1 * can[j, 2] + w2 * can[k, 2]
            px = w0 * pos[i, 0] + w1 * pos[j, 0] + w2 * pos[k, 0]
            py = w0 * pos[i, 1] + w1 * pos[j, 1] + w2 * pos[k, 1]
            pz = w0 * pos[i, 2] + w1 * pos[j, 2] + w2 * pos[k, 2]
            nx = w0 * nor[i, 0] + w1 * nor[j, 0] + w2 * nor[k, 0]
            ny = w0 * nor[i, 1] + w1 * nor[j, 1] + w2 * nor[k, 1]
            nz = w0 * nor[i, 2] + w1 * nor[j, 2] + w2 * nor[k, 2]
            ax = abs(x)
            kind = mesh.material[t]
            hair = w0 * mesh.hair[i] + w1 * mesh.hair[j] + w2 * mesh.hair[k]
            r, g, b = look.skin[0], look.skin[1], look.skin[2]
            shine, rough, cover, ao = 0.35 * look.gloss, 0.42, 1.0, occlusion[row, col]
            bare = 0.0
            if kind == _SKIN:
                fine = fractal(9 * x, 9 * y, 9 * z, look.seed + 50, 2)
                cloth = smooth(-10.8, -11.0, y + 0.1 * np.sin(2 * x) - 0.006 * x * x)
                tr, tg, tb = skin_tint(x, y, z, fine, look)
                r, g, b = r * tr, g * tg, b * tb
                lip = lip_cover(x, y, z)
                over = beard_cover(x, y, z, look) * (1 - lip)
                r, g, b = (
                    r + (0.8 * look.hair[0] - r) * over,
                    g + (0.8 * look.hair[1] - g) * over,
                    b + (0.8 * look.hair[2] - b) * over,
                )
                if lip > 0:
                    grain = 1 + 0.18 * fractal(11 * x, 2 * y, 3 * z, 5, 2)
                    r, g, b = (
                        r + (look.lips[0] * grain - r) * lip,
                        g + (look.lips[1] * grain - g) * lip,
                        b + (look.lips[2] * grain - b) * lip,
                    )
                brow = brow_cover(x, y, z, look)
                r, g, b = (
                    r + (look.brow[0] - r) * brow,
                    g + (look.brow[1] - g) * brow,
                    b + (look.brow[2] - b) * brow,
                )
                if look.hair_kind > 0 and hair > 0:  # cropped hair is a tint of the scalp
                    scalp = 0.85 * smooth(0.0, 0.3, hair + 0.12 * fine)
                    r, g, b = (
                        r + (look.hair[0] - r) * scalp,
                        g + (look.hair[1] - g) * scalp,
                        b + (look.hair[2] - b) * scalp,
                    )
                if cloth > 0:
                    weave = 1 + 0.25 * fine
                    r, g, b = (
                        r + (look.cloth[0] * weave - r) * cloth,
                        g + (look.cloth[1] * weave - g) * cloth,
                        b + (look.cloth[2] * weave - b) * cloth,
                    )
                shine = (0.35 * look.gloss + 0.35 * lip) * (1 - cloth) * (1 - brow)
                rough = 0.42 + 0.1 * fine - 0.12 * lip
                bare = 1.0 if lip < 0.5 and cloth < 0.5 else 0.0
                if z > 2 and cloth < 0.5:
                    h = wrinkle(x, y, strength, look.age)
                    hx = (wrinkle(x + step, y, strength, look.age) - h) / step
                    hy = (wrinkle(x, y + step, strength, look.age) - h) / step
                    pores = 0.010 / step
                    hx += pores * (fractal(9 * (x + step), 9 * y, 9 * z, look.seed + 50, 2) - fine)
                    hy += pores * (fractal(9 * x, 9 * (y + step), 9 * z, look.seed + 50, 2) - fine)
                    nx -= rot[0, 0] * hx + rot[0, 1] * hy
                    ny -= rot[1, 0] * hx + rot[1, 1] * hy
                    nz -= rot[2, 0] * hx + rot[2, 1] * hy
                    ao *= min(1.0, max(0.55, 1 + 2.2 * min(0.0, h)))
            elif kind == _MOUTH:
                r, g, b, shine = 0.10, 0.015, 0.012, 0.05
            elif kind == _SOCKET:
                r, g, b = 0.35 * r, 0.18 * g, 0.18 * b
            elif kind == _TONGUE:
                r, g, b, shine, rough = 0.42, 0.12, 0.11, 0.5, 0.3
            elif kind == _TEETH:
                r, g, b, shine, rough = look.teeth[0], look.teeth[1], look.teeth[2], 0.5, 0.25
                gap = abs(ax - 0.42 - 0.72 * np.round((ax - 0.42) / 0.72)) if ax > 0.2 else ax
                dark = 1 - 0.35 * np.exp(-((gap / 0.05) ** 2))
                r, g, b = r * dark, g * dark, b * dark
            elif kind == _EYE:
                side = 1 if x > 0 else 0
                u, v = x - mesh.iris[side, 0], y - mesh.iris[side, 1]
                radius = np.sqrt(u * u + v * v)
                around = np.arctan2(v, u)
                veins = 0.25 * smooth(0.9, 1.6, radius)
                r, g, b = 0.70 * (1 - 0.3 * veins), 0.64 * (1 - veins), 0.60 * (1 - veins)
                if radius < 0.7:
                    fibre = (1 + 0.35 * np.sin(23 * around + 3 * np.sin(7 * around))) * (
                        1.3 - 0.5 * smooth(0.2, 0.6, radius)
                    )
                    fibre *= smooth(look.pupil, look.pupil + 0.07, radius) * (
                        1 - 0.75 * smooth(0.48, 0.60, radius)
                    )
                    white = smooth(0.56, 0.66, radius)
                    r, g, b = (
                        r * white + look.iris[0] * fibre * (1 - white),
                        g * white + look.iris[1] * fibre * (1 - white),
                        b * white + look.iris[2] * fibre * (1 - white),
                    )
                shine, rough = 1.3, 0.08
                ao *= 0.52 + 0.43 * smooth(4.9, 3.6, y)
            elif kind == _LASH:
                r, g, b = 0.012, 0.009, 0.008
                inward = -1.0 if x > 0 else 1.0
                strands = fractal(16 * x + 4 * y * inward, 1.5 * y, 6 * z, look.seed + 71, 2)
                upper = 0.75 if y > 3.53 - 0.02 * (ax - 3) ** 2 else 0.2
                cover = min(1.0, max(0.0, upper * (0.75 + 1.6 * strands))) * look.lashes
                shine = 0.0
            elif kind == _HAIR:
                angle = np.arctan2(x, z + 0.01)
                strands = 1 + 0.9 * fractal(26 * angle, 0.7 * y, 0.2 * z, look.seed + 33, 3)
                r, g, b = (
                    1.2 * strands * look.hair[0],
                    1.2 * strands * look.hair[1],
                    1.2 * strands * look.hair[2],
                )
                cover = smooth(0.02, 0.30, hair + 0.3 * fractal(40 * angle, 1.2 * y, z, look.seed + 44, 3))
                shine, rough = 0.35, 0.4
            norm = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
            nx, ny, nz = nx / norm, ny / norm, nz / norm
            if kind == _MOUTH or kind == _TONGUE or kind == _TEETH:
                ao *= min(1.0, max(0.12, 1 - (10.3 - z) * 0.22))
            lit = _shadow(light, px, py, pz)
            if kind == _MOUTH or kind == _TONGUE or kind == _TEETH:
                lit *= min(1.0, max(0.12, 1 - (10.3 - z) * 0.22))
            dx, dy, dz = light.key_direction[0], light.key_direction[1], light.key_direction[2]
            towards = nx * dx + ny * dy + nz * dz
            fx, fy, fz = light.fill_direction[0], light.fill_direction[1], light.fill_direction[2]
            fill = max(0.0, nx * fx + ny * fy + nz * fz) * min(1.0, ao)
            dome = (
                max(
                    0.05,
                    0.65 + 0.35 * ny + 0.3 * (nx * light.dome[0] + ny * light.dome[1] + nz * light.dome[2]),
                )
                * ao
            )
            hx, hy, hz = dx, dy, dz + 1
            facing = max(0.0, nx * hx + ny * hy + nz * hz) / np.sqrt(hx * hx + hy * hy + hz * hz)
            gloss = 2 / max(0.06, rough) ** 2
            spark = shine * (facing**gloss) * (gloss + 2) / 40 * lit * 0.45
            rim = shine * 0.10 * (1 - max(0.0, nz)) ** 4 * ao
            # Light creeps a little round the edge of skin, red furthest.
            for channel in range(3):
                albedo = r if channel == 0 else (g if channel == 1 else b)
                wrap = 0.38 if channel == 0 else (0.20 if channel == 1 else 0.12)
                if kind != _SKIN:
                    wrap = 0.1
                diffuse = max(0.0, (towards + wrap) / (1 + wrap)) * lit
                value = albedo * (
                    diffuse * light.key[channel] + fill * light.fill[channel] + dome * light.ambient[channel]
                )
                colour[row, col, channel] = value + spark * light.key[channel] + rim * light.ambient[channel]
            alpha[row, col] = cover
            flesh[row, col] = bare
