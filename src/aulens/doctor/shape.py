"""Checks of landmarks alone: are they a face, and does it stay in place from frame to frame?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aulens.align import anchors
from aulens.data.index import FrameIndex, Problem
from aulens.doctor.measures import Floats, face_axes
from aulens.landmarks import LOWER_LIP_BOTTOM, MOUTH_CORNERS, NOSE_BASE, layout_of

MIN_EYES: Final = 8.0
"""Distance of the eye centres in pixels below which nothing of an expression is left."""

JUMP: Final = 0.6
"""A face that moves by 0.6 eye distances (4 cm) in a frame: 70 cm a second or more, no head does that."""

GROWTH: Final = 1.35
"""A face that grows or shrinks by a third in one frame."""

FROZEN: Final = 50
"""So many neighbouring frames with exactly the same landmarks, 2 s or more: the tracker stood still."""

DENSE: Final = 0.01
"""A share of a clip's frames above which its doubtful landmarks are worth a warning."""


@dataclass(frozen=True, eq=False)
class Shapes:
    """N landmark sets, judged.

    Attributes:
        given: (N,) bool, there are finite landmarks.
        eyes: (N,) distance of the eye centres, pixels; NaN where not given.
        strange: (N,) bool, no face: upside down, mirrored, x and y exchanged, collapsed, flung apart.
        jumps: (N,) bool, the face is elsewhere, or of another size, than in the frame before.
    """

    given: NDArray[np.bool_]
    eyes: Floats
    strange: NDArray[np.bool_]
    jumps: NDArray[np.bool_]

    @property
    def doubtful(self) -> NDArray[np.bool_]:
        """(N,) bool, strange or jumping."""
        return self.strange | self.jumps


def judge(index: FrameIndex, landmarks: NDArray[np.float32]) -> Shapes:
    """Judge landmarks (N, K, 2) of an index's frames, NaN where a frame has none."""
    points = np.asarray(landmarks, np.float64)
    given = np.asarray(np.isfinite(points).all((1, 2)))
    with np.errstate(invalid="ignore", divide="ignore"):
        right, left, mouth = np.moveaxis(anchors(np.where(given[:, None, None], points, np.nan)), -2, 0)
        eyes = np.hypot(*(left - right).T)
        strange = given & ~_is_face(points, mouth)
    centre = (right + left + mouth) / 3
    scale = np.hypot(*((right + left) / 2 - mouth).T) + eyes
    same = (index.subject[1:] == index.subject[:-1]) & (index.sequence[1:] == index.sequence[:-1])
    near = same & (np.diff(index.frame) == 1) & given[1:] & given[:-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        moved = np.hypot(*(centre[1:] - centre[:-1]).T) / np.maximum(eyes[1:], eyes[:-1])
        grown = np.abs(np.log(scale[1:] / scale[:-1]))
    jumps = np.zeros(len(points), bool)
    jumps[1:] = near & ~((moved < JUMP) & (grown < np.log(GROWTH)))
    return Shapes(given, eyes, strange, jumps & ~strange)


def _is_face(points: Floats, mouth: Floats) -> NDArray[np.bool_]:
    """(N,) bool: eyes side by side, nose and mouth below them in that order, all of one size."""
    layout = layout_of(points)
    middle, level, down, eyes = face_axes(points)

    def depth(point: Floats) -> Floats:
        below: Floats = ((point - middle) * down).sum(-1) / eyes
        return below

    nose = depth(points[:, list(layout.positions(NOSE_BASE))].mean(1))
    lips = depth(mouth)
    chin = depth(points[:, list(layout.positions(LOWER_LIP_BOTTOM))].mean(1))
    corners = points[:, list(layout.positions(MOUTH_CORNERS))]
    wide = ((corners[:, 1] - corners[:, 0]) * level).sum(-1) / eyes
    spread = np.abs(points - points.mean(1, keepdims=True)).max((1, 2)) / eyes
    # A frontal face has nose 0.7, mouth 1.1, width 0.8, spread 1.5; a head turned by 60 degrees twice these.
    face: NDArray[np.bool_] = (
        (eyes >= MIN_EYES)
        & (level[:, 0] > 0.26)  # leaning by less than 75 degrees
        & (nose > 0.15)
        & (lips > 0.5 * nose)  # a grin lifts the corners above the base of the nose
        & (chin > nose)
        & (chin < 5.0)
        & (wide > 0.15)
        & (wide < 3.0)
        & (spread < 6.0)
    )
    return face


def check_shapes(index: FrameIndex, landmarks: NDArray[np.float32], shapes: Shapes) -> list[Problem]:
    """Findings on landmarks (N, K, 2) that `judge` has judged."""
    total = int(shapes.given.sum())
    if not total:
        return []
    strange = int(shapes.strange.sum())
    if strange > total / 2:
        message = (
            f"{strange} of {total} sets of landmarks are no upright faces (expected: the subject's right "
            "eye at the picture's left, mouth below): x and y are exchanged, sides mirrored, or points in "
            f"another order; aulens expects iBUG's order of {landmarks.shape[1]} points, x first."
        )
        return [Problem("error", "landmarks_strange", "all landmarks", message, strange)]
    return [
        finding
        for subject, sequence, rows in index.sequences()
        for finding in _check_clip(f"{subject}/{sequence}", index, landmarks, shapes, rows)
    ]


def _check_clip(
    where: str, index: FrameIndex, landmarks: NDArray[np.float32], shapes: Shapes, rows: NDArray[np.intp]
) -> Iterator[Problem]:
    least = max(2.0, DENSE * len(rows))
    strange, jumps = rows[shapes.strange[rows]], rows[shapes.jumps[rows]]
    if len(strange) >= least:
        message = (
            f"{len(strange)} of {len(rows)} frames have landmarks that are no upright face, from frame "
            f"{index.frame[strange[0]]} on: tracking failed; look at the contact sheet (--contact-sheet), or "
            "detect them instead (aulens prepare --landmarks detect)."
        )
        yield Problem("warning", "landmarks_strange", where, message, len(strange))
    if len(jumps) >= least:
        message = (
            f"the landmarks jump {len(jumps)} times by more than {JUMP} eye distances, or a third in size, "
            f"between neighbouring frames, first at frame {index.frame[jumps[0]]}: they are of other frames "
            "or tracking failed; look at the contact sheet (--contact-sheet)."
        )
        yield Problem("warning", "landmarks_jump", where, message, len(jumps))
    still = _longest_still(landmarks[rows], np.diff(index.frame[rows]) == 1)
    if still >= FROZEN:
        message = f"{still} neighbouring frames have exactly the same landmarks: tracking stood still there."
        yield Problem("warning", "landmarks_frozen", where, message, still)


def _longest_still(points: NDArray[Any], near: NDArray[np.bool_]) -> int:
    """The most neighbouring frames in a row with equal landmarks (n, K, 2)."""
    # NaN is not equal to itself, so frames without landmarks don't count.
    same = near & (points[1:] == points[:-1]).all((1, 2))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], same, [False]])))
    return int((edges[1::2] - edges[::2]).max(initial=0)) + bool(same.any())
