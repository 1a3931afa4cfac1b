"""What light does to a surface: a key light with soft shadows, a soft fill, an ambient dome, and gloss.

Directions and points are in camera space, centimetres; colours are linear RGB.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from aulens.render.compiled import inlined
from aulens.render.raster import empty_buffers, rasterize
from aulens.render.rig import Floats, Ints
from aulens.render.shot import Shot
from aulens.render.skin import smooth

_SHADOWED: Final = 34.0  # centimetres across the shadow map
_BIAS, _FULL = 0.15, 0.55  # centimetres behind the nearest surface: shadow begins, is complete


class Light(NamedTuple):
    """The lights of one shot, and the key light's shadow map (M, M).

    A NamedTuple because the compiled shader takes it as it is.
    """

    key: Floats  # (3,) colour
    key_direction: Floats  # (3,) unit, towards the light
    fill: Floats  # (3,) colour
    fill_direction: Floats  # (3,) unit
    ambient: Floats  # (3,) colour
    dome: Floats  # (3,) how the ambient light leans
    shadow: Floats  # (M, M) depth along the key light
    shadow_axes: Floats  # (3, 3) rows: right, up, towards the light
    shadow_scale: float  # texels per centimetre


def _direction(angles: tuple[float, float]) -> Floats:
    """Unit vector (3,) towards a light at (azimuth, elevation) in radians; (0, 0) is the camera's own."""
    azimuth, elevation = angles
    return np.array(
        [np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)],
        np.float32,
    )


def light_of(shot: Shot, position: Floats, triangles: Ints, casting: Ints, size: int) -> Light:
    """The lights of a shot, with the shadows of a posed head.

    Args:
        shot: its light.
        position: (V, 3) camera space, centimetres.
        triangles: (F, 3) vertex indices.
        casting: (M,) which triangles cast a shadow.
        size: texels of the square shadow map.
    """
    towards = _direction(shot.key_angles)
    right = np.cross([0, 1, 0], towards)
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(towards, right), towards]).astype(np.float32)
    scale, along = size / _SHADOWED, position @ axes.T
    points = np.stack([size / 2 + along[:, 0] * scale, size / 2 - along[:, 1] * scale, -along[:, 2]], 1)
    shadow, index, weights = empty_buffers(size)
    rasterize(points.astype(np.float32), triangles, casting, shadow, index, weights)
    shadow[~np.isfinite(shadow)] = 1e9
    return Light(
        key=np.array(shot.key, np.float32),
        key_direction=towards,
        fill=np.array(shot.fill, np.float32),
        fill_direction=_direction(shot.fill_angles),
        ambient=np.array(shot.ambient, np.float32),
        dome=np.array(shot.dome, np.float32),
        shadow=shadow,
        shadow_axes=axes,
        shadow_scale=scale,
    )


@inlined
def dot(a: Any, b: Any) -> Any:
    """Of two vectors of three."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@inlined
def key_share(light: Any, point: Any) -> Any:
    """Share of the key light that reaches a point, 0..1: 16 taps of the shadow map."""
    axes, size = light.shadow_axes, light.shadow.shape[0]
    px, py, pz = point
    u = size / 2 + light.shadow_scale * (axes[0, 0] * px + axes[0, 1] * py + axes[0, 2] * pz)
    v = size / 2 - light.shadow_scale * (axes[1, 0] * px + axes[1, 1] * py + axes[1, 2] * pz)
    depth = -(axes[2, 0] * px + axes[2, 1] * py + axes[2, 2] * pz)
    hidden = 0.0
    for du in (-1.5, -0.5, 0.5, 1.5):
        for dv in (-1.5, -0.5, 0.5, 1.5):
            i = min(size - 1, max(0, int(v + dv)))
            j = min(size - 1, max(0, int(u + du)))
            hidden += smooth(_BIAS, _FULL, depth - light.shadow[i, j])
    return 1 - hidden / 16


@inlined
def _matte(
    albedo: float, towards: float, wrap: float, share: float, fill: float, dome: float,
    key_colour: float, fill_colour: float, ambient_colour: float,
) -> Any:  # fmt: skip
    """One channel of what a surface without gloss sends back."""
    diffuse = max(0.0, (towards + wrap) / (1 + wrap)) * share
    return albedo * (diffuse * key_colour + fill * fill_colour + dome * ambient_colour)


@inlined
def reflect(
    light: Any, normal: Any, albedo: Any, wrap: Any, shine: float, rough: float, share: float, openness: float
) -> Any:
    """Light that a surface sends to the camera, linear (r, g, b).

    Args:
        light: a `Light`.
        normal: 3 numbers, unit.
        albedo: 3 numbers, 0..1.
        wrap: 3 numbers, how far each channel creeps past the terminator.
        shine: strength of the highlight.
        rough: its width, 0..1.
        share: of the key light, see `key_share`.
        openness: to the ambient light, about 0..1.
    """
    towards = dot(normal, light.key_direction)
    fill = max(0.0, dot(normal, light.fill_direction)) * min(1.0, openness)
    dome = max(0.05, 0.65 + 0.35 * normal[1] + 0.3 * dot(normal, light.dome)) * openness
    # Blinn's half vector; the camera looks along -z.
    half = (light.key_direction[0], light.key_direction[1], light.key_direction[2] + 1)
    facing = max(0.0, dot(normal, half)) / np.sqrt(dot(half, half))
    gloss = 2 / max(0.06, rough) ** 2
    spark = shine * (facing**gloss) * (gloss + 2) / 40 * share * 0.45
    rim = shine * 0.10 * (1 - max(0.0, normal[2])) ** 4 * openness
    key, ambient = light.key, light.ambient
    r = _matte(albedo[0], towards, wrap[0], share, fill, dome, key[0], light.fill[0], ambient[0])
    g = _matte(albedo[1], towards, wrap[1], share, fill, dome, key[1], light.fill[1], ambient[1])
    b = _matte(albedo[2], towards, wrap[2], share, fill, dome, key[2], light.fill[2], ambient[2])
    return (
        r + spark * key[0] + rim * ambient[0],
        g + spark * key[1] + rim * ambient[1],
        b + spark * key[2] + rim * ambient[2],
    )
