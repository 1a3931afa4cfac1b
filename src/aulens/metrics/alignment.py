"""How far found landmarks lie from the true ones, in units of the face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aulens.errors import InputError
from aulens.landmarks import LEFT_EYE, RIGHT_EYE, layout_of
from aulens.metrics.bootstrap import Measure, measured, subject_draws
from aulens.metrics.counts import Floats, ratio

FAILURE: Final = 0.1


def landmark_error(predicted: ArrayLike, true: ArrayLike) -> Floats:
    """Per face, the mean distance of its landmarks from the true ones over its inter-ocular distance.

    The inter-ocular distance is that between the true eye centres (each the mean of the eye's 6 points), as
    in JAA-Net's evaluation; not between pupils, nor between eye corners.

    Args:
        predicted: (N, K, 2) in (x, y) pixels, in a layout of `aulens.landmarks`, finite.
        true: (N, K, 2) in the same layout and pixels; NaN anywhere in a face whose landmarks are not known.

    Returns:
        (N,) float64, 0 or more; NaN for faces whose true landmarks are not known.

    Raises:
        InputError: when shapes differ or are of no layout, a predicted point of a known face is not finite,
            or the true eye centres of a face fall together.
    """
    found, truth = np.asarray(predicted, np.float64), np.asarray(true, np.float64)
    if found.shape != truth.shape or found.ndim != 3:
        raise InputError(
            f"predicted and true landmarks must both be (N, K, 2), got {found.shape} and {truth.shape}; "
            "bring them into one layout first (aulens.landmarks.convert)"
        )
    layout = layout_of(truth)
    known = np.flatnonzero(np.isfinite(truth).all((1, 2)))
    found, truth, faces = found[known], truth[known], len(truth)
    bad = known[~np.isfinite(found).all((1, 2))]
    if len(bad):
        raise InputError(f"{len(bad)} faces have predicted landmarks that are not finite, first row {bad[0]}")
    right, left = (truth[:, layout.positions(eye)].mean(1) for eye in (RIGHT_EYE, LEFT_EYE))
    apart = np.linalg.norm(right - left, axis=1)
    # Not "== 0": the mean of six points that are one point is off by a rounding.
    flat = known[apart <= 1e-6 * np.ptp(truth, axis=1).max(1, initial=0)]
    if len(flat):
        raise InputError(
            f"{len(flat)} faces have their true eye centres in one place, first row {flat[0]}; correct their "
            "landmarks, or set them to NaN to leave the faces out"
        )
    error = np.full(faces, np.nan)
    error[known] = np.linalg.norm(found - truth, axis=2).mean(1) / apart
    return error


def failure_rate(errors: ArrayLike, above: float = FAILURE) -> float:
    """The share of faces whose landmark error is larger than `above`, in [0, 1].

    Args:
        errors: (N,) from `landmark_error`; NaN takes no part.
        above: in inter-ocular distances; 0.1 is usual.

    Returns:
        NaN when no error is known.

    Raises:
        InputError: when `errors` is not (N,).
    """
    values = np.asarray(errors, np.float64)
    if values.ndim != 1:
        raise InputError(f"errors must be (N,), one for each face, got shape {values.shape}")
    known = values[~np.isnan(values)]
    return float((known > above).mean()) if len(known) else float("nan")


@dataclass(frozen=True)
class AlignmentReport:
    """Landmark results over faces whose true landmarks are known, with 95 % intervals over subjects.

    Attributes:
        error: mean distance of a landmark from the true one, in inter-ocular distances (between the eye
            centres), averaged over faces.
        failures: share of faces whose error is above `FAILURE`.
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
        errors: (N,) from `landmark_error`; NaN takes no part.
        subjects: (N,), who is seen in each face.
        bootstrap: resamples of the subjects for the intervals; 0 = no intervals.
        seed: the same seed draws the same subjects as `aulens.metrics.report`.
    """
    known = np.isfinite(errors)
    subject, draws = subject_draws(np.asarray(subjects)[known], bootstrap, seed)
    people = draws.shape[1]
    faces = draws @ np.bincount(subject, minlength=people)
    sums = [np.bincount(subject, values, people) for values in (errors[known], errors[known] > FAILURE)]
    error, failures = (ratio(draws @ total, faces) for total in sums)
    return AlignmentReport(measured(error), measured(failures), int(known.sum()))
