"""The templates: that of JAA-Net against its description, and what both must keep."""

import math

import numpy as np
import pytest

from aulens.align import (
    FACE,
    JAANET,
    TEMPLATES,
    Template,
    anchors,
    compose,
    five_points,
    flip_matrix,
    rotation_scale,
    transform,
)
from aulens.data.augment import Geometry, draw
from aulens.errors import InputError
from aulens.landmarks import IBUG49, IBUG66, IBUG68, convert, mirror
from synthetic_faces import face68


def moved_face(random: np.random.Generator) -> np.ndarray:
    """68 points, not symmetric, somewhere, turned by up to 60 degrees."""
    points = face68() + random.normal(0, 0.02, (68, 2))
    return transform(
        rotation_scale(
            random.uniform(-60, 60), random.uniform(20, 300), (0, 0), tuple(random.uniform(0, 900, 2))
        ),
        points,
    )


def jaanet_by_the_book(points: np.ndarray) -> np.ndarray:
    """The published preprocessing for 49 points, one step after the other, and its test crop: (2, 3).

    From its description: eye centres are means of points 19..24 and 25..30; rotation R by the line through
    them; 13 is the nose tip, 31 and 37 the mouth corners; half = 0.5 * 2.9 * max(width, height) of the five
    turned points; scale = (200 - 1) / 2 / half;
    M = [[s, 0, s (half - cx)], [0, s, s (half - cy)], [0, 0, 1]] R;
    the test crop of 176 begins at (12, 12) of the 200.
    """
    x1 = sum(points[i][0] for i in range(19, 25)) / 6
    y1 = sum(points[i][1] for i in range(19, 25)) / 6
    x2 = sum(points[i][0] for i in range(25, 31)) / 6
    y2 = sum(points[i][1] for i in range(25, 31)) / 6
    length = math.sqrt((x2 - x1) ** 2 + (y2 - y1) ** 2)
    sine, cosine = (y2 - y1) / length, (x2 - x1) / length
    turn = np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]])
    xs, ys = [], []
    for x, y in ((x1, y1), (x2, y2), points[13], points[31], points[37]):
        xs.append(cosine * x + sine * y)
        ys.append(-sine * x + cosine * y)
    cx, cy = (min(xs) + max(xs)) * 0.5, (min(ys) + max(ys)) * 0.5
    half = 0.5 * 2.9 * max(max(xs) - min(xs), max(ys) - min(ys))
    scale = (200 - 1) / 2.0 / half
    square = np.array([[scale, 0, scale * (half - cx)], [0, scale, scale * (half - cy)], [0, 0, 1]])
    matrix = (square @ turn)[:2]
    matrix[:, 2] -= 12
    return matrix


@pytest.mark.parametrize("seed", range(5))
def test_jaanet_is_the_published_crop_at_176(seed: int) -> None:
    face = convert(moved_face(np.random.default_rng(seed)), IBUG68, IBUG49)
    np.testing.assert_allclose(JAANET.matrix(face, 176), jaanet_by_the_book(face), atol=1e-9)


def test_wide_and_tall_faces_are_both_measured_by_their_longer_side() -> None:
    """A face turned away is tall, a grin is wide."""
    for stretch in ([0.4, 1.0], [1.0, 0.4]):
        face = convert(face68() * stretch * 80 + 200, IBUG68, IBUG49)
        np.testing.assert_allclose(JAANET.matrix(face, 176), jaanet_by_the_book(face), atol=1e-9)


