"""Metrics per AU, from counts that add and from ranks; MISSING labels take no part; undefined is NaN."""

from aulens.metrics.abaw import AbawReport, abaw2_score, abaw_report, mean_f1, total_accuracy
from aulens.metrics.alignment import failure_rate, landmark_error
from aulens.metrics.bootstrap import Measure
from aulens.metrics.counts import Counts, accuracy, balanced_accuracy, counts, f1
from aulens.metrics.intensity import INTENSITY_MEASURES, IntensityReport, icc, intensity_report
from aulens.metrics.ranking import average_precision, roc_auc
from aulens.metrics.report import Estimate, Report, report
from aulens.metrics.submission import (
    read_image_decisions,
    read_video_decisions,
    write_image_decisions,
    write_video_decisions,
)

__all__ = [
    "INTENSITY_MEASURES",
    "AbawReport",
    "Counts",
    "Estimate",
    "IntensityReport",
    "Measure",
    "Report",
    "abaw2_score",
    "abaw_report",
    "accuracy",
    "average_precision",
    "balanced_accuracy",
    "counts",
    "f1",
    "failure_rate",
    "icc",
    "intensity_report",
    "landmark_error",
    "mean_f1",
    "read_image_decisions",
    "read_video_decisions",
    "report",
    "roc_auc",
    "total_accuracy",
    "write_image_decisions",
    "write_video_decisions",
]
