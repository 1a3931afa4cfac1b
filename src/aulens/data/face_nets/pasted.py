"""Faces put into a scene: their own picture filling it, or cut out; and pieces that are no faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens import align
from aulens.data import photometric
from aulens.data.face_nets import covers
from aulens.data.face_nets.covers import Cover
from aulens.data.face_nets.cutouts import Cutout, draw_background
from aulens.landmarks import IBUG68, face_box

Image = NDArray[np.uint8]
Mask = NDArray[np.float32]
Points = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Placed:
    """A face in a scene.

    Attributes:
        landmarks: (68, 2) pixels of the scene; right and left are those of the face as it is seen there.
        hidden: (68,) 0 to 1, how much of each something covers.
    """

    landmarks: Points
    hidden: NDArray[np.float32]

    def behind(self, hides: Mask) -> Placed:
        """The same after something was painted over the scene where `hides` (S, S), 0 to 1, says."""
        return Placed(self.landmarks, np.maximum(self.hidden, covers.hidden_at(hides, self.landmarks)))


def fill(image: Image, cutout: Cutout, random: np.random.Generator, cover: Cover) -> Placed:
    """Paint the face's own picture over the whole scene, near or far; the rest stays, or is its border.

    Args:
        image: (S, S, 3) uint8 RGB, changed.
        cutout: the face.
        cover: paints what hides it.
    """
    size = image.shape[0]
    height = float(np.exp(random.uniform(np.log(0.12), np.log(2.0)))) * size
    reach = 0.5 * max(size - 0.4 * height, 0.3 * size)
    centre = size / 2 + random.uniform(-1, 1, 2) * reach * 0.8
    matrix = _matrix(cutout, height, centre, random)
    edge = random.random()
    border = cv2.BORDER_REFLECT_101 if edge < 0.55 else cv2.BORDER_REPLICATE
    if edge < 0.4 or edge > 0.8:
        border = cv2.BORDER_TRANSPARENT
    if edge > 0.8:
        image[:] = random.integers(0, 256, 3)
    level, of_level = cutout.source(matrix)
    cv2.warpAffine(level, of_level, (size, size), dst=image, flags=cv2.INTER_LINEAR, borderMode=border)
    if border == cv2.BORDER_REFLECT_101:
        _hide_mirrored(image, cutout, matrix, random)
    return _perhaps_covered(image, _scene_landmarks(cutout, matrix), random, cover)[0]


def paste(
    image: Image, cutout: Cutout, height: float, random: np.random.Generator, cover: Cover
) -> tuple[Placed, Mask] | None:
    """Put a face into the scene with some of what is around it.

    Args:
        image: (S, S, 3) uint8 RGB, changed.
        cutout: the face.
        height: longer side of its `face_box` in the scene, pixels.
        cover: paints what hides it.

    Returns:
        The face, and how much of each pixel of the scene was painted over, (S, S); None if all of it would
        lie outside.
    """
    size = image.shape[0]
    centre = random.uniform(-0.12 * height, size + 0.12 * height, 2)
    matrix = _matrix(cutout, height, centre, random)
    outline = align.transform(matrix, _outline(cutout, random))
    x0, y0 = np.maximum(np.floor(outline.min(0)) - 2, 0).astype(int)
    x1, y1 = np.minimum(np.ceil(outline.max(0)) + 3, size).astype(int)
    if x1 - x0 < 2 or y1 - y0 < 2:
        return None
    level, of_level = cutout.source(align.compose(np.array([[1.0, 0, -x0], [0, 1, -y0]]), matrix))
    extent, border = (int(x1 - x0), int(y1 - y0)), cv2.BORDER_REPLICATE
    part = np.asarray(
        cv2.warpAffine(level, of_level, extent, flags=cv2.INTER_LINEAR, borderMode=border), np.uint8
    )
    mask = np.zeros(part.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.rint((outline - (x0, y0)) * 8).astype(np.int32)], 255, cv2.LINE_AA, 3)
    soft = float(random.choice((0.0, 0.02, 0.06), p=(0.4, 0.4, 0.2))) * height
    if soft > 0.4:
        mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), soft), np.uint8)
    if random.random() < 0.5:  # towards the light of the place
        gain = (float(image[y0:y1, x0:x1].mean()) + 40) / (float(part.mean()) + 40)
        part = photometric.exposed(part, float(np.clip(gain ** random.uniform(0.3, 1.0), 0.3, 2.0)))
    hides = _blended(image, part, mask, int(x0), int(y0))
    face, covered = _perhaps_covered(image, _scene_landmarks(cutout, matrix), random, cover)
    return face, hides if covered is None else np.maximum(hides, covered)


def paste_decoy(
    image: Image, backgrounds: Sequence[Image], side: int, random: np.random.Generator
) -> Mask | None:
    """Put a piece of another background into the scene, cut out as faces are: an edge makes no face.

    Args:
        image: (S, S, 3) uint8 RGB, changed.
        backgrounds: pictures without people.
        side: of the piece, pixels.

    Returns:
        How much of each pixel was painted over, (S, S); None if all of it would lie outside.
    """
    size = image.shape[0]
    piece = draw_background(backgrounds, max(side, 4), random)
    x, y = random.integers(-side // 3, size - side // 2 + 1, 2)
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + side, size), min(y + side, size)
    if x1 - x0 < 2 or y1 - y0 < 2:
        return None
    mask = np.zeros((len(piece), len(piece)), np.uint8)
    if random.random() < 0.5:
        middle = (len(piece) // 2,) * 2
        axes = len(piece) // 2, int(len(piece) * random.uniform(0.3, 0.5))
        cv2.ellipse(mask, middle, axes, float(random.uniform(0, 180)), 0, 360, 255, -1)
    else:
        mask[:] = 255
    inside = slice(y0 - y, y1 - y), slice(x0 - x, x1 - x)
    return _blended(image, piece[inside], mask[inside], x0, y0)


def _blended(image: Image, part: Image, mask: Image, x0: int, y0: int) -> Mask:
    """Paint a part (h, w, 3) over the scene where its mask (h, w) says; how much of each pixel that hides."""
    weight = mask.astype(np.float32) / 255
    place = slice(y0, y0 + len(part)), slice(x0, x0 + part.shape[1])
    mixed = image[place] + (part.astype(np.float32) - image[place]) * weight[..., None]
    image[place] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
    hides = np.zeros(image.shape[:2], np.float32)
    hides[place] = weight
    return hides


def _angle(random: np.random.Generator) -> float:
    kind = random.random()
    if kind < 0.62:
        return float(random.normal(0, 12))
    return float(random.uniform(-60, 60) if kind < 0.82 else random.uniform(-180, 180))


def _matrix(cutout: Cutout, height: float, centre: Points, random: np.random.Generator) -> Points:
    """Cutout → scene: the face's box gets that long and its middle comes to `centre`; half are mirrored."""
    box = face_box(cutout.landmarks)
    scale = height / float((box[2:] - box[:2]).max())
    x, y = ((box[:2] + box[2:]) / 2).tolist()
    turn = align.rotation_scale(_angle(random), scale, (x, y), (float(centre[0]) - x, float(centre[1]) - y))
    if random.random() < 0.5:
        # About the face's own middle, in its picture.
        turn = align.compose(turn, np.array([[-1.0, 0, 2 * x], [0, 1, 0]]))
    return turn


