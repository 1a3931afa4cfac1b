"""Checks of base rates against the published ones, which are known up to one factor for all AUs."""

from __future__ import annotations

from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.aus import MISSING
from aulens.data.index import FrameIndex, Problem
from aulens.data.protocols import Protocol
from aulens.data.registry import protocol_of
from aulens.doctor.measures import Floats
from aulens.metrics.counts import ratio

EXACT: Final = 0.05
"""Published weights of one data set and protocol differ by 0.3 % among publications; 5 % are other labels."""

NEAR: Final = 0.25
"""All subjects, but other frames: JAA-Net's lists drop up to 7 % of a part of DISFA, which moves rare AUs
further."""

SWAPPED: Final = float(np.log(3))
"""Some subjects only: rates differ twofold among people, so only two AUs that are off threefold, in opposite
ways, and right when exchanged, are reported."""


def rates(labels: NDArray[np.int8]) -> Floats:
    """(A,) share of coded frames of (N, A) labels in which an AU occurs; NaN where it is not coded."""
    return ratio((labels == 1).sum(0), (labels != MISSING).sum(0))


def check_rates(index: FrameIndex, whole: bool, frame_protocol: str) -> tuple[list[Problem], list[str]]:
    """Compare base rates with those that the published class weights stand for.

    Args:
        index: the frames.
        whole: all subjects of the protocol are there.
        frame_protocol: whose counts fit; "" if none's.

    Returns:
        Findings, and what could not be judged.
    """
    protocol = protocol_of(index.dataset)
    if protocol is None or not protocol.class_weights or protocol.aus.numbers != index.aus.numbers:
        return [], ["base rates: none are published for this data set"]
    if not whole:
        return _check_subset(index, protocol)
    tolerance = EXACT if frame_protocol else NEAR
    worst, expected, where = np.zeros(len(index.aus)), np.zeros(len(index.aus)), ""
    for parts, weights in protocol.class_weights.items():
        published = np.log(1 / np.array(weights))
        off = _off(rates(index.labels[np.isin(index.part, parts)]), published)
        if np.nanmax(np.abs(off), initial=0) > np.nanmax(np.abs(worst), initial=0):
            worst, expected, where = off, published, "parts " + " and ".join(parts)
    wrong = np.flatnonzero(np.abs(np.nan_to_num(worst)) > np.log1p(tolerance))
    if not wrong.size:
        return [], []
    seen = ", ".join(f"{index.aus.labels[a]} {np.exp(worst[a]):.2f} times" for a in wrong)
    pair = _explaining_pair(worst, expected, np.log1p(tolerance))
    hint = (
        f"as if the columns of {index.aus.labels[pair[0]]} and {index.aus.labels[pair[1]]} were swapped"
        if pair
        else "see the codes of these columns, and from which intensity on an AU counts as present"
    )
    message = f"base rates are not the published ones ({seen}, the others within {tolerance:.0%}): {hint}."
    return [Problem("error" if frame_protocol or pair else "warning", "base_rates", where, message)], []


def _off(seen: Floats, expected: Floats) -> Floats:
    """(A,) log of seen over expected rate, with the median taken out: the common factor is not published."""
    with np.errstate(divide="ignore"):
        off = np.log(seen) - expected
    off[~np.isfinite(off)] = np.nan
    centred: Floats = off - np.nanmedian(off) if np.isfinite(off).any() else off
    return centred


def _explaining_pair(off: Floats, expected: Floats, tolerance: float) -> tuple[int, int] | None:
    """Two AUs that are off, and would not be if their columns were exchanged."""
    found = []
    for a, b in combinations(np.flatnonzero(np.abs(np.nan_to_num(off)) > tolerance).tolist(), 2):
        seen_a, seen_b = expected[a] + off[a], expected[b] + off[b]
        left = max(abs(seen_b - expected[a]), abs(seen_a - expected[b]))
        if left < min(abs(off[a]), abs(off[b])) / 2:
            found.append((left, (a, b)))
    return min(found)[1] if found else None


def _check_subset(index: FrameIndex, protocol: Protocol) -> tuple[list[Problem], list[str]]:
    subjects = np.unique(index.subject)
    if len(subjects) < 3:
        return [], ["base rates: fewer than 3 subjects"]
    # The log of the published rates, up to a constant, averaged over the folds.
    logs = np.log(1 / np.array(list(protocol.class_weights.values())))
    expected = (logs - logs.mean(1, keepdims=True)).mean(0)
    off = _off(rates(index.labels), expected)
    # A jackknife over subjects: how far people make the rates differ.
    without = np.stack([_off(rates(index.labels[index.subject != name]), expected) for name in subjects])
    n = len(subjects)
    # An AU that only one subject shows has no rate without them, and does not count.
    error = np.sqrt(((without - without.mean(0)) ** 2).mean(0) * (n - 1))
    pair = _explaining_pair(np.where(np.abs(off) > 3 * error, off, 0.0), expected, SWAPPED)
    if pair is None:
        return [], []
    a, b = (index.aus.labels[i] for i in pair)
    message = (
        f"{a} occurs {np.exp(off[pair[0]]):.1f} times as often as expected of published rates, {b} "
        f"{np.exp(off[pair[1]]):.1f} times, as if their columns were swapped; compare their order with the "
        "data set's manual."
    )
    return [Problem("warning", "base_rates", f"{a}, {b}", message)], []
