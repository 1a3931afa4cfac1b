"""Heads of known people for PersonNet: two views of one person, as a clip would show them at two times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens import align
from aulens.align.template import five_points
from aulens.data import photometric
from aulens.data.face_nets.cutouts import Cutout
from aulens.data.occluders import draw_occluder

Image = NDArray[np.uint8]

TEMPLATE: Final = ((0.38, 0.42), (0.62, 0.42), (0.5, 0.549), (0.401, 0.673), (0.599, 0.673))
"""Where five points lie in the crop, as shares of its side: right eye, left eye, tip of the nose, corners of
the mouth. Hair is inside, and the collar."""

_KEPT: Final = 144  # side of what is kept of a picture, pixels
_WIDER: Final = 1.25  # than a crop, so that crops can be shifted and turned in it


@dataclass(frozen=True, eq=False)
class View:
    """A sample.

    Attributes:
        image: (S, S, 3) uint8 RGB.
        person: number of the person.
    """

    image: Image
    person: int


def head(cutout: Cutout) -> Image:
    """What views are drawn from: the head in a somewhat larger square, grey beyond its picture."""
    middle = (_KEPT - 1) / 2
    smaller = align.rotation_scale(0, 1 / _WIDER, (middle, middle))
    cut = align.similarity(five_points(cutout.landmarks), np.array(TEMPLATE) * _KEPT - 0.5)
    return align.warp(cutout.levels[0], align.compose(smaller, cut), _KEPT)


def draw_pair(heads: Sequence[Image], size: int, random: np.random.Generator) -> list[Image]:
    """Two views of one person, (S, S, 3) uint8 RGB each.

    Args:
        heads: the person's pictures (see `head`), one or more.
        size: S, pixels.
    """
    first, second = random.permutation(len(heads))[:2] if len(heads) > 1 else (0, 0)
    mirrored = bool(random.random() < 0.5)
    return [draw_view(heads[int(which)], size, random, mirrored=mirrored) for which in (first, second)]


def draw_view(head: Image, size: int, random: np.random.Generator, *, mirrored: bool = False) -> Image:
    """One view: cut out as landmarks would, before another wall, in another light, by another camera."""
    middle, inner = (size - 1) / 2, (_KEPT - 1) / 2
    scale = _WIDER * size / _KEPT * float(np.exp(random.normal(0, 0.06)))
    matrix = align.rotation_scale(float(random.normal(0, 5)), scale, (inner, inner))
    matrix[:, 2] += middle - inner + random.normal(0, 0.02, 2) * size
    if mirrored:
        matrix = align.compose(align.flip_matrix(size), matrix)
    flags, grey = cv2.INTER_AREA if scale < 0.6 else cv2.INTER_LINEAR, (128.0, 128.0, 128.0)
    image = np.asarray(cv2.warpAffine(head, matrix, (size, size), flags=flags, borderValue=grey), np.uint8)
    draw = random.random(9)
    if draw[0] < 0.6:
        image = _on_new_background(image, random)
    if draw[1] < 0.2:
        image = draw_occluder(image, random)
    if draw[2] < 0.5:
        image = photometric.shading(image, random)
    if draw[3] < 0.5:
        image = photometric.colour(image, random, grey=bool(draw[3] < 0.04))
    if draw[4] < 0.25:
        image = photometric.gamma(image, random)
    if draw[5] < 0.3:
        image = photometric.exposed(image, float(np.exp(random.uniform(np.log(0.3), np.log(1.5)))))
    if draw[6] < 0.35:
        image = photometric.coarse(image, float(np.exp(random.uniform(np.log(0.3), np.log(0.9)))), random)
    if draw[7] < 0.3:
        image = photometric.noise(image, random)
    if draw[8] < 0.3:
        image = photometric.jpeg(image, random)
    return image


def _on_new_background(image: Image, random: np.random.Generator) -> Image:
    """The head before something else: beyond an ellipse about it, patches of any colours."""
    size = image.shape[0]
    rows, columns = random.integers(1, 7, 2)
    patches = random.uniform(0, 255, (rows, columns, 3)).astype(np.float32)
    how = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC)[int(random.integers(3))]
    wall = np.clip(cv2.resize(patches, (size, size), interpolation=how), 0, 255)
    y, x = (np.indices((size, size)) + 0.5) / size
    across, high = random.uniform(0.3, 0.46), random.uniform(0.4, 0.52)
    beyond = np.hypot((x - 0.5) / across, (y - random.uniform(0.46, 0.54)) / high) - 1
    soft = np.clip(beyond / random.uniform(0.03, 0.2) + 0.5, 0, 1)[..., None].astype(np.float32)
    if random.random() < 0.4:  # the shoulders stay
        soft *= (y < random.uniform(0.75, 0.9))[..., None]
    return np.asarray(image + soft * (wall - image) + 0.5, np.uint8)
