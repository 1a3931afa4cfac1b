"""Where a face will be, from where it was: a box that moves on at its own speed, less and less surely."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aulens.faces.packing import pack, unpack

_NEW: Final = 0.6  # weight of the speed just measured; the rest is the speed before
_TIRES: Final = 0.2  # seconds after which a face that nobody sees has lost 63 % of its assumed speed
_SHORTEST: Final = 1 / 240  # seconds; equal or disordered time stamps give no speed


@dataclass(frozen=True, eq=False)
class Motion:
    """A box and its speed.

    Attributes:
        box: (4,) where it was seen last.
        speed: (2,) pixels per second of its centre.
        moves: False says that it stays where it is, whatever is measured.
    """

    box: NDArray[np.float64]
    speed: NDArray[np.float64]
    moves: bool = True

    def after(self, seconds: float) -> NDArray[np.float64]:
        """The box (4,) expected that long after it was seen last."""
        if not self.moves:
            return self.box
        way: NDArray[np.float64] = self.speed * (_TIRES * -np.expm1(-max(seconds, 0.0) / _TIRES))
        return self.box + np.tile(way, 2)

    def seen(
        self, box: NDArray[np.float64], seconds: float, way: NDArray[np.float64] | None = None
    ) -> "Motion":
        """Now it is here, that long after it was seen last.

        Args:
            box: (4,).
            seconds: since then.
            way: (2,) pixels that it went, where that is better known than by the middles of boxes.
        """
        if seconds < _SHORTEST:
            return replace(self, box=box)
        if way is None:
            way = (box[:2] + box[2:] - self.box[:2] - self.box[2:]) / 2
        measured = way / seconds
        return replace(self, box=box, speed=_NEW * measured + (1 - _NEW) * self.speed)

    def state(self) -> dict[str, Any]:
        """JSON-able."""
        return {"box": pack(self.box), "speed": pack(self.speed), "moves": self.moves}

    @classmethod
    def restored(cls, state: dict[str, Any]) -> "Motion":
        """From `state()`."""
        return cls(unpack(state["box"]), unpack(state["speed"]), state["moves"])
