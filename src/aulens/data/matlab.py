"""Landmarks in MATLAB's files: cells of an HDF5 file (version 7.3), a matrix of an older one (version 5)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

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
    import h5py

    try:
        with h5py.File(path, "r") as file:
            cells = file[name]
            if not isinstance(cells, h5py.Dataset) or cells.dtype != h5py.ref_dtype:
                raise DatasetError(f"{name!r} is no array of cells")
            references = cells[()].reshape(-1)
            return [_cell(file, references[i]) if 0 <= i < len(references) else None for i in indices]
    except KeyError:
        raise DatasetError(f"has no {name!r}") from None
    except (OSError, RuntimeError) as error:
        raise DatasetError(f"is truncated or no HDF5 file ({str(error).splitlines()[0]})") from None


def _cell(file: object, reference: object) -> NDArray[np.float64] | None:
    if not reference:
        return None
    cell = file[reference]  # type: ignore[index]
    # An empty matrix is stored as the vector of its dimensions, [0, 0].
    if cell.ndim != 2:
        return None
    # HDF5 keeps MATLAB's columns as rows.
    return np.asarray(cell[()], dtype=np.float64).T


def read_matrix(path: Path, name: str) -> NDArray[np.float64]:
    """One matrix of a v5 file.

    Raises:
        DatasetError: the file is truncated, of another kind, or has no such matrix.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        found = loadmat(path, variable_names=[name])
        return np.asarray(found[name], dtype=np.float64)
    except KeyError:
        raise DatasetError(f"has no matrix {name!r}") from None
    except (
        OSError,
        ValueError,
        TypeError,
        NotImplementedError,
        MatReadError,
        zlib.error,
        struct.error,
    ) as error:
        raise DatasetError(f"is truncated or no MATLAB 5 file ({error})") from None


def as_points(matrix: NDArray[np.float64] | None, count: int) -> NDArray[np.float32] | None:
    """(count, 2) float32, 0-based, from MATLAB's 1-based (count, 2) or (2, count); None if it is neither.

    A pixel's centre is an integer in both, so that only 1 is taken away.
    """
    if matrix is None or matrix.shape not in ((count, 2), (2, count)):
        return None
    points = matrix if matrix.shape == (count, 2) else matrix.T
    if not np.isfinite(points).all() or not points.any():
        return None
    return (points - 1).astype(np.float32)
