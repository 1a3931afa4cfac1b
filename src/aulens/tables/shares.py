"""How much of the time an Action Unit is present, with the interval that other stretches would have given.

The interval says how much the share would vary if the person had been filmed for as long again, behaving in
the same way. It does not say how often the model is wrong: no table knows that.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.metrics.bootstrap import interval
from aulens.metrics.counts import ratio
from aulens.tables.clip import Track

BLOCK: Final = 20.0
"""Seconds of a block; behaviour further apart counts as independent."""

MIN_BLOCKS: Final = 15
"""Fewer give no interval: it would be too narrow."""

_DRAWS: Final = 1000


@dataclass(frozen=True, eq=False)
class Shares:
    """For each of A AUs, the share of the time a person was seen.

    Attributes:
        value: (A,) in [0, 1]; NaN if the person was never seen.
        low: (A,) lower end of the 95 % interval; NaN where the clip is too short for one.
        high: (A,) upper end.
        blocks: how many blocks the interval was drawn from.
    """

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    blocks: int


def shares(track: Track, *, block: float = BLOCK, draws: int = _DRAWS, seed: int = 0) -> Shares:
    """The share of the time with each AU present, of the time the person was seen.

    The interval is a bootstrap over blocks of time, because frames next to each other are alike: the track is
    cut into blocks of `block` seconds, blocks without the face are left out, and as many are drawn with
    replacement, `draws` times; low and high are the 2.5 % and 97.5 % quantiles. With fewer than 15 blocks
    (five minutes) there are none. An AU that is never, or always, present has its value for both ends: a clip
    does not show how rare something is that it does not have.

    Args:
        track: of a person; each frame counts as long as it is shown.
        block: length of a block in the unit of the track's time; infinite for no intervals.
        draws: how many resamples.
        seed: the same seed gives the same interval.
    """
    weight = track.lasts * track.seen
    # Only blocks with a frame, however long the gaps between them are.
    _, number = np.unique((track.time - track.time[0]) // block, return_inverse=True)
    seen = np.bincount(number, weight)
    present = np.stack([np.bincount(number, weight * on) for on in track.present.T], axis=1)
    kept = seen > 0
    seen, present = seen[kept], present[kept]
    value = ratio(present.sum(0), np.full(present.shape[1], seen.sum()))
    low = high = np.full(len(value), np.nan)
    if len(seen) >= MIN_BLOCKS:
        even = np.full(len(seen), 1 / len(seen))
        drawn = np.random.default_rng(seed).multinomial(len(seen), even, draws)
        low, high = interval(ratio(drawn @ present, (drawn @ seen)[:, None]))
    return Shares(value, low, high, len(seen))
