"""What a head pose is, the camera that it is seen by, and rotations as angles.

Two frames. The head's axes: x to the subject's left, y up, z out of the face. The camera's, as OpenCV has
them: x to the right of the picture, y down, z away from the camera. A head that looks straight into the
camera has pitch, yaw and roll 0, wherever in the picture it is: angles are from the line of sight, so that
they hardly depend on the camera or on where a picture was cut.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.errors import InputError

Floats = NDArray[np.float64]

_INTO_CAMERA: Final = np.diag([1.0, -1.0, -1.0])
"""Turns the head's axes into the camera's, for a head that looks straight at it."""


@dataclass(frozen=True, eq=False)
class HeadPose:
    """Where a head is and how it is turned, as seen by a camera of `focal_length`.

    Attributes:
        pitch: degrees, above 0: the nose down; -90 to 90.
        yaw: degrees, above 0: the nose to the subject's left, which is the picture's right; -180 to 180.
        roll: degrees, above 0: tilted counter-clockwise in the picture, to the subject's right; -180 to 180.
        translation: (3,) float64, millimetres from the camera to the middle of the 68 landmarks: to the
            picture's right, down, away from the camera. Right for a face of average size in a picture that
            was not cut, by a camera of that focal length; in any other it is in proportion.

    Raises:
        InputError: a number is not finite, or the head is not in front of the camera.
    """

    pitch: float
    yaw: float
    roll: float
    translation: Floats

    def __post_init__(self) -> None:
        translation = np.array(self.translation, dtype=np.float64)
        if translation.shape != (3,) or not np.isfinite([*translation.ravel(), *self.angles]).all():
            raise InputError(
                f"a head pose is three finite angles and a place (3,), got {self.angles} and {translation}"
            )
        if translation[2] <= 0:
            raise InputError(f"a head must be in front of the camera, got z = {translation[2]:g} mm")
        translation.flags.writeable = False
        object.__setattr__(self, "translation", translation)

    @property
    def angles(self) -> tuple[float, float, float]:
        """Pitch, yaw, roll in degrees."""
        return self.pitch, self.yaw, self.roll

    @property
    def distance(self) -> float:
        """Millimetres from the camera."""
        return float(np.linalg.norm(self.translation))

    @property
    def rotation(self) -> Floats:
        """(3, 3) float64: from the head's axes, turned into the camera's, to where they are in its picture.

        With `R = rotation`, a point p (millimetres from the middle of the landmarks, x to the subject's left,
        y down, z into the face) is at `R p + translation` before the camera.
        """
        facing = line_of_sight(self.translation)
        return np.asarray(facing @ _INTO_CAMERA @ from_angles(self.angles) @ _INTO_CAMERA)


def focal_length(shape: tuple[int, int]) -> float:
    """The focal length, pixels, that is taken for a picture of (H, W) pixels of which nothing is known.

    OpenFace's: 500 pixels at 640 x 480, the mean of both sides in proportion. The camera looks at the middle
    of the picture.
    """
    height, width = shape
    return 0.5 * (500.0 * width / 640.0 + 500.0 * height / 480.0)


def line_of_sight(translation: ArrayLike) -> Floats:
    """(..., 3, 3): the turn, about no more than is needed, of the camera's z axis to the points (..., 3)."""
    place = np.asarray(translation, np.float64)
    x, y, z = np.moveaxis(place / np.linalg.norm(place, axis=-1, keepdims=True), -1, 0)
    part = 1 / (1 + z)
    across = -x * y * part
    entries = 1 - x * x * part, across, x, across, 1 - y * y * part, y, -x, -y, z  # row by row
    return np.stack(entries, axis=-1).reshape(*np.shape(z), 3, 3)


def from_angles(angles: ArrayLike) -> Floats:
    """Rotations (..., 3, 3) in the head's axes of pitch, yaw, roll (..., 3) in degrees.

    Yaw is done first, about the head's y, then pitch about x, then roll about z, the line of sight.
    """
    pitch, yaw, roll = np.moveaxis(np.radians(np.asarray(angles, np.float64)), -1, 0)
    return np.asarray(about(2, roll) @ about(0, pitch) @ about(1, yaw))


def to_angles(rotation: ArrayLike) -> Floats:
    """Pitch, yaw, roll (..., 3) in degrees of rotations (..., 3, 3) in the head's axes, as `from_angles`."""
    r = np.asarray(rotation, np.float64)
    pitch = np.arcsin(np.clip(r[..., 2, 1], -1, 1))
    yaw = np.arctan2(-r[..., 2, 0], r[..., 2, 2])
    roll = np.arctan2(-r[..., 0, 1], r[..., 1, 1])
    return np.asarray(np.degrees(np.stack([pitch, yaw, roll], axis=-1)))


def seen_from_camera(rotation: ArrayLike, translation: ArrayLike) -> Floats:
    """Pitch, yaw, roll (..., 3) in degrees from the line of sight: undoes `HeadPose.rotation`.

    Args:
        rotation: (..., 3, 3) as `HeadPose.rotation`, in the camera's axes.
        translation: (..., 3), where the head is.
    """
    facing = line_of_sight(translation)
    turned = np.swapaxes(facing, -1, -2) @ np.asarray(rotation, np.float64)
    return to_angles(_INTO_CAMERA @ turned @ _INTO_CAMERA)


def about(axis: int, radians: ArrayLike) -> Floats:
    """(..., 3, 3): turns about x (0), y (1) or z (2) by angles (...), from the next axis to the one after."""
    angle = np.asarray(radians, np.float64)
    turn = np.zeros((*angle.shape, 3, 3))
    first, second = (axis + 1) % 3, (axis + 2) % 3
    turn[..., axis, axis] = 1
    turn[..., first, first] = turn[..., second, second] = np.cos(angle)
    turn[..., second, first] = np.sin(angle)
    turn[..., first, second] = -turn[..., second, first]
    return turn