def test_jaanet_by_hand() -> None:
    """Eyes 40 apart and 58 above the mouth: the box is 40 x 58 about (60, 79), the square 2.9 * 58 = 168.2.

    199 / 168.2 crop pixels per image pixel at 176; the middle of the crop is 87.5.
    """
    five = np.array([[40, 50], [80, 50], [60, 75], [45, 108], [75, 108]], float)
    scale = 199 / 168.2
    expected = [[scale, 0, 87.5 - 60 * scale], [0, scale, 87.5 - 79 * scale]]
    np.testing.assert_allclose(JAANET.matrix(five, 176), expected, atol=1e-12)


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_the_view_is_one_for_every_size_of_crop(template: Template) -> None:
    """Edges meet: u = (x + 0.5) / size is the same at 64, 112 and 176."""
    face = moved_face(np.random.default_rng(7))
    views = [(transform(template.matrix(face, size), face) + 0.5) / size for size in (176, 112, 64)]
    np.testing.assert_allclose(views[1], views[0], atol=1e-12)
    np.testing.assert_allclose(views[2], views[0], atol=1e-12)


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_the_crop_does_not_depend_on_turn_scale_or_place(template: Template) -> None:
    random = np.random.default_rng(8)
    face = moved_face(random)
    crop = transform(template.matrix(face, 112), face)
    for _ in range(5):
        move = rotation_scale(
            random.uniform(-180, 180), random.uniform(0.1, 9), (50, 60), tuple(random.uniform(-99, 99, 2))
        )
        moved = transform(move, face)
        np.testing.assert_allclose(transform(template.matrix(moved, 112), moved), crop, atol=1e-8)


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_a_mirrored_face_has_the_mirrored_crop(template: Template) -> None:
    face = moved_face(np.random.default_rng(9))
    mirrored = mirror(face, 500)
    flipped = compose(compose(flip_matrix(112), template.matrix(face, 112)), flip_matrix(500))
    np.testing.assert_allclose(template.matrix(mirrored, 112), flipped, atol=1e-9)


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_every_layout_and_five_points_give_one_crop(template: Template) -> None:
    face = moved_face(np.random.default_rng(10))
    whole = template.matrix(face, 112)
    for layout in (IBUG66, IBUG49):
        np.testing.assert_array_equal(template.matrix(convert(face, IBUG68, layout), 112), whole)
    np.testing.assert_array_equal(template.matrix(five_points(face), 112), whole)
    np.testing.assert_array_equal(anchors(five_points(face)), anchors(face))


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_many_faces_at_once(template: Template) -> None:
    random = np.random.default_rng(11)
    faces = np.stack([moved_face(random) for _ in range(6)]).reshape(2, 3, 68, 2)
    matrices = template.matrix(faces, 96)
    assert matrices.shape == (2, 3, 2, 3)
    np.testing.assert_allclose(matrices[1, 2], template.matrix(faces[1, 2], 96), atol=1e-12)


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_faces_that_fix_no_crop_are_refused(template: Template) -> None:
    with pytest.raises(InputError, match="in one place"):
        template.matrix(np.full((68, 2), 30.0), 112)
    broken = face68()
    broken[40, 1] = np.nan
    with pytest.raises(InputError, match="not finite"):
        template.matrix(broken, 112)
    with pytest.raises(InputError, match="no layout has 6 landmarks"):
        template.matrix(np.zeros((6, 2)), 112)


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_training_cuts_faces_out_by_the_template(template: Template) -> None:
    face = moved_face(np.random.default_rng(12))
    matrix, flipped = draw(face, 112, template, Geometry(), np.random.default_rng(0))
    np.testing.assert_allclose(matrix, template.matrix(face, 112), atol=1e-12)
    assert not flipped
    mirrored, flipped = draw(face, 112, template, Geometry(flip=1.0), np.random.default_rng(0))
    np.testing.assert_allclose(mirrored, compose(flip_matrix(112), matrix), atol=1e-12)
    assert flipped


def test_templates_are_found_by_name() -> None:
    assert {name: template.name for name, template in TEMPLATES.items()} == {
        "face": "face",
        "jaanet": "jaanet",
    }
    assert TEMPLATES["jaanet"] is JAANET
    assert TEMPLATES["face"] is FACE
    # As the default of a frozen dataclass and as a key they must have a hash.
    assert len({FACE, JAANET}) == 2
