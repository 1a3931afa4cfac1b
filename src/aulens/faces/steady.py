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
_Complex = NDArray[np.complex128]

# Shares of the face's spread, about the distance of its eyes, of the face as a whole and of single landmarks:
# a smaller difference is noise, a larger one is movement, and in between it is more and more.
_NOISE: Final = (0.003, 0.008)
_MOVES: Final = (0.010, 0.030)
_STAY: Final = 0.03  # likewise: from here on the face is cut out anew


@dataclass(frozen=True, eq=False)
class Steady:
    """Where the landmarks of one face are, all frames up to now considered.

    Attributes:
        points: (K, 2) pixels.
        held: (K, 2) landmarks that say where the face is to be cut out: they stay as they are while the face
            stays near them, as a network's answer changes with the crop.
        calm: seconds over which a face at rest is averaged; 0 takes each frame's landmarks as they are.
        taken: (1 + K,) how much of the last difference was taken over, of the whole and each landmark: what
            was just replaced is no average yet, and the next frame counts as much.
    """

    points: Points
    held: Points
    calm: float
    taken: NDArray[np.float64]

    @classmethod
    def begin(cls, points: Points, calm: float) -> Steady:
        """Landmarks (K, 2) of the first frame; found otherwise than those to come, they do not count then."""
        return cls(points, points, calm, np.full(1 + len(points), np.inf))

    def after(self, points: Points, seconds: float) -> Steady:
        """With those of the next frame.

        Args:
            points: (K, 2).
            seconds: since the last frame; infinite if what came before does not count.
        """
        if seconds <= 0:
            return self
        old, new = _complex(self.points), _complex(points)
        whole, rest, spread = _parts(old, new)
        far = np.concatenate([[_size(whole)], np.abs(rest)]) / spread
        least = np.maximum(self._least(seconds), 1 / (1 + 1 / self.taken))
        taken = least + (1 - least) * _movement(far)
        mixed = old + taken[0] * whole + taken[1:] * rest
        return replace(self, points=np.stack([mixed.real, mixed.imag], 1), taken=taken)

    def placed(self, shift: Points) -> Steady:
        """Ready for the next frame: `held` is moved to the landmarks only if they went away from it.

        Args:
            shift: (2,) pixels, how far the face is expected to move until then.
        """
        there = self.points + shift
        return self if apart(self.held, there) <= _STAY else replace(self, held=there)

    def state(self) -> dict[str, Any]:
        """JSON-able."""
        arrays = {name: pack(getattr(self, name)) for name in ("points", "held", "taken")}
        return {**arrays, "calm": self.calm}

    @classmethod
    def restored(cls, state: dict[str, Any]) -> Steady:
        """From `state()`."""
        return cls(unpack(state["points"]), unpack(state["held"]), state["calm"], unpack(state["taken"]))

    def _least(self, seconds: float) -> float:
        """How much of a difference is taken over that is all noise."""
        return 1.0 if self.calm == 0 else float(-np.expm1(-seconds / self.calm))


def apart(a: Points, b: Points) -> float:
    """How far a face moved as a whole, from landmarks (K, 2) to others of its: in its spreads."""
    whole, _, spread = _parts(_complex(a), _complex(b))
    return _size(whole) / spread


def _parts(old: _Complex, new: _Complex) -> tuple[_Complex, _Complex, float]:
    """The way from `old` to `new` (K,): by the nearest similarity, the rest, and the spread of `old`."""
    middle, target = old.mean(), new.mean()
    about = old - middle
    power = float(np.vdot(about, about).real)
    turn = np.vdot(about, new - target) / power if power > 0 else 1.0
    there = target + turn * about
    return there - old, new - there, max(float(np.sqrt(power / len(old))), 1e-6)


def _size(way: _Complex) -> float:
    """Root mean square."""
    return float(np.sqrt(np.vdot(way, way).real / len(way)))


def _complex(points: Points) -> _Complex:
    return np.ascontiguousarray(points, np.float64).view(np.complex128)[:, 0]


def _movement(far: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much of differences (1 + K,), of the whole and of landmarks, is movement: 0 to 1."""
    low, high = (np.full(len(far), single) for single in (_NOISE[1], _MOVES[1]))
    low[0], high[0] = _NOISE[0], _MOVES[0]
    return np.asarray(np.clip((far - low) / (high - low), 0.0, 1.0))