def _scene_landmarks(cutout: Cutout, matrix: Points) -> Points:
    """The landmarks in the scene; where the matrix mirrors, partners change places."""
    points = align.transform(matrix, cutout.landmarks)
    return points[list(IBUG68.mirror)] if np.linalg.det(matrix[:, :2]) < 0 else points


def _hide_mirrored(image: Image, cutout: Cutout, matrix: Points, random: np.random.Generator) -> None:
    """A mirrored border may hold a second face that no label names: keep a band around the picture only."""
    height, width = cutout.levels[0].shape[:2]
    band = 0.12 * min(height, width)
    corners = np.array(
        [[-band, -band], [width + band, -band], [width + band, height + band], [-band, height + band]]
    )
    kept = np.zeros(image.shape[:2], np.uint8)
    cv2.fillConvexPoly(kept, np.rint(align.transform(matrix, corners)).astype(np.int32), 255)
    image[kept == 0] = random.integers(0, 256, 3)


def _outline(cutout: Cutout, random: np.random.Generator) -> Points:
    """What is cut out around a face, a polygon in its pixels: a head with hair, a bust, or a rectangle."""
    height, width = cutout.levels[0].shape[:2]
    box = face_box(cutout.landmarks)
    centre, reach = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
    kind = random.random()
    if kind < 0.4:
        turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        wobble = 1 + 0.06 * np.cos(turn * random.integers(2, 6) + random.uniform(0, 6))
        ring = np.stack([np.cos(turn), np.sin(turn)], 1) * wobble[:, None] * reach
        polygon = centre + ring * random.uniform(1.1, 1.6, 2) + np.array([0, -0.1]) * reach
    elif kind < 0.6:
        ear, top = random.uniform(1.1, 1.5), random.uniform(1.15, 1.5)
        wide, low = random.uniform(1.5, 3.0), random.uniform(1.3, 3.0)
        right = np.array([[-0.7, -top], [-ear, -0.4], [-ear * 0.9, 0.9], [-wide, low]])
        polygon = centre + reach * np.concatenate([right[1::-1], (right * (-1, 1)), right[:1:-1]])
    else:
        grow = random.uniform(1.05, 3.2, 4) * reach[[0, 1, 0, 1]]
        x0, y0, x1, y1 = centre[0] - grow[0], centre[1] - grow[1], centre[0] + grow[2], centre[1] + grow[3]
        polygon = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    return np.clip(polygon, 0, (width - 1, height - 1))


def _perhaps_covered(
    image: Image, points: Points, random: np.random.Generator, cover: Cover
) -> tuple[Placed, Mask | None]:
    """The face, perhaps with a cover painted on it, and where that is, (S, S)."""
    face = Placed(points, np.zeros(len(points), np.float32))
    if random.random() > 0.22:
        return face, None
    kind = covers.KINDS[int(random.integers(len(covers.KINDS)))]
    hides = cover(image, points, kind, random)
    return face.behind(hides), hides
