"""The network of landmarks: 68 points, what of them is seen, what the crop is worth, and if it is a face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.align import five_points, invert, similarity, transform, warp
from aulens.errors import ConfigError, ModelError
from aulens.faces.net_card import LandmarkCard, read_net_card
from aulens.faces.net_session import NetSession
from aulens.landmarks import IBUG68, OUTER_EYE_CORNERS

BOX_POINTS: Final = ((0.27, 0.40), (0.73, 0.40), (0.5, 0.58), (0.31, 0.77), (0.69, 0.77))
"""Where five points lie in the `aulens.landmarks.face_box` of an upright face, shares of its sides.

Made symmetric from the medians over 2,235 portraits within 15 degrees of upright; the places of the mouth
corners deviate by 0.11 and 0.03 (standard deviation).
"""

_BATCH: Final = 16
# In shares of the crop: eyes that are closer are in one place, a face that is longer is none.
_MIN_EYES, _MAX_LENGTH = 0.03, 3.0


@dataclass(frozen=True, eq=False)
class Marks:
    """What the network finds for N faces.

    Attributes:
        points: (N, 68, 2) float64, pixels of each face's picture.
        visibility: (N, 68) float64, 0 to 1.
        quality: (N,) float64, 0 to 1.
        presence: (N,) float64, 0 to 1: whether there is a face at all.
        sound: (N,) whether the points are a face: neither all in one place nor far outside of the crop.
    """

    points: NDArray[np.float64]
    visibility: NDArray[np.float64]
    quality: NDArray[np.float64]
    presence: NDArray[np.float64]
    sound: NDArray[np.bool_]

    def replaced(self, which: NDArray[np.intp], other: Marks, by: NDArray[np.intp]) -> Marks:
        """Those of the faces `which` (M,) replaced by the faces `by` (M,) of `other`."""
        parts = {}
        for item in fields(self):
            part = np.array(getattr(self, item.name))
            part[which] = getattr(other, item.name)[by]
            parts[item.name] = part
        return Marks(**parts)


class LandmarkNet:
    """A network of landmarks.

    Args:
        model: card (.json) or .onnx; None for the one that aulens carries.
        threads: within one run; None leaves it to ONNX Runtime.
        rounds: how often it runs by default: 2 cuts the face out anew by what the first run found.

    Raises:
        ModelError: a file is missing, damaged, of another kind or does not fit its card.
        ConfigError: fewer than one thread or round.
    """

    def __init__(self, model: str | Path | None = None, threads: int | None = 1, rounds: int = 1) -> None:
        if rounds < 1:
            raise ConfigError(f"rounds must be at least 1, got {rounds}")
        self.card = read_net_card(LandmarkCard, model)
        count, size = IBUG68.count, self.card.size
        outputs = {"landmarks": (count, 2), "visibility": (count,), "quality": (), "presence": ()}
        self._session = NetSession(self.card, (size, size, 3), outputs, threads)
        self._template = np.array(self.card.template) * size - 0.5
        self.rounds = rounds

    def __call__(
        self, images: Sequence[NDArray[np.uint8]], points: ArrayLike, rounds: int | None = None
    ) -> Marks:
        """The landmarks of N faces.

        Args:
            images: N pictures (H, W, 3) uint8 RGB, one for each face; may be the same.
            points: (N, K, 2), the five points of each face, or its last landmarks, in the picture's pixels.
            rounds: instead of the usual number.

        Raises:
            InputError: the points of a face are not finite or all in one place.
            ModelError: an output is not a finite number, or has another shape.
        """
        five = five_points(points)
        marks = self._round(images, five)
        for _ in range((rounds or self.rounds) - 1):
            again = np.where(marks.sound[:, None, None], five_points(marks.points), five)
            marks = self._round(images, again)
        return marks

    def _round(self, images: Sequence[NDArray[np.uint8]], five: NDArray[np.float64]) -> Marks:
        size, count = self.card.size, IBUG68.count
        matrices = similarity(five, self._template)
        landmarks = np.empty((len(five), count, 2))
        visibility = np.empty((len(five), count))
        quality, presence = np.empty(len(five)), np.empty(len(five))
        for start in range(0, len(five), _BATCH):
            part = slice(start, start + _BATCH)
            crops = [
                warp(image, matrix, size) for image, matrix in zip(images[part], matrices[part], strict=True)
            ]
            found = self._session(np.stack(crops))
            landmarks[part], visibility[part], quality[part], presence[part] = found
        if not all(np.isfinite(some).all() for some in (landmarks, visibility, quality, presence)):
            raise ModelError(
                f"{self.card.onnx}: its landmarks are not finite numbers; the file is damaged or its "
                "weights are"
            )
        return Marks(
            transform(invert(matrices), landmarks),
            np.clip(visibility, 0, 1),
            np.clip(quality, 0, 1),
            np.clip(presence, 0, 1),
            _sound(landmarks, size),
        )


def box_points(boxes: ArrayLike, quarters: int = 0) -> NDArray[np.float64]:
    """Where the five points of faces in boxes (..., 4) lie, more or less: (..., 5, 2).

    The faces are upright, or turned by so many quarters clockwise.
    """
    boxes = np.asarray(boxes, np.float64)
    low, high = boxes[..., None, :2], boxes[..., None, 2:]
    shares = np.array(BOX_POINTS) - 0.5
    for _ in range(quarters):
        shares = np.stack([-shares[:, 1], shares[:, 0]], 1)
    return np.asarray(low + (shares + 0.5) * (high - low))


def _sound(landmarks: NDArray[np.float64], size: int) -> NDArray[np.bool_]:
    """Whether landmarks (N, K, 2) in a crop of `size` pixels may be a face's: (N,)."""
    low, high = landmarks.min(1), landmarks.max(1)
    length = (high - low).max(1)
    away = np.abs((low + high) / 2 - (size - 1) / 2).max(1)
    right, left = OUTER_EYE_CORNERS
    eyes = np.abs(landmarks[:, left] - landmarks[:, right]).max(1)
    sound: NDArray[np.bool_] = (eyes >= _MIN_EYES * size) & (length <= _MAX_LENGTH * size) & (away <= size)
    return sound
