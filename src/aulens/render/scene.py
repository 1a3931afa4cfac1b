"""One picture: a person, an expression, a camera, a light, a background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.render.background import draw_background
from aulens.render.expression import Action, Muscles
from aulens.render.hair import hair_cover, hair_shell
from aulens.render.person import Look
from aulens.render.raster import rasterize, vertex_normals
from aulens.render.rig import Floats, Ints, Material, Rig
from aulens.render.shade import Light, Mesh, shade
from aulens.render.skin import WRINKLING

_PIVOT: Final = np.array([0, 0.3, 4], np.float32)  # the head turns about this point, canonical centimetres
_FIELD: Final = 24.0  # centimetres across the picture at zoom 1
_SUPERSAMPLING: Final = 2


@dataclass(frozen=True)
class Shot:
    """Everything but the person and what they do.

    Attributes:
        yaw, pitch, roll: head pose in degrees; yaw > 0 turns the nose towards the subject's left, pitch > 0 down.
        distance: camera to head, centimetres.
        zoom: magnification; 1 shows about 24 cm across.
        shift: (2,) where the head sits, as a share of the picture.
        gaze: (2,) to the subject's left and up, about -1..1.
        key, key_angles: key light's colour (3,) and (azimuth, elevation) in radians.
        fill, fill_angles: likewise, without shadows.
        ambient: (3,) colour of the ambient dome; `dome` (3,) its lean.
        exposure: brightness of the finished picture, 1 = normal.
        seed: of the background and the sensor noise.
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


@dataclass(frozen=True)
class Person:
    """A subject: shape (V, 3) displacement, appearance, and the resting face."""

    shape: Floats
    look: Look
    rest: Action


@dataclass(frozen=True)
class Picture:
    """A finished render.

    Attributes:
        image: (size, size, 3) uint8 RGB.
        landmarks: (68, 2) float32 pixels, integer = pixel centre.
        face: (V, 3) float32, the moved mesh before the camera, for reading labels off it.
    """

    image: NDArray[np.uint8]
    landmarks: Floats
    face: Floats


def draw_shot(rng: np.random.Generator) -> Shot:
    """A random camera and light: mostly frontal, sometimes turned up to about 45 degrees."""
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
        gaze=(float(rng.normal(0, 0.25)), float(rng.normal(0, 0.2))),
        key=tuple(float(v) for v in rng.uniform(0.2, 2.2) * warm),
        key_angles=(float(rng.uniform(-1.3, 1.3)), float(rng.uniform(-0.15, 1.0))),
        fill=tuple(float(v) for v in rng.uniform(0.0, 0.7) * rng.uniform(0.85, 1.15, 3)),
        fill_angles=(float(rng.uniform(-1.4, 1.4)), float(rng.uniform(-0.3, 0.6))),
        ambient=tuple(float(v) for v in rng.uniform(0.2, 0.9) * rng.uniform(0.93, 1.07, 3)),
        dome=tuple(float(v) for v in rng.normal(0, 0.25, 3)),
        exposure=float(rng.uniform(0.7, 1.3)),
        seed=int(rng.integers(2**31)),
    )


def _rotation(shot: Shot) -> Floats:
    yaw, pitch, roll = np.radians([shot.yaw, shot.pitch, shot.roll])
    c, s = np.cos, np.sin
    about_y = np.array([[c(yaw), 0, s(yaw)], [0, 1, 0], [-s(yaw), 0, c(yaw)]])
    about_x = np.array([[1, 0, 0], [0, c(pitch), -s(pitch)], [0, s(pitch), c(pitch)]])
    about_z = np.array([[c(roll), -s(roll), 0], [s(roll), c(roll), 0], [0, 0, 1]])
    matrix: Floats = (about_z @ about_x @ about_y).astype(np.float32)
    return matrix


def _direction(angles: tuple[float, float]) -> Floats:
    azimuth, elevation = angles
    return np.array(
        [np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)],
        np.float32,
    )


