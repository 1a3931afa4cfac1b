"""One picture: a person, an expression, a camera, a light, a background.

Legend: V vertices of the rig, n pixels of the picture's side before it is reduced to `size`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.render.displacement import Fields, displacements, seen_corners
from aulens.render.expression import Action, Muscles
from aulens.render.light import light_of
from aulens.render.person import Appearance, hair_cover, hair_shell
from aulens.render.raster import empty_buffers, rasterize, vertex_normals
from aulens.render.rig import Floats, Material, Rig
from aulens.render.shade import Mesh, shade
from aulens.render.shot import FIELD, PIVOT, Shot, project, rotation
from aulens.render.skin import WRINKLING

_SUPERSAMPLING: Final = 2
_SOFT_BIAS: Final = 0.02  # centimetres: hair and lashes nearer than this to the skin are not in it
# The right half of a body's outline: centimetres from the lower end of the neck, y down.
_BODY: Final = ((4.5, -2.6), (6.5, -0.9), (10, 1.2), (17, 3.6), (21, 6.5), (22.5, 11), (23.5, 60))
_SMALL: Final = 96  # pixels: backgrounds are drawn small and enlarged, being out of focus


@dataclass(frozen=True)
class Person:
    """A subject.

    Attributes:
        shape: (V, 3) float32 displacement of the rig's neutral face, centimetres.
        appearance: appearance.
        rest: the resting face: traces of AUs too faint to carry a label.
    """

    shape: Floats
    appearance: Appearance
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


def iris_centres(rig: Rig) -> Floats:
    """Canonical x, y (2, 2) of the right and left iris: the foremost part of each eyeball."""
    centres = []
    for eye in rig.eyes:
        ball = rig.canonical[eye]
        centres.append(ball[ball[:, 2] > ball[:, 2].max() - 0.25, :2].mean(0))
    return np.array(centres, np.float32)


def _pose(rig: Rig, appearance: Appearance, head: Floats, shot: Shot) -> Mesh:
    """The head (V, 3) with its hair, turned as the shot says."""
    normals = vertex_normals(head, rig.triangles)
    cover = hair_cover(rig, appearance)
    hair = hair_shell(rig, appearance, head, normals, cover)
    turn = rotation(shot)
    return Mesh(
        position=np.ascontiguousarray((np.concatenate([head, hair.points]) - PIVOT) @ turn.T),
        normal=np.ascontiguousarray(np.concatenate([normals, hair.normals]) @ turn.T),
        canonical=np.concatenate([rig.canonical, hair.canonical]),
        hair=np.concatenate([cover, hair.cover]),
        triangles=np.concatenate([rig.triangles, hair.triangles]),
        material=np.concatenate([rig.material, np.full(len(hair.triangles), Material.HAIR, np.int8)]),
        rotation=turn,
        iris=iris_centres(rig),
    )


def _openness(depth: Floats) -> Floats:
    """Ambient occlusion (n, n) guessed from the depth buffer: darker where the surroundings are nearer."""
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


def _scatter(colour: Floats, flesh: Floats) -> None:
    """Light scatters under the skin, red furthest: blur the bare skin only, each channel by its own width."""
    n = len(flesh)
    for channel, sigma in enumerate((0.0035, 0.002, 0.0014)):
        spread = cv2.GaussianBlur(colour[..., channel] * flesh, (0, 0), sigma * n)
        share = cv2.GaussianBlur(flesh, (0, 0), sigma * n)
        colour[..., channel] = np.where(flesh > 0, spread / (share + 1e-4), colour[..., channel])


def _develop(colour: Floats, flesh: Floats, exposure: float, darkness: float) -> Floats:
    """Exposure, film curve and sRGB gamma: linear light (n, n, 3) to 0..1."""
    skin = colour[flesh > 0].mean(1) if (flesh > 0).any() else colour.reshape(-1, 3).mean(1)
    white = max(0.12, float(np.percentile(skin, 85)))
    gain = exposure * 0.75 / white * (1.0 - 0.5 * darkness)
    light = colour * np.float32(gain)
    light = light * (1 + light / 6) / (1 + 0.55 * light)
    developed: Floats = np.clip(light, 0, 1) ** np.float32(1 / 2.2)
    return developed


def _draw_shape(rng: np.random.Generator, picture: Floats) -> None:
    """A rectangle or an ellipse of one dull colour."""
    vivid = rng.uniform(0, 0.95, 3) ** 1.7
    colour = [float(v) for v in 0.4 * vivid + 0.6 * vivid.mean()]
    x, y = (int(v) for v in rng.uniform(-10, _SMALL, 2))
    w, h = (int(v) for v in rng.uniform(3, 45, 2))
    if rng.random() < 0.6:
        cv2.rectangle(picture, (x, y), (x + w, y + h), colour, -1)
    else:
        angle = float(rng.uniform(0, 180))
        cv2.ellipse(picture, (x, y), (w // 2 + 1, h // 2 + 1), angle, 0, 360, colour, -1)


def draw_background(rng: np.random.Generator, size: int) -> Floats:
    """A random background, (size, size, 3) float32 linear light in 0..1: gradient, shapes, texture, blur."""
    corners = rng.uniform(0.02, 0.9, (2, 2, 3)).astype(np.float32) ** 1.7
    grey = corners.mean(2, keepdims=True)
    corners = grey + (corners - grey) * np.float32(rng.uniform(0.1, 0.8))
    picture = np.asarray(cv2.resize(corners, (_SMALL, _SMALL), interpolation=cv2.INTER_LINEAR), np.float32)
    if rng.random() < 0.75:
        for _ in range(rng.integers(3, 25)):
            _draw_shape(rng, picture)
    for cells, amount in ((6, 0.25), (24, 0.15)):
        field = rng.normal(0, amount * rng.random(), (cells, cells, 1)).astype(np.float32)
        texture = np.exp(cv2.resize(field, (_SMALL, _SMALL), interpolation=cv2.INTER_CUBIC))
        picture = picture * texture[..., None]
    large = cv2.resize(picture.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.8:
        large = cv2.GaussianBlur(large, (0, 0), float(rng.uniform(0.5, 0.03 * size)))
    clipped: Floats = np.clip(large, 0, 1).astype(np.float32)
    return clipped


def draw_body(picture: Floats, neck: tuple[float, float], scale: float, cloth: Floats) -> None:
    """Shoulders in the colour of the collar, softly outlined, painted onto a background.

    Args:
        picture: (n, n, 3) linear light; is changed.
        neck: x, y of the lower end of the neck, pixels.
        scale: pixels of a centimetre.
        cloth: (3,) linear RGB.
    """
    outline = np.array([*_BODY, *((-x, y) for x, y in reversed(_BODY))]) * scale + neck
    sharp = np.zeros(picture.shape[:2], np.float32)
    cv2.fillPoly(sharp, [np.round(outline * 16).astype(np.int32)], (1.0,), cv2.LINE_AA, 4)
    cover = np.asarray(cv2.GaussianBlur(sharp, (0, 0), 0.25 * scale), np.float32)
    place = np.arange(len(cover), dtype=np.float32)
    across, down = (place - neck[0]) / scale, (place - neck[1]) / scale
    round_off = 1 - 0.5 * (across / 24) ** 2 - 0.004 * down[:, None]
    shaded = np.clip(round_off, 0.3, 1)[..., None] * cloth
    picture[...] = picture + (shaded.astype(np.float32) - picture) * cover[..., None]


def render(muscles: Muscles, person: Person, action: Action, shot: Shot, size: int) -> Picture:
    """Draw one person doing `action`.

    Args:
        muscles: the prepared rig.
        person: who.
        action: AU to intensity 0..1 (subject's right, left).
        shot: camera, light, background.
        size: pixels of the square picture.
    """
    rig, appearance, n = muscles.rig, person.appearance, size * _SUPERSAMPLING
    face = rig.neutral + person.shape + muscles.move(person.rest) + muscles.move(action)
    mesh = _pose(rig, appearance, face + _gaze(rig, shot.gaze), shot)
    screen = project(mesh.position, shot, n)
    landmarks = (screen[rig.landmarks, :2] + 0.5) / _SUPERSAMPLING - 0.5
    strength = np.array([action.get(au, (0.0, 0.0)) for au in WRINKLING], np.float32)
    numbers = np.arange(len(mesh.triangles), dtype=np.int32)
    casting = numbers[mesh.material != Material.LASH]
    light = light_of(shot, mesh.position, mesh.triangles, casting, n // 2)

    rng = np.random.default_rng(shot.seed) if shot.seed is not None else None
    brightness = float(np.mean(shot.ambient) + 0.3 * np.mean(shot.key))
    colour = draw_background(rng, n) * np.float32(brightness) if rng else np.full((n, n, 3), 0.2, np.float32)

    if shot.body:
        lowest = face[face[:, 1] < np.percentile(face[:, 1], 1)]  # the neck's end, the head not turned
        neck = project(lowest.mean(0, keepdims=True) - PIVOT, shot, n)[0]
        scale = n * shot.zoom / FIELD
        draw_body(colour, (float(neck[0]), float(neck[1])), scale, appearance.cloth * np.float32(brightness))

    soft = (mesh.material == Material.LASH) | (mesh.material == Material.HAIR)
    depth, index, weights = empty_buffers(n)
    rasterize(screen, mesh.triangles, numbers[~soft], depth, index, weights)
    openness = _openness(depth)
    alpha, flesh = np.zeros((n, n), np.float32), np.zeros((n, n), np.float32)
    shade(index, weights, openness, mesh, appearance, strength, light, colour, alpha, flesh)
    _scatter(colour, flesh)

    # Hair and lashes let through what is behind them, so they are a layer of their own.
    _, index, weights = empty_buffers(n)
    depth -= np.float32(_SOFT_BIAS)
    rasterize(screen, mesh.triangles, numbers[soft], depth, index, weights)
    over, alpha = np.zeros_like(colour), np.zeros_like(alpha)
    shade(index, weights, openness, mesh, appearance, strength, light, over, alpha, np.zeros_like(flesh))
    colour += (over - colour) * alpha[..., None]

    image = _develop(colour, flesh, shot.exposure, appearance.darkness)
    image = np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA), np.float32)
    if rng:
        image = image + rng.normal(0, rng.uniform(0.002, 0.012), image.shape).astype(np.float32)
    return Picture(np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8), landmarks.astype(np.float32), face)


def displaced(muscles: Muscles, person: Person, action: Action, shot: Shot, size: int) -> Fields:
    """How far each AU moved what `render`, given the same, shows."""
    rig, turn = muscles.rig, rotation(shot).T
    rest = rig.neutral + person.shape + muscles.move(person.rest) + _gaze(rig, shot.gaze) - PIVOT

    def place(action: Action) -> Floats:
        return project(np.ascontiguousarray((rest + muscles.move(action)) @ turn), shot, size)

    depth, index, weights = empty_buffers(size)
    solid = np.flatnonzero(rig.material != Material.LASH).astype(np.int32)
    rasterize(place(action), rig.triangles, solid, depth, index, weights)
    return displacements(action, lambda a: place(a)[:, :2], *seen_corners(index, weights, rig.triangles))
