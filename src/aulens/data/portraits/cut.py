"""Cut the coded portraits out of the public sources as delivered.

    python -m aulens.data.portraits.cut PUBLIC OUT

PUBLIC holds the repositories, checked out, wherever below it (README.md beside this file says which commits);
the package openpeople is also found where it is installed. OUT gets `sfhq/`, `cc0/`, `pexels/`, `london/` and
`openpeople/`, of those that are there.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.data.folders import DEPTH
from aulens.data.frames import read_picture
from aulens.data.portraits.codes import CODES, read_portrait_codes
from aulens.errors import AulensError, DatasetError
from aulens.files import disk_errors, write_bytes
from aulens.image import encode_jpeg

CUT: Final = "python -m aulens.data.portraits.cut PUBLIC OUT"
BOXES: Final = Path(__file__).with_name("boxes.csv.xz")
"""Where each tile lies: source, file, picture, x0, y0, x1, y1, the ends excluded."""

_QUALITY: Final = 92


@dataclass(frozen=True)
class Source:
    """A public source.

    Attributes:
        name: of its folder of portraits.
        mark: a file below the checked out repository, or package, by which it is known.
        longest: pixels of the longer side of a portrait, at most.
    """

    name: str
    mark: str
    longest: int


SOURCES: Final = (
    Source("sfhq", "figures/textual_search_2_Accessories_top_10_matches.jpg", 400),
    Source("cc0", "female/512/0.jpg", 448),
    Source("pexels", "1000 x 1000/001.jpg", 400),
    Source("london", "inst/neutral_front/001_03.jpg", 640),
    Source("openpeople", "openpeople/data/curated/P001/assets/emotions_sheet.jpg", 640),
)

Box = tuple[int, int, int, int]


def is_delivered(root: Path) -> bool:
    """Whether a folder holds one of the public sources as delivered."""
    return any(_home(root, source.mark) for source in SOURCES)


def cut_portraits(public: Path, out: Path, boxes: Path = BOXES, codes: Path = CODES) -> dict[str, int]:
    """Write OUT/SOURCE/FILE for every portrait whose source is there; those that lie there already stay.

    Args:
        public: the folder with the repositories.
        out: made if missing.
        boxes: the table of tiles; see `BOXES`.
        codes: the table of codes; see `aulens.data.portraits.codes`.

    Returns:
        Portraits per source that was found.

    Raises:
        DatasetError: no source is found, a picture of one is missing, or it is of another version.
    """
    if not Path(public).is_dir():
        raise DatasetError(f"{public} is no folder; give the one that the public sources lie below.")
    tiles_of = pd.read_csv(boxes)
    done: dict[str, int] = {}
    for source in SOURCES:
        home = _home(Path(public), source.mark)
        if home is None and source.name == "openpeople":
            home = _installed()
        if home is None:
            continue
        folder = Path(out) / source.name
        folder.mkdir(parents=True, exist_ok=True)
        tiles = list(_tiles(source, tiles_of[tiles_of["source"] == source.name], codes))
        for file, picture, box in tiles:
            if not (folder / file).is_file():
                tile = _cut(home / picture, box, source.longest)
                write_bytes(folder / file, encode_jpeg(tile, _QUALITY), to_disk=False)
        done[source.name] = len(tiles)
    if not done:
        lacking = ", ".join(source.mark for source in SOURCES)
        raise DatasetError(f"{public} holds none of {lacking}; check the repositories out below it.")
    return done


def _tiles(source: Source, boxes: pd.DataFrame, codes: Path) -> Iterator[tuple[str, str, Box | None]]:
    """(name of the portrait, picture of the repository that holds it, where: None = all of it)."""
    if len(boxes):
        for file, picture, *corners in boxes.drop(columns="source").itertuples(index=False, name=None):
            x0, y0, x1, y1 = map(int, corners)
            yield str(file), str(picture), (x0, y0, x1, y1)
        return
    for coded in read_portrait_codes(codes).files:
        name, _, file = coded.partition("/")
        if name == source.name:
            yield file, _whole_picture(name, file), None


def _whole_picture(source: str, file: str) -> str:
    """Where a portrait that is a whole picture lies in its repository."""
    if source == "cc0":
        sex, _, number = file.partition("_")
        return f"{sex}/512/{number}"
    if source == "pexels":
        return f"1000 x 1000/{file}"
    return f"inst/{'neutral' if '_03' in file else 'smiling'}_front/{file}"


@lru_cache(maxsize=1)
def _picture(path: Path) -> NDArray[np.uint8]:
    return read_picture(path)  # sixty tiles in a row are of one picture


def _cut(path: Path, box: Box | None, longest: int) -> NDArray[np.uint8]:
    image = _picture(path)
    height, width = image.shape[:2]
    x0, y0, x1, y1 = box or (0, 0, width, height)
    if x1 > width or y1 > height:
        raise DatasetError(f"{path} has {width} x {height} pixels: it is of another version than the boxes.")
    tile = image[y0:y1, x0:x1]
    scale = longest / max(tile.shape[:2])
    if scale >= 1:
        return tile
    size = round(tile.shape[1] * scale), round(tile.shape[0] * scale)
    return np.asarray(cv2.resize(tile, size, interpolation=cv2.INTER_AREA), np.uint8)


def _home(root: Path, mark: str) -> Path | None:
    """The folder at or below `root` that holds the mark."""
    below = (path for depth in range(1, DEPTH + 1) for path in sorted(root.glob("/".join("*" * depth))))
    return next((place for place in chain([root], below) if (place / mark).is_file()), None)


def _installed() -> Path | None:
    spec = find_spec("openpeople")  # not imported
    return Path(spec.origin).parent.parent if spec and spec.origin else None


def main() -> None:
    """The command line of this file."""
    parser = argparse.ArgumentParser(prog="python -m aulens.data.portraits.cut", description=__doc__)
    parser.add_argument("public", type=Path, metavar="PUBLIC")
    parser.add_argument("out", type=Path, metavar="OUT")
    given = parser.parse_args()
    try:
        with disk_errors(given.out, "the same command"):
            counts = cut_portraits(given.public, given.out)
        for source, count in counts.items():
            print(f"{source}: {count} portraits")
        if lacking := [one.name for one in SOURCES if not (given.out / one.name).is_dir()]:
            print(f"not found below {given.public}: {', '.join(lacking)}")
    except AulensError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
