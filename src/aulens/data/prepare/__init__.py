"""From a data set as delivered to one upright face per frame, cut once: what ``aulens prepare`` does."""

from aulens.data.prepare.run import PrepareResult, prepare
from aulens.data.prepare.settings import LandmarkSource, PrepareSettings

__all__ = ["LandmarkSource", "PrepareResult", "PrepareSettings", "prepare"]
