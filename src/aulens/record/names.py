"""Names of the files that are made of several inputs: none is written over by another."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

_KEPT: Final = ("columns", "results")
"""What `aulens detect` writes beside the files of videos: columns.csv, results.csv."""
_EVENTS: Final = ".events"


def free_name(stem: str, taken: set[str]) -> str:
    """`stem`, or with the first number that makes it new: "a", "a-2", "a-3"; notes it as taken."""
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}-{number}", number + 1
    taken.add(name)
    return name


def clip_names(paths: Iterable[str | Path]) -> tuple[str, ...]:
    """A name for the files of each video, by its own; the same for the same videos in the same order.

    A second "a" becomes "a-2". A video "a.events" beside "a" does too, as the events of "a" are so called.
    """
    taken = set(_KEPT)
    names = []
    for path in paths:
        name = free_name(Path(path).stem, taken)
        taken |= {f"{name}{_EVENTS}"}
        if name.endswith(_EVENTS):
            taken.add(name.removesuffix(_EVENTS))
        names.append(name)
    return tuple(names)
