"""The detector: views of pictures in, boxes with confidence and five points out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.align import FIVE_POINTS, transform
from aulens.errors import ModelError
from aulens.faces.net_card import BoxCard, read_net_card
from aulens.faces.net_session import NetSession
from aulens.faces.views import View
from aulens.runtime.model import sigmoid

SAME_FACE: Final = 0.4
"""Boxes that share more than this (IoU) are of one face, of which the most confident is kept."""
_INSIDE: Final = 0.75  # so are two of which one has more than this share of its area in the other
_OTHER: Final = 8.0  # unless that has so many times its area: a face in front of another

_CANDIDATES: Final = 2000  # of a run, among which doubles are looked for; only a broken network has more
# Views in one run: more gain nothing on a CPU, and memory grows with each.
_BATCH_PIXELS: Final = 1_000_000


@dataclass(frozen=True, eq=False)
class Found:
    """Candidates in one picture, in its pixels (an integer is the centre of a pixel), most confident first.

    Attributes:
        boxes: (N, 4) float64 x0, y0, x1, y1.
        points: (N, 5, 2) float64, those of `aulens.align.FIVE_POINTS`.
        confidence: (N,) float64, 0 to 1.
        look: (N,), which look found it.
    """

    boxes: NDArray[np.float64]
    points: NDArray[np.float64]
    confidence: NDArray[np.float64]
    look: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.confidence)

    def __getitem__(self, which: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Found:
        return Found(self.boxes[which], self.points[which], self.confidence[which], self.look[which])

    @property
    def sides(self) -> NDArray[np.float64]:
        """(N,): the longer side of each box."""
        return np.maximum(self.boxes[:, 2] - self.boxes[:, 0], self.boxes[:, 3] - self.boxes[:, 1])

    @staticmethod
    def joined(several: Iterable[Found]) -> Found:
        """All of several; of doubles the most confident."""
        parts = [part for part in several if len(part)]
        if not parts:
            return NOTHING
        if len(parts) == 1:
            return parts[0]
        arrays = ([getattr(part, item.name) for part in parts] for item in fields(Found))
        every = Found(*map(np.concatenate, arrays))
        every = every[np.argsort(-every.confidence, kind="stable")]
        return every[nms_sorted(every.boxes)]


NOTHING: Final = Found(np.empty((0, 4)), np.empty((0, FIVE_POINTS, 2)), np.empty(0), np.empty(0, np.str_))


class BoxNet:
    """A detector's network.

    Args:
        model: card (.json) or .onnx; None for the one that aulens carries.
        threads: within one run; None leaves it to ONNX Runtime.

    Raises:
        ModelError: a file is missing, damaged, of another kind or does not fit its card.
        ConfigError: fewer than one thread.
    """

    def __init__(self, model: str | Path | None = None, threads: int | None = 1) -> None:
        self.card = read_net_card(BoxCard, model)
        outputs = {"boxes": (None, 4), "points": (None, FIVE_POINTS, 2), "scores": (None,)}
        self._session = NetSession(self.card, (None, None, 3), outputs, threads)

    def __call__(self, views: Sequence[View], threshold: float) -> list[Found]:
        """The candidates in each view, doubles within a view removed.

        Views of one size go through the network together.

        Args:
            views: their sides are multiples of 32.
            threshold: minimum confidence of a candidate, above 0 up to 1.

        Raises:
            ModelError: a score, box or point is not a finite number, or an output has another shape.
        """
        found = [NOTHING] * len(views)
        for numbers in _together(views):
            pixels = [views[number].pixels for number in numbers]
            batch = pixels[0][None] if len(pixels) == 1 else np.stack(pixels)
            outputs = self._session(batch)
            for number, boxes, points, scores in zip(numbers, *outputs, strict=True):
                found[number] = self._decoded(boxes, points, scores, views[number], threshold)
        return found

    def _decoded(
        self,
        boxes: NDArray[np.float32],
        points: NDArray[np.float32],
        scores: NDArray[np.float32],
        seen: View,
        threshold: float,
    ) -> Found:
        slope, offset = self.card.platt
        if not (len(boxes) == len(points) == len(scores)):
            raise self._broken("its outputs are of different lengths")
        if not np.isfinite(scores.max(initial=-1.0)):  # which is NaN if one is
            raise self._broken("its scores are not finite numbers")
        logit = math.log(threshold / (1 - threshold)) if threshold < 1 else math.inf
        chosen = np.flatnonzero(scores >= (logit - offset) / slope)
        if not len(chosen):
            return NOTHING
        chosen = chosen[np.argsort(-scores[chosen], kind="stable")[:_CANDIDATES]]
        corners = boxes[chosen].astype(np.float64).reshape(-1, 2, 2) - 0.5
        five = points[chosen].astype(np.float64) - 0.5
        if not (np.isfinite(corners).all() and np.isfinite(five).all()):
            raise self._broken("its boxes or points are not finite numbers")
        # Turned views exchange corners.
        real = np.asarray((corners[:, 1] > corners[:, 0]).all(1))
        placed = transform(seen.matrix, corners)
        placed = np.concatenate([placed.min(1), placed.max(1)], 1)
        confidence = sigmoid(slope * scores[chosen].astype(np.float64) + offset)
        found = Found(placed, transform(seen.matrix, five), confidence, np.full(len(chosen), seen.look))[real]
        return found[nms_sorted(found.boxes)]

    def _broken(self, what: str) -> ModelError:
        return ModelError(f"{self.card.onnx}: {what}; the file is damaged or its weights are")


def nms_sorted(boxes: NDArray[np.float64], same: float = SAME_FACE) -> NDArray[np.intp]:
    """Which of (N, 4) boxes are no doubles of an earlier one: share at most `same` (IoU), don't lie in it."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    left = np.arange(len(boxes))
    kept = []
    while len(left):
        first, left = left[0], left[1:]
        kept.append(first)
        if len(left):
            low = np.maximum(boxes[first, :2], boxes[left, :2])
            high = np.minimum(boxes[first, 2:], boxes[left, 2:])
            shared = np.clip(high - low, 0, None).prod(1)
            smaller, larger = np.minimum(areas[first], areas[left]), np.maximum(areas[first], areas[left])
            inside = (shared > _INSIDE * smaller) & (larger < _OTHER * smaller)
            left = left[(shared <= same * (areas[first] + areas[left] - shared)) & ~inside]
    return np.array(kept, np.intp)


def _together(views: Sequence[View]) -> list[list[int]]:
    """Numbers of views that go through the network at once."""
    alike: dict[tuple[int, ...], list[int]] = {}
    for number, one in enumerate(views):
        alike.setdefault(one.pixels.shape, []).append(number)
    groups = []
    for (height, width, _), numbers in alike.items():
        count = max(1, _BATCH_PIXELS // (height * width))
        groups += [numbers[first : first + count] for first in range(0, len(numbers), count)]
    return groups
