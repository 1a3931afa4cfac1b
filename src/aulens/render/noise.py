"""Smooth random fields for skin, hair and backgrounds."""

from __future__ import annotations

from typing import Any

import numpy as np

from aulens.render.compiled import compiled, inlined


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
