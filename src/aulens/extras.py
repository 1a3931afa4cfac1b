"""Libraries that come with an extra: loaded when they are first used, and named where they are missing."""

import importlib
from importlib.util import find_spec
from typing import Any

from aulens.errors import ConfigError


def is_installed(library: str) -> bool:
    """Whether a library of an extra is there; it is not loaded."""
    return find_spec(library) is not None


def library(name: str, extra: str, what: str) -> Any:
    """A library, or one of its modules, that an extra brings.

    Args:
        name: "pyarrow.parquet".
        extra: which brings it.
        what: needs it, a plural: "Parquet tables".

    Raises:
        ConfigError: it is not installed; says what to install.
    """
    root = name.partition(".")[0]
    try:
        importlib.import_module(root)
    except ModuleNotFoundError as error:
        if error.name != root:
            raise
        raise ConfigError(
            f"{what} need {root}, which is not installed: pip install 'aulens[{extra}]'"
        ) from error
    return importlib.import_module(name)
