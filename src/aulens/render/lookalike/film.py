"""The frames of one take: AUs rise, stay and fall, the head moves slowly, camera and light stay.

Legend: F frames, A AUs; sides are the subject's own, [right, left].
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.align.matrix import transform
from aulens.align.template import AnchorTemplate
from aulens.align.warp import warp
from aulens.aus import PRESENT_STRENGTH
from aulens.render.acting import draw_rest, on_sides
from aulens.render.expression import LEFT, RIGHT, Action, Muscles, labels, lip_gap
from aulens.render.lookalike.config import LookalikeConfig, Take
from aulens.render.lookalike.plan import Moments
from aulens.render.person import draw_appearance
from aulens.render.rig import Floats
from aulens.render.scene import Person, Picture, render
from aulens.render.shot import FIELD, Shot, draw_shot

_BLINK: Final = (0.6, 1.0, 0.5)
_BLINKS: Final = 0.015  # a frame
_RISE, _FALL = 0.15, 0.28  # of full strength, a frame: labels come as late as they go
_ONE_SIDED: Final = 0.06

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
    """All that takes are made from: settings, the prepared rig, for each take its moments, and what draws."""

    config: LookalikeConfig
    muscles: Muscles
    moments: list[Moments]
    render: Callable[[Muscles, Person, Action, Shot, int], Picture] = render

    def film(self, take: Take, frames: int, framing: Framing) -> Iterator[Frame]:
        """Render `frames` frames of a take, one after another."""
        config, muscles = self.config, self.muscles
        rng = np.random.default_rng(config.stream(1, take.person))
        person = Person(muscles.rig.identity(rng), draw_appearance(rng), draw_rest(rng))
        rng = np.random.default_rng(config.stream(2, take.number))
        shot = replace(draw_shot(rng), distance=float(rng.uniform(80, 120)))
        performance = perform(self.moments[take.number], frames, rng)
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
        moments = zip(performance.actions, performance.pose.tolist(), performance.gaze.tolist(), strict=True)
        for action, (yaw, pitch, roll), (across, up) in moments:
            posed = replace(shot, yaw=yaw, pitch=pitch, roll=roll, gaze=(across, up))
            picture = self.render(muscles, person, action, posed, side)
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


def _seen(sides: Mapping[int, tuple[float, float]]) -> dict[int, float]:
    strongest = {au: max(pair[RIGHT], pair[LEFT]) for au, pair in sides.items()}
    return {au: _TRACE if np.isnan(value) else value for au, value in strongest.items()}


@dataclass(frozen=True, eq=False)
class Performance:
    """What one person does in F frames.

    Attributes:
        actions: for each frame what is drawn; blinks are in it, which no data set here codes.
        pose: (F, 3) yaw, pitch, roll in degrees.
        gaze: (F, 2) to the subject's left and up.
    """

    actions: tuple[Action, ...]
    pose: NDArray[np.float64]
    gaze: NDArray[np.float64]


def perform(moments: Moments, frames: int, rng: np.random.Generator) -> Performance:
    """Act out one set of AUs after another, for F frames; the last set is held."""
    moment = np.searchsorted(moments.starts, np.arange(frames), side="right") - 1
    aims = np.zeros((*moments.shown.shape, 2))
    for m, a in np.argwhere(moments.shown):
        aims[m, a] = _strengths(moments.aus[a], rng)
    hurry = max(1.0, 16 / frames)  # few frames are few moments of a longer film
    level = aims[0]
    levels = []
    for t in range(frames):
        step = np.clip(aims[moment[t]] - level, -_FALL * hurry, _RISE * hurry)
        level = level + step
        levels.append(level)
    eyes = _blinks(frames, rng)
    actions = []
    for t, now in enumerate(levels):
        action = {au: (float(r), float(s)) for au, (r, s) in zip(moments.aus, now, strict=True) if r + s > 0}
        actions.append(action | ({43: (eyes[t], eyes[t])} if eyes[t] > 0 else {}))
    pose = np.stack([_drift(frames, size, rng) for size in (9.0, 5.0, 4.0)], axis=1)
    gaze = np.stack([_drift(frames, size, rng) for size in (0.2, 0.15)], axis=1)
    return Performance(tuple(actions), pose, gaze)


def _strengths(au: int, rng: np.random.Generator) -> tuple[float, float]:
    """Intensity at the apex, (right, left): clearly above what counts as present."""
    strength = 1.5 * PRESENT_STRENGTH + (1 - 1.5 * PRESENT_STRENGTH) * rng.beta(1.6, 1.2)
    return on_sides(au, strength, rng, _ONE_SIDED, skew=0.06, minimum=0.0)


def _blinks(frames: int, rng: np.random.Generator) -> list[float]:
    """How far the lids are shut in each frame."""
    row = np.zeros(frames + len(_BLINK))
    for t in np.flatnonzero(rng.random(frames) < _BLINKS):
        row[t : t + len(_BLINK)] = _BLINK
    return [float(v) for v in row[:frames]]


def _drift(frames: int, size: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """(frames,) a slow, smooth movement about a resting place; `size` is the spread of its values."""
    t = np.arange(frames)
    value = rng.normal(0, 0.6 * size) + np.zeros(frames)
    for period, share in ((90.0, 0.55), (35.0, 0.25), (15.0, 0.08)):
        stretch = rng.uniform(0.7, 1.3)
        value += share * size * np.sin(2 * np.pi * (t / (period * stretch) + rng.random()))
    return value
