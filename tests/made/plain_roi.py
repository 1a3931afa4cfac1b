"""Paper A's targets by numpy, as they are described: what `aulens.models.regions` is held against."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.aus import MISSING, AUSet, au_labels
from aulens.roi import CENTRES


def region_masks(windows: ArrayLike, map: int) -> NDArray[np.bool_]:
    """Which pixels lie in each region: (..., 4) windows → (..., map, map)."""
    x0, y0, x1, y1 = (np.asarray(windows)[..., i, None, None] for i in range(4))
    y, x = np.mgrid[:map, :map]
    return (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)


def region_labels(side_labels: NDArray[np.int8], aus: AUSet) -> NDArray[np.int8]:
    """Labels of regions from labels of sides (..., A, 2): of a midline AU, both have that of the whole AU."""
    midline = np.array([CENTRES[n].midline for n in aus])
    return np.where(midline[:, None], au_labels(side_labels)[..., None], side_labels)


def roi_maps(
    labels: NDArray[np.int8], windows: ArrayLike, map: int, positives_only: bool = False
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Target and valid, each (..., A, map, map), from labels of regions (..., A, 2)."""
    masks = region_masks(windows, map)
    absent = 0.0 if positives_only else -1.0
    value = np.select([labels == 1, labels == 0], [1.0, absent], 0.0).astype(np.float32)
    covered = masks.sum(-3, dtype=np.float32)
    target = (masks * value[..., None, None]).sum(-3) / np.maximum(covered, 1)
    missing = labels == MISSING
    valid = ~(masks & missing[..., None, None]).any(-3) & ~missing.all(-1)[..., None, None]
    return np.where(valid, target, 0).astype(np.float32), valid
