"""How well a model that finds landmarks finds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aulens.metrics import Measure
from aulens.metrics.alignment import FAILURE
from aulens.metrics.bootstrap import measured, subject_draws


@dataclass(frozen=True)
class AlignmentReport:
    """Landmark results over faces whose true landmarks are known, with 95 % intervals over subjects.

    Attributes:
        error: mean distance of a landmark from the true one, in inter-ocular distances (between the eye
            centres), averaged over faces.
        failures: share of faces whose error is above :data:`aulens.metrics.alignment.FAILURE`.
        faces: how many.
    """

    error: Measure
    failures: Measure
    faces: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "error": self.error.to_dict(),
            "failures": self.failures.to_dict(),
            "failure_above": FAILURE,
            "faces": self.faces,
        }

    def to_markdown(self) -> str:
        """Return a sentence of two numbers."""
        return (
            f"Mean error of a landmark {self.error} inter-ocular distances; share of faces above {FAILURE:g} "
            f"of them: {self.failures} ({self.faces} faces). The faces were cut out by their true landmarks."
        )


def alignment_report(
    errors: NDArray[np.float64],
    subjects: Sequence[str] | NDArray[Any],
    bootstrap: int = 1000,
    seed: int = 0,
) -> AlignmentReport:
    """Average landmark errors.

    Args:
        errors: (N,) from :func:`aulens.metrics.landmark_error`; NaN takes no part.
        subjects: (N,), who is seen in each face.
        bootstrap: resamples of the subjects for the intervals; 0 = no intervals.
        seed: the same seed draws the same subjects as :func:`aulens.metrics.report`.
    """
    known = np.isfinite(errors)
    subject, draws = subject_draws(np.asarray(subjects)[known], bootstrap, seed)
    people = draws.shape[1]
    faces = draws @ np.bincount(subject, minlength=people)
    sums = [np.bincount(subject, values, people) for values in (errors[known], errors[known] > FAILURE)]
    error, failures = (
        np.divide(draws @ total, faces, out=np.full(len(draws), np.nan), where=faces > 0) for total in sums
    )
    return AlignmentReport(measured(error), measured(failures), int(known.sum()))
