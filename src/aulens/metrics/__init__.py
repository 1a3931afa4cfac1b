"""Metrics per AU, from counts that add and from ranks; MISSING labels take no part; undefined is NaN."""

from aulens.metrics.counts import Counts, accuracy, balanced_accuracy, counts, f1
from aulens.metrics.ranking import average_precision, roc_auc
from aulens.metrics.report import Estimate, Report, report

__all__ = [
    "Counts",
    "Estimate",
    "Report",
    "accuracy",
    "average_precision",
    "balanced_accuracy",
    "counts",
    "f1",
    "report",
    "roc_auc",
]
