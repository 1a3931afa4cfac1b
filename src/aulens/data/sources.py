"""Data sets by name: which adapter reads a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from aulens.data.folders import DEPTH
from aulens.data.index import FrameIndex
from aulens.errors import ConfigError

DATASETS: Final = (
    "bp4d",
    "disfa",
    "disfaplus",
    "affwild2",
    "jaanet",
    "jaanet-bp4d",
    "jaanet-disfa",
    "portraits",
    "manifest",
)
"""What can be opened. "jaanet" = JAA-Net's aligned faces with its lists, of whichever data set they are."""

LOOKALIKE: Final = "lookalike.json"
"""What marks a folder as rendered in the layout of a data set."""

_WITH_LISTS: Final = ("bp4d", "disfa")


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
    if name not in DATASETS:
        raise ConfigError(f"No data set is called {name!r}; there are {', '.join(DATASETS)}.")
    if name.startswith("jaanet"):
        from aulens.data.jaanet import read_jaanet

        index = read_jaanet(root, lists, name.removeprefix("jaanet").lstrip("-") or None)
        return replace(index, renders=_is_lookalike(Path(root), index.media))
    if lists is not None and name not in _WITH_LISTS:
        raise ConfigError(f"There are no lists for {name}; they are of {' and '.join(_WITH_LISTS)}.")
    index = _open(name, root)
    index = replace(index, renders=index.renders or _is_lookalike(Path(root), index.media))
    if lists is None:
        return index
    from aulens.data.jaanet import narrow
    from aulens.data.jaanet_lists import read_lists

    return narrow(index, read_lists(lists, name))


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


def _open(name: str, root: Path) -> FrameIndex:
    # The adapters load h5py, scipy and PyAV, so each is imported when it is asked for.
    match name:
        case "bp4d":
            from aulens.data.bp4d import read_bp4d

            return read_bp4d(root)
        case "disfa":
            from aulens.data.disfa import read_disfa

            return read_disfa(root)
        case "disfaplus":
            from aulens.data.disfaplus import read_disfaplus

            return read_disfaplus(root)
        case "affwild2":
            from aulens.data.affwild2 import read_affwild2

            return read_affwild2(root)
        case "portraits":
            from aulens.data.portraits.read import read_portraits

            return read_portraits(root)
        case _:
            from aulens.data.manifest import read_manifest

            return read_manifest(root)
