"""Renders, whose geometry is known, stand for portraits."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from aulens.render.expression import LEFT, RIGHT
from aulens.render.person import draw_appearance
from aulens.render.reanimate.animate import Manner, animate, draw_manner
from aulens.render.reanimate.fit import Basis, fit
from aulens.render.reanimate.frame import Cut, draw_cut, frame, front
from aulens.render.rig import Material
from aulens.render.scene import Person, render
from aulens.render.shot import FIELD, PIVOT, Shot, rotation

SIZE = 160
MANNER = Manner(draw_appearance(np.random.default_rng(5))._replace(age=0.4))
FLAT = Shot(distance=400.0, zoom=1.1, yaw=4.0, pitch=3.0)  # nearly without perspective


@pytest.fixture(scope="module")
def basis(muscles):
    return Basis.of(muscles)


@pytest.fixture(scope="module")
def person(muscles, plain_person):
    shape = muscles.rig.identity(np.random.default_rng(8))
    return Person(shape, plain_person.appearance, {})


def portrait_of(muscles, person, action, shot):
    """A render and its landmarks (68, 3), with depth."""
    picture = render(muscles, person, action, shot, 2 * SIZE)
    camera = (picture.face[muscles.rig.landmarks] - PIVOT) @ rotation(shot).T
    depth = -camera[:, 2] * 2 * SIZE * shot.zoom / FIELD
    return picture, np.column_stack([picture.landmarks, depth])


@pytest.fixture(scope="module")
def portrait(muscles, person):
    return portrait_of(muscles, person, {}, FLAT)


@pytest.fixture(scope="module")
def framed(muscles, basis, portrait):
    picture, points = portrait
    return frame(picture.image, fit(basis, points, {}), muscles.rig, Cut(), SIZE)


@pytest.mark.parametrize(("axes", "close"), [(3, 1.5), (2, 5.0)])
@pytest.mark.parametrize("shot", [FLAT, replace(FLAT, yaw=-22.0, pitch=-8.0, roll=12.0)])
def test_a_fit_recovers_the_pose_and_meets_the_landmarks(muscles, basis, person, shot, axes, close):
    _, points = portrait_of(muscles, person, {}, shot)
    fitted = fit(basis, points[:, :axes], {})
    np.testing.assert_allclose(fitted.pose, (shot.yaw, shot.pitch, shot.roll), atol=close)
    assert fitted.scale == pytest.approx(2 * SIZE * shot.zoom / FIELD, rel=0.08)
    assert fitted.residual < 0.15
    off = np.linalg.norm(fitted.pixels[muscles.rig.landmarks] - points[:, :2], axis=1) / fitted.scale
    assert off[17:].max() < 0.03  # centimetres


def test_a_fit_recovers_the_expression(muscles, basis, person):
    _, points = portrait_of(muscles, person, {12: (0.0, 0.8), 26: (0.7, 0.7)}, FLAT)
    units = fit(basis, points, {12: (0.0, 0.8), 26: (0.7, 0.7)}).units
    assert units["mouthSmile_L"] == pytest.approx(0.76, abs=0.15)
    assert units["mouthSmile_R"] < 0.15
    assert units["jawOpen"] == pytest.approx(0.29, abs=0.1)


def test_where_nothing_moves_the_picture_stays(framed, muscles):
    done = animate(muscles, framed, {}, MANNER)
    photograph = cv2.resize(framed.linear ** (1 / 2.2), (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    assert np.abs(done.image - 255 * photograph).max() <= 0.51
    at = (framed.pixels[muscles.rig.landmarks] + 0.5) / 2 - 0.5
    np.testing.assert_allclose(done.landmarks, at, atol=1e-4)
    # An AU of the mouth leaves hair and background alone.
    smile = animate(muscles, framed, {12: (1.0, 1.0)}, MANNER)
    change = np.abs(smile.image.astype(int) - done.image).max(2)
    assert change[: SIZE // 8].max() <= 1
    assert change[:, [0, 1, -2, -1]].max() <= 1
    assert change.max() > 40


@pytest.mark.parametrize(
    ("action", "share"),
    [({12: (0.9, 0.9)}, 0.7), ({27: (0.8, 0.8)}, 0.7), ({1: (1.0, 1.0), 2: (1.0, 1.0)}, 0.9)],
)
def test_a_moved_portrait_is_like_a_render_of_the_same(muscles, basis, person, portrait, action, share):
    """Landmarks and picture move as those of the person who is rendered with the same AUs."""
    picture, points = portrait
    truth = render(muscles, person, action, FLAT, 2 * SIZE)
    fitted = fit(basis, points, {})
    # As large as the portrait itself, and in its place.
    centre = fitted.pixels[muscles.rig.landmarks[27:]].mean(0)
    shift = tuple((centre + 0.5) / (2 * SIZE) - 0.5)
    cut = Cut(zoom=fitted.scale * FIELD / (2 * SIZE), shift=shift)
    framed = frame(picture.image, fitted, muscles.rig, cut, SIZE)
    done = animate(muscles, framed, action, MANNER)
    scale = framed.scale / 2
    small = (truth.landmarks + 0.5) / 2 - 0.5
    moved = np.linalg.norm(small - ((picture.landmarks + 0.5) / 2 - 0.5), axis=1) / scale
    off = np.linalg.norm(done.landmarks - small, axis=1) / scale
    assert moved.max() > 0.4  # centimetres
    assert off[17:].max() < 0.2
    assert off[17:].mean() < 0.06

    before, after = (
        cv2.resize(p.image, (SIZE, SIZE), interpolation=cv2.INTER_AREA) for p in (picture, truth)
    )
    face = framed.seen.index[::2, ::2] >= 0

    def apart(image):  # pores and fine wrinkles need not be at the same place
        return cv2.GaussianBlur(after.astype(np.float32) - image, (0, 0), 1.2)[face]

    assert np.abs(apart(done.image)).mean() < share * np.abs(apart(before)).mean()


def test_lids_meet_and_narrow_on_their_own_side(muscles, framed):
    def opening(action):
        points = animate(muscles, framed, action, MANNER).landmarks
        return {
            RIGHT: (points[[41, 40], 1] - points[[37, 38], 1]).mean(),
            LEFT: (points[[47, 46], 1] - points[[43, 44], 1]).mean(),
        }

    rest = opening({})
    wink = opening({43: (1.0, 0.0)})
    assert wink[RIGHT] < 0.4 < 0.9 * rest[LEFT] < wink[LEFT] + 1e-3
    tight = opening({7: (0.0, 1.0)})
    assert tight[RIGHT] == pytest.approx(rest[RIGHT], abs=0.05)
    assert 0.3 * rest[LEFT] < tight[LEFT] < 0.8 * rest[LEFT]


def test_sides_are_the_subjects_own(muscles, framed):
    rest = animate(muscles, framed, {}, MANNER).landmarks
    done = animate(muscles, framed, {12: (0.0, 1.0)}, MANNER).landmarks
    assert done[54, 1] < rest[54, 1] - 1  # the left corner is at the picture's right
    assert abs(done[48, 1] - rest[48, 1]) < 0.5


def test_a_shut_eye_is_skin_and_an_open_mouth_is_not(muscles, framed):
    shut = animate(muscles, framed, {43: (1.0, 1.0)}, MANNER)
    x, y = shut.landmarks[[37, 38]].mean(0).astype(int)
    lid = shut.image[y - 3 : y - 1, x - 2 : x + 3].astype(float).mean((0, 1))
    cheek = shut.image[y + 14 : y + 18, x - 2 : x + 3].astype(float).mean((0, 1))
    np.testing.assert_allclose(lid / lid.sum(), cheek / cheek.sum(), atol=0.06)
    wide = animate(muscles, framed, {27: (1.0, 1.0)}, MANNER)
    x, y = wide.landmarks[60:68].mean(0).astype(int)
    assert wide.image[y, x].mean() < 0.6 * cheek.mean()
    assert wide.parted > 1.2


def test_a_turned_head_takes_its_landmarks_along(muscles, framed):
    """A turn of the whole rig, and a background that is stretched, not torn."""
    rest = animate(muscles, framed, {}, MANNER)
    done = animate(muscles, framed, {}, replace(MANNER, yaw=8.0))
    assert done.pose[0] - rest.pose[0] == pytest.approx(8, abs=0.2)
    depth = (framed.face[muscles.rig.landmarks] - PIVOT) @ framed.rotation[2]
    expected = np.sin(np.radians(8)) * depth * framed.scale / 2
    across = done.landmarks[:, 0] - rest.landmarks[:, 0]
    assert np.corrcoef(across[17:], expected[17:])[0, 1] > 0.95
    assert across[30] == pytest.approx(expected[30], abs=1.0)
    edge = np.abs(done.image.astype(int) - rest.image)[:, [0, -1]]
    assert edge.max() <= 1


def test_the_face_is_what_lies_before_the_jaw(muscles):
    rig = muscles.rig
    face = front(rig)
    skin = rig.material == Material.SKIN
    at = {int(v) for v in np.unique(rig.triangles[face])}
    assert set(rig.landmarks[17:].tolist()) <= at
    x, y, _ = rig.canonical[rig.triangles].mean(1).T
    assert not face[np.abs(x) > 8].any()
    assert not face[skin & (y < -9)].any()


def test_a_turned_head_is_never_turned_back():
    rng = np.random.default_rng(0)
    assert all(draw_manner(rng, MANNER.appearance, -20.0).yaw <= 0 for _ in range(50))
    turns = [draw_manner(rng, MANNER.appearance, 0.0).yaw for _ in range(200)]
    assert min(turns) < -4
    assert max(turns) > 4
    assert np.abs(turns).max() <= 12
    assert abs(draw_cut(rng).roll) <= 15
