from itertools import combinations

import numpy as np

from aulens.render.raster import rasterize, vertex_normals


def brute_force(points, triangles, size):
    """Every pixel against every triangle, solved as a 3x3 system: the slow truth."""
    depth = np.full((size, size), np.inf)
    index = np.full((size, size), -1)
    for t, triangle in enumerate(triangles):
        corners = points[triangle].astype(float)
        system = np.vstack([corners[:, :2].T, np.ones(3)])
        if abs(np.linalg.det(system)) < 1e-9:
            continue
        for y in range(size):
            for x in range(size):
                weights = np.linalg.solve(system, [x, y, 1])
                z = weights @ corners[:, 2]
                if (weights >= -1e-6).all() and z < depth[y, x]:
                    depth[y, x], index[y, x] = z, t
    return depth, index


def draw(points, triangles, size):
    depth = np.full((size, size), np.inf, np.float32)
    index = np.full((size, size), -1, np.int32)
    weights = np.zeros((size, size, 2), np.float32)
    rasterize(points, triangles, np.arange(len(triangles), dtype=np.int32), depth, index, weights)
    return depth, index, weights


def test_equals_brute_force_on_random_triangles():
    rng = np.random.default_rng(0)
    points = rng.uniform(-4, 20, (24, 3)).astype(np.float32)
    triangles = np.array(list(combinations(range(24), 3)))[rng.choice(2024, 14, replace=False)].astype(
        np.int32
    )
    depth, index, weights = draw(points, triangles, 16)
    expected_depth, expected_index = brute_force(points, triangles, 16)
    assert (index == expected_index).mean() > 0.995  # ties on shared edges may fall either way
    same = (index == expected_index) & (index >= 0)
    np.testing.assert_allclose(depth[same], expected_depth[same], atol=1e-3)
    y, x = np.nonzero(same)
    w = np.concatenate([weights[y, x], 1 - weights[y, x].sum(1, keepdims=True)], 1)
    corners = points[triangles[index[y, x]]]
    np.testing.assert_allclose((w[..., None] * corners).sum(1)[:, :2], np.stack([x, y], 1), atol=1e-3)


def test_a_pixel_is_its_centre():
    # Corners exactly on pixel centres (2, 2), (5, 2), (2, 5): those pixels are covered, (5, 5) is not.
    points = np.array([[2, 2, 1], [5, 2, 1], [2, 5, 1]], np.float32)
    _, index, _ = draw(points, np.array([[0, 1, 2]], np.int32), 8)
    assert index[2, 2] == index[2, 5] == index[5, 2] == 0
    assert index[5, 5] == index[1, 2] == index[2, 1] == -1


def test_normals_of_a_counter_clockwise_square_point_at_the_viewer():
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    normals = vertex_normals(points, np.array([[0, 1, 2], [0, 2, 3]], np.int32))
    np.testing.assert_allclose(normals, np.tile([0, 0, 1], (4, 1)), atol=1e-6)
