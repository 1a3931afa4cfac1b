"""Data sets by name: which adapter reads a folder, and what is published of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from aulens.data.folders import DEPTH
from aulens.data.index import FrameIndex
from aulens.data.protocols import Protocol
from aulens.errors import ConfigError, DatasetError
from aulens.registry import Registry, blamed

LOOKALIKE: Final = "lookalike.json"
"""What marks a folder as rendered in the layout of a data set."""


@dataclass(frozen=True)
class DatasetEntry:
    """What aulens knows of a data set.

    Attributes:
        read: the folder as delivered → its coded frames, whose `dataset` is the entry's name. It raises
            `DatasetError` where nothing can be read.
        read_listed: likewise, of the frames in JAA-Net's list files, whose folder comes second; None: there
            are no lists of it.
        protocol: how publications use it; None if in no one way.
        same_people_as: another data set whose subjects are these too, under the same names; "" if none is.
            BP4D+ would name none: its people are new ones, though some bear the names of BP4D's.
    """

    read: Callable[[Path], FrameIndex]
    read_listed: Callable[[Path, Path], FrameIndex] | None = None
    protocol: Protocol | None = None
    same_people_as: str = ""


DATASETS: Final = Registry(
    "data set",
    "aulens.datasets",
    DatasetEntry,
    MappingProxyType(
        {
            "bp4d": "aulens.data.bp4d:ENTRY",
            "disfa": "aulens.data.disfa:ENTRY",
            "disfaplus": "aulens.data.disfaplus:ENTRY",
            "affwild2": "aulens.data.affwild2:ENTRY",
            "jaanet": "aulens.data.jaanet:ENTRY",
            "jaanet-bp4d": "aulens.data.jaanet:BP4D_ENTRY",
            "jaanet-disfa": "aulens.data.jaanet:DISFA_ENTRY",
            "portraits": "aulens.data.portraits.read:ENTRY",
            "manifest": "aulens.data.manifest:ENTRY",
        }
    ),
)
"""What can be opened. "jaanet" = JAA-Net's aligned faces with its lists, of whichever data set they are."""


def open_dataset(name: str, root: Path, *, lists: Path | None = None) -> FrameIndex:
    """Read a data set's folder as delivered: its coded frames, and what is wrong with them.

    Args:
        name: one of DATASETS, upper or lower case.
        root: its folder, or the file of a manifest.
        lists: a folder of JAA-Net's list files. BP4D's or DISFA's frames are narrowed to theirs; with
            "jaanet" the place of the lists if it isn't `root`.

    Raises:
        ConfigError: no data set has that name, or `lists` were given for one that has none.
        DatasetError: nothing can be read; it says what was looked for.
    """
    name = name.lower()
    entry = DATASETS[name]
    if lists is None:
        who = f"The reader of the data set {name!r}"
        with nullcontext() if name in DATASETS.own else blamed(who, DatasetError):
            index = entry.read(root)
        if not isinstance(index, FrameIndex):
            raise DatasetError(f"{who} gave {index!r:.200} instead of frames; its package must mend that")
    elif entry.read_listed is None:
        raise ConfigError(f"There are no lists for {name}; they are of bp4d and disfa.")
    else:
        index = entry.read_listed(root, lists)
    return replace(index, renders=index.renders or _is_lookalike(Path(root), index.media))


def protocol_of(dataset: str) -> Protocol | None:
    """How publications use the data set of `FrameIndex.dataset`; None if that is a table of one's own."""
    return DATASETS[dataset].protocol if dataset in DATASETS else None


def people_of(dataset: str) -> str:
    """The data set whose names its subjects bear: one name space for those who are the same people."""
    return (DATASETS[dataset].same_people_as if dataset in DATASETS else "") or dataset


def _is_lookalike(root: Path, media: Sequence[str]) -> bool:
    """Whether the mark lies in the given folder, above it or above a picture.

    Adapters climb up from a delivered subfolder, and look down from a folder that holds the delivered ones.
    """
    given = root.resolve()
    places = {given, *list(given.parents)[:DEPTH]}
    level = {os.path.dirname(path) for path in media if path}
    for _ in range(DEPTH + 2):
        places |= {Path(folder) for folder in level}
        level = {os.path.dirname(folder) for folder in level}
    return any((place / LOOKALIKE).is_file() for place in places)
