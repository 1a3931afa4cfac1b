"""Adapter for prepared data: folders made by ``aulens prepare``.

A folder holds ``prepared.json`` (what it is), ``manifest.parquet`` (one row per stored face),
``shards/*.tar`` (the faces) and ``missing.csv`` (the frames without one). Columns of the manifest: ``key``,
``subject``, ``sequence``, ``frame``, ``part``, ``shard``, ``offset``, ``length``, ``size`` (side of the
square picture, pixels), ``found``, ``AU<n>`` (0, 1 or MISSING), and ``x_0``, ``y_0``, ... (landmarks in
pixels of the picture).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.aus import MISSING, AUSet
from aulens.data.shards import Span
from aulens.errors import DatasetError

FORMAT: Final = "aulens-prepared/1"
ABOUT: Final = "prepared.json"
MANIFEST: Final = "manifest.parquet"
ABSENT: Final = "missing.csv"
BEGUN: Final = "parts/begun.json"
"""There while a folder is unfinished."""

_COLUMNS: Final = (
    "key", "subject", "sequence", "frame", "part", "shard", "offset", "length", "size", "found",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Prepared:
    """N stored faces of A Action Units with K landmarks, sorted by subject, sequence, frame.

    Attributes:
        names: N names for messages, "ROOT/shards/00001_F001_T1.tar/F001/T1/2440.jpg".
        spans: N places of the JPEG files.
        subject: (N,) str, as the data set names them.
        sequence: (N,) str.
        frame: (N,) int64, as the data set numbers them.
        part: (N,) str, the published part; "" if in none.
        labels: (N, A) int8 in {0, 1, MISSING}; an AU that the data set lacks is MISSING throughout.
        landmarks: (N, K, 2) float32, (x, y) pixels of the stored picture, integer = pixel centre.
        found: (N,) str, where the landmarks come from: "given" with the data, "detected", or "prior": laid
            into an aligned picture in which no face was detected.
        dataset: "bp4d".
        renders: the faces are rendered look-alikes, no people.
    """

    names: tuple[str, ...]
    spans: tuple[Span, ...]
    subject: NDArray[np.str_]
    sequence: NDArray[np.str_]
    frame: NDArray[np.int64]
    part: NDArray[np.str_]
    labels: NDArray[np.int8]
    landmarks: NDArray[np.float32]
    found: NDArray[np.str_]
    dataset: str
    renders: bool = False

    def __len__(self) -> int:
        return len(self.names)


def is_prepared(root: Path) -> bool:
    """Whether a folder holds prepared data, finished or not."""
    return (Path(root) / ABOUT).is_file() or (Path(root) / BEGUN).is_file()


def load_prepared(root: Path, aus: AUSet) -> Prepared:
    """Read a folder of prepared data.

    Args:
        root: made by ``aulens prepare``.
        aus: the AUs wanted, the meaning of axis A.

    Raises:
        DatasetError: it is no such folder, is unfinished or damaged, holds no faces, or a shard is missing.
    """
    root = Path(root)
    about = read_about(root)
    manifest = root / MANIFEST
    try:
        table = pd.read_parquet(manifest)
    except (OSError, ValueError) as error:
        raise DatasetError(f"Cannot read {manifest}: {error}. Was the folder copied whole?") from error
    count = sum(re.fullmatch(r"x_\d+", str(name)) is not None for name in table)
    points = [f"{axis}_{k}" for k in range(count) for axis in "xy"]
    lacking = [name for name in (*_COLUMNS, *points) if name not in table]
    if lacking or not count:
        raise DatasetError(f"{manifest} lacks the column {(*lacking, 'x_0')[0]!r}. Prepare the data again.")
    if table.empty:
        raise DatasetError(f"{root} holds no faces; {root / ABSENT} says of each frame why.")
    shards = table["shard"].astype(str).to_numpy(object)
    paths = {shard: str(root / shard) for shard in pd.unique(shards)}
    for path in paths.values():
        if not Path(path).is_file():
            raise DatasetError(f"{manifest} names {path}, which does not exist. Was the folder copied whole?")
    places = zip(shards, table["offset"].tolist(), table["length"].tolist(), strict=True)
    keys = table["key"].astype(str).tolist()
    return Prepared(
        names=tuple(f"{paths[shard]}/{key}.jpg" for shard, key in zip(shards, keys, strict=True)),
        spans=tuple(Span(paths[shard], offset, length) for shard, offset, length in places),
        subject=_text(table, "subject"),
        sequence=_text(table, "sequence"),
        frame=table["frame"].to_numpy(np.int64),
        part=_text(table, "part"),
        labels=_labels(table, aus),
        landmarks=table[points].to_numpy(np.float32).reshape(-1, count, 2),
        found=_text(table, "found"),
        dataset=str(about["dataset"]),
        renders=bool(about.get("renders", False)),
    )


def read_about(root: Path) -> dict[str, Any]:
    """What prepared.json says of a folder: settings, counts, fingerprint of the source.

    Raises:
        DatasetError: the file is missing, damaged or of another format.
    """
    path = Path(root) / ABOUT
    if not path.is_file():
        if is_prepared(root):
            raise DatasetError(f"{root} is not finished. The same command of aulens prepare goes on.")
        raise DatasetError(f"{root} holds no prepared data: {ABOUT} is missing. Make it: aulens prepare.")
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} is damaged ({error}). Prepare the data again.") from error
    if not isinstance(about, dict) or about.get("format") != FORMAT or "dataset" not in about:
        seen = about.get("format") if isinstance(about, dict) else about
        raise DatasetError(f"{path} is of format {seen!r}; this version reads {FORMAT!r}. Prepare again.")
    return about


def _text(table: pd.DataFrame, column: str) -> NDArray[np.str_]:
    return table[column].astype(str).to_numpy(np.str_)


def _labels(table: pd.DataFrame, aus: AUSet) -> NDArray[np.int8]:
    labels = np.full((len(table), len(aus)), MISSING, dtype=np.int8)
    for index, label in enumerate(aus.labels):
        if label in table:
            labels[:, index] = table[label].to_numpy(np.int8)
    return labels
