"""The regions of `aulens.roi`, on tensors: for whole batches, on the device of the model; labels drawn there.

Same names, rules, rounding and order as there; a test holds the two equal.

Shapes: B batch, K landmarks, A AUs, h = w the map's side; the axis of length 2 is an AU's two regions (or
    sides).
"""

import torch
from torch import Tensor, nn

from aulens.aus import MISSING, AUSet
from aulens.landmarks import INNER_EYE_CORNERS, LAYOUTS
from aulens.roi import CENTRES, RoiGrid


def au_labels(side_labels: Tensor) -> Tensor:
    """Labels of AUs from labels of their sides: `aulens.aus.au_labels` on tensors.

    Args:
        side_labels: (..., 2) in {0, 1, MISSING}.

    Returns:
        (...) of the same dtype: 1 where a side shows the AU, 0 where both are coded and neither does, else
        MISSING.
    """
    present = (side_labels == 1).any(-1)
    absent = (side_labels == 0).all(-1)
    unknown = torch.full_like(side_labels[..., 0], MISSING)
    return unknown.masked_fill(absent, 0).masked_fill(present, 1)


class Regions(nn.Module):
    """Where a set of AUs shows, from landmarks.

    Args:
        aus: The AUs, in order; `CENTRES` says where they lie.
    """

    offset: Tensor
    midline: Tensor

    def __init__(self, aus: AUSet) -> None:
        super().__init__()
        chosen = [CENTRES[number] for number in aus]
        for layout in LAYOUTS.values():
            pairs = torch.tensor([layout.positions((rule.right, rule.left)) for rule in chosen])
            corners = torch.tensor(layout.positions(INNER_EYE_CORNERS))
            self.register_buffer(f"pairs_{layout.count}", pairs, persistent=False)
            self.register_buffer(f"corners_{layout.count}", corners, persistent=False)
        offset = torch.tensor([rule.offset for rule in chosen], dtype=torch.float64)
        self.register_buffer("offset", offset, persistent=False)
        self.register_buffer("midline", torch.tensor([rule.midline for rule in chosen]), persistent=False)

    def centres(self, landmarks: Tensor, upright: bool = False) -> Tensor:
        """The two centres of each AU: `aulens.roi.centres`.

        Args:
            landmarks: (B, K, 2) float (x, y), finite, in a layout of `aulens.landmarks`.
            upright: Offsets as JAA-Net draws them.

        Returns:
            (B, A, 2, 2) float64: double precision, so that rounding to pixels agrees with numpy's.
        """
        count = landmarks.shape[1]
        points = landmarks.double()
        right, left = points[:, self.get_buffer(f"corners_{count}")].unbind(1)
        across = left - right
        if upright:
            down = torch.stack((torch.zeros_like(across[:, 0]), across[:, 0].abs()), -1)
        else:
            down = torch.stack((-across[:, 1], across[:, 0]), -1)
        pairs = points[:, self.get_buffer(f"pairs_{count}")]
        return pairs + self.offset[:, None, None] * down[:, None, None]

    def windows(self, landmarks: Tensor, grid: RoiGrid) -> Tensor:
        """The regions of each AU on a map: `aulens.roi.RoiGrid.windows` of the centres.

        Args:
            landmarks: (B, K, 2) float (x, y) in pixels of the crop, finite.
            grid: How regions are laid on the map.

        Returns:
            (B, A, 2, 4) int64 [x0, y0, x1, y1], ends included.
        """
        half, last = grid.side // 2, grid.map - 1
        pixel = ((self.centres(landmarks) + 0.5) * (grid.map / grid.crop) - 0.5).round()
        pixel = pixel.clamp(-half, last + half).long()
        return torch.cat(((pixel - half).clamp_min(0), (pixel + half).clamp_max(last)), -1)

    def region_labels(self, side_labels: Tensor) -> Tensor:
        """Labels of regions from labels of sides (B, A, 2): of a midline AU, both have that of the whole AU.

        The upper and the lower lip belong to both sides; so a flip of face and labels flips the maps.
        """
        return torch.where(self.midline[:, None], au_labels(side_labels).unsqueeze(-1), side_labels)

    def side_scores(self, region_scores: Tensor) -> Tensor:
        """Scores of sides from scores of regions (B, A, 2): `aulens.roi.side_scores`."""
        return torch.where(self.midline[:, None], region_scores.amax(-1, keepdim=True), region_scores)


def region_masks(windows: Tensor, map: int) -> Tensor:
    """Which pixels lie in each region: (..., 4) windows to (..., map, map) bool."""
    columns, rows = _spans(windows, map)
    return rows.unsqueeze(-1) & columns.unsqueeze(-2)


def roi_maps(
    region_labels: Tensor,
    windows: Tensor,
    map: int,
    positives_only: bool = False,
    grades: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """The target of paper A (Eq 1): +1 in the regions of a present AU, -1 of an absent one, 0 elsewhere.

    Where an AU's two regions overlap, the target is their mean. A MISSING region is not valid, its overlap
    with the other included; an AU of which both regions are MISSING is valid nowhere.

    Args:
        region_labels: (B, A, 2) in {0, 1, MISSING}, from `Regions.region_labels`.
        windows: (B, A, 2, 4), from `Regions.windows`.
        map: Side of the map, pixels.
        positives_only: Absent AUs are 0 instead of -1.
        grades: (B, A, 2), what the regions of present AUs are instead of 1.

    Returns:
        target (B, A, map, map) float32 in [-1, 1], 0 where not valid; valid (B, A, map, map) bool;
        inside (B, A, map, map) bool, where a region is.
    """
    masks = region_masks(windows, map)
    value = torch.zeros(region_labels.shape, device=region_labels.device)
    value = value.masked_fill(region_labels == 0, 0.0 if positives_only else -1.0)
    present = torch.ones_like(value) if grades is None else grades.to(value.dtype)
    value = torch.where(region_labels == 1, present, value)
    covered = masks.sum(-3)
    target = (masks * value[..., None, None]).sum(-3) / covered.clamp_min(1)
    missing = region_labels == MISSING
    valid = ~(masks & missing[..., None, None]).any(-3) & ~missing.all(-1)[..., None, None]
    return target.masked_fill(~valid, 0.0), valid, covered > 0


def decode(maps: Tensor, windows: Tensor) -> Tensor:
    """The mean of each map inside each of its regions: `aulens.roi.decode`.

    Args:
        maps: (B, A, h, h) float32.
        windows: (B, A, 2, 4), from `Regions.windows`.

    Returns:
        (B, A, 2) float32.
    """
    columns, rows = (span.to(maps.dtype) for span in _spans(windows, maps.shape[-1]))
    # Elementwise and not a matrix product: autocast would round that to bfloat16.
    along_x = (maps.unsqueeze(-3) * columns.unsqueeze(-2)).sum(-1)
    return (along_x * rows).sum(-1) / (columns.sum(-1) * rows.sum(-1))


def _spans(windows: Tensor, map: int) -> tuple[Tensor, Tensor]:
    """Which columns and which rows each window covers: two (..., map) bool."""
    x0, y0, x1, y1 = windows.unsqueeze(-1).unbind(-2)
    pixel = torch.arange(map, device=windows.device)
    return (pixel >= x0) & (pixel <= x1), (pixel >= y0) & (pixel <= y1)
