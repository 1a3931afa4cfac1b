"""The pose that brings an average face onto landmarks: a linear guess, refined by Gauss and Newton's method.

The guess is the linear map of the face's points onto the landmarks, weighted, in least squares (a scaled
orthographic camera, as in POSIT: DeMenthon & Davis, IJCV 1995). It knows the depth of each point, so it can't
take a face for its mirror image in depth, as methods for flat objects can. It is refined under a camera with
perspective that looks straight at the head.
"""

import math
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.landmarks import LandmarkLayout, layout_of
from aulens.pose.head import HeadPose, focal_length, line_of_sight, seen_from_camera
from aulens.pose.mean_face import firmness, mean_face

Floats = NDArray[np.float64]

NEAREST: Final = 700.0
"""Millimetres: a face that seems nearer than this under `focal_length` is one in a picture that was cut, or
taken with a longer lens; it is taken to be this far away. Nearer by, perspective bends faces: to assume too
much of it costs more than to assume too little."""
_MIN_VISIBILITY: Final = 0.05
"""The weight of a landmark that is not visible, as a share: however little is seen, there is an answer."""
_STEPS: Final = 20
_STILL: Final = 1e-3
"""Radians; after a step as small as this a tenth of it is left."""
_MAX_STEP: Final = 0.5
"""Radians, the largest step."""


class _Face:
    """The average face, with a weight for each of its K landmarks, and all that follows from these alone.

    Attributes:
        share: (K,) weights, of sum 1.
        middle: (3,) millimetres in the camera's axes from the middle of all 68 to the weighted mean.
        points: (3, K) millimetres in the camera's axes from the weighted mean.
        spread: (3, 3) their weighted second moments.
        onto: (3, K), which gives of landmarks (K, 2) the linear map (3, 2) that brings the points nearest.
    """

    def __init__(self, layout: LandmarkLayout, seen: Floats | float = 1.0) -> None:
        weights = firmness(layout) * seen
        self.share = weights / weights.sum()
        own = mean_face(layout).T * ((1.0,), (-1.0,), (-1.0,))
        self.middle = own @ self.share
        self.points = own - self.middle[:, None]
        weighted = self.points * self.share
        self.spread = weighted @ self.points.T
        self.onto = np.linalg.solve(self.spread, weighted)


_face = cache(_Face)


def head_pose(
    landmarks: ArrayLike, shape: tuple[int, int], visibility: ArrayLike | None = None
) -> HeadPose | None:
    """The pose of a head, from its landmarks alone.

    A person's own face differs from the average one, which shifts the pitch in all of their pictures by some
    degrees (docs/sides.md): compare a person with themselves rather than with others.

    Args:
        landmarks: (K, 2) pixels in a layout of `aulens.landmarks`.
        shape: (H, W) of the picture.
        visibility: (K,) 0 to 1, how well each landmark is seen; None: all alike.

    Returns:
        The pose, or None where the landmarks are not those of a face: all in one place or on a line.

    Raises:
        InputError: no layout has K points.
    """
    layout = layout_of(landmarks)
    if visibility is None:
        face = _face(layout)
    else:
        face = _Face(layout, np.clip(np.asarray(visibility, np.float64), _MIN_VISIBILITY, 1.0))
    height, width = shape
    points = np.asarray(landmarks, np.float64) - ((width - 1) / 2, (height - 1) / 2)
    guess, scale = _nearest_rotation(face.onto @ points)
    if guess is None:
        return None
    focal = focal_length(shape)
    longer = max(focal, scale * NEAREST)
    # The same picture as a camera has it that looks straight at the face.
    facing = line_of_sight([*face.share @ points, longer])
    rays = points @ facing[:2] + longer * facing[2]
    seen = rays[:, :2] * (longer / rays[:, 2:])
    rotation, place = _refined(face, seen.T, facing.T @ guess, scale, longer)
    rotation, place = facing @ rotation, facing @ place
    if not place[2] > 0:
        return None
    pitch, yaw, roll = seen_from_camera(rotation, place).tolist()
    return HeadPose(pitch, yaw, roll, place * (1.0, 1.0, focal / longer))


def _nearest_rotation(linear: Floats) -> tuple[Floats | None, float]:
    """The rotation (3, 3) whose first rows are nearest to the columns of `linear` (3, 2), and their scale.

    None where these are none: a column is 0, or they lie on one line.
    """
    across, along = linear.T
    long, high = math.sqrt(across @ across), math.sqrt(along @ along)
    scale = math.sqrt((long**2 + high**2) / 2)
    if not min(long, high) > 1e-9 * max(1.0, scale):
        return None, scale
    # They span a rhombus. Its diagonals are at right angles, and the square nearest to it has the same.
    across, along = across / long, along / high
    near, far = across + along, across - along
    long, high = math.sqrt(near @ near), math.sqrt(far @ far)
    if min(long, high) < 1e-6:
        return None, scale
    near, far = near * (math.sqrt(0.5) / long), far * (math.sqrt(0.5) / high)
    (ax, ay, az), (bx, by, bz) = a, b = (near + far).tolist(), (near - far).tolist()
    return np.array([a, b, [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx]]), scale


def _refined(
    face: _Face, seen: Floats, rotation: Floats, scale: float, focal: float
) -> tuple[Floats, Floats]:
    """Rotation (3, 3) and place (3,) of the middle that bring the face nearest to what is `seen` (2, K).

    What is off is measured in millimetres at each point. Its derivatives are those without perspective, whose
    normal equations fall apart into a shift, which is the mean, and four unknowns with a closed solution: a
    turn about x, y and z, and growth, the logarithm of the scale.
    """
    shift = np.zeros((2, 1))
    for _ in range(_STEPS):
        turned = rotation @ face.points
        off = seen * (1 / scale + turned[2] / focal) - turned[:2] - shift
        weighted = off * face.share
        (ax, ay, az), (bx, by, bz) = (weighted @ turned.T).tolist()
        (xx, _, xz), (_, yy, yz), (_, _, zz) = (rotation @ face.spread @ rotation.T).tolist()
        level = xx + yy
        below = zz * level - xz * xz - yz * yz
        right, down, around, larger = -bz, az, bx - ay, ax + by
        turn = (
            (level * right + xz * around + yz * larger) / below,
            (level * down + yz * around - xz * larger) / below,
            (zz * around + xz * right + yz * down) / below,
        )
        growth = (zz * larger + yz * right - xz * down) / below
        # Only points that are no face ask for more than this at once, and they might go on for ever.
        largest = max(map(abs, (*turn, growth)))
        part = min(1.0, _MAX_STEP / largest) if largest > 0 else 1.0
        rotation = cv2.Rodrigues(part * np.array(turn))[0] @ rotation
        scale *= math.exp(part * growth)
        shift += weighted.sum(axis=1, keepdims=True)
        if largest < _STILL:
            break
    wide, high = shift[:, 0]
    return rotation, np.array([wide, high, focal / scale]) - rotation @ face.middle
