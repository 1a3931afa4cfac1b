"""JAA-Net's frames: on its own aligned pictures, or picked out of BP4D and DISFA as delivered."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL.Image import DecompressionBombError

from aulens.aus import MISSING
from aulens.data.coded import find_media, no_frames, usable_rows
from aulens.data.folders import delivered_root, walk
from aulens.data.index import FrameIndex, Problem
from aulens.data.jaanet_lists import SIZE, read_lists
from aulens.data.protocols import DISFA_SEQUENCE
from aulens.data.registry import DatasetEntry
from aulens.errors import DatasetError
from aulens.formats import DAMAGE, open_picture
from aulens.named import several

_SUBJECT: Final = re.compile(r"[FM]\d{3}|SN\d{3}")


def read_jaanet(root: Path, lists: Path | None = None, dataset: str | None = None) -> FrameIndex:
    """The frames of the lists on aligned pictures of 200 pixels, imgs/BP4D/F001/T1/2440.jpg.

    Args:
        root: the folder of the pictures, up to 3 levels down, and of the lists unless `lists` is given.
        lists: the folder of the lists.
        dataset: "bp4d" or "disfa"; None = the one whose lists are there.

    Raises:
        DatasetError: there are no lists.
    """
    listed = read_lists(lists or root, dataset)
    problems = list(listed.problems)
    tops: dict[str, list[Path]] = {}
    for folder in walk(delivered_root(root, ()), _SUBJECT):
        for subject in filter(_SUBJECT.fullmatch, folder.folders):
            tops.setdefault(subject, []).append(folder.path / subject)
    if not tops:
        message = "no folder of pictures F001/T1 or SN001 was found; give the folder of the aligned faces."
        problems.append(Problem("error", "missing_picture", "pictures", message, len(listed)))
    usable, found = usable_rows(listed.frame, listed.labels, "lists", listed.subject, listed.sequence)
    problems += found
    kept = listed.take(usable)
    media, part = np.full(len(kept), "", object), kept.part.copy()
    for subject, sequence, rows in kept.sequences():
        part[rows] = part[rows[0]]
        where = f"{subject}/{sequence}"
        lost = Problem("warning", "missing_picture", where, "listed frames have no picture ({}).")
        if tops:
            places = [top if sequence == DISFA_SEQUENCE else top / sequence for top in tops.get(subject, [])]
            numbers = kept.frame[rows] - (kept.dataset == "disfa")
            media[rows] = find_media(places, numbers, lost, problems)
    problems += _size_problems(next(filter(None, media), None))
    if not len(kept):
        raise no_frames(problems)
    return replace(kept, media=tuple(media), part=part, aligned=True, problems=tuple(problems))


def narrow(index: FrameIndex, listed: FrameIndex) -> FrameIndex:
    """Those frames of a data set as delivered that are in the lists, with the lists' parts.

    Labels and landmarks stay the data set's; where the lists' labels differ it is a Problem, as are listed
    frames that the data lack.

    Raises:
        DatasetError: no listed frame is among the data's.
    """
    places = {key: i for i, key in enumerate(index.keys)}
    place = np.array([places.get(key, -1) for key in listed.keys], dtype=np.intp)
    problems: list[Problem] = []
    for part in np.unique(listed.part).tolist():
        rows = (listed.part == part) & (place < 0)
        if rows.any():
            lost = [f"{s}/{q}" for s, q in zip(listed.subject[rows], listed.sequence[rows], strict=True)]
            message = (
                f"{int(rows.sum())} of {int((listed.part == part).sum())} listed frames are not among the "
                f"coded frames of the data ({several(list(dict.fromkeys(lost)))})."
            )
            where = f"list of part {part}"
            problems.append(Problem("warning", "missing_labels", where, message, int(rows.sum())))
    given = np.flatnonzero(place >= 0)
    if not len(given):
        raise DatasetError(
            f"None of the {len(listed)} listed frames is among the data's {len(index)} coded frames."
        )
    # An index into the data, once each and in the data's order.
    _, first = np.unique(place[given], return_index=True)
    given = given[first]
    kept = index.take(place[given])
    problems += _label_problems(kept, listed.labels[given])
    return replace(kept, part=listed.part[given], problems=(*index.problems, *listed.problems, *problems))


def within_lists(read: Callable[[Path], FrameIndex], dataset: str) -> Callable[[Path, Path], FrameIndex]:
    """Read a data set as delivered, narrowed to the lists in a second folder; `dataset` is theirs."""
    return lambda root, lists: narrow(read(root), read_lists(lists, dataset))


def _label_problems(index: FrameIndex, listed: NDArray[np.int8]) -> list[Problem]:
    problems = []
    both = (index.labels != MISSING) & (listed != MISSING)
    for axis, label in enumerate(index.aus.labels):
        count = int((both[:, axis] & (index.labels[:, axis] != listed[:, axis])).sum())
        if count:
            message = (
                f"{count} of {int(both[:, axis].sum())} labels differ from the lists'; the data set's are "
                "taken. Many mean columns or rows in another order."
            )
            problems.append(Problem("warning", "lists_disagree", label, message, count))
    return problems


def _size_problems(picture: str | None) -> list[Problem]:
    """Pictures of another size are not those in which the lists' landmarks are given."""
    if picture is None:
        return []
    try:
        with open_picture(Path(picture)) as image:
            size = image.size
    except (*DAMAGE, DecompressionBombError):
        return []
    if size == (SIZE, SIZE):
        return []
    message = (
        f"pictures are {size[0]} x {size[1]} pixels, the lists' landmarks are for aligned faces of "
        f"{SIZE} x {SIZE}; align as JAA-Net does, or open the data set as delivered with these lists."
    )
    return [Problem("error", "unreadable_landmarks", Path(picture).name, message)]


ENTRY, BP4D_ENTRY, DISFA_ENTRY = (
    DatasetEntry(partial(read_jaanet, dataset=dataset), partial(read_jaanet, dataset=dataset))
    for dataset in (None, "bp4d", "disfa")
)
