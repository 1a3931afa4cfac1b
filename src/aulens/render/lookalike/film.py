"""The frames of one take: the same person, camera and light throughout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.align.matrix import transform
from aulens.align.template import AnchorTemplate
from aulens.align.warp import warp
from aulens.render.acting import draw_rest
from aulens.render.expression import LEFT, RIGHT, Muscles, labels, lip_gap
from aulens.render.lookalike.cast import Take
from aulens.render.lookalike.config import LookalikeConfig
from aulens.render.lookalike.performance import Performance, perform
from aulens.render.lookalike.plan import Moments
from aulens.render.person import draw_look
from aulens.render.rig import Floats
from aulens.render.scene import Person, render
from aulens.render.shot import FIELD, Shot, draw_shot

_TRACE: Final = 0.1  # lips that are hardly parted
# Brows and chin just fit in.
_TIGHT: Final = AnchorTemplate("tight", right_eye=(0.32, 0.4), left_eye=(0.68, 0.4), mouth=(0.5, 0.78))


@dataclass(frozen=True)
class Framing:
    """How a layout's pictures are framed.

    Attributes:
        aspect: width / height.
        span: centimetres from top to bottom, at the head.
        drop: how far the head sits below the middle, centimetres.
    """

    aspect: float
    span: float = 34.0
    drop: float = 2.5


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a take.

    Attributes:
        image: (height, width, 3) uint8 RGB.
        landmarks: (68, 2) float32 pixels, integer = pixel centre.
        seen: AU → intensity 0..1 that can be seen, the stronger side's.
    """

    image: NDArray[np.uint8]
    landmarks: Floats
    seen: Mapping[int, float]


@dataclass(frozen=True, eq=False)
class Studio:
    """All that takes are made from: settings, the prepared rig, and for each take its moments."""

    config: LookalikeConfig
    muscles: Muscles
    moments: list[Moments]


def film(take: Take, frames: int, studio: Studio, framing: Framing) -> Iterator[Frame]:
    """Render `frames` frames of a take, one after another."""
    config, muscles = studio.config, studio.muscles
    person = _person(take, config, muscles)
    rng = np.random.default_rng(config.stream(2, take.number))
    shot = replace(draw_shot(rng), distance=float(rng.uniform(80, 120)))
    performance = perform(studio.moments[take.number], frames, rng)
    height = config.height - config.height % 2  # videos need even sides
    width = 2 * round(height * framing.aspect / 2)
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    shot = replace(
        shot,
        zoom=FIELD * height / (framing.span * side),
        body=True,
        shift=(shot.shift[0], framing.drop / framing.span * height / side),
    )
    for t, action in enumerate(performance.actions):
        picture = render(muscles, person, action, _posed(shot, performance, t), side)
        yield Frame(
            np.ascontiguousarray(picture.image[top : top + height, left : left + width]),
            picture.landmarks - np.array([left, top], np.float32),
            _seen(labels(action, lip_gap(picture.face, muscles.rig))),
        )


def level_crop(frame: Frame, side: int) -> Frame:
    """The face alone, level, tight and square: as the pictures of Aff-Wild2 were cut."""
    matrix = _TIGHT.matrix(frame.landmarks, side)
    landmarks = transform(matrix, frame.landmarks).astype(np.float32)
    return replace(frame, image=warp(frame.image, matrix, side, "reflect"), landmarks=landmarks)


def _person(take: Take, config: LookalikeConfig, muscles: Muscles) -> Person:
    rng = np.random.default_rng(config.stream(1, take.person))
    return Person(muscles.rig.identity(rng), draw_look(rng), draw_rest(rng))


def _posed(shot: Shot, performance: Performance, t: int) -> Shot:
    yaw, pitch, roll = (float(v) for v in performance.pose[t])
    across, up = (float(v) for v in performance.gaze[t])
    return replace(shot, yaw=yaw, pitch=pitch, roll=roll, gaze=(across, up))


def _seen(sides: Mapping[int, tuple[float, float]]) -> dict[int, float]:
    strongest = {au: max(pair[RIGHT], pair[LEFT]) for au, pair in sides.items()}
    return {au: _TRACE if np.isnan(value) else value for au, value in strongest.items()}
