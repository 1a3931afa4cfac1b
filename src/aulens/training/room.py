"""A full disk, told in a sentence: libraries report it each in its own way."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from aulens.errors import ModelError

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_SAID: Final = (
    "No space left",
    "StorageFull",
    "Disk quota exceeded",
    "PytorchStreamWriter failed writing",  # it does not say why
)
"""In messages of safetensors and torch, which raise no OSError."""


@contextmanager
def told_if_full(folder: Path, then: str) -> Iterator[None]:
    """Turn the error of a full disk into a sentence.

    Args:
        folder: where is written.
        then: what goes on once there is room: "the same command".

    Raises:
        ModelError: the disk is full.
    """
    try:
        yield
    except Exception as error:
        if is_full(error):
            raise ModelError(f"The disk of {folder} is full. Make room; {then} goes on.") from error
        raise


def is_full(error: BaseException) -> bool:
    """Whether an error, or what it came from, is that of a full disk or a used-up quota."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    if any(words in str(error) for words in _SAID):
        return True
    before = error.__cause__ or error.__context__
    return before is not None and is_full(before)
