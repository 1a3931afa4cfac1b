"""What is painted on the canonical face: colour of skin, lips, brows and beard, wrinkles of each AU, noise.

Compiled scalar functions; x, y, z are canonical centimetres (`canonical.py`), x > 0 is the subject's left.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aulens.render.canonical import CANONICAL_LANDMARKS
from aulens.render.compiled import compiled, inlined

# AUs that leave wrinkles, in the order of the rows of `strength` (AU, side) below; side 0 = right, 1 = left.
WRINKLING: Final = (1, 2, 4, 6, 7, 9, 10, 12, 14, 15, 17, 18)
_AU1, _AU2, _AU4, _AU6, _AU7, _AU9, _AU10, _AU12, _AU14, _AU15, _AU17, _AU18 = range(len(WRINKLING))
_BROWS: Final = np.ascontiguousarray(CANONICAL_LANDMARKS[22:27, :2])  # left brow; the right is its mirror
_LIPS: Final = np.ascontiguousarray(CANONICAL_LANDMARKS[48:60, :2])


@inlined
def _corner(i: int, j: int, k: int, seed: int) -> Any:
    """A hash of a lattice point, in [-1, 1]."""
    n = np.uint32(i) * np.uint32(0x9E3779B1) ^ np.uint32(j) * np.uint32(0x85EBCA77)
    n ^= np.uint32(k) * np.uint32(0xC2B2AE3D) ^ np.uint32(seed) * np.uint32(0x27D4EB2F)
    n = (n ^ (n >> np.uint32(15))) * np.uint32(0x2C1B3C6D)
    n = (n ^ (n >> np.uint32(12))) * np.uint32(0x297A2D39)
    n ^= n >> np.uint32(15)
    return np.float32(n & np.uint32(0xFFFF)) * np.float32(2 / 65535) - np.float32(1)


@compiled
def value_noise(x: float, y: float, z: float, seed: int) -> Any:
    """Trilinear value noise with smoothed weights, in [-1, 1]; one feature per unit of length."""
    i, j, k = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
    u, v, w = x - i, y - j, z - k
    u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
    near = (_corner(i, j, k, seed) * (1 - u) + _corner(i + 1, j, k, seed) * u) * (1 - v)
    near += (_corner(i, j + 1, k, seed) * (1 - u) + _corner(i + 1, j + 1, k, seed) * u) * v
    far = (_corner(i, j, k + 1, seed) * (1 - u) + _corner(i + 1, j, k + 1, seed) * u) * (1 - v)
    far += (_corner(i, j + 1, k + 1, seed) * (1 - u) + _corner(i + 1, j + 1, k + 1, seed) * u) * v
    return near * (1 - w) + far * w


@compiled
def fractal(x: float, y: float, z: float, seed: int, octaves: int) -> Any:
    """Octaves of value noise, each half as strong and twice as fine; about [-1, 1]."""
    total, strength = 0.0, 0.5
    x, y = 0.8 * x + 0.6 * y, 0.8 * y - 0.6 * x
    for octave in range(octaves):
        total += strength * value_noise(x, y, z, seed + 7 * octave)
        # Each octave is turned as well, so that the lattice never shows.
        x, y, z = 1.6 * x + 1.2 * y, -1.2 * x + 1.6 * y + 0.3 * z, 2 * z - 0.3 * x
        strength *= 0.5
    return total


@compiled
def smooth(low: float, high: float, value: float) -> float:
    """0 below `low`, 1 above `high` (or the reverse), smooth in between."""
    t = min(1.0, max(0.0, (value - low) / (high - low)))
    return t * t * (3 - 2 * t)


@compiled
def _blob(x: float, y: float, cx: float, cy: float, sx: float, sy: float) -> Any:
    u, v = (x - cx) / sx, (y - cy) / sy
    return np.exp(-0.5 * (u * u + v * v))


@compiled
def _line(distance: float, width: float) -> Any:
    t = distance / width
    return np.exp(-t * t)


@inlined
def _mixed(strength: NDArray[np.float32], row: int, left: float) -> Any:
    """Strength of an AU where the share `left` of it is the left side's."""
    return strength[row, 0] * (1 - left) + strength[row, 1] * left


@inlined
def _forehead(x: float, y: float, inner: float, outer: float, frown: float, age: float) -> Any:
    """Waves of AU1 and AU2, furrow and knots of AU4, resting lines of the old."""
    ax, depth = abs(x), 0.45 + 0.8 * age
    waves = np.cos((y + 0.25 * np.sin(1.1 * x + 0.7) + 0.1 * np.sin(2.7 * x)) * 7.4)
    h = 0.02 * age * age * waves * _blob(x, y, 0, 8.0, 3.5, 1.2)
    if inner > 0 or outer > 0:
        raised = inner * _blob(x, y, 0, 8.0, 2.1, 1.1) + outer * _blob(ax, y, 4.1, 8.0, 2.0, 1.1)
        h += 0.055 * depth * waves * raised
    if frown > 0:
        furrow = -0.10 * depth * _line(ax - 0.75, 0.2) * _blob(x, y, 0, 5.6, 2, 1.0)
        h += frown * (furrow + 0.05 * _blob(ax, y, 1.3, 6.2, 0.5, 0.5))
    return h


