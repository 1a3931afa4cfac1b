"""Cuts: does a frame of a video go on where the last one ended?"""

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aulens.faces.packing import pack, unpack

_WIDTH, _HEIGHT = 32, 18
_COARSE: Final = 72  # rows that are read: every n-th is enough, four and more for each of the copy's
_MIN_CHANGE: Final = 0.08
_TIMES: Final = 3.0
_MEMORY: Final = 0.8


class CutFinder:
    """Tells a cut by how much a tiny grey copy of the picture changes, next to how much it did lately.

    A pan or a hand-held camera changes every frame; a cut changes one frame at least three times as much, and
    by at least 8 % of the range from black to white in the mean over the picture.
    """

    def __init__(self) -> None:
        self._last: NDArray[np.uint8] | None = None
        self._usual = 0.0

    def __call__(self, image: NDArray[np.uint8]) -> bool:
        """Whether there is a cut right before this frame, (H, W, 3) uint8; not before the first."""
        step = max(1, image.shape[0] // _COARSE)
        small = cv2.resize(image[::step], (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA)
        tiny = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
        last, self._last = self._last, tiny
        if last is None:
            return False
        change = float(np.abs(tiny.astype(np.int16) - last).mean()) / 255
        if change > _MIN_CHANGE and change > _TIMES * self._usual:
            self._usual = 0.0
            return True
        self._usual = _MEMORY * self._usual + (1 - _MEMORY) * change
        return False

    def state(self) -> dict[str, Any]:
        """What it remembers, JSON-able."""
        return {"last": None if self._last is None else pack(self._last), "usual": self._usual}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state()`."""
        self._last = None if state["last"] is None else unpack(state["last"])
        self._usual = state["usual"]
