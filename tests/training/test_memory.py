"""Memory that a training keeps: what a process frees is not given back to the system."""

import subprocess
import sys

import pytest

from aulens.training.memory import keep_freed_memory

BYTES = 64 << 20
PROBE = f"""
import ctypes, sys
if sys.argv[1] == "kept":
    from aulens.training.memory import keep_freed_memory
    assert keep_freed_memory()
library = ctypes.CDLL(None)
library.malloc.restype, library.free.argtypes = ctypes.c_void_p, (ctypes.c_void_p,)
block = library.malloc({BYTES})
ctypes.memset(block, 1, {BYTES})
library.free(block)
resident = next(x for x in open("/proc/self/status") if x.startswith("VmRSS"))
print(int(resident.split()[1]) * 1024)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a setting of glibc")
def test_freed_memory_is_kept() -> None:
    def resident(how: str) -> int:
        run = subprocess.run([sys.executable, "-c", PROBE, how], check=True, capture_output=True, text=True)
        return int(run.stdout)

    assert resident("kept") - resident("left") > BYTES // 2


def test_elsewhere_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_freed_memory() is False
