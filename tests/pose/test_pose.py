"""Head pose: against OpenCV's projection, and what must not change it."""

import cv2
import numpy as np
import pytest

from aulens.errors import InputError
from aulens.landmarks import IBUG68, INNER_EYE_CORNERS, JAW, LAYOUTS, LEFT_EYE, NOSE_TIP, RIGHT_EYE, convert
from aulens.pose import HeadPose, focal_length, head_pose
from aulens.pose.head import from_angles, line_of_sight, seen_from_camera, to_angles
from aulens.pose.mean_face import firmness, mean_face
from aulens.render.shot import Shot, rotation

SHAPE = (480, 640)
INTO_CAMERA = np.diag([1.0, -1.0, -1.0])


def poses(count: int, *, yaw: float = 70, near: float = 750) -> list[HeadPose]:
    """Heads anywhere in the picture, turned in any way in its plane."""
    rng = np.random.default_rng(count)
    most = np.array([40, yaw, 180])
    places = rng.uniform((-300, -200, near), (300, 200, 1500), (count, 3))
    angles = rng.uniform(-most, most, (count, 3))
    return [HeadPose(*turned, place) for turned, place in zip(angles.tolist(), places, strict=True)]


def photographed(pose: HeadPose, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """The average face's 68 landmarks by OpenCV, which has never seen `HeadPose`."""
    height, width = shape
    focal = focal_length(shape)
    camera = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
    points, _ = cv2.projectPoints(
        mean_face(IBUG68) @ INTO_CAMERA, cv2.Rodrigues(pose.rotation)[0], pose.translation, camera, None
    )
    return np.asarray(points[:, 0])


def found(landmarks: np.ndarray, shape: tuple[int, int] = SHAPE, **more: np.ndarray) -> HeadPose:
    pose = head_pose(landmarks, shape, **more)
    assert pose is not None
    return pose


def apart(a: HeadPose, b: HeadPose) -> float:
    """The angle between two poses, degrees."""
    turn, _ = cv2.Rodrigues(from_angles(a.angles) @ from_angles(b.angles).T)
    return float(np.degrees(np.linalg.norm(turn)))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))
def test_a_photographed_face_gives_its_pose_back(layout) -> None:
    for pose in poses(40):
        back = found(convert(photographed(pose), IBUG68, layout))
        assert apart(back, pose) < 0.02
        np.testing.assert_allclose(back.translation, pose.translation, atol=0.2)
        assert back.distance == pytest.approx(float(np.linalg.norm(pose.translation)), abs=0.2)


def test_angles_turn_as_the_renderers() -> None:
    for pose in poses(20):
        pitch, yaw, roll = pose.angles
        expected = rotation(Shot(yaw=yaw, pitch=pitch, roll=roll))
        np.testing.assert_allclose(from_angles(pose.angles), expected, atol=1e-6)
        np.testing.assert_allclose(to_angles(expected), pose.angles, atol=1e-4)


@pytest.mark.parametrize(
    ("angles", "says"),
    [
        ((0, 20, 0), "nose to the right"),
        ((0, -20, 0), "nose to the left"),
        ((20, 0, 0), "nose down"),
        ((-20, 0, 0), "nose up"),
        ((0, 0, 20), "counter-clockwise"),
        ((0, 0, -20), "clockwise"),
    ],
)
def test_the_signs_are_those_of_the_picture(angles: tuple[float, float, float], says: str) -> None:
    points = photographed(HeadPose(*angles, np.array([0, 0, 1000])))
    straight = photographed(HeadPose(0, 0, 0, np.array([0, 0, 1000])))
    eyes = points[[*RIGHT_EYE, *LEFT_EYE]].mean(axis=0) - straight[[*RIGHT_EYE, *LEFT_EYE]].mean(axis=0)
    nose = points[NOSE_TIP] - straight[NOSE_TIP] - eyes
    right, left = points[list(INNER_EYE_CORNERS)]  # the subject's left is on the picture's right
    seen = {
        "nose to the right": nose[0] > 3,
        "nose to the left": nose[0] < -3,
        "nose down": nose[1] > 3,
        "nose up": nose[1] < -3,
        "counter-clockwise": left[1] < right[1] - 3,
        "clockwise": left[1] > right[1] + 3,
    }
    assert seen[says]
    np.testing.assert_allclose(found(points).angles, angles, atol=0.02)


def test_a_head_that_looks_into_the_camera_is_not_turned_wherever_it_is() -> None:
    """At the right edge of the picture the camera stands to the left of the person: there they must look."""
    pose = HeadPose(0, 0, 0, np.array([500.0, -200, 1000]))
    gaze = pose.rotation @ (0, 0, -1)
    np.testing.assert_allclose(gaze, -pose.translation / pose.distance, atol=1e-12)
    parallel = seen_from_camera(np.eye(3), pose.translation)
    assert parallel[1] == pytest.approx(np.degrees(np.arctan2(500, np.hypot(1000, 200))), abs=4)


