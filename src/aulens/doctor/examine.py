"""All checks of a data set, in order: first its files, then a sample of its pictures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from aulens.aus import MISSING
from aulens.data.index import FrameIndex
from aulens.doctor.agreement import Agreement, agreement
from aulens.doctor.copies import check_copied_files, check_copied_pictures
from aulens.doctor.counts import check_counts, count_parts, fitting_protocol
from aulens.doctor.diagnosis import AUCheck, Diagnosis, ordered
from aulens.doctor.flicker import check_flicker
from aulens.doctor.labels import check_labels, enough
from aulens.doctor.lag import check_lag
from aulens.doctor.landmarks import check_prepared, detect_some
from aulens.doctor.measures import SHOWN_BY, columns_of, measure
from aulens.doctor.placement import check_placement, compare_clips
from aulens.doctor.rates import check_rates, rates
from aulens.doctor.shape import check_shapes, judge
from aulens.errors import ModelError
from aulens.faces.default import MakeDetector, default_detector
from aulens.faces.detector import FaceDetector
from aulens.files import plain

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many steps of it are done, and how many there are."""


def examine(
    index: FrameIndex,
    *,
    pictures: bool = True,
    prepared: Path | None = None,
    whole: bool = True,
    detector: MakeDetector = default_detector,
    progress: Progress = lambda what, done, total: None,
) -> Diagnosis:
    """Examine a data set.

    Args:
        index: as an adapter read it; its problems become findings.
        pictures: check a sample of the pictures too (landmarks on faces, copies), a minute or so.
        prepared: a folder that `aulens prepare` made of it; its landmarks serve where the data set has none.
        whole: the published data set should be complete. Not so for a subset, or a look-alike.
        detector: makes what finds faces with 68 points in pictures; where it can't, the rest is examined.
        progress: see `Progress`.

    Raises:
        DatasetError: `prepared` is not of these data.
    """
    parts = count_parts(index)
    fits = fitting_protocol(parts)
    findings = [*index.problems, *check_counts(index, parts, whole)]
    lacks_subjects = any(f.code in {"missing_subject", "missing_part"} for f in findings)
    skipped = list[str]()
    for found, lacking in (
        check_rates(index, whole and not lacks_subjects, fits),
        check_flicker(index),
    ):
        findings += found
        skipped += lacking
    findings += check_copied_files(index)
    landmarks = index.landmarks
    if landmarks is not None:
        findings += check_shapes(index, landmarks, judge(index, landmarks))
    if prepared is not None:
        stored, found = check_prepared(index, prepared)
        findings += found
        landmarks = stored if landmarks is None else landmarks
    if pictures and any(index.media):
        finder = _finder(detector, skipped)
        placed = compare_clips(index, index.landmarks, finder, partial(progress, "checking pictures"))
        findings += check_placement(placed)
        findings += check_lag([(one.where, one.flow, one.moved) for one in placed])
        findings += check_copied_pictures(index, partial(progress, "looking for copies"))
        if landmarks is None and finder is not None:
            landmarks = detect_some(index, finder, partial(progress, "detecting landmarks"))
    else:
        skipped.append("pictures: whether they can be read, are copies, and fit the landmarks")
    agreed = None
    if landmarks is None:
        skipped.append("whether labels follow the faces: there are no landmarks")
    else:
        agreed = agreement(index.labels, measure(landmarks), [(s, rows) for s, _, rows in index.sequences()])
        found, lacking = check_labels(agreed, index.aus)
        findings += found
        skipped += lacking
    return Diagnosis(
        index.dataset,
        ordered(findings),
        parts,
        _au_checks(index, agreed),
        fits,
        tuple(skipped),
        whole,
        index.renders,
    )


def _finder(detector: MakeDetector, skipped: list[str]) -> FaceDetector | None:
    try:
        return detector()
    except ModelError as error:
        skipped.append(f"landmarks against a detector: {error}")
        return None


def _au_checks(index: FrameIndex, agreed: Agreement | None) -> tuple[AUCheck, ...]:
    columns = columns_of(index.aus)
    by_part = {part: rates(index.labels[index.part == part]) for part in sorted(set(index.part.tolist()))}
    checks = []
    for axis, number in enumerate(index.aus):
        codes, auc = index.labels[:, axis], None
        if agreed is not None and number in columns and enough(agreed, axis, columns[number]):
            auc = float(agreed.auc[axis, columns[number]])
        check = AUCheck(
            number,
            coded=int((codes != MISSING).sum()),
            present=int((codes == 1).sum()),
            rates={part: plain(values[axis]) for part, values in by_part.items()},
            subjects=len(np.unique(index.subject[codes == 1])),
            shown_by=SHOWN_BY.get(number, ""),
            agreement=auc,
        )
        checks.append(check)
    return tuple(checks)
