"""Checks that labels follow faces: swapped columns, shuffled rows, labels of other frames or clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np

from aulens.aus import AUSet
from aulens.data.index import Problem
from aulens.doctor.agreement import Agreement
from aulens.doctor.measures import EVIDENT, SHOWN_BY, columns_of

ENOUGH_SUBJECTS: Final = 3
ENOUGH_FRAMES: Final = 10.0
"""An AU is judged from 3 subjects on whose clips weigh 10 frames together (Agreement.frames)."""

NOTHING: Final = 0.55
DOUBTFUL: Final = 0.65
"""An evident AU that agrees less than 0.55, and surely less than 0.65, does not follow the faces. Labels of
other frames give 0.50; coders' labels and a tracker's landmarks give about 0.7 to 0.95."""

SWAP_GAIN: Final = 0.15
SWAP_AUC: Final = 0.7
"""A column that follows another AU's length with 0.7, and 0.15 better than that AU's own, seems swapped."""

ALONE_GAIN: Final = 0.3
"""The same without a second column that would fit in return."""

KIN: Final[Mapping[int, frozenset[int]]] = MappingProxyType(
    {n: kin - {n} for kin in (frozenset({1, 2}), frozenset({25, 26, 27}), frozenset({12})) for n in kin}
)
"""Evident AUs that move the same points: one may show in the other's length better than in its own."""

CERTAIN: Final = frozenset({12, 25, 26, 27})
"""Evident AUs whose column is an error if it alone follows nothing. Brows sink with AU4 and a nodding
head too, so AU1 and AU2 alone are a warning."""

CONTRADICTING: Final = 0.4
"""A subject whose evident AUs agree less than this in the mean, others' being 0.65 or more, has labels that
contradict the face. Labels of another person give 0.5, which is too near to what healthy clips give."""


def check_labels(found: Agreement, aus: AUSet) -> tuple[list[Problem], list[str]]:
    """Judge an agreement of labels and measures of `aus`.

    Returns:
        Findings, and what could not be judged.
    """
    columns = columns_of(aus)
    judged = [n for n in aus if n in EVIDENT and enough(found, aus.index(n), columns[n])]
    unsure = ", ".join(f"AU{n}" for n in aus if n in EVIDENT and n not in judged)
    skipped = [
        f"whether {unsure} follow the faces: fewer than {ENOUGH_SUBJECTS} subjects have clips with landmarks "
        "in which they come and go"
    ] * bool(unsure)
    if not judged:
        return [], skipped
    own = {n: float(found.auc[aus.index(n), columns[n]]) for n in judged}
    failing = [n for n in judged if own[n] < NOTHING and found.high[aus.index(n), columns[n]] < DOUBTFUL]
    swaps = _swaps(found, aus, columns)
    if swaps:
        return swaps, skipped
    if len(failing) == len(judged) and len(judged) > 1:
        seen = ", ".join(f"AU{n} {own[n]:.2f}" for n in judged)
        message = (
            f"no AU follows the faces (ROC-AUC of landmarks for labels: {seen}; expected 0.7 to 0.95, chance "
            "is 0.50): rows are shuffled, or labels or landmarks are of other clips or frames; "
            "compare a clip's label file with its pictures."
        )
        return [Problem("error", "label_mismatch", "all labels", message)], skipped
    findings = [
        Problem(
            "error" if n in CERTAIN else "warning",
            "label_mismatch",
            f"AU{n}",
            f"frames labelled AU{n} don't differ in {SHOWN_BY[n]} (ROC-AUC {own[n]:.2f}, expected 0.7 to "
            "0.95): the column holds something else; compare it with the data set's manual.",
        )
        for n in failing
    ]
    return [*findings, *_contradicting(found, aus, columns, judged, own)], skipped


def enough(found: Agreement, axis: int, measure: int) -> bool:
    """Whether there are enough subjects and frames to judge an AU (its axis) by a measure (column)."""
    cell = axis, measure
    return bool(found.subjects[cell] >= ENOUGH_SUBJECTS and found.frames[cell] >= ENOUGH_FRAMES)


