"""What is said when results can't be written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aulens.errors import ConfigError


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """An error of the disk in the block becomes a sentence about the folder of results.

    Raises:
        ConfigError: instead of the `OSError`.
    """
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"{out} can't be written ({error.strerror or error}). What was done so far is kept there where "
            "it could be; make room or mend that, and go on with --resume"
        ) from error
