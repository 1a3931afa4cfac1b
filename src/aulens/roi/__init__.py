"""Where each AU shows: centres, ROI maps (paper A), attention maps (paper B), scores from maps."""

from aulens.roi.attention import (
    ATTENTION_BORDER,
    ATTENTION_EXTENT,
    ATTENTION_SLOPE,
    ATTENTION_STRIDE,
    attention_maps,
)
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
    "ATTENTION_BORDER",
    "ATTENTION_EXTENT",
    "ATTENTION_SLOPE",
    "ATTENTION_STRIDE",
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
