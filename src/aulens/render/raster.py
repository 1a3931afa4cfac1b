"""A z-buffer: which triangle is seen at each pixel, and where inside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aulens.render.compiled import compiled
from aulens.render.rig import Floats, Ints


def empty_buffers(size: int) -> tuple[Floats, Ints, Floats]:
    """Depth (size, size), index (size, size) and weights (size, size, 2) for `rasterize`, empty."""
    return (
        np.full((size, size), np.inf, np.float32),
        np.full((size, size), -1, np.int32),
        np.zeros((size, size, 2), np.float32),
    )


@compiled
def rasterize(
    points: NDArray[np.float32],
    triangles: NDArray[np.int32],
    chosen: NDArray[np.int32],
    depth: NDArray[np.float32],
    index: NDArray[np.int32],
    weights: NDArray[np.float32],
) -> None:
    """Draw triangles into the three buffers, nearest wins.

    Args:
        points: (V, 3) float32: x, y in pixels (integer = pixel centre, y down), z = distance from the camera.
        triangles: (F, 3) int32 vertex indices; both windings are drawn.
        chosen: (M,) int32, which triangles to draw, in this order.
        depth: (H, W) float32, changed in place; start with +inf.
        index: (H, W) int32, changed in place; start with -1; receives the triangle's number.
        weights: (H, W, 2) float32, changed in place; barycentric weights of corners 0 and 1.
    """
    height, width = depth.shape
    for t in chosen:
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, az = points[i, 0], points[i, 1], points[i, 2]
        bx, by, bz = points[j, 0], points[j, 1], points[j, 2]
        cx, cy, cz = points[k, 0], points[k, 1], points[k, 2]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if abs(area) < 1e-9:
            continue
        left = max(0, int(np.ceil(min(ax, bx, cx))))
        right = min(width - 1, int(np.floor(max(ax, bx, cx))))
        top = max(0, int(np.ceil(min(ay, by, cy))))
        bottom = min(height - 1, int(np.floor(max(ay, by, cy))))
        inverse = 1.0 / area
        step0, step1 = (by - cy) * inverse, (cy - ay) * inverse
        for y in range(top, bottom + 1):
            w0 = ((bx - left) * (cy - y) - (by - y) * (cx - left)) * inverse
            w1 = ((cx - left) * (ay - y) - (cy - y) * (ax - left)) * inverse
            for x in range(left, right + 1):
                w2 = 1.0 - w0 - w1
                # A hair of slack closes the cracks that rounding opens between neighbours.
                if w0 >= -1e-6 and w1 >= -1e-6 and w2 >= -1e-6:
                    z = w0 * az + w1 * bz + w2 * cz
                    if z < depth[y, x]:
                        depth[y, x] = z
                        index[y, x] = t
                        weights[y, x, 0] = w0
                        weights[y, x, 1] = w1
                w0 += step0
                w1 += step1


@compiled
def vertex_normals(points: NDArray[np.float32], triangles: NDArray[np.int32]) -> NDArray[np.float32]:
    """Area-weighted unit normals, (V, 3) float32, outwards for counter-clockwise triangles."""
    normals = np.zeros_like(points)
    for t in range(len(triangles)):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy, uz = points[j, 0] - points[i, 0], points[j, 1] - points[i, 1], points[j, 2] - points[i, 2]
        vx, vy, vz = points[k, 0] - points[i, 0], points[k, 1] - points[i, 1], points[k, 2] - points[i, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for v in (i, j, k):
            normals[v, 0] += nx
            normals[v, 1] += ny
            normals[v, 2] += nz
    for v in range(len(points)):
        length = np.sqrt(normals[v, 0] ** 2 + normals[v, 1] ** 2 + normals[v, 2] ** 2) + 1e-12
        normals[v] /= length
    return normals
