"""A detector for workers that can be caught in the middle of a video."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from aulens.cluster.settings import LeftOut
from aulens.faces.detector import Face
from patch_people import Image, PatchDetector


class WaitingDetector(PatchDetector):
    """Finds patches; at a picture of two people it says who it is, and waits until it may go on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, image: Image) -> tuple[Face, ...]:
        found = super().__call__(image)
        if len(found) == 2 and not (self._folder / "go").exists():
            (self._folder / "waits.new").write_text(str(os.getpid()))
            (self._folder / "waits.new").rename(self._folder / "waits")
            while not (self._folder / "go").exists():
                time.sleep(0.02)
        return found


@dataclass(frozen=True)
class Waiting:
    folder: Path

    def __call__(self, on_left_out: LeftOut) -> WaitingDetector:
        return WaitingDetector(self.folder)


def patches(on_left_out: LeftOut) -> PatchDetector:
    return PatchDetector()