@inlined
def _eye_corner(ax: float, y: float, squint: float, lid: float, age: float) -> float:
    """Crow's feet, and the fold under the eye: AU6, AU7."""
    depth = 0.45 + 0.8 * age
    h = 0.0
    rx, ry = ax - 4.8, y - 3.4
    if rx > 0:
        radius = np.sqrt(rx * rx + ry * ry)
        rays = np.cos(np.arctan2(ry, rx) * 9) * _line(radius - 1.1, 0.6) * smooth(0, 0.3, rx)
        h += 0.045 * depth * (squint + 0.12 * age) * rays
    if squint > 0 or lid > 0:
        bag = _line(y - (2.25 + 0.12 * (ax - 3.1) ** 2), 0.16) * _blob(ax, y, 3.1, 2.3, 1.2, 1)
        h -= 0.06 * depth * max(squint, lid) * bag
    return h


@inlined
def _nasolabial(ax: float, y: float, fold: float, age: float) -> Any:
    """The fold from the wing of the nose past the corner of the mouth, and the cheek's bulge beside it."""
    t = min(1.1, max(-0.1, (-0.2 - y) / 3.8))
    path = 1.75 + 1.35 * t + 0.3 * t * t
    along = smooth(-0.1, 0.15, t) * (1 - smooth(0.75, 1.05, t))
    groove = -0.11 * (0.3 * age + fold) * _line(ax - path, 0.22)
    return along * (groove + 0.05 * fold * _line(ax - path - 0.5, 0.35))


@inlined
def _mouth_and_chin(x: float, y: float, strength: NDArray[np.float32], left: float, age: float) -> Any:
    """Dimple of AU14, line of AU15, pucker of AU18, dimpled chin of AU17."""
    ax = abs(x)
    h = 0.0
    dimple = _mixed(strength, _AU14, left)
    if dimple > 0:
        h -= 0.11 * dimple * _blob(ax, y, 3.0, -3.5, 0.17, 0.38)
    marionette = _line(ax - 3.0 + 0.25 * (y + 4.5), 0.2) * _blob(ax, y, 3, -4.6, 1, 0.6)
    h -= (0.07 * _mixed(strength, _AU15, left) + 0.03 * age) * marionette
    pucker = _mixed(strength, _AU18, left)
    if pucker > 0:
        rays = np.cos(np.arctan2(x, y + 3.4) * 16)
        h += 0.03 * pucker * rays * _line(np.sqrt(x * x + (y + 3.4) ** 2) - 1.7, 0.5)
    chin = _mixed(strength, _AU17, left)
    if chin > 0 and y < -4.6:
        h += 0.045 * chin * _blob(x, y, 0, -6.1, 1.3, 0.8) * fractal(2.4 * x, 2.4 * y, 0.0, 991, 2)
    return h


@compiled
def wrinkle(x: float, y: float, strength: NDArray[np.float32], age: float) -> float:
    """Height of the skin over its smooth shape, centimetres; folds are negative.

    Args:
        x, y: canonical centimetres.
        strength: (len(WRINKLING), 2) float32, AU intensity 0..1, right and left.
        age: 0..1.
    """
    left = smooth(-0.9, 0.9, x)
    ax = abs(x)
    h = 0.0
    if y > 4.2:
        inner, outer = _mixed(strength, _AU1, left), _mixed(strength, _AU2, left)
        h += _forehead(x, y, inner, outer, _mixed(strength, _AU4, left), age)
    if y < 6.0:
        cheek, lid = _mixed(strength, _AU6, left), _mixed(strength, _AU7, left)
        sneer, lip = _mixed(strength, _AU9, left), _mixed(strength, _AU10, left)
        smile = _mixed(strength, _AU12, left)
        h += _eye_corner(ax, y, max(cheek, 0.4 * smile), lid, age)
        if sneer > 0:  # the root of the nose crinkles
            h += 0.055 * sneer * np.cos((y + 0.9 * ax) * 11.4) * _blob(ax, y, 0.75, 3.4, 0.6, 0.9)
        h += _nasolabial(ax, y, max(max(0.9 * smile, lip), max(0.8 * sneer, 0.5 * cheek)), age)
        h += _mouth_and_chin(x, y, strength, left, age)
    return h


