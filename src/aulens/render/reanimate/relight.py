"""How a change of the skin's shape changes the light on it.

Legend: n pixels of the working picture's side, V vertices.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.render.compiled import compiled
from aulens.render.expression import Action
from aulens.render.rig import Floats, Ints, Material, Rig
from aulens.render.shade import inside_triangle
from aulens.render.skin import WRINKLING, wrinkle

# How much deeper the wrinkles of an AU are than those painted on a render: on a picture they look shallower.
_DEEPER: Final = {1: 1.3, 2: 1.3, 4: 2.0, 9: 1.5}
_REDNESS: Final = np.array([0.85, 1.05, 1.1], np.float32)  # red scatters under the skin: it shades less
_DARKEST, _BRIGHTEST = 0.4, 1.3
# Overhead light, which portraits have and the fit to a few normals misses.
_FROM_ABOVE: Final = np.array([0.0, 0.22, 0.10])
_MIN_AMBIENT: Final = 0.25
_STEP: Final = 0.04  # centimetres


class SkinLight(NamedTuple):
    """Light fitted to the skin; in units of the skin's median luminance."""

    ambient: float
    towards: Floats  # (3,) camera's frame; its length is the strength
    median: float  # luminance of the skin, linear


def light_on_skin(luminance: Floats, index: Ints, weights: Floats, normals: Floats, rig: Rig) -> SkinLight:
    """Robust least squares of the luminance (n, n) of the skin: ambient + normal . towards."""
    rows, columns = np.nonzero(index >= 0)
    triangle = index[rows, columns]
    skin = rig.canonical[rig.triangles[triangle, 0]]
    face = (
        (rig.material[triangle] == Material.SKIN)
        & (np.abs(skin[:, 0]) < 6.5) & (np.abs(skin[:, 1]) < 7.5) & (skin[:, 2] > 4)
    )  # fmt: skip
    rows, columns, corners = rows[face][::7], columns[face][::7], rig.triangles[triangle[face][::7]]
    if len(rows) < 20:
        return SkinLight(1.0, np.zeros(3, np.float32) + _FROM_ABOVE.astype(np.float32), 0.3)
    w0, w1 = weights[rows, columns].T[:, :, None]
    normal = (
        w0 * normals[corners[:, 0]] + w1 * normals[corners[:, 1]] + (1 - w0 - w1) * normals[corners[:, 2]]
    )
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    bright = luminance[rows, columns].astype(np.float64)
    median = float(np.median(bright)) + 1e-3
    bright = np.clip(bright / median, 0.1, 2.5)
    matrix = np.concatenate([np.ones((len(normal), 1)), normal], 1).astype(np.float64)
    trust = np.ones(len(bright))
    for _ in range(4):
        weighted = (matrix * trust[:, None]).T
        light = np.linalg.solve(weighted @ matrix + 0.02 * len(bright) * np.eye(4), weighted @ bright)
        trust = 1 / (1 + ((matrix @ light - bright) / 0.25) ** 2)
    return SkinLight(max(_MIN_AMBIENT, float(light[0])), (light[1:] + _FROM_ABOVE).astype(np.float32), median)


def wrinkles_of(action: Action, depth: float) -> Floats:
    """Strength (len(WRINKLING), 2) of the wrinkles that an action adds; `depth` 1 is normal."""
    sides = [np.multiply(action.get(au, (0.0, 0.0)), _DEEPER.get(au, 1.0)) for au in WRINKLING]
    return np.array(sides, np.float32) * np.float32(depth)


@compiled
def _ratio(
    index: Ints, weights: Floats, triangles: Ints, material: NDArray[np.int8], canonical: Floats,
    before: Floats, after: Floats, rotation: Floats, strength: Floats, age: float, ambient: float,
    towards: Floats, ratio: Floats,
) -> None:  # fmt: skip
    """Fill `ratio` (n, n): light on the moved skin over that on the skin as it was."""
    none = np.zeros_like(strength)
    wrinkled = strength.max() > 0
    height, width = index.shape
    for row in range(height):
        for col in range(width):
            t = index[row, col]
            if t < 0 or material[t] != 0:
                continue
            corners = (triangles[t, 0], triangles[t, 1], triangles[t, 2])
            a, b = weights[row, col, 0], weights[row, col, 1]
            x, y, z = inside_triangle(canonical, corners, a, b)
            ux, uy, uz = inside_triangle(after, corners, a, b)
            vx, vy, vz = inside_triangle(before, corners, a, b)
            deep = 0.0
            if wrinkled and z > 2 and abs(x) < 7.5 and y > -8 and y < 10:
                # What age has folded already is in the picture: only the difference counts.
                deep = wrinkle(x, y, strength, age) - wrinkle(x, y, none, age)
                dx = wrinkle(x + _STEP, y, strength, age) - wrinkle(x + _STEP, y, none, age)
                dy = wrinkle(x, y + _STEP, strength, age) - wrinkle(x, y + _STEP, none, age)
                gx, gy = (dx - deep) / _STEP, (dy - deep) / _STEP
                ux -= rotation[0, 0] * gx + rotation[0, 1] * gy
                uy -= rotation[1, 0] * gx + rotation[1, 1] * gy
                uz -= rotation[2, 0] * gx + rotation[2, 1] * gy
            lu = np.sqrt(ux * ux + uy * uy + uz * uz) + 1e-9
            lv = np.sqrt(vx * vx + vy * vy + vz * vz) + 1e-9
            now = ambient + max(0.0, (ux * towards[0] + uy * towards[1] + uz * towards[2]) / lu)
            was = ambient + max(0.0, (vx * towards[0] + vy * towards[1] + vz * towards[2]) / lv)
            shaded = now / was * min(1.0, max(0.5, 1 + 3.0 * min(0.0, deep)))
            ratio[row, col] = min(_BRIGHTEST, max(_DARKEST, shaded))


def relight(
    seen: Any, rig: Rig, before: Floats, after: Floats, rotation: Floats, strength: Floats, age: float,
    light: SkinLight,
) -> Floats:  # fmt: skip
    """How much brighter (n, n, 3) the skin is where it has moved.

    Args:
        seen: the moved mesh, a `Seen`.
        rig: whose mesh it is.
        before, after: (V, 3) normals in the camera's frame.
        rotation: (3, 3) head to camera.
        strength: `wrinkles_of` the action.
        age: 0..1, how deep the wrinkles are.
        light: on the skin.
    """
    ratio = np.ones(seen.index.shape, np.float32)
    _ratio(
        seen.index, seen.weights, rig.triangles, rig.material, rig.canonical, before, after, rotation,
        strength, age, light.ambient, light.towards, ratio,
    )  # fmt: skip
    ratio = np.asarray(cv2.GaussianBlur(ratio, (0, 0), 0.8), np.float32)
    coloured: Floats = np.exp(np.log(ratio)[..., None] * _REDNESS)
    return coloured
