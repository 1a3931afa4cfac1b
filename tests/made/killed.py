"""Work that is killed, or ended by Ctrl-C."""

import os
import signal
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aulens.faces.detector import Face
from aulens.faces.registry import DetectorEntry
from patch_people import PatchDetector


class Killed(BaseException):
    """Stands for a kill: nothing in the package may catch it."""


def killed_after(count: int):
    """What is told of each frame, killed at the frame of this number, from 1."""
    seen = []

    def progress(result, info) -> None:
        seen.append(result.index)
        if len(seen) == count:
            raise Killed

    return progress


def in_the_way(path: Path, frame: int):
    """What is told of each frame: at this one a folder is made where a file is to be written at the end."""

    def progress(result, info) -> None:
        if result.index == frame:
            path.mkdir()

    return progress


class _CtrlC:
    """Finds patches; during its work Ctrl-C is pressed, after so many pictures."""

    def __init__(self, after: int = 0) -> None:
        self._left = after

    def __call__(self, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        self._left -= 1
        if self._left < 0:
            os.kill(os.getpid(), signal.SIGINT)
        return PatchDetector()(image)


CTRL_C = DetectorEntry(lambda spec: _CtrlC(), has_quality=True)
CTRL_C_LATER = DetectorEntry(lambda spec: _CtrlC(2), has_quality=True)
CTRL_C_IN_A_VIDEO = DetectorEntry(lambda spec: _CtrlC(12), has_quality=True)
