"""Scenes with faces of every size, place and light on backgrounds without people, for the detector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens import align
from aulens.align.template import five_points
from aulens.data.sight import camera, covers
from aulens.data.sight.cutouts import Cutout
from aulens.landmarks import IBUG68, face_box

Image = NDArray[np.uint8]
Points = NDArray[np.float64]

SMALLEST: Final = 9.0
"""Pixels, square root of the box's area: a smaller face is neither asked for nor held against the network."""
_MOST_HIDDEN: Final = 0.6  # likewise a face of which more is hidden or cut off
_FACES: Final = (0, 1, 2, 3, 4, 6, 9)
_FACES_P: Final = (0.10, 0.38, 0.2, 0.14, 0.08, 0.06, 0.04)
_ABOUT_SPOTS: Final = 0.35


@dataclass(frozen=True)
class Spot:
    """Where a network saw a face that is not there.

    Attributes:
        background: its number.
        quarters: by how many quarters it was turned, counter-clockwise.
        x, y: the place, pixels of the turned picture.
        side: of the square that fills a scene as it was seen, pixels.
    """

    background: int
    quarters: int
    x: float
    y: float
    side: float


@dataclass(frozen=True, eq=False)
class Scene:
    """A sample.

    Attributes:
        image: (S, S, 3) uint8 RGB.
        boxes: (F, 4) float32, x0, y0, x1, y1 where pixel i covers [i, i + 1).
        points: (F, 5, 2) float32, in the same coordinates.
        asked: (F,) bool; False: too small or too much hidden, whatever the network says is right.
    """

    image: Image
    boxes: NDArray[np.float32]
    points: NDArray[np.float32]
    asked: NDArray[np.bool_]


@dataclass(frozen=True)
class _Placed:
    landmarks: Points
    hidden: float


def draw_scene(
    cutouts: Sequence[Cutout],
    backgrounds: Sequence[Image],
    size: int,
    random: np.random.Generator,
    *,
    spots: Sequence[Spot] = (),
) -> Scene:
    """One random scene.

    Args:
        cutouts: faces.
        backgrounds: pictures without people, (h, w, 3) uint8 RGB.
        size: S, side of the scene in pixels.
        random: the only source of randomness.
        spots: what was taken for a face in the backgrounds: a third of the scenes is about one of them.
    """
    placed: list[_Placed] = []
    about_spot = bool(spots) and random.random() < _ABOUT_SPOTS
    if about_spot:
        image = draw_spot(backgrounds, spots[int(random.integers(len(spots)))], size, random)
    else:
        image = draw_background(backgrounds, size, random)
    if about_spot and random.random() < 0.6:
        pass  # nobody is there
    elif random.random() < 0.35:
        placed.append(_fill(image, cutouts[int(random.integers(len(cutouts)))], random))
    else:
        for _ in range(int(random.choice(_FACES, p=_FACES_P))):
            if random.random() < 0.12:
                _decoy(image, backgrounds, random)
            face = cutouts[int(random.integers(len(cutouts)))]
            new = _paste(image, face, _size(size, random), random)
            if new is not None:
                placed = [_overlapped(old, new[1]) for old in placed]
                placed.append(new[0])
    taken = camera.take(image, random, hard=0.7).image
    return _scene(taken, placed, size)


def draw_background(backgrounds: Sequence[Image], size: int, random: np.random.Generator) -> Image:
    """A random part of a background, (S, S, 3) uint8 RGB, sometimes turned or mirrored."""
    picture = backgrounds[int(random.integers(len(backgrounds)))]
    height, width = picture.shape[:2]
    most = min(height, width)
    least = min(most, max(0.8 * size, 0.3 * most))
    side = min(float(np.exp(random.uniform(np.log(least), np.log(most)))), most)
    x, y = random.uniform(0, width - side), random.uniform(0, height - side)
    return _part(picture, size, (x + side / 2, y + side / 2), side, random)


