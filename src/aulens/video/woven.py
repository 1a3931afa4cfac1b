"""Whether a video is woven of two fields, as interlaced video is, and does not say so."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

WOVEN: Final = (
    "its frames are woven of two fields (interlaced video) and do not say so: what moves has combs; "
    "deinterlace it first (ffmpeg -i VIDEO -vf bwdif NEW)"
)
_FRAMES: Final = 100
"""At the start of a video, which are compared."""
_FEWEST: Final = 10
_GREY_FIRST: Final = frozenset(
    {"gray", "nv12", "yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuvj444p"}
)
"""Kinds of pixels whose first plane is brightness in 8 bits."""
_COLUMN_STEP: Final = 8
_MOVES: Final = 0.2
"""Grey levels by which lines differ more from those of another frame than from their own neighbours."""
_NEARER: Final = 0.6
"""One field is so much nearer to the frame before than the other. Frames of one moment each reach 0.95 to 1
where they were filmed and 0.79 to 1 where they were drawn, woven ones that move -0.06 to 0.58."""


class FieldCheck:
    """Compares the lines of each frame with those of the frame before it.

    The second field of an interlaced frame comes half a frame later than the first: the first is as near to
    the second of the frame before as to its own, and the second is three times as far from the first of the
    frame before. Where each frame is of one moment, both are equally far.
    """

    def __init__(self) -> None:
        self._last: NDArray[np.int16] | None = None
        self._apart, self._count = np.zeros(2), 0

    def add(self, frame: Any) -> None:
        """The next decoded frame; one that says that it is interlaced does not count."""
        if self._count == _FRAMES or frame.interlaced_frame or frame.format.name not in _GREY_FIRST:
            return
        plane = frame.planes[0]
        lines = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        grey = lines[: frame.height // 2 * 2, : frame.width : _COLUMN_STEP].astype(np.int16)
        if self._last is not None and self._last.shape == grey.shape and len(grey) > 2:
            own = _apart(grey[1::2], grey[::2])
            crossed = _apart(self._last[1::2], grey[::2]), _apart(grey[1::2], self._last[::2])
            self._apart += np.array(crossed) - own
            self._count += 1
        self._last = grey

    @property
    def woven(self) -> bool:
        """Whether the frames so far are of two moments each."""
        low, high = sorted(self._apart / max(1, self._count))
        return bool(self._count >= _FEWEST and high > _MOVES and low < _NEARER * high)


def _apart(lines: NDArray[np.int16], others: NDArray[np.int16]) -> float:
    """How far lines are from the means of those above and below them, which are of the other field."""
    return float(np.abs(2 * lines[:-1] - others[:-1] - others[1:]).mean())
