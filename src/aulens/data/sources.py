"""Data sets by name: which adapter reads a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aulens.data.index import FrameIndex
from aulens.errors import ConfigError

DATASETS: Final = ("bp4d", "disfa", "affwild2")
"""What can be opened."""


def open_dataset(name: str, root: Path, *, lists: Path | None = None) -> FrameIndex:
    """Read a data set's folder as delivered: its coded frames, and what is wrong with them.

    Args:
        name: one of DATASETS, upper or lower case.
        root: its folder, or the file of a manifest.
        lists: a folder of JAA-Net's list files; BP4D's or DISFA's frames are narrowed to theirs.

    Raises:
        ConfigError: no data set has that name, or `lists` were given for one that has none.
        DatasetError: nothing can be read; it says what was looked for.
    """
    # The adapters load h5py, scipy and PyAV, so each is imported when it is asked for.
    match name.lower():
        case "bp4d":
            from aulens.data.bp4d import read_bp4d

            return read_bp4d(root)
        case "disfa":
            from aulens.data.disfa import read_disfa

            return read_disfa(root)
        case "affwild2":
            from aulens.data.affwild2 import read_affwild2

            return read_affwild2(root)
    raise ConfigError(f"No data set is called {name!r}; there are {', '.join(DATASETS)}.")