def _gaze(rig: Rig, gaze: tuple[float, float]) -> Floats:
    """Displacement of lids and eyeballs that look to the subject's left and up."""
    across, up = gaze
    names = {
        "eyeLookOut_L": across, "eyeLookIn_R": across, "eyeLookIn_L": -across, "eyeLookOut_R": -across,
        "eyeLookUp_L": up, "eyeLookUp_R": up, "eyeLookDown_L": -up, "eyeLookDown_R": -up,
    }  # fmt: skip
    total = np.zeros_like(rig.neutral)
    for name, weight in names.items():
        if weight > 0:
            total += np.float32(min(weight, 1)) * rig.units[name]
    return total


def _iris_centres(rig: Rig) -> Floats:
    centres = []
    for eye in rig.eyes:
        ball = rig.canonical[eye]
        centres.append(ball[ball[:, 2] > ball[:, 2].max() - 0.25, :2].mean(0))
    return np.array(centres, np.float32)


def _buffers(size: int) -> tuple[Floats, Ints, Floats]:
    return (
        np.full((size, size), np.inf, np.float32),
        np.full((size, size), -1, np.int32),
        np.zeros((size, size, 2), np.float32),
    )


def _openness(depth: Floats) -> Floats:
    """Ambient occlusion guessed from the depth buffer: darker where the surroundings are nearer."""
    seen = np.isfinite(depth)
    filled = np.where(seen, depth, depth[seen].max() if seen.any() else 0).astype(np.float32)
    size = len(depth)
    small = cv2.resize(filled, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    openness = np.ones_like(filled)
    for sigma, weight in ((0.006, 0.5), (0.02, 0.28), (0.05, 0.12)):
        if sigma < 0.01:
            blurred = cv2.GaussianBlur(filled, (0, 0), sigma * size)
        else:
            blurred = cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma * size / 4), (size, size))
        openness -= weight * np.clip(1.1 * (filled - blurred), -0.15, 1.2)
    return np.clip(openness, 0.12, 1.1)


def _shadow_map(
    position: Floats, triangles: Ints, chosen: Ints, axes: Floats, size: int
) -> tuple[Floats, float]:
    scale = size / 34.0
    along = position @ axes.T
    points = np.stack([size / 2 + along[:, 0] * scale, size / 2 - along[:, 1] * scale, -along[:, 2]], 1)
    depth, index, weights = _buffers(size)
    rasterize(points.astype(np.float32), triangles, chosen, depth, index, weights)
    depth[~np.isfinite(depth)] = 1e9
    return depth, scale


def _develop(colour: Floats, flesh: Floats, exposure: float, darkness: float) -> Floats:
    """Exposure, film curve and sRGB gamma: linear light to 0..1."""
    skin = colour[flesh > 0].mean(1) if (flesh > 0).any() else colour.reshape(-1, 3).mean(1)
    white = max(0.12, float(np.percentile(skin, 85)))
    gain = exposure * 0.75 / white * (1.0 - 0.5 * darkness)
    light = colour * np.float32(gain)
    light = light * (1 + light / 6) / (1 + 0.55 * light)
    developed: Floats = np.clip(light, 0, 1) ** np.float32(1 / 2.2)
    return developed


