"""Rows of folders in the format of `aulens render`: the numbers of `aulens evaluate CARD --data DIR`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from aulens import metrics
from aulens.aus import MISSING
from aulens.training.inference import Predictions, predict
from aulens.training.sides import side_report
from coded.measures import LEAST, scored
from coded.rows import NONE, Row
from coded.subjects import Subject


def rendered(title: str, folders: Sequence[Path], split: str) -> Iterator[Row]:
    """How well AUs and sides are found, on crops by the landmarks that the folders tell.

    Args:
        title: of the pictures.
        folders: of `aulens render`.
        split: "val" or "test".
    """

    @cache
    def predictions(card: Path) -> Predictions:
        return predict(card, folders, split=split, threads=1, progress=False)

    @cache
    def report(card: Path) -> metrics.Report:
        found = predictions(card)
        labels = found.samples.labels
        labels = np.where(scored(labels, LEAST), labels, MISSING).astype(np.int8)
        return metrics.report(
            labels, found.scores, found.decisions, found.samples.subjects, found.samples.aus
        )

    def macro(subject: Subject, metric: str) -> str:
        if subject.analyzer is None:
            return NONE
        return str(report(subject.analyzer.card.path).metrics[metric].of_macro())

    def sides(subject: Subject) -> str:
        if subject.analyzer is None or not subject.analyzer.card.has_side_scores:
            return NONE
        found = predictions(subject.analyzer.card.path)
        sides = side_report(found.samples.side_labels, found.sides, found.side_decisions, found.samples.aus)
        return f"{np.nanmean(sides.accuracy):.3f}"

    of = f"{title}, {split} split"
    yield Row(of, "ROC-AUC", lambda s: macro(s, "roc_auc"))
    yield Row(of, "F1, own decisions", lambda s: macro(s, "f1"))
    yield Row(of, "side accuracy", sides)