def draw_spot(backgrounds: Sequence[Image], spot: Spot, size: int, random: np.random.Generator) -> Image:
    """About what a network took for a face, (S, S, 3) uint8 RGB, as large as it was seen."""
    picture = np.rot90(backgrounds[spot.background], spot.quarters)
    side = spot.side * float(np.exp(random.normal(0, 0.15)))
    x, y = np.array([spot.x, spot.y]) + random.uniform(-0.4, 0.4, 2) * side
    return _part(np.ascontiguousarray(picture), size, (float(x), float(y)), side, random)


def _part(
    picture: Image, size: int, centre: tuple[float, float], side: float, random: np.random.Generator
) -> Image:
    """A square about a place of a picture, (S, S, 3), mirrored in half of the cases, turned in a quarter."""
    scale = size / side
    matrix = np.array([[scale, 0, size / 2 - centre[0] * scale], [0, scale, size / 2 - centre[1] * scale]])
    if random.random() < 0.25:
        turn = align.rotation_scale(float(random.uniform(-180, 180)), 1.3, (size / 2, size / 2))
        matrix = align.compose(turn, matrix)
    if scale < 0.7:
        picture = np.asarray(
            cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
        matrix = align.compose(matrix, np.array([[1 / scale, 0, 0.0], [0, 1 / scale, 0]]))
    flags, border = cv2.INTER_LINEAR, cv2.BORDER_REFLECT_101
    out = np.asarray(cv2.warpAffine(picture, matrix, (size, size), flags=flags, borderMode=border), np.uint8)
    return np.ascontiguousarray(out[:, ::-1]) if random.random() < 0.5 else out


def _size(size: int, random: np.random.Generator) -> float:
    """Height of a face in pixels: from SMALLEST to the scene, each octave alike."""
    return float(np.exp(random.uniform(np.log(SMALLEST * 1.1), np.log(0.9 * size))))


def _angle(random: np.random.Generator) -> float:
    kind = random.random()
    if kind < 0.62:
        return float(random.normal(0, 12))
    return float(random.uniform(-60, 60) if kind < 0.82 else random.uniform(-180, 180))


def _fill(image: Image, cutout: Cutout, random: np.random.Generator) -> _Placed:
    """The face's own picture as the whole scene, near or far; the rest stays, or is its border."""
    size = image.shape[0]
    box = face_box(cutout.landmarks)
    height = float(np.exp(random.uniform(np.log(0.12), np.log(2.0)))) * size
    scale = height / float((box[2:] - box[:2]).max())
    reach = 0.5 * max(size - 0.4 * height, 0.3 * size)
    centre = size / 2 + random.uniform(-1, 1, 2) * reach * 0.8
    matrix = _matrix(cutout, scale, _angle(random), centre, random)
    edge = random.random()
    border = (
        cv2.BORDER_TRANSPARENT
        if edge < 0.4
        else cv2.BORDER_REFLECT_101
        if edge < 0.55
        else cv2.BORDER_REPLICATE
    )
    if edge > 0.8:
        border = cv2.BORDER_TRANSPARENT
        image[:] = random.integers(0, 256, 3)
    level, matrix_of_level = _level(cutout, matrix, scale)
    cv2.warpAffine(level, matrix_of_level, (size, size), dst=image, flags=cv2.INTER_LINEAR, borderMode=border)
    if border == cv2.BORDER_REFLECT_101:
        _hide_mirrored(image, cutout, matrix, random)
    points = _mirrored(align.transform(matrix, cutout.landmarks), matrix)
    return _Placed(points, _covered(image, points, random))


def _hide_mirrored(image: Image, cutout: Cutout, matrix: Points, random: np.random.Generator) -> None:
    """A mirrored border may hold a second face that nobody told of: keep a band around the picture only."""
    height, width = cutout.levels[0].shape[:2]
    band = 0.12 * min(height, width)
    corners = np.array(
        [[-band, -band], [width + band, -band], [width + band, height + band], [-band, height + band]]
    )
    kept = np.zeros(image.shape[:2], np.uint8)
    cv2.fillConvexPoly(kept, np.rint(align.transform(matrix, corners)).astype(np.int32), 255)
    image[kept == 0] = random.integers(0, 256, 3)


def _paste(
    image: Image, cutout: Cutout, height: float, random: np.random.Generator
) -> tuple[_Placed, Image] | None:
    """Put a face into the scene with some of what is around it; its landmarks, and where it covers (S, S)."""
    size = image.shape[0]
    box = face_box(cutout.landmarks)
    scale = height / float((box[2:] - box[:2]).max())
    centre = random.uniform(-0.12 * height, size + 0.12 * height, 2)
    matrix = _matrix(cutout, scale, _angle(random), centre, random)
    outline = _outline(cutout, random)
    across = align.transform(matrix, outline)
    x0, y0 = np.maximum(np.floor(across.min(0)) - 2, 0).astype(int)
    x1, y1 = np.minimum(np.ceil(across.max(0)) + 3, size).astype(int)
    if x1 - x0 < 2 or y1 - y0 < 2:
        return None
    shifted = align.compose(np.array([[1.0, 0, -x0], [0, 1, -y0]]), matrix)
    level, matrix_of_level = _level(cutout, shifted, scale)
    extent, border = (int(x1 - x0), int(y1 - y0)), cv2.BORDER_REPLICATE
    part = np.asarray(
        cv2.warpAffine(level, matrix_of_level, extent, flags=cv2.INTER_LINEAR, borderMode=border), np.uint8
    )
    mask = np.zeros(part.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.rint((across - (x0, y0)) * 8).astype(np.int32)], 255, cv2.LINE_AA, 3)
    soft = float(random.choice((0.0, 0.02, 0.06), p=(0.4, 0.4, 0.2))) * height
    if soft > 0.4:
        mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), soft), np.uint8)
    if random.random() < 0.5:  # towards the light of the place
        gain = (float(image[y0:y1, x0:x1].mean()) + 40) / (float(part.mean()) + 40)
        part = camera.exposed(part, float(np.clip(gain ** random.uniform(0.3, 1.0), 0.3, 2.0)))
    weight = (mask.astype(np.float32) / 255)[..., None]
    view = image[y0:y1, x0:x1]
    view[:] = np.clip(view + (part.astype(np.float32) - view) * weight + 0.5, 0, 255).astype(np.uint8)
    points = _mirrored(align.transform(matrix, cutout.landmarks), matrix)
    hides = np.zeros((size, size), np.uint8)
    hides[y0:y1, x0:x1] = mask
    return _Placed(points, _covered(image, points, random)), hides


