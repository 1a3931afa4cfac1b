"""Landmarks in MATLAB's files: cells of an HDF5 file (version 7.3), a matrix of an older one (version 5)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from aulens.contents import bytes_of, size_of
from aulens.errors import DatasetError


def read_cells(path: Path, name: str, indices: Sequence[int]) -> list[NDArray[np.float64] | None]:
    """Some cells of a cell array (or of a field of a struct array) of a v7.3 file.

    Args:
        path: the file.
        name: where the array lies, "fit/pred".
        indices: which cells, from 0.

    Returns:
        For each index the cell's matrix as MATLAB shows it; None if the cell is empty or beyond the end.

    Raises:
        DatasetError: the file is truncated, no HDF5 file, or has no such cells.
    """
    try:
        size_of(path)
        with h5py.File(path, "r") as file:
            cells = _own(file, name)
            if not isinstance(cells, h5py.Dataset) or cells.dtype != h5py.ref_dtype:
                raise DatasetError(f"{name!r} is no array of cells")
            references = _values(cells).reshape(-1)
            return [_cell(file, references[i]) if 0 <= i < len(references) else None for i in indices]
    except DatasetError:
        raise
    except KeyError:
        raise DatasetError(f"has no {name!r}") from None
    except (OSError, RuntimeError, ValueError, TypeError) as error:
        said = str(error).partition("\n")[0]
        raise DatasetError(f"is truncated or no HDF5 file ({said})") from None


def _cell(file: Any, reference: Any) -> NDArray[np.float64] | None:
    if not reference:
        return None
    cell = file[reference]
    # An empty matrix is stored as the vector of its dimensions, [0, 0].
    if not isinstance(cell, h5py.Dataset) or cell.ndim != 2:
        return None
    # HDF5 keeps MATLAB's columns as rows.
    return np.asarray(_values(cell), dtype=np.float64).T


def _own(file: Any, name: str) -> Any:
    """What bears a name in this very file: HDF5 would follow links to any other file of the machine."""
    place = file
    for part in name.split("/"):
        if not isinstance(place, h5py.Group):
            raise KeyError(name)
        if not isinstance(place.get(part, getlink=True), h5py.HardLink | None):
            raise DatasetError(f"{name!r} is a link to another place, which is not followed")
        place = place[part]
    return place


def _values(array: Any) -> NDArray[Any]:
    """All values of an array, which must lie in the file itself; so few that they fit the memory."""
    if array.external or array.is_virtual:
        raise DatasetError(f"{array.name!r} lies in another file, which is not opened")
    if array.size * array.dtype.itemsize > _LARGEST:
        raise DatasetError(f"{array.name!r} has {array.size:,} values, too many for landmarks")
    return np.asarray(array[()])


def read_matrix(path: Path, name: str) -> NDArray[np.float64]:
    """One real matrix of numbers in a v5 file ("MAT-File Format", The MathWorks, "Level 5").

    Our own reader: DISFA has 130,000 such files, and SciPy's dies with the process on some damaged ones.

    Raises:
        DatasetError: the file is truncated, of another kind, or has no such matrix.
    """
    try:
        data = bytes_of(path)
    except OSError as error:
        raise DatasetError(f"cannot be opened ({error.strerror})") from None
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    if order is None:
        raise DatasetError("is truncated or no MATLAB 5 file")
    try:
        for kind, content in _elements(data[128:], order):
            if kind == _COMPRESSED:
                inner = zlib.decompressobj().decompress(content, _LARGEST)
                kind, content = next(_elements(inner, order))
            if kind == _MATRIX and (found := _matrix(content, name, order)) is not None:
                return found
    except (zlib.error, StopIteration, struct.error, ValueError) as error:
        raise DatasetError(f"is truncated or damaged ({error})") from None
    raise DatasetError(f"has no matrix {name!r}")


_COMPRESSED: Final = 15
_MATRIX: Final = 14
_LARGEST: Final = 1 << 24
"""Bytes of a matrix that we unpack: a damaged file must not fill the memory."""
_FARTHEST: Final = 1e6
"""Pixels: no landmark lies farther out."""
_TYPES: Final = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_NUMERIC_CLASSES: Final = range(6, 16)


def _elements(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """(type, content) of each element; small ones keep both in 8 bytes."""
    at = 0
    while at < len(data):
        kind, size = struct.unpack_from(f"{order}II", data, at)
        if kind >> 16:
            kind, size, begin, step = kind & 0xFFFF, kind >> 16, at + 4, 8
        else:
            begin = at + 8
            # Contents end at a multiple of 8, but for compressed ones.
            step = 8 + size + (-size % 8 if kind != _COMPRESSED else 0)
        if begin + size > len(data):
            raise ValueError(f"{begin + size} bytes expected, {len(data)} found")
        yield kind, data[begin : begin + size]
        at += step


def _matrix(content: bytes, name: str, order: str) -> NDArray[np.float64] | None:
    """The matrix if it bears this name."""
    parts = _elements(content, order)
    (_, flags), (_, dimensions), (_, title) = next(parts), next(parts), next(parts)
    if title.rstrip(b"\0").decode("latin-1") != name:
        return None
    if flags[0 if order == "<" else 3] not in _NUMERIC_CLASSES:
        raise ValueError(f"{name!r} holds no numbers")
    kind, values = next(parts)
    if kind not in _TYPES:
        raise ValueError(f"numbers of type {kind}")
    shape = np.frombuffer(dimensions, f"{order}i4")
    numbers = np.frombuffer(values, order + _TYPES[kind]).astype(np.float64)
    return numbers.reshape(tuple(shape.tolist()), order="F")


def as_points(matrix: NDArray[np.float64] | None, count: int) -> NDArray[np.float32]:
    """(count, 2) float32, 0-based, from MATLAB's 1-based (count, 2) or (2, count); NaN if it is neither.

    A pixel's centre is an integer in both, so that only 1 is taken away.
    """
    if matrix is not None and matrix.shape in ((count, 2), (2, count)):
        points = matrix if matrix.shape == (count, 2) else matrix.T
        if (np.abs(points) < _FARTHEST).all() and points.any():  # NaN is not below
            return (points - 1).astype(np.float32)
    return np.full((count, 2), np.nan, np.float32)
