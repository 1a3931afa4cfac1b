"""How well the two sides of a face are told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aulens.aus import MISSING, AUSet
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
        rows = {
            label: {
                "accuracy": float(self.accuracy[a]),
                "balanced_accuracy": float(self.balanced_accuracy[a]),
                "asymmetric": int(self.asymmetric[a]),
                "true_side": float(self.true_side[a]),
                "confusion": self.confusion[a].tolist(),
            }
            for a, label in enumerate(self.aus.labels)
        }
        macro = {
            "accuracy": _mean(self.accuracy),
            "balanced_accuracy": _mean(self.balanced_accuracy),
            "true_side": _mean(self.true_side),
        }
        return {"aus": rows, "macro": macro, "confusion_columns": ["none", "right", "left", "both"]}

    def to_markdown(self) -> str:
        """Return a table, one row per AU."""
        lines = [
            "| AU | side accuracy | balanced | one-sided samples | higher score on the true side "
            "| truly right: none/right/left/both | truly left: none/right/left/both |",
            "| --- | --- | --- | --- | --- | --- | --- |",
        ]
        for a, label in enumerate(self.aus.labels):
            right, left = ("/".join(str(n) for n in self.confusion[a, side]) for side in (RIGHT, LEFT))
            lines.append(
                f"| {label} | {_text(self.accuracy[a])} | {_text(self.balanced_accuracy[a])} "
                f"| {self.asymmetric[a]} | {_text(self.true_side[a])} | {right} | {left} |"
            )
        means = [_text(_mean(values)) for values in (self.accuracy, self.balanced_accuracy)]
        lines.append(
            f"| macro | {means[0]} | {means[1]} | {self.asymmetric.sum()} "
            f"| {_text(_mean(self.true_side))} | | |"
        )
        return "\n".join(lines)


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


def _mean(values: NDArray[np.float64] | Sequence[float]) -> float:
    defined = np.asarray(values)[np.isfinite(values)]
    return float(defined.mean()) if defined.size else float("nan")


def _text(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "-"
