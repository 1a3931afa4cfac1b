import numpy as np
import pytest

from aulens.align import (
    FACE,
    TEMPLATES,
    AnchorTemplate,
    anchors,
    compose,
    flip_matrix,
    invert,
    rotation_scale,
    similarity,
    transform,
)
from aulens.errors import InputError
from aulens.landmarks import IBUG49, IBUG68, convert
from synthetic_faces import face68

IDENTITY = np.array([[1.0, 0, 0], [0, 1, 0]])


def random_matrix(random: np.random.Generator, scale: float = 1.0) -> np.ndarray:
    centre, shift = random.uniform(0, 100, 2), random.uniform(-20, 20, 2)
    return rotation_scale(
        random.uniform(-180, 180), scale * random.uniform(0.7, 1.4), tuple(centre), tuple(shift)
    )


# --- matrices -----------------------------------------------------------------------------------


def test_round_trip_is_exact() -> None:
    random = np.random.default_rng(0)
    points = random.uniform(-500, 4000, (50, 2))
    for _ in range(50):
        matrix = random_matrix(random, scale=random.uniform(0.05, 5))
        np.testing.assert_allclose(transform(invert(matrix), transform(matrix, points)), points, atol=1e-9)
        np.testing.assert_allclose(compose(invert(matrix), matrix), IDENTITY, atol=1e-9)


def test_compose_does_the_inner_first() -> None:
    double = rotation_scale(0, 2, (0, 0))
    right = rotation_scale(0, 1, (0, 0), (10, 0))
    assert transform(compose(double, right), [[1, 1]]).tolist() == [[22, 2]]
    assert transform(compose(right, double), [[1, 1]]).tolist() == [[12, 2]]


def test_rotation_turns_x_towards_y() -> None:
    turned = transform(rotation_scale(90, 2, (5, 5), (0, 1)), [[5, 5], [6, 5], [5, 6]])
    np.testing.assert_allclose(turned, [[5, 6], [5, 8], [3, 6]], atol=1e-12)


def test_flip_swaps_the_outer_pixels() -> None:
    assert transform(flip_matrix(8), [[0, 3], [7, 3], [3.5, 0]]).tolist() == [[7, 3], [0, 3], [3.5, 0]]


def test_leading_dimensions() -> None:
    random = np.random.default_rng(1)
    matrices = np.stack([random_matrix(random) for _ in range(6)]).reshape(2, 3, 2, 3)
    points = random.normal(size=(2, 3, 7, 2))
    batched = transform(invert(matrices), points)
    inverse = compose(invert(matrices), matrices)
    for i in np.ndindex(2, 3):
        np.testing.assert_allclose(batched[i], transform(invert(matrices[i]), points[i]), atol=1e-12)
        np.testing.assert_allclose(inverse[i], IDENTITY, atol=1e-12)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan")])
def test_rotation_scale_refuses(scale: float) -> None:
    with pytest.raises(InputError, match="scale must be above 0"):
        rotation_scale(0, scale, (0, 0))


def test_a_matrix_without_inverse_is_refused() -> None:
    with pytest.raises(InputError, match="no inverse"):
        invert(np.zeros((2, 3)))
    with pytest.raises(InputError, match=r"\(\.\.\., 2, 3\), got shape \(3, 3\)"):
        invert(np.eye(3))


# --- similarity ---------------------------------------------------------------------------------


def test_similarity_finds_the_transform_that_was_applied() -> None:
    random = np.random.default_rng(2)
    for _ in range(20):
        matrix, points = random_matrix(random), random.uniform(0, 300, (5, 2))
        np.testing.assert_allclose(similarity(points, transform(matrix, points)), matrix, atol=1e-9)


