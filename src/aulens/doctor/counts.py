"""Checks of what is there against what is published: subjects, parts, frames, coded AUs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.aus import MISSING
from aulens.data.index import FrameIndex, Level, Problem, leak_problems
from aulens.data.protocols import Protocol
from aulens.data.registry import protocol_of
from aulens.doctor.diagnosis import FRAMES, PartCount
from aulens.named import several

UNCODED: Final = 0.2
"""An AU that is not coded in a fifth of the frames can't give published numbers, which rest on nearly all;
DISFA and the frames used of Aff-Wild2 code all AUs in all of them."""

_NO_PICTURE: Final = frozenset({"missing_picture", "missing_video", "unreadable_video", "label_length"})


def count_parts(index: FrameIndex) -> tuple[PartCount, ...]:
    """Frames of each part that is there or published."""
    protocol = protocol_of(index.dataset)
    published = {} if protocol is None else protocol.frames
    names = set(index.part.tolist()) | {part for counts in published.values() for part in counts}
    pictures = np.array([bool(path) for path in index.media])
    given = index.landmarks
    landmarks = np.zeros(len(index), bool) if given is None else np.asarray(np.isfinite(given).all((1, 2)))
    parts = []
    for name in sorted(names):
        rows = index.part == name
        expected = {frames: counts[name] for frames, counts in published.items() if name in counts}
        subjects = len(np.unique(index.subject[rows]))
        seen = int(rows.sum()), int((rows & pictures).sum()), int((rows & landmarks).sum())
        parts.append(PartCount(name, subjects, *seen, expected))
    return tuple(parts)


def fitting_protocol(parts: tuple[PartCount, ...]) -> str:
    """The frame protocol whose counts are those of all parts, "" if none is."""
    inside = [part for part in parts if part.part]
    for frames in sorted({name for part in inside for name in part.published}):
        if all(part.published.get(frames) == part.frames for part in inside):
            return frames
    return ""


def check_counts(index: FrameIndex, parts: tuple[PartCount, ...], whole: bool) -> list[Problem]:
    """Findings on subjects and frames; `whole`: the data set should be complete."""
    findings = _check_media(index)
    protocol = protocol_of(index.dataset)
    if protocol is not None and whole:
        findings += _check_subjects(index, protocol)
        if not any(finding.level == "error" for finding in findings):
            findings += _check_frames(parts)
    return [*findings, *_check_coded(index, protocol is not None and whole), *_check_leaks(index)]


def _check_media(index: FrameIndex) -> list[Problem]:
    lost = np.array([not path for path in index.media])
    reported = sum(p.frames for p in index.problems if p.code in _NO_PICTURE)
    if lost.all():
        message = "no coded frame has a picture; unpack the pictures or videos beside the labels."
        return [Problem("error", "missing_picture", "all pictures", message, len(lost))]
    if lost.sum() > reported:
        where = several(
            sorted({f"{s}/{q}" for s, q in zip(index.subject[lost], index.sequence[lost], strict=True)})
        )
        message = f"{int(lost.sum())} of {len(lost)} coded frames have no picture; they can't be used."
        return [Problem("warning", "missing_picture", where, message, int(lost.sum()))]
    return []


def _check_subjects(index: FrameIndex, protocol: Protocol) -> Iterator[Problem]:
    there = set(index.subject.tolist())
    for part, subjects in protocol.parts.items():
        lacking = [name for name in subjects if name not in there]
        if lacking:
            message = (
                f"{len(lacking)} of {len(subjects)} subjects of part {part} are missing "
                f"({several(lacking, 14)}): the published folds can't be formed; add their labels, or give "
                "--subset if they are left out on purpose."
            )
            yield Problem("error", "missing_subject", f"part {part}", message)
    if not protocol.parts:
        have = set(index.part.tolist())
        lacking = sorted({"train", "validation"} - have)
        if lacking:
            message = (
                f"the {' and '.join(lacking)} part is missing, so nothing can be trained and tested as "
                "published; add its annotations, or give --subset if it is left out on purpose."
            )
            yield Problem("error", "missing_part", protocol.title, message)


def _check_frames(parts: tuple[PartCount, ...]) -> list[Problem]:
    """Warn if no frame protocol's counts fit; name the nearer one."""
    inside = [part for part in parts if part.published]
    protocols = sorted({name for part in inside for name in part.published})
    if not protocols or fitting_protocol(parts):
        return []

    def off(frames: str) -> int:
        return sum(abs(part.frames - part.published[frames]) for part in inside)

    nearest = min(protocols, key=off)
    seen = ", ".join(f"part {p.part} {p.frames:,} ({p.frames - p.published[nearest]:+,})" for p in inside)
    message = (
        f"the frames fit no published protocol; nearest is {FRAMES.get(nearest, nearest)!r}: {seen}. Numbers "
        "will differ a little from published ones; complete the data, or give the official lists (--lists)."
    )
    return [Problem("warning", "frame_count", "all parts", message, off(nearest))]


def _check_coded(index: FrameIndex, published: bool) -> Iterator[Problem]:
    """AUs that are not coded, everywhere or throughout a clip in which others are; AUs that never occur."""
    missing = index.labels == MISSING
    share = missing.mean(0)
    gone = share >= UNCODED
    for axis in np.flatnonzero(gone):
        label = index.aus.labels[axis]
        message = (
            f"{label} is not coded in {share[axis]:.0%} of the frames (expected: hardly any): see whether 0 "
            "and 1 were written as 9 or -1, or the column is missing."
        )
        level: Level = "error" if published or share[axis] == 1 else "warning"
        yield Problem(level, "not_coded", label, message, int(missing[:, axis].sum()))
    # A clip of one frame that could not be coded is no missing column.
    clips = [(f"{s}/{q}", rows, missing[rows].all(0)) for s, q, rows in index.sequences() if len(rows) > 1]
    for axis in np.flatnonzero(~gone):
        label = index.aus.labels[axis]
        lost_clips = [(where, len(rows)) for where, rows, all_missing in clips if all_missing[axis]]
        if lost_clips:
            frames = sum(n for _, n in lost_clips)
            where = several([where for where, _ in lost_clips])
            message = f"{label} is not coded in any of their {frames} frames, where others are."
            yield Problem("warning", "not_coded", where, message, frames)
    if published:
        yield from _never(index, gone)


def _never(index: FrameIndex, gone: NDArray[np.bool_]) -> Iterator[Problem]:
    for part in sorted(set(index.part.tolist()) - {""}):
        rows = index.part == part
        never = np.array(index.aus.labels)[~gone & ~(index.labels[rows] == 1).any(0)].tolist()
        if never:
            s = "s" * (len(never) == 1)
            message = (
                f"{', '.join(never)} never occur{s} in it, so F1 is undefined there; published data "
                "have all AUs in all parts: see whether their columns are empty."
            )
            yield Problem("error", "never_present", f"part {part}", message, int(rows.sum()))


def _check_leaks(index: FrameIndex) -> Iterator[Problem]:
    """Subjects that are in two parts."""
    reported = {p.where for p in index.problems if p.code == "subject_leak"}
    yield from (one for one in leak_problems(index.subject, index.part) if one.where not in reported)