def _outline(cutout: Cutout, random: np.random.Generator) -> Points:
    """What is cut out around a face, a polygon in its pixels: a head with hair, a bust, or a rectangle."""
    height, width = cutout.levels[0].shape[:2]
    box = face_box(cutout.landmarks)
    centre, reach = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
    kind = random.random()
    if kind < 0.4:
        turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        wobble = 1 + 0.06 * np.cos(turn * random.integers(2, 6) + random.uniform(0, 6))
        ring = (
            np.stack([np.cos(turn), np.sin(turn)], 1) * wobble[:, None] * reach * random.uniform(1.1, 1.6, 2)
        )
        polygon = centre + ring + np.array([0, -0.1]) * reach
    elif kind < 0.6:
        ear, top = random.uniform(1.1, 1.5), random.uniform(1.15, 1.5)
        wide, low = random.uniform(1.5, 3.0), random.uniform(1.3, 3.0)
        polygon = centre + reach * np.array(
            [
                [-ear, -0.4],
                [-0.7, -top],
                [0.7, -top],
                [ear, -0.4],
                [ear * 0.9, 0.9],
                [wide, low],
                [-wide, low],
                [-ear * 0.9, 0.9],
            ]
        )
    else:
        grow = random.uniform(1.05, 3.2, 4) * reach[[0, 1, 0, 1]]
        x0, y0, x1, y1 = centre[0] - grow[0], centre[1] - grow[1], centre[0] + grow[2], centre[1] + grow[3]
        polygon = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    return np.clip(polygon, 0, (width - 1, height - 1))


