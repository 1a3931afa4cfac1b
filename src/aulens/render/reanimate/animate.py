"""One picture: a fitted portrait that does something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.render.displacement import Fields, displacements, seen_corners
from aulens.render.expression import Action, Muscles, lip_gap
from aulens.render.person import Look, draw_look
from aulens.render.raster import vertex_normals
from aulens.render.reanimate.fill import Moved, draw_lashes, fill_inside, fill_lids, fill_lips
from aulens.render.reanimate.fit import pose_of
from aulens.render.reanimate.frame import GAMMA, SUPERSAMPLING, Frame, Seen
from aulens.render.reanimate.move import LIDS, displace, projected, sink_eyes, turn_head
from aulens.render.reanimate.relight import relight, wrinkles_of
from aulens.render.reanimate.sample import trace
from aulens.render.rig import Floats

# Degrees. Beyond the most, hair and shoulders would have to follow.
_TURN, _MOST_YAW, _MOST_PITCH, _FRONTAL = 5.0, 12.0, 6.0, 8.0


@dataclass(frozen=True)
class Manner:
    """How a picture is re-animated, whatever the AUs.

    Attributes:
        look: teeth, lashes, wrinkles' age: what the picture may not show.
        yaw, pitch: degrees that the head is turned further; see `Shot` for the signs.
        depth: of the wrinkles, 1 = as deep as usual.
        whiteness: of the teeth, about 0.75..1.
    """

    look: Look
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


def draw_manner(rng: np.random.Generator, look: Look, yaw: float) -> Manner:
    """A random manner, with a head that is turned a little.

    A head that is turned already (`yaw`, degrees) is not turned back to the camera, or what the picture does
    not show would come into view.
    """
    turn, pitch = rng.normal(0, _TURN), rng.normal(0, _TURN / 2)
    if abs(yaw) > _FRONTAL:
        turn = 0.7 * np.copysign(turn, yaw)
    return Manner(
        look,
        float(np.clip(turn, -_MOST_YAW, _MOST_YAW)),
        float(np.clip(pitch, -_MOST_PITCH, _MOST_PITCH)),
        float(rng.uniform(0.8, 1.4)),
        float(rng.uniform(0.75, 1.0)),
    )


def draw_portrait_look(rng: np.random.Generator) -> Look:
    """What a portrait may not show of its person: age of the wrinkles, teeth, lashes."""
    return draw_look(rng)._replace(beard=0.0, age=float(rng.uniform(0.25, 0.9)))


def animate(muscles: Muscles, frame: Frame, action: Action, manner: Manner) -> Reanimated:
    """Move the face of a portrait.

    Args:
        muscles: the rig that `frame` was fitted with.
        frame: the portrait.
        action: AUs to add, with intensities (subject's right, left).
        manner: the rest.
    """
    rig = muscles.rig
    added = displace(muscles, frame, action)
    face = (frame.face + added).astype(np.float32)
    pixels, rotation, solid, seen = _placed(muscles, frame, action, added, manner)
    # The light turns with the head, or a turn would be relit where nobody can see a change.
    normals = (vertex_normals(face, rig.triangles) @ frame.rotation.T).astype(np.float32)
    strength = wrinkles_of(action, manner.depth)
    sources = trace(frame, rig, pixels, seen)
    ratio = relight(seen, rig, frame.normals, normals, frame.rotation, strength, manner.look.age, frame.light)
    moved = Moved(frame, rig, action, pixels, solid, normals, rotation, seen, sources, ratio)

    how = cv2.INTER_LINEAR
    out: Any = cv2.remap(frame.linear, sources.x, sources.y, how, borderMode=cv2.BORDER_REPLICATE)
    out *= ratio
    fill_lips(moved, out)
    fill_lids(moved, out)
    fill_inside(moved, manner.look, strength, manner.whiteness, out)
    draw_lashes(moved, manner.look, out)

    size = frame.size // SUPERSAMPLING
    image = np.clip(out, 0, 1) ** np.float32(1 / GAMMA)
    image = np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA), np.float32)
    landmarks = (_met(pixels[rig.landmarks], frame.rotation) + 0.5) / SUPERSAMPLING - 0.5
    return Reanimated(
        np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8),
        landmarks.astype(np.float32),
        pose_of(rotation),
        lip_gap(rig.neutral + added, rig),
    )


def displaced(muscles: Muscles, frame: Frame, action: Action, manner: Manner) -> Fields:
    """How far each AU moved what `animate`, given the same, shows."""
    seen = _placed(muscles, frame, action, displace(muscles, frame, action), manner)[3]

    def place(action: Action) -> Floats:
        return projected(frame, displace(muscles, frame, action))

    corners = seen_corners(seen.index, seen.weights, muscles.rig.triangles)
    return displacements(action, place, *corners)


def _placed(
    muscles: Muscles, frame: Frame, action: Action, added: Floats, manner: Manner
) -> tuple[Floats, Floats, Floats, Seen]:
    """A moved face in the working picture: pixels (V, 2), rotation, what is solid (V, 3), what is seen."""
    face = (frame.face + added).astype(np.float32)
    pixels, rotation = frame.pixels + projected(frame, added), frame.rotation
    if manner.yaw or manner.pitch:
        rotation, shift = turn_head(muscles, frame, face, manner.yaw, manner.pitch)
        pixels = pixels + shift
    solid = sink_eyes(muscles, face, action)
    seen = Seen.of(pixels, -(solid @ rotation[2]), muscles.rig, frame.moves, frame.size)
    return pixels, rotation, solid, seen


def _met(points: Floats, rotation: Floats) -> Floats:
    """Landmarks (68, 2) of shut lids, which cross a little on the rig, where they meet."""
    points, up = points.copy(), rotation[:2, 1] * [1, -1]
    for uppers, lowers in LIDS.values():
        for upper, lower in zip(uppers, lowers, strict=True):
            if (points[upper] - points[lower]) @ up < 0:
                points[[upper, lower]] = (points[upper] + points[lower]) / 2
    return points
