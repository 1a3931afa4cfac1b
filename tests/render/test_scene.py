import dataclasses

import numpy as np
import pytest

from aulens.render.scene import render
from aulens.render.shot import Shot, rotation


def test_a_render_is_a_face_where_its_landmarks_say(muscles, plain_person):
    picture = render(muscles, plain_person, {}, Shot(), 160)
    assert picture.image.shape == (160, 160, 3)
    assert picture.image.dtype == np.uint8
    # Subject's right eye (36-41) is on the left of the picture, mouth below the eyes.
    right_eye, left_eye = picture.landmarks[36:42].mean(0), picture.landmarks[42:48].mean(0)
    mouth = picture.landmarks[48:68].mean(0)
    assert right_eye[0] < mouth[0] < left_eye[0]
    assert mouth[1] > right_eye[1] + 20
    # The eye is painted there: its region is far more varied than the cheek's.
    x, y = np.rint(left_eye).astype(int)
    cheek_x, cheek_y = np.rint((picture.landmarks[54] + picture.landmarks[14]) / 2).astype(int)
    eye = picture.image[y - 4 : y + 5, x - 8 : x + 9, 1].std()
    assert eye > 3 * picture.image[cheek_y - 4 : cheek_y + 5, cheek_x - 4 : cheek_x + 5, 1].std()


def test_the_same_shot_is_the_same_picture_and_another_seed_is_not(muscles, plain_person):
    shot = Shot(yaw=10, seed=5)
    one = render(muscles, plain_person, {12: (1.0, 1.0)}, shot, 96).image
    assert np.array_equal(one, render(muscles, plain_person, {12: (1.0, 1.0)}, shot, 96).image)
    assert not np.array_equal(
        one, render(muscles, plain_person, {12: (1.0, 1.0)}, dataclasses.replace(shot, seed=6), 96).image
    )


def test_a_one_sided_smile_is_seen_on_its_own_side(muscles, plain_person):
    def halves(action):
        picture = render(muscles, plain_person, action, Shot(), 96)
        change = np.abs(picture.image.astype(int) - rest.image).sum((0, 2))
        middle = round(float(rest.landmarks[27:31, 0].mean()))
        return change[:middle].sum(), change[middle:].sum()  # subject's right half, left half

    rest = render(muscles, plain_person, {}, Shot(), 96)
    right, left = halves({12: (0.0, 1.0)})
    assert left > 2.5 * right
    right, left = halves({12: (1.0, 0.0)})
    assert right > 2.5 * left


def test_the_head_is_turned_not_bent():
    turn = rotation(Shot(yaw=31, pitch=-14, roll=9))
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-6)
    assert np.linalg.det(turn) > 0


def test_pose_turns_the_way_it_says(muscles, plain_person):
    def nose(shot):
        points = render(muscles, plain_person, {}, shot, 96).landmarks
        return points[30] - points[36:48].mean(0)

    rest = nose(Shot())
    assert nose(Shot(yaw=25))[0] > rest[0] + 3  # the subject's left is the picture's right
    assert nose(Shot(pitch=20))[1] > rest[1] + 2
    turned = render(muscles, plain_person, {}, Shot(roll=20), 96).landmarks
    assert turned[42:48, 1].mean() < turned[36:42, 1].mean() - 5  # counter-clockwise


@pytest.mark.slow
def test_an_independent_landmark_predictor_agrees(muscles, plain_person):
    """dlib's predictor, given the render, finds our landmarks to 6 % of the inter-ocular distance."""
    from aulens.faces.dlib_detector import DlibDetector

    picture = render(muscles, plain_person, {}, Shot(), 320)
    faces = DlibDetector()(picture.image)
    assert len(faces) == 1
    ours = picture.landmarks[17:]  # the jaw line of a 2-D predictor is not a fixed point of the skin
    interocular = np.linalg.norm(picture.landmarks[36:42].mean(0) - picture.landmarks[42:48].mean(0))
    error = np.linalg.norm(faces[0].landmarks[17:] - ours, axis=1).mean() / interocular
    assert error < 0.06
