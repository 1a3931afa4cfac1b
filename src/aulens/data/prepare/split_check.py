"""Near-duplicates of a picture in two splits: looked for before data with own splits are finished."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet
from numpy.typing import NDArray

from aulens.data.columns import point_columns
from aulens.data.folds import has_own_splits
from aulens.data.frames import read_picture
from aulens.data.index import PICTURE, FrameIndex
from aulens.data.near_duplicates import FACE, WHOLE, Prints, find_near_duplicates, upright
from aulens.data.prepare.units import Unit
from aulens.data.prepare.work import rows_file
from aulens.data.samples import SPLITS
from aulens.data.shards import read_bytes
from aulens.errors import DatasetError

_BLANK = np.zeros((1, 1, 3), np.uint8)


def pairs_between_splits(index: FrameIndex, root: Path, units: Sequence[Unit], points: int) -> list[str]:
    """Of data whose parts are splits: which two of them hold nearly the same picture, or face.

    Args:
        index: the frames.
        root: the folder, of which all units are done.
        units: of the frames.
        points: landmarks of a stored face.

    Returns:
        The pairs, "F001/a/1 (train) and F002/a/1 (test)".
    """
    if not has_own_splits(index.part):
        return []
    whole = Prints.of(map(_picture, index.media, index.position.tolist()))
    stored = Prints.of(_faces(root, units, points))
    faces = stored.take(np.argsort(np.concatenate([unit.rows for unit in units])))
    pairs = set[tuple[int, int]]()
    homes = [np.flatnonzero(index.part == name) for name in SPLITS]
    for one, other in combinations(homes, 2):
        for prints, likeness in ((whole, WHOLE), (faces, FACE)):
            found = find_near_duplicates(prints.take(one), prints.take(other), likeness)
            pairs |= {(int(one[a]), int(other[b])) for a, b in found}
    keys, part = index.keys, index.part
    return [f"{keys[a]} ({part[a]}) and {keys[b]} ({part[b]})" for a, b in sorted(pairs)]


def _picture(path: str, position: int) -> NDArray[np.uint8]:
    if not path or position != PICTURE:
        return _BLANK
    try:
        return read_picture(path)
    except DatasetError:  # it is in missing.csv
        return _BLANK


def _faces(root: Path, units: Sequence[Unit], points: int) -> Iterator[NDArray[np.uint8]]:
    """The stored faces, upright and tightly cut, unit by unit; a blank for one that is missing."""
    names = point_columns(points)
    for unit in units:
        table: Any = pyarrow.parquet.read_table(
            rows_file(root, unit.name), columns=["shard", "offset", "length", *names]
        )
        landmarks = np.stack([table[name].to_numpy() for name in names], 1).reshape(-1, points, 2)
        byte_ranges = zip(*(table[name].to_pylist() for name in ("shard", "offset", "length")), strict=True)
        for (shard, offset, length), face in zip(byte_ranges, landmarks, strict=True):
            if not shard:
                yield _BLANK
                continue
            data = np.frombuffer(read_bytes(str(root / shard), offset, length), np.uint8)
            yield upright(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), np.uint8), face)
