"""One picture: a fitted portrait that does something; lids meet, and the head turns a little."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.render.displacement import Fields, displacements, seen_corners
from aulens.render.expression import LEFT, RIGHT, Action, Muscles, lip_gap
from aulens.render.person import Appearance, draw_appearance
from aulens.render.raster import vertex_normals
from aulens.render.reanimate.fill import Moved, draw_lashes, fill_inside, fill_lids, fill_lips
from aulens.render.reanimate.fit import pose_of
from aulens.render.reanimate.frame import GAMMA, SUPERSAMPLING, Frame, Seen, trace
from aulens.render.reanimate.relight import relight, wrinkles_of
from aulens.render.rig import Floats, smoothstep
from aulens.render.shot import PIVOT

# Degrees. Beyond the largest, hair and shoulders would have to follow.
_TURN, _MAX_YAW, _MAX_PITCH, _FRONTAL = 5.0, 12.0, 6.0, 8.0
# Upper and lower lid points that face each other, per side.
_LIDS: Final = {RIGHT: ((37, 38), (41, 40)), LEFT: ((43, 44), (47, 46))}
_FURTHER: Final[Mapping[int, float]] = {4: 1.3, 5: 1.3, 9: 1.2}
"""AUs that move further on a picture than the rig's recipe says: its moves look small there."""
_TIGHTER: Final = 1.4  # AU7 likewise ...
_OPEN: Final = 0.42  # ... but this share of the lids' opening stays
_OVERLAP: Final = 0.07  # centimetres by which the lids of a shut eye cross, so that nothing shows between


@dataclass(frozen=True)
class Manner:
    """How a picture is re-animated, whatever the AUs.

    Attributes:
        appearance: teeth, lashes, wrinkles' age: what the picture may not show.
        yaw, pitch: degrees that the head is turned further; see `Shot` for the signs.
        depth: of the wrinkles, 1 = as deep as usual.
        whiteness: of the teeth, about 0.75..1.
    """

    appearance: Appearance
    yaw: float = 0.0
    pitch: float = 0.0
    depth: float = 1.0
    whiteness: float = 0.85


@dataclass(frozen=True)
class Reanimated:
    """A finished picture.

    Attributes:
        image: (size, size, 3) uint8 RGB.
        landmarks: (68, 2) float32 pixels, integer = pixel centre.
        pose: yaw, pitch, roll in degrees.
        parted: centimetres that the action itself parts the lips.
    """

    image: NDArray[np.uint8]
    landmarks: Floats
    pose: tuple[float, float, float]
    parted: float


def draw_manner(rng: np.random.Generator, appearance: Appearance, yaw: float) -> Manner:
    """A random manner, with a head that is turned a little.

    A head that is turned already (`yaw`, degrees) is not turned back to the camera, or what the picture does
    not show would come into view.
    """
    turn, pitch = rng.normal(0, _TURN), rng.normal(0, _TURN / 2)
    if abs(yaw) > _FRONTAL:
        turn = 0.7 * np.copysign(turn, yaw)
    return Manner(
        appearance,
        float(np.clip(turn, -_MAX_YAW, _MAX_YAW)),
        float(np.clip(pitch, -_MAX_PITCH, _MAX_PITCH)),
        float(rng.uniform(0.8, 1.4)),
        float(rng.uniform(0.75, 1.0)),
    )


def draw_portrait_appearance(rng: np.random.Generator) -> Appearance:
    """What a portrait may not show of its person: age of the wrinkles, teeth, lashes."""
    return draw_appearance(rng)._replace(beard=0.0, age=float(rng.uniform(0.25, 0.9)))


def animate(muscles: Muscles, frame: Frame, action: Action, manner: Manner) -> Reanimated:
    """Move the face of a portrait.

    Args:
        muscles: the rig that `frame` was fitted with.
        frame: the portrait.
        action: AUs to add, with intensities (subject's right, left).
        manner: the rest.
    """
    rig = muscles.rig
    added = _displace(muscles, frame, action)
    face = (frame.face + added).astype(np.float32)
    pixels, rotation, solid, seen = _placed(muscles, frame, action, added, manner)
    # The light turns with the head, or a turn would be relit where nobody can see a change.
    normals = (vertex_normals(face, rig.triangles) @ frame.rotation.T).astype(np.float32)
    strength = wrinkles_of(action, manner.depth)
    sources = trace(frame, rig, pixels, seen)
    ratio = relight(
        seen, rig, frame.normals, normals, frame.rotation, strength, manner.appearance.age, frame.light
    )
    moved = Moved(frame, rig, action, pixels, solid, normals, rotation, seen, sources, ratio)

    how = cv2.INTER_LINEAR
    out: Any = cv2.remap(frame.linear, sources.x, sources.y, how, borderMode=cv2.BORDER_REPLICATE)
    out *= ratio
    fill_lips(moved, out)
    fill_lids(moved, out)
    fill_inside(moved, manner.appearance, strength, manner.whiteness, out)
    draw_lashes(moved, manner.appearance, out)

    size = frame.size // SUPERSAMPLING
    image = np.clip(out, 0, 1) ** np.float32(1 / GAMMA)
    image = np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA), np.float32)
    landmarks = (_closed_lids(pixels[rig.landmarks], frame.rotation) + 0.5) / SUPERSAMPLING - 0.5
    return Reanimated(
        np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8),
        landmarks.astype(np.float32),
        pose_of(rotation),
        lip_gap(rig.neutral + added, rig),
    )


