"""The frames of one take: the same person, camera and light throughout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.landmarks import LEFT_EYE, MOUTH_CORNERS, RIGHT_EYE
from aulens.render.acting import draw_rest
from aulens.render.expression import LEFT, RIGHT, Muscles, labels, lip_gap
from aulens.render.lookalike.cast import Take
from aulens.render.lookalike.config import LookalikeConfig
from aulens.render.lookalike.performance import Performance, moment_starts, perform
from aulens.render.lookalike.rates import base_rates
from aulens.render.lookalike.repertoire import Repertoire
from aulens.render.person import draw_look
from aulens.render.rig import Floats
from aulens.render.scene import Person, render
from aulens.render.shot import FIELD, Shot, draw_shot

_TRACE: Final = 0.1  # lips that are hardly parted


@dataclass(frozen=True)
class Framing:
    """How a layout's pictures are framed.

    Attributes:
        aspect: width / height.
        span: centimetres from top to bottom, at the head.
        drop: how far the head sits below the middle, centimetres: nothing of the rig ends inside the picture.
    """

    aspect: float
    span: float = 31.0
    drop: float = 4.6


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


def film(
    take: Take, frames: int, config: LookalikeConfig, muscles: Muscles, framing: Framing
) -> Iterator[Frame]:
    """Render `frames` frames of a take, one after another."""
    person = _person(take, config, muscles)
    rng = np.random.default_rng(config.stream(2, take.person, _order(take)))
    shot = replace(draw_shot(rng), distance=float(rng.uniform(80, 120)))
    performance = _performance(take, frames, config)
    height = config.height - config.height % 2  # videos need even sides
    width = 2 * round(height * framing.aspect / 2)
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    shot = replace(
        shot,
        zoom=FIELD * height / (framing.span * side),
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
    eyes = [frame.landmarks[list(eye)].mean(0) for eye in (RIGHT_EYE, LEFT_EYE)]
    mouth = frame.landmarks[list(MOUTH_CORNERS)].mean(0)
    source = np.array([*eyes, mouth], np.float32)
    target = side * np.array([(0.345, 0.46), (0.655, 0.46), (0.5, 0.815)], np.float32) - 0.5
    matrix, _ = cv2.estimateAffinePartial2D(source, target, method=cv2.LMEDS)
    image = cv2.warpAffine(frame.image, matrix, (side, side), flags=cv2.INTER_AREA)
    landmarks = frame.landmarks @ matrix[:, :2].T.astype(np.float32) + matrix[:, 2].astype(np.float32)
    return replace(frame, image=np.asarray(image, np.uint8), landmarks=landmarks)


def _order(take: Take) -> int:
    """The take's place among those of its subject."""
    return int(take.name[1:]) - 1 if take.name.startswith("T") else 0


def _person(take: Take, config: LookalikeConfig, muscles: Muscles) -> Person:
    rng = np.random.default_rng(config.stream(1, take.person))
    return Person(muscles.rig.identity(rng), draw_look(rng), draw_rest(rng))


def _performance(take: Take, frames: int, config: LookalikeConfig) -> Performance:
    repertoire = Repertoire.of(base_rates(config.layout))
    rng = np.random.default_rng(config.stream(3, take.person))
    # What a person shows is planned for all of their takes at once, so that few takes are balanced too.
    starts = [moment_starts(frames, rng) for _ in range(config.sequences)]
    shown = repertoire.draw_balanced(sum(map(len, starts)), take.person, rng)
    first = sum(map(len, starts[: _order(take)]))
    own = starts[_order(take)]
    acting = np.random.default_rng(config.stream(4, take.person, _order(take)))
    return perform(repertoire, shown[first : first + len(own)], own, frames, acting)


def _posed(shot: Shot, performance: Performance, t: int) -> Shot:
    yaw, pitch, roll = (float(v) for v in performance.pose[t])
    across, up = (float(v) for v in performance.gaze[t])
    return replace(shot, yaw=yaw, pitch=pitch, roll=roll, gaze=(across, up))


def _seen(sides: Mapping[int, tuple[float, float]]) -> dict[int, float]:
    strongest = {au: max(pair[RIGHT], pair[LEFT]) for au, pair in sides.items()}
    return {au: _TRACE if np.isnan(value) else value for au, value in strongest.items()}