def render(muscles: Muscles, person: Person, action: Action, shot: Shot, size: int) -> Picture:
    """Draw one person doing `action`.

    Args:
        muscles: the prepared rig.
        person: who.
        action: AU to intensity (right, left).
        shot: camera, light, background.
        size: pixels of the square picture.

    Returns:
        A `Picture`.
    """
    rig, look, n = muscles.rig, person.look, size * _SUPERSAMPLING
    face = rig.neutral + person.shape + muscles.move(person.rest) + muscles.move(action)
    head = face + _gaze(rig, shot.gaze)
    normals = vertex_normals(head, rig.triangles)
    cover = hair_cover(rig, look)
    shell = hair_shell(rig, look, head, normals, cover)
    points = np.concatenate([head, shell.points])
    triangles = np.concatenate([rig.triangles, shell.triangles])
    material = np.concatenate([rig.material, np.full(len(shell.triangles), Material.HAIR, np.int8)])

    rotation = _rotation(shot)
    position = np.ascontiguousarray((points - _PIVOT) @ rotation.T)
    away = shot.distance - position[:, 2]
    focal = shot.distance * n / (_FIELD / shot.zoom)
    screen = np.empty_like(position)
    screen[:, 0] = n / 2 + focal * position[:, 0] / away + shot.shift[0] * n - 0.5
    screen[:, 1] = n / 2 - focal * position[:, 1] / away + shot.shift[1] * n - 0.5
    screen[:, 2] = away
    landmarks = (screen[rig.landmarks, :2] + 0.5) / _SUPERSAMPLING - 0.5

    soft = (material == Material.LASH) | (material == Material.HAIR)
    numbers = np.arange(len(triangles), dtype=np.int32)
    depth, index, weights = _buffers(n)
    rasterize(screen, triangles, numbers[~soft], depth, index, weights)
    openness = _openness(depth)

    towards = _direction(shot.key_angles)
    right = np.cross([0, 1, 0], towards)
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(towards, right), towards]).astype(np.float32)
    shadow, scale = _shadow_map(position, triangles, numbers[material != Material.LASH], axes, n // 2)
    light = Light(
        np.array(shot.key, np.float32), towards, np.array(shot.fill, np.float32), _direction(shot.fill_angles),
        np.array(shot.ambient, np.float32), np.array(shot.dome, np.float32), shadow, axes, float(scale),
    )  # fmt: skip
    mesh = Mesh(
        position, np.ascontiguousarray(np.concatenate([normals, shell.normals]) @ rotation.T),
        np.concatenate([rig.canonical, shell.canonical]), np.concatenate([cover, shell.cover]),
        triangles, material, rotation, _iris_centres(rig),
    )  # fmt: skip
    strength = np.array([action.get(au, (0.0, 0.0)) for au in WRINKLING], np.float32)

    rng = np.random.default_rng(shot.seed) if shot.seed is not None else None
    brightness = float(np.mean(shot.ambient) + 0.3 * np.mean(shot.key))
    colour = draw_background(rng, n) * np.float32(brightness) if rng else np.full((n, n, 3), 0.2, np.float32)
    alpha, flesh = np.zeros((n, n), np.float32), np.zeros((n, n), np.float32)
    shade(index, weights, openness, mesh, look, strength, light, colour, alpha, flesh)
    # Light scatters under the skin, red furthest: blur the bare skin only, each channel by its own width.
    for channel, sigma in enumerate((0.0035, 0.002, 0.0014)):
        spread = cv2.GaussianBlur(colour[..., channel] * flesh, (0, 0), sigma * n)
        share = cv2.GaussianBlur(flesh, (0, 0), sigma * n)
        colour[..., channel] = np.where(flesh > 0, spread / (share + 1e-4), colour[..., channel])

    depth -= 0.02
    over_index, over_weights = np.full((n, n), -1, np.int32), np.zeros((n, n, 2), np.float32)
    rasterize(screen, triangles, numbers[soft], depth, over_index, over_weights)
    over, over_alpha = np.zeros_like(colour), np.zeros_like(alpha)
    shade(
        over_index,
        over_weights,
        openness,
        mesh,
        look,
        strength,
        light,
        over,
        over_alpha,
        np.zeros_like(alpha),
    )
    colour += (over - colour) * over_alpha[..., None]

    image = _develop(colour, flesh, shot.exposure, look.darkness)
    image = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    if rng:
        image = image + rng.normal(0, rng.uniform(0.002, 0.012), image.shape).astype(np.float32)
    return Picture(np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8), landmarks.astype(np.float32), face)
