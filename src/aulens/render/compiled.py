"""How the renderer's inner loops are compiled.

numba keeps compiled code beside the sources and makes it anew when the file of a function changes, but not
when a function that it calls, or a class that it takes, changes or moves in another file: after such an edit,
delete `*.nbi` and `*.nbc` in `__pycache__`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., Any])

# Liberties with floating point: all of `fastmath` but the two that forget about infinity and NaN.
_FAST: Final = {"reassoc", "contract", "arcp", "nsz", "afn"}


def compiled(function: _Function) -> _Function:
    """Compile a function of its own."""
    return cast(_Function, njit(cache=True, fastmath=_FAST, nogil=True)(function))


def inlined(function: _Function) -> _Function:
    """Compile a small step of a loop into its callers; as functions of their own they cost a third more."""
    return cast(_Function, njit(cache=True, fastmath=_FAST, nogil=True, inline="always")(function))
