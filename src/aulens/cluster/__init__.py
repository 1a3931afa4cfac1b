"""Many files on many machines: Ray Data hands them out, its workers hold the model.

Needs the extra `cluster`; Ray is imported when jobs are handed out. See docs/cluster.md.
"""

from aulens.cluster.on_ray import OnRay
from aulens.cluster.settings import AnalyzerSettings, ClusterSettings

__all__ = ["AnalyzerSettings", "ClusterSettings", "OnRay"]
