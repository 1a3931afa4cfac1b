"""What is loaded when it is first used: names of a package, and libraries that come with an extra."""

import importlib
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

from aulens.errors import ConfigError


def names(package: str, home: Mapping[str, tuple[str, ...]]) -> Callable[[str], Any]:
    """A package's `__getattr__`, so that importing the package loads none of its modules.

    Args:
        package: its name.
        home: module to the names of it that the package has too.
    """
    module_of = {name: module for module, held in home.items() for name in held}

    def get(name: str) -> Any:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(module_of[name]), name)

    return get


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
