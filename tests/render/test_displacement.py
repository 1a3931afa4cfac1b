"""The landmarks of two renders, with and without an AU, say how far it moved the face there."""

import numpy as np
import pytest

from aulens.errors import DatasetError
from aulens.render.displacement import GRID, read_fields, save_fields
from aulens.render.expression import LEFT, RIGHT
from aulens.render.generate import RenderConfig, render_subject
from aulens.render.reanimate import animate
from aulens.render.reanimate.fit import Basis, fit
from aulens.render.reanimate.frame import Cut, frame
from aulens.render.scene import displaced, render
from aulens.render.shot import Shot

SIZE = 128
SHOT = Shot(yaw=6.0, pitch=-3.0)
ACTION = {12: (0.0, 0.8), 1: (0.7, 0.7), 43: (0.9, 0.0)}
LEFT_CORNER, RIGHT_CORNER = 54, 48


def at(field, point):
    column, row = np.clip(np.floor((point + 0.5) * GRID / SIZE).astype(int), 0, GRID - 1)
    return field[row, column]


@pytest.mark.slow
def test_a_field_says_how_far_landmarks_moved(muscles, plain_person):
    fields = displaced(muscles, plain_person, ACTION, SHOT, SIZE)
    assert set(fields) == set(ACTION)
    after = render(muscles, plain_person, ACTION, SHOT, SIZE).landmarks
    for au, field in fields.items():
        without = {other: sides for other, sides in ACTION.items() if other != au}
        before = render(muscles, plain_person, without, SHOT, SIZE).landmarks
        moved = 100 / SIZE * np.linalg.norm(after - before, axis=1)
        skin = [*range(17, 27), LEFT_CORNER, RIGHT_CORNER]
        found = np.array([at(field, after[point]) for point in skin])
        # A cell is a mean over 1.6 % of the picture, and brows lie on a slope.
        np.testing.assert_allclose(found, moved[skin], atol=0.12 * max(moved.max(), 0.5))
        assert field.max() == pytest.approx(moved.max(), rel=0.35)


@pytest.mark.parametrize(("au", "side"), [(12, LEFT), (43, RIGHT)])
def test_what_one_side_does_lies_on_that_side(muscles, plain_person, au, side):
    field = displaced(muscles, plain_person, ACTION, Shot(), SIZE)[au]
    halves = field[:, : GRID // 2].sum(), field[:, GRID // 2 :].sum()  # the subject's right, left
    assert halves[side] > 5 * halves[1 - side]


@pytest.mark.slow
def test_a_moved_portrait_has_the_field_of_the_render_it_stands_for(muscles, plain_person):
    picture = render(muscles, plain_person, {}, Shot(distance=400.0), 2 * SIZE)
    basis = Basis.of(muscles)
    framed = frame(picture.image, fit(basis, picture.landmarks, {}), muscles.rig, Cut(), SIZE)
    manner = animate.Manner(plain_person.appearance)
    action = {12: (0.0, 0.8), 1: (0.7, 0.7)}
    fields = animate.displaced(muscles, framed, action, manner)
    after = animate.animate(muscles, framed, action, manner).landmarks
    for au, corner in ((12, LEFT_CORNER), (1, 21)):
        rest = {other: sides for other, sides in action.items() if other != au}
        before = animate.animate(muscles, framed, rest, manner).landmarks
        moved = 100 / SIZE * np.linalg.norm(after - before, axis=1)
        assert at(fields[au], after[corner]) == pytest.approx(moved[corner], rel=0.25)


def test_fields_lie_beside_their_picture(muscles, tmp_path):
    config = RenderConfig(n=2, seed=4, size=64, per_subject=2, displacements=True)
    for row in render_subject(config, muscles, 0, tmp_path):
        present = {f"AU{au}" for au in ACTION if row[f"AU{au}_left"] > 0 or row[f"AU{au}_right"] > 0}
        fields = read_fields(tmp_path / row["file"])
        assert present <= set(fields)
        assert all(field.shape == (GRID, GRID) and field.max() > 0 for field in fields.values())


def test_a_picture_without_fields_says_how_to_get_them(tmp_path):
    with pytest.raises(DatasetError, match="render with --displacements"):
        read_fields(tmp_path / "images" / "00" / "000000.jpg")
    save_fields(tmp_path, 0, {1: np.ones((GRID, GRID), np.float32)})
    file = tmp_path / "displacements" / "00" / "000000.npz"
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(DatasetError, match="damaged"):
        read_fields(tmp_path / "images" / "00" / "000000.jpg")