def test_similarity_is_the_least_squares_solution() -> None:
    """Oracle: the same problem written as a linear system, x' = a x - b y + c, y' = b x + a y + d."""
    random = np.random.default_rng(3)
    source, target = random.normal(size=(7, 2)), random.normal(size=(7, 2))
    rows = [([x, -y, 1, 0], [y, x, 0, 1]) for x, y in source]
    (a, b, c, d), *_ = np.linalg.lstsq(np.array(rows).reshape(-1, 4), target.ravel(), rcond=None)
    np.testing.assert_allclose(similarity(source, target), [[a, -b, c], [b, a, d]], atol=1e-12)


def test_similarity_never_reflects() -> None:
    source = np.array([[0, 0], [4, 0], [1, 3]], float)
    matrix = similarity(source, source * [-1, 1])
    assert np.linalg.det(matrix[:, :2]) > 0


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ([[1, 1], [1, 1], [1, 1]], [[0, 0], [1, 0], [0, 1]], "do not fix a similarity"),
        ([[0, 0], [1, 0], [0, 1]], [[1, 1], [1, 1], [1, 1]], "do not fix a similarity"),
        ([[0, 0], [1, 0], [0, np.nan]], [[0, 0], [1, 0], [0, 1]], "not finite"),
        ([[0, 0]], [[0, 0]], "at least 2 points, got 1"),
        ([[0, 0], [1, 1]], [[0, 0]], "of one N"),
    ],
)
def test_similarity_refuses(source: list[list[float]], target: list[list[float]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        similarity(source, target)


# --- anchors and template -----------------------------------------------------------------------


def test_anchors_are_the_subjects_own_sides() -> None:
    points = np.zeros((68, 2))
    points[36:42] = [(30, 40), (32, 38), (36, 38), (38, 40), (36, 42), (32, 42)]  # mean (34, 40)
    points[42:48] = [(62, 40), (64, 38), (68, 38), (70, 40), (68, 42), (64, 42)]  # mean (66, 40)
    points[48], points[54] = (40, 70), (60, 74)
    assert anchors(points).tolist() == [[34, 40], [66, 40], [50, 72]]
    assert anchors(convert(points, IBUG68, IBUG49)).tolist() == anchors(points).tolist()


def test_template_points_are_pixel_centres() -> None:
    """The middle of the unit square is between the two middle pixels of an even crop."""
    middle = AnchorTemplate("middle", (0, 0), (1, 1), (0.5, 0.5))
    assert middle.points(4).tolist() == [[-0.5, -0.5], [3.5, 3.5], [1.5, 1.5]]
    assert TEMPLATES["face"] is FACE


def test_a_templates_matrix_brings_the_anchors_to_the_template() -> None:
    # The three anchors of this face are at the template's corners up to a similarity: the fit is exact.
    template = AnchorTemplate("exact", *(tuple(p) for p in (anchors(face68()) / 4 + 0.5)))  # type: ignore[misc]
    face = transform(rotation_scale(25, 90, (0, 0), (300, 200)), face68())
    matrix = template.matrix(face, 256)
    np.testing.assert_allclose(transform(matrix, anchors(face)), template.points(256), atol=1e-9)


def test_crop_does_not_depend_on_pose_in_the_plane_or_on_crop_size() -> None:
    random = np.random.default_rng(4)
    face = face68() * 60 + 200
    crop = transform(FACE.matrix(face, 128), face)
    for _ in range(5):
        move = random_matrix(random)
        moved = transform(move, face)
        np.testing.assert_allclose(transform(FACE.matrix(moved, 128), moved), crop, atol=1e-9)
    larger = transform(FACE.matrix(face, 256), face)
    np.testing.assert_allclose((larger + 0.5) / 256, (crop + 0.5) / 128, atol=1e-12)
    assert np.linalg.norm(crop[36] - crop[45]) > 40  # a face, not a dot


def test_a_templates_matrix_of_many_faces() -> None:
    faces = np.stack([face68() * 60 + 200, face68() * 30 + 50])
    matrices = FACE.matrix(faces, 64)
    assert matrices.shape == (2, 2, 3)
    np.testing.assert_allclose(matrices[1], FACE.matrix(faces[1], 64), atol=1e-12)
