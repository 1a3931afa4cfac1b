"""Scenes with faces of every size, place and light on backgrounds without people, for the detector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.align import five_points
from aulens.data.face_nets import camera, covers
from aulens.data.face_nets.camera import Take
from aulens.data.face_nets.covers import Cover
from aulens.data.face_nets.cutouts import Cutout, Spot, draw_background, draw_spot
from aulens.data.face_nets.pasted import Placed, fill, paste, paste_decoy
from aulens.landmarks import face_box

Image = NDArray[np.uint8]

SMALLEST: Final = 9.0
"""Pixels, square root of the box's area: a smaller face is neither asked for nor held against the network."""
_MAX_HIDDEN: Final = 0.6  # likewise a face of which more is hidden or cut off
_MIN_PIXELS: Final = 7.0  # or of which a blur leaves fewer pixels
_MANY_SMALL: Final = 0.35  # of so many faces pasted, up to so many pixels:
_SMALL_TO: Final = 30.0
_FACES: Final = (0, 1, 2, 3, 4, 6, 9)
_FACES_P: Final = (0.10, 0.38, 0.2, 0.14, 0.08, 0.06, 0.04)
_ABOUT_SPOTS: Final = 0.35


@dataclass(frozen=True, eq=False)
class Scene:
    """A sample.

    Attributes:
        image: (S, S, 3) uint8 RGB.
        boxes: (F, 4) float32, x0, y0, x1, y1 where pixel i covers [i, i + 1).
        points: (F, 5, 2) float32, in the same coordinates.
        asked: (F,) bool; False: too small, blurred or hidden, whatever the network says is right.
    """

    image: Image
    boxes: NDArray[np.float32]
    points: NDArray[np.float32]
    asked: NDArray[np.bool_]


def draw_scene(
    draw_face: Callable[[np.random.Generator], Cutout],
    backgrounds: Sequence[Image],
    size: int,
    random: np.random.Generator,
    *,
    spots: Sequence[Spot] = (),
    faces_p: Sequence[float] = _FACES_P,
    take: Take = camera.take,
    cover: Cover = covers.cover,
) -> Scene:
    """One random scene.

    Args:
        draw_face: gives one of the faces.
        backgrounds: pictures without people, (h, w, 3) uint8 RGB.
        size: S, side of the scene in pixels.
        spots: what was taken for a face in the backgrounds: a third of the scenes is about one of them.
        faces_p: how probable it is that so many faces are pasted: each of `_FACES`.
        take: the camera.
        cover: paints what hides a face.
    """
    placed: list[Placed] = []
    about_spot = bool(spots) and random.random() < _ABOUT_SPOTS
    if about_spot:
        image = draw_spot(backgrounds, spots[int(random.integers(len(spots)))], size, random)
    else:
        image = draw_background(backgrounds, size, random)
    if about_spot and random.random() < 0.6:
        pass  # nobody is there
    elif random.random() < 0.35:
        placed.append(fill(image, draw_face(random), random, cover))
    else:
        for _ in range(int(random.choice(_FACES, p=faces_p))):
            if random.random() < 0.12:
                side = int(_size(size, random) * 1.5)
                if (hides := paste_decoy(image, backgrounds, side, random)) is not None:
                    placed = [face.behind(hides) for face in placed]
            if (new := paste(image, draw_face(random), _size(size, random), random, cover)) is not None:
                face, hides = new
                placed = [*(other.behind(hides) for other in placed), face]
    return _scene(take(image, random, hard=0.7), placed, size)


def _size(size: int, random: np.random.Generator) -> float:
    """Height of a face in pixels: from SMALLEST to the scene, each octave alike, with more small ones."""
    largest = min(_SMALL_TO, 0.9 * size) if random.random() < _MANY_SMALL else 0.9 * size
    return float(np.exp(random.uniform(np.log(SMALLEST * 1.1), np.log(largest))))


def _scene(taken: camera.Taken, placed: Sequence[Placed], size: int) -> Scene:
    boxes, points, asked = [], [], []
    detail = 1 / np.hypot(1.0, 1.5 * taken.blur)
    for face in placed:
        box = face_box(face.landmarks) + 0.5
        inside = np.concatenate([np.clip(box[:2], 0, size), np.clip(box[2:], 0, size)])
        area = float(np.prod(box[2:] - box[:2]))
        seen = float(np.prod(np.maximum(inside[2:] - inside[:2], 0))) / max(area, 1e-9)
        if seen < 0.05:
            continue
        boxes.append(box)
        points.append(five_points(face.landmarks) + 0.5)
        lost = 1 - seen * (1 - float(face.hidden.mean()))
        seen_at_all = np.sqrt(area) >= SMALLEST and np.sqrt(area) * detail >= _MIN_PIXELS
        asked.append(seen_at_all and lost <= _MAX_HIDDEN)
    return Scene(
        taken.image,
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(points, np.float32).reshape(-1, 5, 2),
        np.array(asked, bool),
    )
