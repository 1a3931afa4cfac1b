"""Where each AU shows: centres, ROI maps (paper A), attention maps (paper B), scores from maps."""

from aulens.roi.attention import attention_maps
from aulens.roi.maps import (
    RoiGrid,
    decode,
    region_labels,
    region_masks,
    roi_maps,
    side_scores,
)
from aulens.roi.table import CENTRES, CentreRule, centres

__all__ = [
    "CENTRES",
    "CentreRule",
    "RoiGrid",
    "attention_maps",
    "centres",
    "decode",
    "region_labels",
    "region_masks",
    "roi_maps",
    "side_scores",
]