def test_cutting_a_picture_hardly_turns_the_head() -> None:
    for pose in poses(20, yaw=40, near=1000):
        points = photographed(pose)
        low = points.min(axis=0) - np.array([30, 60])
        high = points.max(axis=0) + np.array([50, 10])
        cut = found(points - low, (int(high[1] - low[1]), int(high[0] - low[0])))
        assert apart(cut, pose) < 4


def test_twice_the_pixels_are_the_same_head() -> None:
    for pose in poses(10):
        points = photographed(pose)
        larger = found(2 * points + 0.5, (960, 1280))
        assert apart(larger, pose) < 0.02
        np.testing.assert_allclose(larger.translation, pose.translation, atol=0.3)


def test_noise_turns_no_face_inside_out() -> None:
    """Up to 2 % of the distance between the eyes, at any roll, to three quarter views."""
    rng = np.random.default_rng(0)
    off = []
    for pose in poses(300, yaw=60):
        points = photographed(pose)
        eyes = np.linalg.norm(points[list(RIGHT_EYE)].mean(axis=0) - points[list(LEFT_EYE)].mean(axis=0))
        off.append(apart(found(points + rng.normal(0, 0.02 * eyes, points.shape)), pose))
    assert max(off) < 6
    assert np.mean(off) < 1.5


def test_what_is_not_seen_does_not_count() -> None:
    """A mask hides mouth and jaw, and their landmarks are guessed 4 % of the picture away."""
    hidden = np.r_[JAW[2:-2], 31:36, 48:68]
    visibility = np.ones(68)
    visibility[hidden] = 0
    for pose in poses(10, yaw=30):
        points = photographed(pose)
        points[hidden] += (0, 12)
        kept = found(points, visibility=visibility)
        assert apart(kept, pose) < 0.5 * apart(found(points), pose)
    np.testing.assert_allclose(found(points, visibility=np.ones(68)).angles, found(points).angles)


def test_nothing_seen_still_gives_the_pose_of_the_guess() -> None:
    (pose,) = poses(1)
    assert apart(found(photographed(pose), visibility=np.zeros(68)), pose) < 0.02


def test_a_face_nearer_than_cameras_focus_is_taken_for_a_cut_picture() -> None:
    """A portrait that fills 192 pixels: under the stated camera it would be 20 cm away."""
    far = HeadPose(5, 20, 0, np.array([0.0, 0, 700 * 3.4]))
    points = (photographed(far) - (319.5, 239.5)) * 4 + 95.5
    assert (points > 0).all()
    assert (points < 191).all()
    cut = found(points, (192, 192))
    assert apart(cut, far) < 1.7
    assert 180 < cut.distance < 230


@pytest.mark.parametrize(
    "points",
    [
        np.full((68, 2), 7.0),
        np.column_stack([np.arange(68.0), np.zeros(68)]),
        np.column_stack([np.arange(68.0), np.arange(68.0)]),
    ],
    ids=["one place", "level line", "slanted line"],
)
def test_points_that_are_no_face_have_no_pose(points: np.ndarray) -> None:
    assert head_pose(points, SHAPE) is None


def test_other_layouts_are_refused() -> None:
    with pytest.raises(InputError, match="no layout has 5 landmarks"):
        head_pose(np.zeros((5, 2)), SHAPE)


def test_a_pose_is_checked_at_birth() -> None:
    with pytest.raises(InputError, match="three finite angles and a place"):
        HeadPose(float("nan"), 0, 0, np.array([0, 0, 1]))
    with pytest.raises(InputError, match="in front of the camera"):
        HeadPose(0, 0, 0, np.array([0, 0, -1]))
    with pytest.raises(ValueError, match="read-only"):
        poses(1)[0].translation[0] = 1


def test_rotations_of_many_are_those_of_each() -> None:
    some = poses(7)
    places = np.stack([pose.translation for pose in some])
    turned = np.stack([pose.rotation for pose in some])
    np.testing.assert_allclose(seen_from_camera(turned, places), [pose.angles for pose in some], atol=1e-9)
    facing = line_of_sight(places)
    np.testing.assert_allclose(
        facing @ np.swapaxes(facing, -1, -2), np.tile(np.eye(3), (7, 1, 1)), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(facing), 1)


def test_the_mean_face_is_a_face() -> None:
    face = mean_face(IBUG68)
    np.testing.assert_allclose(face[list(IBUG68.mirror)] * (-1, 1, 1), face, atol=1e-9)
    np.testing.assert_allclose(face.mean(axis=0), 0, atol=1e-9)
    pupils = face[list(LEFT_EYE)].mean(axis=0) - face[list(RIGHT_EYE)].mean(axis=0)
    assert 58 < pupils[0] < 68  # adults: 54 to 74 mm
    assert face[NOSE_TIP, 2] == face[:, 2].max()
    assert not face.flags.writeable
    weights = firmness(IBUG68)
    assert (weights[list(IBUG68.mirror)] == weights).all()
    assert weights[list(JAW)].max() < weights[NOSE_TIP]


def test_the_camera_is_openfaces() -> None:
    assert focal_length((480, 640)) == 500
    assert focal_length((1080, 1920)) == (500 * 3 + 500 * 2.25) / 2