def _matrix(
    cutout: Cutout, scale: float, degrees: float, centre: Points, random: np.random.Generator
) -> Points:
    box = face_box(cutout.landmarks)
    x, y = ((box[:2] + box[2:]) / 2).tolist()
    turn = align.rotation_scale(degrees, scale, (x, y), (float(centre[0]) - x, float(centre[1]) - y))
    if random.random() < 0.5:
        # Mirrored about the face's own middle, in its picture.
        turn = align.compose(turn, np.array([[-1.0, 0, 2 * x], [0, 1, 0]]))
    return turn


def _mirrored(points: Points, matrix: Points) -> Points:
    """Landmarks of a face whose picture a matrix mirrors: partners change places."""
    return points[list(IBUG68.mirror)] if np.linalg.det(matrix[:, :2]) < 0 else points


def _level(cutout: Cutout, matrix: Points, scale: float) -> tuple[Image, Points]:
    level, factor = cutout.level_for(scale)
    back = np.array([[1 / factor, 0, 0.5 / factor - 0.5], [0, 1 / factor, 0.5 / factor - 0.5]])
    return level, align.compose(matrix, back)


def _covered(image: Image, points: Points, random: np.random.Generator) -> float:
    """Perhaps cover the face; the share of its points that is then hidden."""
    if random.random() > 0.22:
        return 0.0
    kind = covers.KINDS[int(random.integers(len(covers.KINDS)))]
    hidden = covers.cover(image, points, kind, random)
    return _share(points, hidden)


def _overlapped(old: _Placed, mask: Image) -> _Placed:
    return _Placed(old.landmarks, max(old.hidden, _share(old.landmarks, mask / np.float32(255))))


def _share(points: Points, hidden: NDArray[np.floating]) -> float:
    size = hidden.shape[0]
    at = np.clip(np.rint(points), 0, size - 1).astype(int)
    return float(hidden[at[:, 1], at[:, 0]].mean())


def _decoy(image: Image, backgrounds: Sequence[Image], random: np.random.Generator) -> None:
    """A piece of another background, cut out as faces are: an edge does not make a face."""
    size = image.shape[0]
    side = int(_size(size, random) * 1.5)
    piece = draw_background(backgrounds, max(side, 4), random)
    x, y = random.integers(-side // 3, size - side // 2 + 1, 2)
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + side, size), min(y + side, size)
    if x1 - x0 < 2 or y1 - y0 < 2:
        return
    mask = np.zeros((len(piece), len(piece)), np.uint8)
    if random.random() < 0.5:
        cv2.ellipse(
            mask,
            (len(piece) // 2,) * 2,
            (len(piece) // 2, int(len(piece) * random.uniform(0.3, 0.5))),
            float(random.uniform(0, 180)),
            0,
            360,
            255,
            -1,
        )
    else:
        mask[:] = 255
    weight = (mask[y0 - y : y1 - y, x0 - x : x1 - x].astype(np.float32) / 255)[..., None]
    view = image[y0:y1, x0:x1]
    view[:] = (view + (piece[y0 - y : y1 - y, x0 - x : x1 - x].astype(np.float32) - view) * weight).astype(
        np.uint8
    )


def _scene(image: Image, placed: Sequence[_Placed], size: int) -> Scene:
    boxes, points, asked = [], [], []
    for face in placed:
        box = face_box(face.landmarks) + 0.5
        inside = np.concatenate([np.clip(box[:2], 0, size), np.clip(box[2:], 0, size)])
        area = float(np.prod(box[2:] - box[:2]))
        seen = float(np.prod(np.maximum(inside[2:] - inside[:2], 0))) / max(area, 1e-9)
        if seen < 0.05:
            continue
        boxes.append(box)
        points.append(five_points(face.landmarks) + 0.5)
        asked.append(np.sqrt(area) >= SMALLEST and 1 - seen * (1 - face.hidden) <= _MOST_HIDDEN)
    return Scene(
        image,
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(points, np.float32).reshape(-1, 5, 2),
        np.array(asked, bool),
    )
