"""What can go wrong: each message says what was wrong, what was seen, what to do.

Each kind is a `ValueError` too, so that `except ValueError` catches it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def within_memory(what: object) -> Iterator[None]:
    """What needs more memory than there is fails alone, so that what comes after it is done.

    Raises:
        InputError: in place of a `MemoryError`.
    """
    try:
        yield
    except MemoryError as error:
        raise InputError(f"{what}: there is not enough memory for it; make it smaller or shorter") from error


class AulensError(Exception):
    """The parent of all errors that aulens raises on purpose."""


class InputError(AulensError, ValueError):
    """A value, an array or a picture that cannot be used."""


class DatasetError(AulensError, ValueError):
    """A data set on disk that is not as it should be."""


class ModelError(AulensError, ValueError):
    """A model file that is missing, damaged or of another kind."""


class ConfigError(AulensError, ValueError):
    """A setting, an option or a name that does not exist."""


class BusyError(ConfigError):
    """A folder that another process works in."""