@compiled
def _polyline(x: float, y: float, points: NDArray[np.float32], closed: bool) -> tuple[float, float]:
    """Distance to a polyline and how far along it the nearest point lies (0..1)."""
    best, along = 1e9, 0.0
    count = len(points)
    last = count if closed else count - 1
    for i in range(last):
        ax, ay = points[i, 0], points[i, 1]
        ex, ey = points[(i + 1) % count, 0] - ax, points[(i + 1) % count, 1] - ay
        t = min(1.0, max(0.0, ((x - ax) * ex + (y - ay) * ey) / (ex * ex + ey * ey)))
        dx, dy = x - ax - t * ex, y - ay - t * ey
        d = dx * dx + dy * dy
        if d < best:
            best, along = d, (i + t) / last
    return np.sqrt(best), along


@compiled
def _inside(x: float, y: float, points: NDArray[np.float32]) -> bool:
    odd = False
    j = len(points) - 1
    for i in range(len(points)):
        xi, yi, xj, yj = points[i, 0], points[i, 1], points[j, 0], points[j, 1]
        if (yi > y) != (yj > y) and x < (xj - xi) * (y - yi) / (yj - yi) + xi:
            odd = not odd
        j = i
    return odd


@compiled
def lip_cover(x: float, y: float, z: float) -> float:
    """How much of the red of the lips covers this point, 0..1."""
    if abs(x) > 3 or y > -1.8 or y < -5.2 or z < 8.5:
        return 0.0
    distance, _ = _polyline(x, y, _LIPS, True)
    signed = distance if _inside(x, y, _LIPS) else -distance
    return smooth(-0.12, 0.16, signed) * smooth(8.5, 9.5, z)


@compiled
def brow_cover(x: float, y: float, z: float, appearance: Any) -> Any:
    """How much eyebrow hair covers this point, 0..1."""
    ax = abs(x)
    if y < 3.9 or y > 7.8 or ax > 7 or z < 5:
        return 0.0
    tilt = appearance.brow_tilt * min(1.0, max(0.0, (4.5 - ax) / 3.5))
    distance, along = _polyline(ax, y - appearance.brow_lift - tilt, _BROWS, False)
    width = appearance.brow_width * (1.15 - 0.8 * along**2.5)
    if distance > 1.3 * width:
        return 0.0
    strands = fractal(6 * ax - 4.5 * y * along + 3 * y, 3 * y, z + 40.0 * (x > 0), appearance.seed + 21, 2)
    thick = min(1.0, max(0.0, 0.85 + 0.9 * strands))
    return appearance.brow_density * smooth(1.15, 0.5, distance / width) * thick


@compiled
def beard_cover(x: float, y: float, z: float, appearance: Any) -> Any:
    """How much beard covers this point, 0..1."""
    if appearance.beard == 0.0 or y > -0.9 or y < -10 or z < 0.5:
        return 0.0
    area = smooth(-1.2, -3.0, y) * smooth(-9.8, -8.2, y) * smooth(0.5, 3.5, z)
    round_mouth = np.sqrt((0.62 * x) ** 2 + (y + 3.4) ** 2)
    area *= min(1.0, smooth(1.5, 2.4, round_mouth) + 0.8 * _blob(x, y, 0, -1.85, 1.9, 0.4))
    stubble = 0.75 + 0.9 * fractal(14 * x, 5 * y, 14 * z, appearance.seed + 3, 2)
    return min(1.0, max(0.0, appearance.beard * stubble)) * area


@compiled
def skin_tint(x: float, y: float, z: float, fine: float, appearance: Any) -> tuple[float, float, float]:
    """Multipliers (r, g, b) of the base skin colour: blotches, blood, eye sockets, freckles, make-up."""
    ax = abs(x)
    broad = 1 + 0.10 * fractal(0.8 * x, 0.8 * y, 0.8 * z, appearance.seed, 2) + 0.12 * fine
    blood = (
        0.5 * _blob(ax, y, 4.2, 0.2, 1.7, 1.4)
        + 0.55 * _blob(x, y, 0, 0.2, 1.1, 1.0)
        + 0.25 * _blob(x, y, 0, -6.4, 1.6, 0.9)
    )
    if ax > 7:
        blood += 0.5
    blood *= appearance.redness * (1 - 0.6 * appearance.darkness)
    r, g, b = broad * (1 + 0.16 * blood), broad * (1 - 0.17 * blood), broad * (1 - 0.14 * blood)
    socket = (0.14 + 0.2 * appearance.age) * _blob(ax, y, 3.0, 2.3, 1.2, 0.5)
    crease = 0.2 * _blob(ax, y, 3.1, 4.6, 1.4, 0.3) + appearance.eye_shadow * _blob(ax, y, 3.2, 4.7, 1.4, 0.5)
    shade = 1 - crease
    if appearance.freckles > 0.1:
        shade *= 1 - 0.35 * appearance.freckles * smooth(0.2, 0.4, fine) * _blob(ax, y, 3, 0.8, 3, 2)
    return r * shade * (1 - 0.6 * socket), g * shade * (1 - 0.9 * socket), b * shade * (1 - 0.7 * socket)
