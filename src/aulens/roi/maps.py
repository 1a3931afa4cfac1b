"""ROI maps: regions laid on a map, scores read back from them (`aulens.models.regions` draws the labels).

Every axis of length 2 is one of regions, as in `table`: [subject_right, subject_left], or upper and lower lip
for midline AUs; `side_scores` goes from regions to sides.

Legend: A AUs, h = w the map's side. Points are (x, y) pixels, integer = pixel centre.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.aus import AUSet
from aulens.errors import ConfigError, InputError
from aulens.roi.table import CENTRES

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class RoiGrid:
    """How regions are laid on a map.

    Attributes:
        crop: side of the crop, pixels.
        map: side of the map that covers it, pixels.
        side: side of a region, map pixels; odd. Paper A: 7 on a 64-pixel map of a 256-pixel crop.

    Raises:
        ConfigError: when a size is not positive, or `side` is even or larger than the map.
    """

    crop: int
    map: int
    side: int = 7

    def __post_init__(self) -> None:
        if min(self.crop, self.map, self.side) < 1 or self.side % 2 == 0 or self.side > self.map:
            raise ConfigError(
                f"a ROI grid needs sizes of at least 1 pixel and an odd region no larger than the map, "
                f"got crop {self.crop}, map {self.map}, side {self.side}"
            )

    def windows(self, centres_crop: ArrayLike) -> Ints:
        """The regions around centres, on the map.

        The centre's pixel is round((x + 0.5) * map / crop - 0.5), half to even. Regions are clipped to the
        map; a centre so far outside that nothing would be left is moved to where one row or column is.

        Args:
            centres_crop: (..., 2) in crop pixels, as from `centres`: (..., A, 2, 2).

        Returns:
            (..., 4) int64, (..., A, 2, 4): [x0, y0, x1, y1], ends included, within [0, map - 1].

        Raises:
            InputError: when a centre is not finite.
        """
        points = np.asarray(centres_crop, np.float64)
        if points.ndim < 1 or points.shape[-1] != 2:
            raise InputError(f"centres must be (..., 2) in (x, y), got shape {points.shape}")
        if not np.isfinite(points).all():
            raise InputError("a region's centre is not finite; leave faces without landmarks out")
        half, last = self.side // 2, self.map - 1
        pixel = np.rint((points + 0.5) * (self.map / self.crop) - 0.5)
        pixel = np.clip(pixel, -half, last + half).astype(np.int64)
        return np.concatenate([np.maximum(pixel - half, 0), np.minimum(pixel + half, last)], -1)


def decode(maps: ArrayLike, windows: ArrayLike) -> NDArray[np.floating[Any]]:
    """The score of each region: the mean of the map inside it (paper A §3.5; present when above 0).

    Args:
        maps: (..., A, h, w), predicted.
        windows: (..., A, 2, 4), from `RoiGrid.windows`.

    Returns:
        (..., A, 2), of the maps' float type. The score of the AU is the larger of the two, `.max(-1)`;
        `side_scores` gives what to report per side.

    Raises:
        InputError: when shapes do not fit.
    """
    values, spans = np.asarray(maps), np.asarray(windows)
    if (
        values.ndim < 3
        or values.shape[-1] != values.shape[-2]
        or spans.shape[-3:] != (*values.shape[-3:-2], 2, 4)
    ):
        raise InputError(
            f"decode needs maps (..., A, h, h) and windows (..., A, 2, 4), got {values.shape}, {spans.shape}"
        )
    x0, y0, x1, y1 = (spans[..., i, None] for i in range(4))
    pixel = np.arange(values.shape[-1])
    columns, rows = (
        ((pixel >= first) & (pixel <= last)).astype(values.dtype) for first, last in ((x0, x1), (y0, y1))
    )
    along_x = values @ np.swapaxes(columns, -1, -2)
    total = (along_x * np.swapaxes(rows, -1, -2)).sum(-2)
    return np.asarray(total / (columns.sum(-1) * rows.sum(-1)))


def side_scores(region_scores: ArrayLike, aus: AUSet) -> NDArray[np.floating[Any]]:
    """What to report per side: the region's score, but for a midline AU the larger of the two on both sides.

    Args:
        region_scores: (..., A, 2), from `decode`.
        aus: the AUs of the axis A.

    Returns:
        (..., A, 2), [subject_right, subject_left].
    """
    scores = np.asarray(region_scores)
    if scores.ndim < 2 or scores.shape[-2:] != (len(aus), 2):
        raise InputError(f"region scores must be (..., {len(aus)}, 2), got shape {scores.shape}")
    midline = np.array([CENTRES[n].midline for n in aus])
    return np.where(midline[:, None], scores.max(-1, keepdims=True), scores)