def displaced(muscles: Muscles, frame: Frame, action: Action, manner: Manner) -> Fields:
    """How far each AU moved what `animate`, given the same, shows."""
    seen = _placed(muscles, frame, action, _displace(muscles, frame, action), manner)[3]

    def place(action: Action) -> Floats:
        return _projected(frame, _displace(muscles, frame, action))

    corners = seen_corners(seen.index, seen.weights, muscles.rig.triangles)
    return displacements(action, place, *corners)


def _placed(
    muscles: Muscles, frame: Frame, action: Action, added: Floats, manner: Manner
) -> tuple[Floats, Floats, Floats, Seen]:
    """A moved face in the working picture: pixels (V, 2), rotation, what is solid (V, 3), what is seen."""
    face = (frame.face + added).astype(np.float32)
    pixels, rotation = frame.pixels + _projected(frame, added), frame.rotation
    if manner.yaw or manner.pitch:
        rotation, shift = _turn_head(muscles, frame, face, manner.yaw, manner.pitch)
        pixels = pixels + shift
    solid = _sink_eyes(muscles, face, action)
    seen = Seen.of(pixels, -(solid @ rotation[2]), muscles.rig, frame.moves, frame.size)
    return pixels, rotation, solid, seen


def _closed_lids(points: Floats, rotation: Floats) -> Floats:
    """Landmarks (68, 2) of shut lids, which cross a little on the rig, where they meet."""
    points, up = points.copy(), rotation[:2, 1] * [1, -1]
    for uppers, lowers in _LIDS.values():
        for upper, lower in zip(uppers, lowers, strict=True):
            if (points[upper] - points[lower]) @ up < 0:
                points[[upper, lower]] = (points[upper] + points[lower]) / 2
    return points


def _projected(frame: Frame, displacement: Floats) -> Floats:
    """Displacements (V, 3) in the head's frame as pixels (V, 2) of the working picture."""
    x, y = displacement @ frame.rotation[0], displacement @ frame.rotation[1]
    return np.stack([x, -y], 1) * np.float32(frame.scale)


def _displace(muscles: Muscles, frame: Frame, action: Action) -> Floats:
    """The displacement (V, 3) of an action, centimetres in the head's frame.

    AU43 closes the lids of this portrait exactly; AU7 narrows them, and never shuts.
    """
    others = {
        au: (_FURTHER.get(au, 1.0) * right, _FURTHER.get(au, 1.0) * left)
        for au, (right, left) in action.items()
        if au not in (7, 43)
    }
    total = muscles.move(others)
    for side in (RIGHT, LEFT):
        shut, tight = action.get(43, (0.0, 0.0))[side], action.get(7, (0.0, 0.0))[side]
        if shut > 0:
            share = _needed(muscles, frame, total, side, 43, -_OVERLAP * frame.scale)
            total += np.float32(np.clip(share, 0.2, 1.5)) * muscles.bases[43][side]
        elif tight > 0:
            open_gap = _OPEN * _gap(muscles, frame, np.zeros_like(total), side)
            strongest = max(0.1, _needed(muscles, frame, total, side, 7, open_gap))
            total += np.float32(min(_TIGHTER * tight, strongest)) * muscles.bases[7][side]
    return total


def _gap(muscles: Muscles, frame: Frame, displacement: Floats, side: int) -> float:
    """Mean opening of the lids in pixels, along the head's own up."""
    at = muscles.rig.landmarks
    upper, lower = (at[list(points)] for points in _LIDS[side])
    up = _projected(frame, np.array([[0, 1, 0]], np.float32))[0]
    up /= np.linalg.norm(up) + 1e-9
    moved = frame.pixels + _projected(frame, displacement)
    return float(((moved[upper] - moved[lower]) @ up).mean())


def _needed(muscles: Muscles, frame: Frame, displacement: Floats, side: int, au: int, gap: float) -> float:
    """How strong an AU must be to bring the lids' opening to `gap` pixels; inf if it closes nothing."""
    now = _gap(muscles, frame, displacement, side)
    closes = now - _gap(muscles, frame, displacement + muscles.bases[au][side], side)
    return (now - gap) / closes if closes > 1e-6 else float("inf")


def _sink_eyes(muscles: Muscles, face: Floats, action: Action) -> Floats:
    """`face` (V, 3) with the balls of shut eyes a little deeper, where no thin lid lets them through."""
    face = face.copy()
    for side in (RIGHT, LEFT):
        if action.get(43, (0.0, 0.0))[side] > 0:
            face[muscles.rig.eyes[side], 2] -= np.float32(0.6)
    return face


def _turn_head(
    muscles: Muscles, frame: Frame, moved: Floats, yaw: float, pitch: float
) -> tuple[Floats, Floats]:
    """A head turned by some degrees: rotation (3, 3) of it and displacement (V, 2) in pixels.

    The neck follows less and less towards the shoulders.
    """
    a, b = np.radians([yaw, pitch])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    rotation = (frame.rotation @ about_x @ about_y).astype(np.float32)
    change = (moved - PIVOT) @ (rotation - frame.rotation).T
    y, z = muscles.rig.canonical[:, 1], muscles.rig.canonical[:, 2]
    # Of the neck: below the chin, or behind it.
    height = np.maximum(y, np.where(z > 6, -9.0, -30.0))
    follow = smoothstep(-14, -8, height)[:, None]
    shift = np.stack([change[:, 0], -change[:, 1]], 1) * follow * frame.scale
    return rotation, shift.astype(np.float32)
