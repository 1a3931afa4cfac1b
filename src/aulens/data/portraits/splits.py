"""Who is in a portrait, and its one split: for coded, re-animated and unmoved ones the same."""

from __future__ import annotations

import zlib
from typing import Final

PORTRAITS: Final = "portraits"
"""The name of the data set, and of its people."""

TRAINING: Final = ("sfhq", "cc0", "pexels")
"""Sources of which some train: their licences allow it, and each picture is another person."""

TESTING: Final = ("openpeople", "london")
"""Sources that only test."""

_TEST_SHARE, _VAL_SHARE = 15, 15


def split_of(file: str) -> str:
    """The one split of a portrait, from its name below the folder: "train", "val" or "test", 70/15/15.

    All of the sources that only test are "test".
    """
    if file.partition("/")[0] in TESTING:
        return "test"
    draw = zlib.crc32(file.encode()) % 100
    return "test" if draw < _TEST_SHARE else "val" if draw < _TEST_SHARE + _VAL_SHARE else "train"


def subject_of(file: str) -> str:
    """Who is seen, as `split_of` takes it: "openpeople/P001", "london/001", else the picture's own name."""
    source, _, name = file.partition("/")
    return f"{source}/{name.partition('_')[0]}" if source in TESTING else file
