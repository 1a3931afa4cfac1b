"""Where the camera stands, how it is lit: everything in a picture but the person and what they do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.render.rig import Floats

PIVOT: Final = np.array([0, 0.3, 4], np.float32)
"""The head turns about this point, canonical centimetres; it is the origin of camera space."""

FIELD: Final = 24.0
"""Centimetres across the picture at zoom 1."""


@dataclass(frozen=True)
class Shot:
    """Everything but the person and what they do.

    Attributes:
        yaw, pitch, roll: head pose in degrees; yaw > 0 turns the nose towards the subject's left (the
            picture's right), pitch > 0 down, roll > 0 counter-clockwise in the picture.
        distance: camera to head, centimetres.
        zoom: magnification; 1 shows about 24 cm across.
        shift: (2,) where the head sits, as a share of the picture.
        gaze: (2,) to the subject's left and up, about -1..1.
        key, key_angles: key light's colour (3,) and (azimuth, elevation) in radians.
        fill, fill_angles: likewise, without shadows.
        ambient: (3,) colour of the ambient dome; `dome` (3,) its lean.
        exposure: brightness of the finished picture, 1 = normal.
        seed: of the background and the sensor noise.
        body: paint shoulders below the neck, for a camera that is further away.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    distance: float = 70.0
    zoom: float = 1.12
    shift: tuple[float, float] = (0.0, 0.0)
    gaze: tuple[float, float] = (0.0, 0.0)
    key: tuple[float, float, float] = (1.4, 1.4, 1.4)
    key_angles: tuple[float, float] = (0.5, 0.5)
    fill: tuple[float, float, float] = (0.25, 0.25, 0.25)
    fill_angles: tuple[float, float] = (-0.8, 0.1)
    ambient: tuple[float, float, float] = (0.5, 0.5, 0.5)
    dome: tuple[float, float, float] = (0.0, 0.0, 0.0)
    exposure: float = 1.0
    seed: int | None = None  # None: a plain grey wall and no noise
    body: bool = False


def _three(values: NDArray[np.floating]) -> tuple[float, float, float]:
    a, b, c = (float(v) for v in values)
    return a, b, c


def draw_shot(rng: np.random.Generator, *, wide: bool = False) -> Shot:
    """A random camera and light: mostly frontal, sometimes turned up to 45 degrees; `wide`: to profiles."""
    shot = _draw_near_frontal(rng)
    if not wide:
        return shot
    return replace(
        shot,
        yaw=float(rng.uniform(-85, 85)),
        pitch=float(np.clip(rng.normal(0, 18), -40, 40)),
        roll=float(np.clip(rng.normal(0, 12), -40, 40)),
        zoom=float(rng.uniform(0.85, 1.1)),
    )


def _vertical_gaze(gaze: float) -> float:
    """One gaze in ten is far down, with lids that follow and are not closed (AU43)."""
    return 3 * gaze if gaze < -0.25 else gaze


def _draw_near_frontal(rng: np.random.Generator) -> Shot:
    wide = rng.random() < 0.25
    tint = rng.normal(0, 0.07)
    warm = np.array([1 + tint, 1, 1 - tint])
    return Shot(
        yaw=float(np.clip(rng.normal(0, 22 if wide else 9), -45, 45)),
        pitch=float(np.clip(rng.normal(0, 8), -22, 22)),
        roll=float(np.clip(rng.normal(0, 7), -25, 25)),
        distance=float(rng.uniform(35, 120)),
        zoom=float(rng.uniform(1.02, 1.25)),
        shift=(float(rng.normal(0, 0.015)), float(rng.normal(0, 0.015))),
        gaze=(float(rng.normal(0, 0.25)), _vertical_gaze(rng.normal(0, 0.2))),
        key=_three(rng.uniform(0.2, 2.2) * warm),
        key_angles=(float(rng.uniform(-1.3, 1.3)), float(rng.uniform(-0.15, 1.0))),
        fill=_three(rng.uniform(0.0, 0.7) * rng.uniform(0.85, 1.15, 3)),
        fill_angles=(float(rng.uniform(-1.4, 1.4)), float(rng.uniform(-0.3, 0.6))),
        ambient=_three(rng.uniform(0.2, 0.9) * rng.uniform(0.93, 1.07, 3)),
        dome=_three(rng.normal(0, 0.25, 3)),
        exposure=float(rng.uniform(0.7, 1.3)),
        seed=int(rng.integers(2**31)),
    )


def rotation(shot: Shot) -> Floats:
    """Matrix (3, 3) float32 that turns the head as the shot says."""
    yaw, pitch, roll = np.radians([shot.yaw, shot.pitch, shot.roll])
    c, s = np.cos, np.sin
    about_y = np.array([[c(yaw), 0, s(yaw)], [0, 1, 0], [-s(yaw), 0, c(yaw)]])
    about_x = np.array([[1, 0, 0], [0, c(pitch), -s(pitch)], [0, s(pitch), c(pitch)]])
    about_z = np.array([[c(roll), -s(roll), 0], [s(roll), c(roll), 0], [0, 0, 1]])
    matrix: Floats = (about_z @ about_x @ about_y).astype(np.float32)
    return matrix


def project(position: Floats, shot: Shot, size: int) -> Floats:
    """Pixels and distance of points (V, 3) in camera space.

    Returns:
        (V, 3) float32: x, y in a picture of `size` pixels (integer = pixel centre, y down), and centimetres
        from the camera.
    """
    away = shot.distance - position[:, 2]
    focal = shot.distance * size / (FIELD / shot.zoom)
    screen = np.empty_like(position)
    screen[:, 0] = size / 2 + focal * position[:, 0] / away + shot.shift[0] * size - 0.5
    screen[:, 1] = size / 2 - focal * position[:, 1] / away + shot.shift[1] * size - 0.5
    screen[:, 2] = away
    return screen
