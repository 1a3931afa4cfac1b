"""How the C library hands memory to this process: a setting for trainings on the CPU."""

import ctypes
import sys
from typing import Final

_TRIM_THRESHOLD: Final = -1
_MMAP_MAX: Final = -4
_NEVER: Final = 2**31 - 1


def keep_freed_memory() -> bool:
    """Let this process keep the memory that it frees, for its next use.

    glibc gives every block above 32 MB back to the system at once, and asks for it again, page by page, for
    the next layer: at the activations' sizes of a training step that costs more than most layers do. With
    this, peak memory is what the process holds until it ends.

    Returns:
        Whether the setting was made: on Linux with glibc only.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    return mallopt is not None and bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, _NEVER))
