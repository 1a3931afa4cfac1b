"""The numbers of an epoch, on validation subjects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aulens import metrics
from aulens.data.samples import Samples

METRICS: Final[Mapping[str, str]] = {"roc_auc": "macro_roc_auc", "f1": "macro_f1", "abaw2": "abaw2"}
"""Name in the configuration -> key of :func:`summary`."""


def summary(samples: Samples, sides: NDArray[np.float32]) -> dict[str, Any]:
    """Return macro ROC-AUC, macro F1 and ABAW-2's measure (scores above 0, the papers' rule), the first two
    per AU as well.

    An AU for which a number is undefined takes no part in the mean; if none is defined, it is None.

    Args:
        samples: N validation samples.
        sides: (N, A, 2) scores.
    """
    scores, labels = sides.max(-1), samples.labels
    area = metrics.roc_auc(labels, scores)
    f1 = metrics.f1(metrics.counts(labels, scores > 0))
    abaw2 = metrics.abaw2_score(labels, scores > 0)
    return {
        "macro_roc_auc": mean(area),
        "macro_f1": mean(f1),
        "abaw2": abaw2 if np.isfinite(abaw2) else None,
        "roc_auc": _named(samples.aus.labels, area),
        "f1": _named(samples.aus.labels, f1),
    }


def mean(values: NDArray[np.float64]) -> float | None:
    """Mean of the defined values; None if there are none."""
    defined = values[np.isfinite(values)]
    return float(defined.mean()) if defined.size else None


def _named(labels: tuple[str, ...], values: NDArray[np.float64]) -> dict[str, float | None]:
    return {label: float(v) if np.isfinite(v) else None for label, v in zip(labels, values, strict=True)}
