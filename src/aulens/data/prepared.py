"""Adapter for prepared data: folders made by ``aulens prepare``.

A folder holds ``prepared.json`` (what it is), ``manifest.parquet`` (one row per stored face),
``shards/*.tar`` (the faces) and ``missing.csv`` (the frames without one). Columns of the manifest: ``key``,
``subject``, ``sequence``, ``frame``, ``part``, ``shard``, ``offset``, ``length``, ``size`` (side of the
square picture, pixels), ``found``, ``AU<n>`` (0, 1 or MISSING), ``x_0``, ``y_0``, ... (landmarks in pixels
of the picture) and, of data with intensities, ``AU<n>_i`` (0 to 5, NaN where not coded), of data with sides
``AU<n>_side`` (values of ``FrameIndex.one_sided``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import pyarrow
import pyarrow.compute
import pyarrow.parquet
from numpy.typing import NDArray

from aulens.aus import MISSING, AUSet
from aulens.contents import json_of, size_of
from aulens.data.columns import point_columns
from aulens.data.index import BOTH
from aulens.data.shards import StoredImages
from aulens.errors import DatasetError

_Number = TypeVar("_Number", np.int8, np.float32)

FORMAT: Final = "aulens-prepared/1"
ABOUT: Final = "prepared.json"
MANIFEST: Final = "manifest.parquet"
ABSENT: Final = "missing.csv"
BEGUN: Final = "parts/begun.json"
"""There while a folder is unfinished."""

_COLUMNS: Final = (
    "key", "subject", "sequence", "frame", "part", "shard", "offset", "length", "size", "found",
)  # fmt: skip


_TEXTS: Final = ("subject", "sequence", "part", "found")

_BATCH: Final = 1 << 15
"""Rows of landmarks that are read at once."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """N stored faces of A Action Units with K landmarks, sorted by subject, sequence, frame.

    Texts and landmarks are made when they are first asked for: of a million faces they are large.

    Attributes:
        root: the folder.
        labels: (N, A) int8 in {0, 1, MISSING}; an AU that the data set lacks is MISSING throughout.
        names: N names for messages, "ROOT/shards/00001_F001_T1.tar/F001/T1/2440.jpg", with their places.
        frame: (N,) int64, as the data set numbers them.
        points: K.
        dataset: "bp4d".
        renders: the faces are rendered look-alikes, no people.
        near_duplicates: pairs of nearly the same picture in two splits of the data's own, which were allowed.
        intensities: (N, A) float32, 0 to 5, NaN where not coded; None if the folder holds none.
        one_sided: (N, A) int8, see `FrameIndex.one_sided`; None if the folder holds none.
    """

    root: Path
    labels: NDArray[np.int8]
    names: StoredImages
    frame: NDArray[np.int64]
    points: int
    dataset: str
    renders: bool
    columns: Mapping[str, Any] = field(repr=False)
    """Texts as pyarrow.DictionaryArrays: few values, N codes."""
    intensities: NDArray[np.float32] | None = None
    one_sided: NDArray[np.int8] | None = None
    near_duplicates: int = 0

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def subject(self) -> NDArray[np.str_]:
        """(N,) str, as the data set names them."""
        return self.texts("subject")

    @cached_property
    def sequence(self) -> NDArray[np.str_]:
        """(N,) str."""
        return self.texts("sequence")

    @cached_property
    def part(self) -> NDArray[np.str_]:
        """(N,) str, the published part; "" if in none."""
        return self.texts("part")

    @cached_property
    def landmarks(self) -> NDArray[np.float32]:
        """(N, K, 2) float32, (x, y) pixels of the stored picture, integer = pixel centre."""
        return self.read_landmarks(np.arange(len(self)))

    def texts(self, column: str, prefix: str = "") -> NDArray[np.str_]:
        """A column, (N,) str, each text after `prefix`: subject, sequence, part, or found.

        What `found` says is where the landmarks come from: "given" with the data, "detected", or "prior":
        laid into an aligned picture in which no face was detected.
        """
        found = self.columns[column]
        values = np.array([f"{prefix}{value}" for value in found.dictionary.to_pylist()], dtype=np.str_)
        return np.asarray(values[found.indices.to_numpy()])

    def read_landmarks(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """The landmarks of these rows, (n, K, 2), none of them twice, read to where they belong.

        Raises:
            DatasetError: the manifest is damaged.
        """
        place = np.full(len(self), -1, np.intp)
        place[rows] = np.arange(len(rows))
        landmarks = np.empty((len(rows), self.points * 2), np.float32)
        names = point_columns(self.points)
        first = 0
        with _opened(self.root / MANIFEST) as file:
            for group in range(file.num_row_groups):
                # Group by group: over all of them, a reader keeps the whole file.
                for batch in file.iter_batches(_BATCH, [group], names):
                    values = np.stack([batch.column(name).to_numpy(False) for name in names], 1)
                    there = place[first : first + len(values)]
                    landmarks[there[there >= 0]] = values[there >= 0]
                    first += len(values)
        pyarrow.default_memory_pool().release_unused()
        return landmarks.reshape(-1, self.points, 2)


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
    with _opened(manifest) as file:
        known = set(file.schema_arrow.names)
        count = sum(re.fullmatch(r"x_\d+", name) is not None for name in known)
        lacking = [name for name in (*_COLUMNS, *point_columns(count)) if name not in known]
        if lacking or not count:
            lost = (*lacking, "x_0")[0]
            raise DatasetError(f"{manifest} lacks the column {lost!r}. Prepare the data again.")
        if not file.metadata.num_rows:
            raise DatasetError(f"{root} holds no faces; {root / ABSENT} says of each frame why.")
        labels = [name for label in aus.labels for name in (label, f"{label}_i", f"{label}_side")]
        table = file.read([*_COLUMNS, *(name for name in labels if name in known)])
    shards = _encoded(table, "shard")
    paths = tuple(str(root / shard) for shard in shards.dictionary.to_pylist())
    for path in paths:
        if not os.path.isfile(path):  # Path.is_file raises at names that no disk can hold
            raise DatasetError(f"{manifest} names {path}, which does not exist. Was the folder copied whole?")
    shard = shards.indices.to_numpy().astype(np.int32)

    def holds(suffix: str) -> bool:
        return any(f"{label}{suffix}" in known for label in aus.labels)

    texts = pyarrow.large_string()
    key = pyarrow.chunked_array(table["key"].cast(texts)).combine_chunks()
    names = pyarrow.compute.binary_join_element_wise(
        key, pyarrow.scalar(".jpg", texts), pyarrow.scalar("", texts)
    )
    return Prepared(
        root=root,
        labels=_of_aus(table, aus, "", np.int8(MISSING)),
        names=StoredImages.within(paths, shard, names, _numbers(table, "offset"), _numbers(table, "length")),
        frame=_numbers(table, "frame"),
        points=count,
        dataset=str(about["dataset"]),
        renders=bool(about.get("renders", False)),
        columns={name: _encoded(table, name) for name in _TEXTS},
        intensities=_of_aus(table, aus, "_i", np.float32("nan")) if holds("_i") else None,
        one_sided=_of_aus(table, aus, "_side", np.int8(BOTH)) if holds("_side") else None,
        near_duplicates=len(about.get("near_duplicates", ())),
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
        about = json_of(path)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} is damaged ({error}). Prepare the data again.") from error
    if not isinstance(about, dict) or about.get("format") != FORMAT or "dataset" not in about:
        seen = about.get("format") if isinstance(about, dict) else about
        raise DatasetError(f"{path} is of format {seen!r:.80}; this version reads {FORMAT!r}. Prepare again.")
    return about


@contextmanager
def _opened(manifest: Path) -> Iterator[Any]:
    with _readable(manifest, LookupError, UnicodeDecodeError):  # of damaged names of columns
        size_of(manifest)
        file = pyarrow.parquet.ParquetFile(manifest, read_dictionary=[*_TEXTS, "shard"], pre_buffer=False)
    with _readable(manifest), file:
        yield file


@contextmanager
def _readable(manifest: Path, *more: type[Exception]) -> Iterator[None]:
    try:
        yield
    except (OSError, pyarrow.ArrowException, *more) as error:
        raise DatasetError(f"Cannot read {manifest}: {error}. Was the folder copied whole?") from error


def _encoded(table: Any, column: str) -> Any:
    texts = table[column]
    if not pyarrow.types.is_dictionary(texts.type):
        texts = texts.cast(pyarrow.string()).dictionary_encode()
    return texts.unify_dictionaries().combine_chunks()


def _numbers(table: Any, column: str) -> NDArray[np.int64]:
    return np.asarray(table[column].to_numpy(), dtype=np.int64)


def _of_aus(table: Any, aus: AUSet, suffix: str, lacking: _Number) -> NDArray[_Number]:
    """The columns AU1 + `suffix`, ...: (N, A), `lacking` where the table has none of an AU."""
    values = np.full((len(table), len(aus)), lacking, dtype=lacking.dtype)
    for index, label in enumerate(aus.labels):
        if f"{label}{suffix}" in table.column_names:
            values[:, index] = table[f"{label}{suffix}"].to_numpy()
    return values
