"""Where each AU shows: centres, the regions around them (paper A), scores from maps."""

from aulens.roi.maps import RoiGrid, decode, side_scores
from aulens.roi.table import CENTRES, CentreRule, centres

__all__ = ["CENTRES", "CentreRule", "RoiGrid", "centres", "decode", "side_scores"]
