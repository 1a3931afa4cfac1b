"""Finding delivered files below a folder: a walk, breadth first, that stays shallow."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aulens.errors import DatasetError

DEPTH: Final = 3
"""How far below the given folder the delivered ones are looked for."""

_PICTURES: Final = (".jpg", ".jpeg", ".png", ".bmp")


@dataclass(frozen=True)
class Folder:
    """A folder and the names in it, sorted; hidden names are left out."""

    path: Path
    folders: tuple[str, ...]
    files: tuple[str, ...]


def delivered_root(root: Path, delivered: Sequence[str]) -> Path:
    """Where to look: `root`, or its parent if `root` itself bears a delivered folder's name.

    Raises:
        DatasetError: `root` is no folder.
    """
    if not root.is_dir():
        what = f"{root} is a file" if root.exists() else f"There is no folder {root}"
        raise DatasetError(f"{what}; give the folder that holds the data set as delivered.")
    names = {name.lower() for name in delivered}
    found = root.resolve()
    while found.name.lower() in names:
        found = found.parent
    return root if found == root.resolve() else found


def walk(root: Path, leaf: re.Pattern[str], depth: int = DEPTH) -> Iterator[Folder]:
    """Folders from `root` downwards, the nearest first; `leaf` = names of folders that aren't entered.

    A data set has hundreds of thousands of pictures in folders named by subject: listing those would cost
    more than all the rest.
    """
    level = [root]
    for _ in range(depth + 1):
        below: list[Path] = []
        for path in level:
            folder = listing(path)
            yield folder
            below += [path / name for name in folder.folders if not leaf.fullmatch(name)]
        level = below


def listing(path: Path) -> Folder:
    """The names in one folder.

    Raises:
        DatasetError: it can't be listed.
    """
    try:
        with os.scandir(path) as entries:
            found = sorted((one.name, one.is_dir()) for one in entries if not one.name.startswith("."))
    except OSError as error:
        raise DatasetError(f"Cannot list the folder {path}: {error.strerror}.") from None
    folders, files = (tuple(name for name, inside in found if inside is kind) for kind in (True, False))
    return Folder(path, folders, files)


def numbered_pictures(names: Sequence[str]) -> Mapping[int, str]:
    """Pictures by the number that is their name: 0721.jpg, 721.jpg, 00721.png are all 721.

    Of several with one number the first wins of: 4 digits, no padding, 3 digits, 5 digits, any.
    """
    found: dict[int, tuple[tuple[int, int], str]] = {}
    for name in names:
        stem, suffix = os.path.splitext(name)
        if suffix.lower() in _PICTURES and stem.isascii() and stem.isdigit():
            number = int(stem)
            rank = (_padding(stem), _PICTURES.index(suffix.lower()))
            if number not in found or rank < found[number][0]:
                found[number] = rank, name
    return {number: name for number, (_, name) in found.items()}


def _padding(stem: str) -> int:
    if len(stem) == 4:
        return 0
    return 1 if stem == str(int(stem)) else {3: 2, 5: 3}.get(len(stem), 4)
