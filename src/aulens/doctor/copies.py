"""Checks for the same frames, labels or landmarks under two names: a copied file, a person in two parts."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np

from aulens.data.index import PICTURE, FrameIndex, Level, Problem
from aulens.doctor.flicker import changes
from aulens.doctor.sampling import Rows, read_rows, spread
from aulens.errors import DatasetError
from aulens.named import several

SAMPLED: Final = 6
"""Frames of each clip that are searched for elsewhere."""

SEARCHED: Final = 500
"""Frames of each clip among which they are searched."""

MIN_CHANGES: Final = 5
"""Changes from which on clips of equal labels are suspicious; faces at rest are all alike."""

FLAT: Final = 2.0
"""A picture whose grey values spread less is a blank, and no copy."""

_BLOCK = 4096


def check_copied_files(index: FrameIndex) -> list[Problem]:
    """Clips with the same labels, or the same landmarks, throughout."""
    labels, points = defaultdict[Hashable, list[str]](list), defaultdict[Hashable, list[str]](list)
    for subject, sequence, rows in index.sequences():
        where = f"{subject}/{sequence}"
        seen, _ = changes(index.labels[rows], index.frame[rows])
        if seen >= MIN_CHANGES:
            labels[index.labels[rows].tobytes()].append(where)
        if index.landmarks is not None:
            given = index.landmarks[rows]
            given = given[np.isfinite(given).all((1, 2))]
            if len(given) >= MIN_CHANGES and (given[0] != given[-1]).any():
                points[given.tobytes()].append(where)
    return [
        Problem(
            "error",
            f"identical_{what}",
            several(names),
            f"these clips have exactly the same {what} in all frames: a file was copied under another "
            "name; get the right one.",
        )
        for what, groups in (("labels", labels), ("landmarks", points))
        for names in groups.values()
        if len(names) > 1
    ]


def check_copied_pictures(index: FrameIndex, step: Callable[[int, int], None]) -> list[Problem]:
    """Pictures of one subject that are, to the byte, pictures of another; sampled, see SAMPLED and SEARCHED.

    `step` is called with the clips that are done and their number.
    """
    clips = index.sequences()
    sizes = defaultdict[int, list[int]](list)
    wanted = set[int]()
    films = list[Rows]()
    for done, (_, _, rows) in enumerate(clips):
        step(done, 2 * len(clips))
        rows = rows[[bool(index.media[row]) for row in rows]]
        sampled = spread(rows.tolist(), SAMPLED)
        if len(rows) and index.position[rows[0]] != PICTURE:
            films.append(np.array(sampled, np.intp))
            continue
        wanted.update(sampled)
        for row in {*sampled, *spread(rows.tolist(), SEARCHED)}:
            with suppress(OSError):  # reported elsewhere
                sizes[Path(index.media[row]).stat().st_size].append(row)
    found = defaultdict[Hashable, list[int]](list)
    for size, rows_of_size in sizes.items():
        people = {index.subject[row] for row in rows_of_size}
        if len(people) > 1 and wanted.intersection(rows_of_size):
            for row in rows_of_size:
                found[size, _fingerprint(index.media[row], size)].append(row)
    for done, rows in enumerate(films):
        step(len(clips) + done, 2 * len(clips))
        for row, mark in _film_marks(index, rows):
            found[mark].append(row)
    step(1, 1)
    return list(_copies(index, found.values()))


def _fingerprint(path: str, size: int) -> bytes:
    """A digest of a block in the middle of a file and of its end; b"" if it can't be read."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, size // 2 - _BLOCK // 2))
            middle = file.read(_BLOCK)
            file.seek(max(0, size - _BLOCK))
            return hashlib.sha256(middle + file.read(_BLOCK)).digest()
    except OSError:
        return b""


def _film_marks(index: FrameIndex, rows: Rows) -> Iterator[tuple[int, bytes]]:
    with suppress(DatasetError):  # reported elsewhere
        for row, image in read_rows(index, rows):
            if image.std() >= FLAT:
                yield row, hashlib.sha256(image.tobytes()).digest()


def _copies(index: FrameIndex, groups: Iterable[list[int]]) -> Iterator[Problem]:
    pairs = defaultdict[tuple[str, str], list[tuple[int, int]]](list)
    for rows in groups:
        firsts: dict[str, int] = {}
        for row in sorted(rows):
            firsts.setdefault(str(index.subject[row]), row)
        people = sorted(firsts)
        for other in people[1:]:
            pairs[people[0], other].append((firsts[people[0]], firsts[other]))
    keys = index.keys if pairs else []
    for (one, other), same in pairs.items():
        parts = sorted({str(index.part[row]) for pair in same for row in pair})
        a, b = same[0]
        why = ": a folder was copied, or one person has two names"
        if len(parts) > 1:
            why = f", in parts {' and '.join(parts)}: a test would measure memory"
        message = (
            f"{len(same)} of the sampled pictures of {one} are also pictures of {other} (as {keys[a]} and "
            f"{keys[b]}){why}; get the right pictures, or put both into one part."
        )
        level: Level = "error" if len(parts) > 1 and len(same) > 1 else "warning"
        yield Problem(level, "identical_frames", f"{one}, {other}", message)