def _swaps(found: Agreement, aus: AUSet, columns: Mapping[int, int]) -> list[Problem]:
    """Columns that follow the lengths of others: pairs that fit when exchanged, then the rest."""
    pairs = list[tuple[float, int, int]]()
    for a in (n for n in aus if n in EVIDENT):
        # Of two AUs with one measure, or two evident ones taken the other way round, nothing new is seen.
        others = (n for n in columns if n != a and not (n in EVIDENT and n < a) and columns[n] != columns[a])
        for b in others:
            gain = _gain(found, aus, columns, a, b)
            if gain is not None:
                pairs.append((gain, a, b))
    findings, taken = list[Problem](), set[int]()
    for _, a, b in sorted(pairs, reverse=True):
        if not taken & {a, b}:
            taken |= {a, b}
            findings.append(_swap(found, aus, columns[a], a, (b,)))
    for a in (n for n in aus if n in EVIDENT and n not in taken):
        others = (b for b in aus if b not in {a} | KIN[a] | taken)
        strange = [b for b in others if _follows(found, aus, columns[a], a, b) > ALONE_GAIN]
        if strange:
            taken.add(a)
            findings.append(_swap(found, aus, columns[a], a, tuple(strange)))
    return findings


def _follows(found: Agreement, aus: AUSet, measure: int, a: int, b: int) -> float:
    """How much better the labels of `b` agree with the measure of `a` than those of `a`; 0 if not surely."""
    row_a, row_b = aus.index(a), aus.index(b)
    if min(found.subjects[row_a, measure], found.subjects[row_b, measure]) < ENOUGH_SUBJECTS:
        return 0.0
    own, other = float(found.auc[row_a, measure]), float(found.auc[row_b, measure])
    sure = own < DOUBTFUL and other >= SWAP_AUC and other > found.high[row_a, measure]
    return other - own if sure and other >= own + SWAP_GAIN else 0.0


def _gain(found: Agreement, aus: AUSet, columns: Mapping[int, int], a: int, b: int) -> float | None:
    """How much better the columns of `a` and `b` agree when exchanged; None if they need not be."""
    gain = _follows(found, aus, columns[a], a, b)
    shows_b = columns[b]
    own, other = (float(found.auc[aus.index(n), shows_b]) for n in (b, a))
    # A length that shows `b` only weakly need not agree well, but must not favour the columns as they are.
    least, more = (SWAP_AUC, SWAP_GAIN) if b in EVIDENT else (0.5, 0.0)
    return gain + other - own if gain and other >= least and other > own + more else None


def _swap(found: Agreement, aus: AUSet, measure: int, a: int, others: Sequence[int]) -> Problem:
    name = SHOWN_BY[a]
    seen = ", ".join(f"AU{b} (ROC-AUC {found.auc[aus.index(b), measure]:.2f})" for b in others)
    what = (
        f"the columns of AU{a} and AU{others[0]} seem swapped" if len(others) == 1 else "columns seem swapped"
    )
    message = (
        f"{what}: {name} follows the labels of {seen}, not those of AU{a} "
        f"({found.auc[aus.index(a), measure]:.2f}); compare the columns' order with the data set's manual."
    )
    return Problem("error", "swapped_columns", ", ".join(f"AU{n}" for n in (a, *others)), message)


def _contradicting(
    found: Agreement, aus: AUSet, columns: Mapping[int, int], judged: Sequence[int], own: Mapping[int, float]
) -> Iterator[Problem]:
    """Subjects whose labels don't follow their faces while the others' do."""
    good = [n for n in judged if own[n] >= DOUBTFUL]
    cells = [aus.index(n) for n in good], [columns[n] for n in good]
    for subject, (auc, weight) in found.by_subject.items() if good else ():
        counted = auc[cells][weight[cells] >= ENOUGH_FRAMES]
        if len(counted) >= 2 and (mean := counted.mean()) < CONTRADICTING:
            seen = ", ".join(f"AU{n}" for n, value in zip(good, weight[cells], strict=True) if value)
            message = (
                f"the labels don't follow this face: {seen} have a mean ROC-AUC of {mean:.2f} (others "
                f"{np.mean([own[n] for n in good]):.2f}); see whether labels or landmarks are of another."
            )
            yield Problem("warning", "label_mismatch", subject, message)
