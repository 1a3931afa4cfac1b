"""Checks that landmarks move when the pictures do: only these find a file that begins one frame late.

From each picture to the next the face is followed by optical flow, which knows nothing of the landmarks'
file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from aulens.data.index import Level, Problem
from aulens.doctor.measures import Floats

LAGS: Final = 6
"""Frames earlier and later that are tried."""

MIN_CORRELATION: Final = 0.5
UNEXPLAINED: Final = 0.5
"""Landmarks belong to other frames if they move as pictures do so many frames away, with a correlation of
0.5; and, where one clip is judged by itself, if that leaves half as much of their motion unexplained
(1 - r^2) as their own frame does, or less. Noise lowers the correlation, but leaves its peak at 0."""

MIN_PAIRS: Final = 20
"""Pairs of neighbouring pictures from which a clip is judged by itself."""


def correlations(motions: Sequence[tuple[Floats, Floats]]) -> Floats:
    """Correlation of the motion of pictures and landmarks at lags -LAGS .. LAGS, over clips together.

    Args:
        motions: of each clip the pictures' motion (t, 2) and the landmarks', in one unit; NaN = not known.

    Returns:
        (2 * LAGS + 1,) float64; at lag k landmarks are compared with the pictures k frames before them.
    """
    out = np.full(2 * LAGS + 1, np.nan)
    for place, lag in enumerate(range(-LAGS, LAGS + 1)):
        sums = np.zeros(3)
        for flow, moved in motions:
            t = len(flow) - abs(lag)
            if t < 3:
                continue
            a, b = flow[max(0, -lag) :][:t], moved[max(0, lag) :][:t]
            known = np.isfinite(a).all(1) & np.isfinite(b).all(1)
            if known.sum() >= 3:
                a, b = (x[known] - x[known].mean(0) for x in (a, b))
                sums += (a * b).sum(), (a * a).sum(), (b * b).sum()
        if sums[1] * sums[2] > 0:
            out[place] = sums[0] / np.sqrt(sums[1] * sums[2])
    return out


def check_lag(clips: Sequence[tuple[str, Floats, Floats]]) -> list[Problem]:
    """Find landmarks that run ahead of, or behind, their pictures.

    Args:
        clips: name, motion of the pictures (t, 2), motion of the landmarks (t, 2), as `correlations`.
    """
    judged = [clip for clip in clips if len(clip[1]) >= MIN_PAIRS // 2]
    if not judged:
        return []
    own = [correlations([(flow, moved)]) for _, flow, moved in judged]
    peaks = [_lag(curve) for curve in own]
    curve = correlations([(flow, moved) for _, flow, moved in judged])
    lag = _lag(curve) or 0
    agreeing = sum(peak == lag for peak in peaks if peak)
    if lag and curve[LAGS + lag] >= MIN_CORRELATION and agreeing > len(judged) / 2:
        return [_finding("error", "all landmarks", lag, curve)]
    findings = []
    for (where, flow, _), curve, peak in zip(judged, own, peaks, strict=True):
        best, own_frame = float(curve[LAGS + (peak or 0)]), float(curve[LAGS])
        sure = best >= MIN_CORRELATION and 1 - best**2 <= UNEXPLAINED * (1 - own_frame**2)
        if peak and sure and len(flow) >= MIN_PAIRS:
            findings.append(_finding("warning", where, peak, curve))
    return findings


def _lag(curve: Floats) -> int | None:
    """The lag of the highest correlation; None if it is not known at all lags."""
    if np.isnan(curve).any():
        return None
    return int(curve.argmax()) - LAGS


def _finding(level: Level, where: str, lag: int, curve: Floats) -> Problem:
    away = "earlier" if lag > 0 else "later"
    message = (
        f"landmarks move as the pictures do {abs(lag)} frame{'s' * (abs(lag) > 1)} {away} than their own "
        f"(correlation {curve[LAGS + lag]:.2f}, at their own frame {curve[LAGS]:.2f}): one of the two "
        "begins at another frame, and the labels may too; see whether the video or the pictures are complete."
    )
    return Problem(level, "landmarks_lag", where, message)
