"""A rig laid on the face of a picture: pose, identity, expression from its landmarks, then the rest in 2-D.

Legend: V vertices, K identity modes, E expression units. Pixels are those of the picture, y down, an integer
is a pixel's centre. The camera is scaled orthographic: a portrait says little about its distance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.render.expression import RECIPES, Action, Muscles
from aulens.render.rig import Floats

Doubles = NDArray[np.float64]

_ROUNDS: Final = 8
_NEAR: Final = 0.08  # centimetres: how far a landmark may be off in the picture's plane
_DEPTH: Final = 0.6  # and in depth, which detectors guess
_UNIT: Final = 0.12  # how far an expression unit may be off its start
_STIFFER: Final = 1.5  # how many times closer to the mean face, where no depth is known
_SQUINT: Final = 0.4  # the share of squints and frowns that the rig takes from the labels
# What a landmark counts for: annotators place the outline freely, and the chin less so.
_WEIGHTS: Final = np.array([0.25] * 7 + [0.6] * 3 + [0.25] * 7 + [1.0] * 10 + [0.8] * 9 + [1.0] * 32)


@dataclass(frozen=True)
class Basis:
    """A rig with all that a fit can change.

    Attributes:
        muscles: the prepared rig.
        names: of the E expression units.
        modes: (K, V, 3) displacements of the identity modes.
        at_landmarks: (K + E, 68, 3) displacements of modes and units, at the landmarks.
    """

    muscles: Muscles
    names: tuple[str, ...]
    modes: Floats
    at_landmarks: Doubles

    @classmethod
    def of(cls, muscles: Muscles) -> Basis:
        """Prepare a rig for fitting."""
        rig = muscles.rig
        names, modes = tuple(sorted(rig.units)), rig.modes()
        units = np.stack([rig.units[name][rig.landmarks] for name in names])
        return cls(muscles, names, modes, np.concatenate([modes[:, rig.landmarks], units]).astype(np.float64))


@dataclass(frozen=True)
class Fit:
    """A rig laid on one picture.

    Attributes:
        scale: pixels per centimetre.
        rotation: (3, 3) float32, head to camera (x right, y up, z towards the viewer).
        face: (V, 3) float32 centimetres, head's frame: this person with the expression of the picture.
        pixels: (V, 2) float32, where each vertex lies in the picture.
        units: strength of each expression unit.
        residual: centimetres that the landmarks within the face are off (root mean square), before the rest
            is laid on in 2-D.
    """

    scale: float
    rotation: Floats
    face: Floats
    pixels: Floats
    units: Mapping[str, float]
    residual: float

    @property
    def pose(self) -> tuple[float, float, float]:
        """Yaw, pitch, roll in degrees, as in `Shot`."""
        return pose_of(self.rotation)


def pose_of(rotation: Floats) -> tuple[float, float, float]:
    """Yaw, pitch, roll in degrees of a matrix (3, 3) made by `aulens.render.shot.rotation`."""
    yaw = np.arctan2(-rotation[2, 0], rotation[2, 2])
    pitch = np.arcsin(np.clip(rotation[2, 1], -1, 1))
    roll = np.arctan2(-rotation[0, 1], rotation[1, 1])
    return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))


def _start(names: tuple[str, ...], shows: Action) -> Doubles:
    """Strength (E,) of the units that a labelled expression needs."""
    start = dict.fromkeys(names, 0.0)
    for au, sides in shows.items():
        for letter, strength in zip("RL", sides, strict=True):
            if not strength > 0:
                continue
            for unit, weight in RECIPES[au].items():
                both = not unit.endswith("_")
                share = _SQUINT if unit.startswith(("eyeSquint", "browDown")) else 1.0
                start[unit if both else unit + letter] += share * strength * weight * (0.5 if both else 1.0)
    return np.clip([start[name] for name in names], 0, 1.2)


def _first_pose(face: Doubles, target: Doubles) -> tuple[float, Doubles, Doubles]:
    """Scale, rotation and shift (3,) of a camera that sees `face` (68, 3) as `target` (68, 2 or 3)."""
    weights = np.sqrt(_WEIGHTS)[:, None]
    columns = np.concatenate([face, np.ones((68, 1))], 1)
    # A flat face says little about the column of depth: lean it on a frontal view.
    lean = 0.3 * np.diag([0.0, 0, 1, 0])
    left = np.concatenate([columns * weights, lean])
    right = np.concatenate([target[:, :2] * weights, np.zeros((4, 2))])
    affine = np.linalg.lstsq(left, right, rcond=None)[0].T
    x, y = affine[0, :3], affine[1, :3]
    scale = float((np.linalg.norm(x) + np.linalg.norm(y)) / 2)
    u, _, vt = np.linalg.svd(np.stack([x, y, np.cross(x, y) / scale]))
    rotation = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
    return scale, rotation, np.append(affine[:, 3], 0.0)


def _turned(rotation: Doubles, about: Doubles) -> Doubles:
    """A rotation (3, 3), turned further about an axis (3,) whose length is the angle."""
    angle = float(np.linalg.norm(about)) + 1e-12
    x, y, z = about / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn: Doubles = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return turn @ rotation


def fit(basis: Basis, points: NDArray[np.floating], shows: Action) -> Fit:
    """Lay a rig on a face.

    Args:
        basis: the rig.
        points: (68, 2) iBUG landmarks in pixels, or (68, 3) with a depth in pixels, smaller nearer to the
            viewer, from any origin.
        shows: AUs that the picture is known to show; the fit starts there. NaN counts as unknown.
    """
    rig, modes = basis.muscles.rig, len(basis.modes)
    deep = points.shape[1] == 3
    target = points.astype(np.float64) * ([1, -1, -1] if deep else [1, -1])
    axes = target.shape[1]
    neutral = rig.neutral[rig.landmarks].astype(np.float64)
    start = np.concatenate([np.zeros(modes), _start(basis.names, shows)])
    stiff = np.concatenate([np.ones(modes), np.full(len(basis.names), 1 / _UNIT)]) * (1 if deep else _STIFFER)
    prior = np.concatenate([np.zeros(4 + axes), stiff**2])
    x = start.copy()
    scale, rotation, shift = _first_pose(neutral + np.tensordot(x, basis.at_landmarks, 1), target)
    if deep:
        shift[2] = (target[:, 2]).mean()
    noise = np.array([_NEAR, _NEAR, _DEPTH])[:axes]
    for _ in range(_ROUNDS):
        turned = scale * (neutral + np.tensordot(x, basis.at_landmarks, 1)) @ rotation.T
        error = target - (turned + shift)[:, :axes]
        about = [np.cross(axis, turned) for axis in np.eye(3)]
        moved = [np.broadcast_to(axis, (68, 3)) for axis in np.eye(3)[:axes]]
        slopes = np.concatenate([np.stack([*about, turned, *moved]), scale * basis.at_landmarks @ rotation.T])
        weight = np.sqrt(_WEIGHTS)[:, None] / (noise * scale)
        matrix = (slopes[:, :, :axes] * weight).reshape(len(slopes), -1).T
        pull = np.concatenate([np.zeros(4 + axes), start - x]) * prior
        step = np.linalg.solve(
            matrix.T @ matrix + np.diag(prior + 1e-9), matrix.T @ (error * weight).ravel() + pull
        )
        rotation, scale = _turned(rotation, step[:3]), scale * float(np.exp(np.clip(step[3], -0.5, 0.5)))
        shift[:axes] += step[4 : 4 + axes]
        x = x + step[4 + axes :]
        x[:modes] = np.clip(x[:modes], -2.5, 2.5)
        x[modes:] = np.clip(x[modes:], 0, 1.2)
    shape = np.tensordot(x[:modes].astype(np.float32), basis.modes, 1)
    units = dict(zip(basis.names, map(float, x[modes:]), strict=True))
    face = rig.neutral + shape + sum(np.float32(s) * rig.units[name] for name, s in units.items() if s > 0)
    seen = scale * face @ rotation.T + shift
    plane = np.stack([seen[:, 0], -seen[:, 1]], 1)
    off = points[:, :2] - plane[rig.landmarks]
    residual = float(np.sqrt((off[17:] ** 2).sum(1).mean()) / scale)
    pixels = (plane + _spread(face, rig.landmarks, off)).astype(np.float32)
    return Fit(scale, rotation.astype(np.float32), face.astype(np.float32), pixels, units, residual)


def _spread(face: Floats, landmarks: NDArray[np.int32], off: Doubles) -> Doubles:
    """A displacement (V, 2): `off` (68, 2) at the landmarks, smooth between, fading away from them."""
    source = face[landmarks].astype(np.float64)
    plane = np.concatenate([np.ones((68, 1)), source[:, :2]], 1)
    softness = np.where(np.arange(68) < 17, 1.0, 0.03)  # the outline is met roughly
    between = np.linalg.norm(source[:, None] - source[None], axis=2)
    system = np.block([[np.diag(softness) - between, plane], [plane.T, -1e-9 * np.eye(3)]])
    weights = np.linalg.solve(system, np.concatenate([off, np.zeros((3, 2))]))
    away = np.linalg.norm(face[:, None].astype(np.float32) - source[None].astype(np.float32), axis=2)
    total = -away @ weights[:68] + np.concatenate([np.ones((len(face), 1)), face[:, :2]], 1) @ weights[68:]
    fade = np.clip(1 - (away.min(1) - 2) / 6, 0, 1)[:, None]
    result: Doubles = total * fade * fade * (3 - 2 * fade)
    return result
