"""Many files on many machines: Ray Data hands them out, its workers hold the model.

Needs the extra `cluster`; Ray is imported when `analyze_files` is called. See docs/cluster.md.
"""

from aulens.cluster.jobs import Job, Outcome
from aulens.cluster.run import ClusterResult, analyze_files
from aulens.cluster.settings import AnalyzerSettings, ClusterSettings
from aulens.cluster.watch import frames_so_far

__all__ = [
    "AnalyzerSettings",
    "ClusterResult",
    "ClusterSettings",
    "Job",
    "Outcome",
    "analyze_files",
    "frames_so_far",
]
