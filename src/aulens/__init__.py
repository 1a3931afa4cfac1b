"""Facial Action Units: which are present, on which side of the face, and where they were seen.

    analyzer = aulens.Analyzer()
    for face in analyzer("photo.jpg"):
        face.occurrence["AU12"], face.left["AU12"], face.evidence["AU12"]

The public names stand in `__init__.pyi` and are loaded when they are first used, so that `import aulens` is
quick and never needs torch. docs/python.md says what they are for.
"""

from typing import Any

import lazy_loader

_loaded, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    return _version() if name == "__version__" else _loaded(name)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("aulens")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0+unknown"
