"""A fingerprint of arrays and lines of text, made in pieces: a million rows need no copy of themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

PIECE: Final = 1 << 16
"""Rows that are hashed at once."""


def fingerprint(
    arrays: Iterable[NDArray[Any]], lines: Iterable[str], order: NDArray[np.intp] | None = None
) -> str:
    """16 hexadecimal digits that tell these data from others.

    Args:
        arrays: (N, ...) each, hashed as their bytes.
        lines: of text.
        order: (N,) rows of the arrays in the order in which they are hashed; None = as they are.
    """
    digest = hashlib.sha256()
    for array in arrays:
        for first in range(0, len(array), PIECE):
            rows = slice(first, first + PIECE)
            digest.update(np.ascontiguousarray(array[rows] if order is None else array[order[rows]]).data)
    rest = iter(lines)
    apart = ""
    while piece := list(islice(rest, PIECE)):
        digest.update((apart + "\n".join(piece)).encode())
        apart = "\n"
    return digest.hexdigest()[:16]
