"""Landmarks that stand still where the face does: noise is averaged out, movement passes at once.

A network's landmarks of a face that keeps still tremble with the picture's noise, and Action Units with them.
An average over time would take that away, and would be late for blinks. So what counts is how far a new
landmark is from where the average has it: below the noise it hardly moves the average, above it replaces it.
The face as a whole (shift, size, turn in the picture) and its expression are told apart, because the mean
over all landmarks shows a movement of the whole where a single one does not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aulens.faces.packing import pack, unpack

Points = NDArray[np.float64]

# Shares of the face's spread, about the distance of its eyes: up to the first a difference is noise, from the
# second on it is movement.
_WHOLE: Final = (0.003, 0.010)
_SINGLE: Final = (0.008, 0.030)
_STAY: Final = 0.03


@dataclass(frozen=True, eq=False)
class Steady:
    """Where the landmarks of one face are, all frames up to now considered.

    Attributes:
        points: (K, 2) pixels.
        held: (K, 2) landmarks that say where the face is to be cut out: they stay as they are while the face
            stays near them, as a network's answer changes with the crop.
        calm: seconds over which a face at rest is averaged; 0 takes each frame's landmarks as they are.
    """

    points: Points
    held: Points
    calm: float

    @classmethod
    def begin(cls, points: Points, calm: float) -> Steady:
        """Landmarks (K, 2) of the first frame."""
        return cls(points, points, calm)

    def after(self, points: Points, seconds: float) -> Steady:
        """With those of the next frame.

        Args:
            points: (K, 2).
            seconds: since the last frame; infinite if what came before does not count.
        """
        least = 1.0 if self.calm == 0 else float(-np.expm1(-max(seconds, 0.0) / self.calm))
        old, new = _complex(self.points), _complex(points)
        whole, rest, spread = _parts(old, new)
        share = _share(float(np.sqrt((whole.real**2 + whole.imag**2).mean())) / spread, _WHOLE, least)
        shares = _share(np.abs(rest) / spread, _SINGLE, least)
        if np.all(share == 1) and np.all(shares == 1):
            return replace(self, points=points)
        mixed = old + share * whole + shares * rest
        return replace(self, points=np.stack([mixed.real, mixed.imag], 1))

    def placed(self, shift: Points) -> Steady:
        """Ready for the next frame: `held` is moved to the landmarks only if they went away from it.

        Args:
            shift: (2,) pixels, how far the face is expected to move until then.
        """
        there = self.points + shift
        return self if apart(self.held, there) <= _STAY else replace(self, held=there)

    def state(self) -> dict[str, Any]:
        """JSON-able."""
        return {"points": pack(self.points), "held": pack(self.held), "calm": self.calm}

    @classmethod
    def restored(cls, state: dict[str, Any]) -> Steady:
        """From `state()`."""
        return cls(unpack(state["points"]), unpack(state["held"]), state["calm"])


def apart(a: Points, b: Points) -> float:
    """How far a face moved as a whole, from landmarks (K, 2) to others of its: in its spreads."""
    whole, _, spread = _parts(_complex(a), _complex(b))
    return float(np.sqrt((whole.real**2 + whole.imag**2).mean())) / spread


def _parts(
    old: NDArray[np.complex128], new: NDArray[np.complex128]
) -> tuple[NDArray[np.complex128], NDArray[np.complex128], float]:
    """The way from `old` to `new` (K,): by the nearest similarity, the rest, and the spread of `old`."""
    middle, target = old.mean(), new.mean()
    about = old - middle
    power = float(np.vdot(about, about).real)
    turn = np.vdot(about, new - target) / power if power > 0 else 1.0
    there = target + turn * about
    return there - old, new - there, max(float(np.sqrt(power / len(old))), 1e-6)


def _complex(points: Points) -> NDArray[np.complex128]:
    return np.ascontiguousarray(points, np.float64).view(np.complex128)[:, 0]


def _share(distance: Any, noise: tuple[float, float], least: float) -> Any:
    """How much of a difference is taken over: `least` of noise, all of a movement."""
    low, high = noise
    rise = np.clip((distance - low) / (high - low), 0.0, 1.0)
    return least + (1.0 - least) * rise
