"""ROI maps: regions laid on a map, labels drawn into them, scores read back from them.

Every axis of length 2 is one of regions, as in `table`: [subject_right, subject_left], or upper and lower lip
for midline AUs; `region_labels` and `side_scores` go from sides to regions and back.

Legend: A AUs, h = w the map's side. Points are (x, y) pixels, integer = pixel centre.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.aus import MISSING, AUSet, au_labels
from aulens.errors import ConfigError, InputError
from aulens.roi.table import CENTRES, CentreRule

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


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


def region_masks(windows: ArrayLike, map: int) -> Bools:
    """Which pixels lie in each region: (..., 4) windows → (..., map, map) bool ((..., A, 2, h, w))."""
    columns, rows = _spans(windows, map)
    return rows[..., :, None] & columns[..., None, :]


def region_labels(
    side_labels: ArrayLike, aus: AUSet, rules: Mapping[int, CentreRule] = CENTRES
) -> NDArray[np.int8]:
    """The label of each region: that of its side, but that of the whole AU for both regions of a midline AU.

    The upper and the lower lip belong to both sides; so a flip of face and labels flips the maps.

    Args:
        side_labels: (..., A, 2) in {0, 1, MISSING}, [subject_right, subject_left].
        aus: the AUs of the axis A.
        rules: AU number → rule.

    Returns:
        (..., A, 2) int8.
    """
    sides = _pairs(side_labels, "side labels", len(aus)).astype(np.int8)
    midline = np.array([rules[n].midline for n in aus])
    return np.where(midline[:, None], au_labels(sides)[..., None], sides)


def roi_maps(
    side_labels: ArrayLike, windows: ArrayLike, map: int, positives_only: bool = False
) -> tuple[NDArray[np.float32], Bools]:
    """The target of paper A (Eq 1): +1 in the regions of a present AU, -1 of an absent one, 0 elsewhere.

    Where an AU's two regions overlap, the target is their mean. A MISSING region is not valid, its overlap
    with the other included; an AU of which both regions are MISSING is valid nowhere.

    Args:
        side_labels: (..., A, 2) in {0, 1, MISSING}, one per region; from `region_labels`.
        windows: (..., A, 2, 4), from `RoiGrid.windows`.
        map: side of the map, pixels.
        positives_only: absent AUs are 0 instead of -1 (the paper's "heatmap" baseline).

    Returns:
        target: (..., A, map, map) float32 in [-1, 1].
        valid: (..., A, map, map) bool: where the target means something.

    Raises:
        InputError: when shapes do not fit or a label is of another code.
    """
    labels = _pairs(side_labels, "side labels", None)
    if not np.isin(labels, (0, 1, MISSING)).all():
        raise InputError(f"labels must be 0, 1 or {MISSING} (MISSING), got {np.unique(labels).tolist()}")
    masks = region_masks(windows, map)
    if masks.shape[:-2] != labels.shape:
        raise InputError(
            f"labels (..., A, 2) and windows (..., A, 2, 4) must agree, got {labels.shape} and "
            f"{np.shape(windows)}"
        )
    absent = 0.0 if positives_only else -1.0
    value = np.select([labels == 1, labels == 0], [1.0, absent], 0.0).astype(np.float32)
    covered = masks.sum(-3, dtype=np.float32)
    target = (masks * value[..., None, None]).sum(-3) / np.maximum(covered, 1)
    missing = labels == MISSING
    valid = ~(masks & missing[..., None, None]).any(-3) & ~missing.all(-1)[..., None, None]
    return np.where(valid, target, 0).astype(np.float32), valid


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
    values = np.asarray(maps)
    spans = np.asarray(windows)
    if (
        values.ndim < 3
        or values.shape[-1] != values.shape[-2]
        or spans.shape[-3:] != (*values.shape[-3:-2], 2, 4)
    ):
        raise InputError(
            f"decode needs maps (..., A, h, h) and windows (..., A, 2, 4), got {values.shape}, {spans.shape}"
        )
    columns, rows = (s.astype(values.dtype) for s in _spans(spans, values.shape[-1]))
    along_x = values @ np.swapaxes(columns, -1, -2)
    total = (along_x * np.swapaxes(rows, -1, -2)).sum(-2)
    return np.asarray(total / (columns.sum(-1) * rows.sum(-1)))


def side_scores(
    region_scores: ArrayLike, aus: AUSet, rules: Mapping[int, CentreRule] = CENTRES
) -> NDArray[np.floating[Any]]:
    """What to report per side: the region's score, but for a midline AU the larger of the two on both sides.

    Args:
        region_scores: (..., A, 2), from `decode`.
        aus: the AUs of the axis A.
        rules: AU number → rule.

    Returns:
        (..., A, 2), [subject_right, subject_left].
    """
    scores = _pairs(region_scores, "region scores", len(aus))
    midline = np.array([rules[n].midline for n in aus])
    return np.where(midline[:, None], scores.max(-1, keepdims=True), scores)


def _spans(windows: ArrayLike, map: int) -> tuple[Bools, Bools]:
    """Which columns and which rows each window covers: two (..., map) bool."""
    spans = np.asarray(windows)
    if spans.ndim < 1 or spans.shape[-1] != 4:
        raise InputError(f"windows must be (..., 4) as [x0, y0, x1, y1], got shape {spans.shape}")
    x0, y0, x1, y1 = (spans[..., i, None] for i in range(4))
    pixel = np.arange(map)
    return (pixel >= x0) & (pixel <= x1), (pixel >= y0) & (pixel <= y1)


def _pairs(values: ArrayLike, what: str, count: int | None) -> NDArray[Any]:
    array = np.asarray(values)
    if array.ndim < 2 or array.shape[-1] != 2 or (count is not None and array.shape[-2] != count):
        raise InputError(f"{what} must be (..., {count or 'A'}, 2), got shape {array.shape}")
    return array
