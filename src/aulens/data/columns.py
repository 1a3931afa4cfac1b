"""Columns of N rows: which codes they may hold, and where their values change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aulens.aus import MAX_INTENSITY, MISSING
from aulens.errors import DatasetError


def check_codes(labels: NDArray[np.int8]) -> None:
    """Raise DatasetError if labels are other than 0, 1 and MISSING."""
    right = (labels == 0) | (labels == 1) | (labels == MISSING)
    if not right.all():
        wrong = np.unique(labels[~right]).tolist()
        raise DatasetError(f"Labels must be 0, 1 or MISSING ({MISSING}); found {wrong[:5]}.")


def check_intensities(intensities: NDArray[np.float32] | None, shape: tuple[int, ...]) -> None:
    """Raise DatasetError if intensities are of another shape, or other than 0 to 5 and NaN."""
    check_shape("intensities", intensities, *shape)
    if intensities is not None and (wrong := (intensities < 0) | (intensities > MAX_INTENSITY)).any():
        seen = np.unique(intensities[wrong]).tolist()
        raise DatasetError(f"Intensities must be 0 to {MAX_INTENSITY} or NaN; found {seen[:5]}.")


def check_shape(name: str, array: NDArray[Any] | None, *shape: int | str) -> None:
    """Raise DatasetError if an array is of another shape, in which a letter stands for any size."""
    if array is not None and not (
        array.ndim == len(shape)
        and all(wanted in (size, str(wanted)) for size, wanted in zip(array.shape, shape, strict=True))
    ):
        text = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
        raise DatasetError(f"{name} must have shape ({text}), got {array.shape}.")


def rows_of(table: Any, rows: slice | NDArray[np.intp]) -> dict[str, Any]:
    """Some rows of each array of a dataclass, by the names of its fields."""
    arrays = ((item.name, getattr(table, item.name)) for item in fields(table))
    return {name: array[rows] for name, array in arrays if isinstance(array, np.ndarray)}


def changes(*columns: NDArray[Any]) -> NDArray[np.bool_]:
    """(N,) whether a row differs from the one before in any of the (N,) columns; the first does."""
    new = np.ones(len(columns[0]), dtype=bool)
    new[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return new


def distinct_pairs(first: NDArray[np.str_], second: NDArray[np.str_]) -> set[tuple[str, str]]:
    """The pairs that occur in two (N,) columns; quick where equal rows lie together."""
    new = changes(first, second)
    return set(zip(first[new].tolist(), second[new].tolist(), strict=True))


def joined(parts: Sequence[NDArray[np.float32] | None], lengths: Sequence[int]) -> NDArray[np.float32] | None:
    """The rows of all parts, NaN where a part has none; None if no part has any."""
    given = next((part for part in parts if part is not None), None)
    if given is None:
        return None
    return np.concatenate(
        [
            np.full((n, *given.shape[1:]), np.nan, np.float32) if part is None else part
            for part, n in zip(parts, lengths, strict=True)
        ]
    ).astype(np.float32, copy=False)


def point_columns(count: int) -> list[str]:
    """x_0, y_0, x_1, ...: of (K, 2) landmarks in their order in memory."""
    return [f"{axis}_{k}" for k in range(count) for axis in "xy"]
