"""Work that is killed, or ended by Ctrl-C."""

import os
import signal
from pathlib import Path

from aulens.faces.detector import Face
from aulens.faces.registry import DetectorEntry


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
    """A `FaceDetector` during whose work Ctrl-C is pressed."""

    def __call__(self, image: object) -> tuple[Face, ...]:
        os.kill(os.getpid(), signal.SIGINT)
        return ()


CTRL_C = DetectorEntry(lambda spec: _CtrlC(), has_quality=True)
