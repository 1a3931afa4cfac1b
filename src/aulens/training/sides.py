"""How well a model tells the two sides of a face apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aulens.aus import MISSING, AUSet
from aulens.metrics.report import markdown_table
from aulens.roi import CENTRES

RIGHT, LEFT = 0, 1


@dataclass(frozen=True)
class SideReport:
    """Per-side results over N samples; arrays are (A,), not-a-number where undefined.

    Attributes:
        aus: the AUs.
        accuracy: share of coded sides (both sides of each sample) that are decided rightly.
        balanced_accuracy: mean of the shares of present and of absent sides that are decided rightly.
        asymmetric: number of samples in which the AU is on one side only.
        true_side: among these, the share in which the side that shows it has the higher score (0.5 = chance).
        confusion: (A, 2, 4) int; rows: truly on the right only, left only; columns: decided none, right
            only, left only, both.
    """

    aus: AUSet
    accuracy: NDArray[np.float64]
    balanced_accuracy: NDArray[np.float64]
    asymmetric: NDArray[np.int64]
    true_side: NDArray[np.float64]
    confusion: NDArray[np.int64]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, keyed by AU label, and macro means over the defined ones."""
        columns = {name: values for name, values in vars(self).items() if name != "aus"}
        rows = {
            label: {name: values[a].tolist() for name, values in columns.items()}
            for a, label in enumerate(self.aus.labels)
        }
        macro = {name: finite_mean(columns[name]) for name in ("accuracy", "balanced_accuracy", "true_side")}
        return {"aus": rows, "macro": macro, "confusion_columns": ["none", "right", "left", "both"]}

    def to_markdown(self) -> str:
        """Return a table, one row per AU."""
        head = [
            "AU", "side accuracy", "balanced", "one-sided samples", "higher score on the true side",
            "truly right: none/right/left/both", "truly left: none/right/left/both",
        ]  # fmt: skip
        measures = (self.accuracy, self.balanced_accuracy, self.true_side)
        rows = []
        for a, label in enumerate(self.aus.labels):
            accuracy, balanced, true_side = (_text(values[a]) for values in measures)
            confusion = ["/".join(map(str, self.confusion[a, side])) for side in (RIGHT, LEFT)]
            rows.append([label, accuracy, balanced, str(self.asymmetric[a]), true_side, *confusion])
        accuracy, balanced, true_side = (_text(finite_mean(values)) for values in measures)
        rows.append(["macro", accuracy, balanced, str(self.asymmetric.sum()), true_side, "", ""])
        return markdown_table(head, rows).rstrip()


def side_report(
    labels: NDArray[np.int8], scores: NDArray[Any], decisions: NDArray[np.bool_], aus: AUSet
) -> SideReport:
    """Compare sides with side labels.

    AUs on the midline (upper and lower lip) have no side to find: their asymmetry entries stay empty.

    Args:
        labels: (N, A, 2) in {0, 1, MISSING}, [subject_right, subject_left].
        scores: (N, A, 2), higher = more likely present.
        decisions: (N, A, 2) bool.
        aus: the AUs of axis A.
    """
    count = len(aus)
    accuracy, balanced, true_side = (np.full(count, np.nan) for _ in range(3))
    asymmetric, confusion = np.zeros(count, np.int64), np.zeros((count, 2, 4), np.int64)
    for a, number in enumerate(aus):
        truth, decided = labels[:, a], decisions[:, a]
        coded, present = truth != MISSING, truth == 1
        if coded.any():
            accuracy[a] = (decided == present)[coded].mean()
        if present.any() and (truth == 0).any():
            balanced[a] = (decided[present].mean() + (~decided[truth == 0]).mean()) / 2
        if CENTRES[number].midline:
            continue
        margin = scores[:, a, RIGHT] - scores[:, a, LEFT]
        code = decided[:, RIGHT] + 2 * decided[:, LEFT]  # none, right, left, both
        only = [coded.all(1) & present[:, side] & ~present[:, 1 - side] for side in (RIGHT, LEFT)]
        for side in (RIGHT, LEFT):
            confusion[a, side] = np.bincount(code[only[side]], minlength=4)
        asymmetric[a] = only[RIGHT].sum() + only[LEFT].sum()
        if asymmetric[a]:
            signed = np.concatenate([margin[only[RIGHT]], -margin[only[LEFT]]])
            true_side[a] = (signed > 0).mean() + 0.5 * (signed == 0).mean()
    return SideReport(aus, accuracy, balanced, asymmetric, true_side, confusion)


def finite_mean(values: NDArray[np.float64]) -> float:
    """The mean of the finite ones; NaN if there are none."""
    defined = values[np.isfinite(values)]
    return float(defined.mean()) if defined.size else float("nan")


def _text(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "-"
