"""A person's own baseline: how far each AU is above what that face shows at rest.

Faces differ at rest as they do in strength: drooping brows look like AU4, a full upper lip like AU10. What a
person's face adds to a model's score stays the same while they move, and log odds are that score but for
scale, so it is there that the baseline is taken off: a difference of probabilities would shrink near 0 and 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from aulens.checked import Checked, Count, Natural, NotNegative, Probability
from aulens.errors import ConfigError, InputError
from aulens.named import several
from aulens.tables.schema import aus_in, rows_with_face
from aulens.tables.usable import Limits

if TYPE_CHECKING:
    import pandas as pd

QUANTILE: Final = 0.1
MIN_FRAMES: Final = 50
RESTING: Final = Limits(max_yaw=30, min_quality=0.3)
"""Faces beyond take no part in the baseline, where the table has yaw and quality."""

_CLIPPED: Final = 1e-6
"""Probabilities nearer to 0 or 1 count as this near; tables round to as many decimals."""
_NAMED: Final = 5
_PERSON: Final = ["file", "face_id"]


@dataclass(frozen=True)
class Baseline(Checked):
    """Where a person's baseline is taken from; without frame, time and picture, from the clip as a whole.

    Attributes:
        quantile: of the log odds of each AU over the person's usable frames, 0 to 1.
        min_frames: usable frames of a person; with fewer there is no baseline.
        frame: number of the frame in which everybody's face is at rest.
        time: or the time at which it is, seconds.
        picture: or the probabilities of a picture of the face at rest, (label, probability) of each AU; it
            counts as of the person who is seen longest.

    Raises:
        ConfigError: a number is out of range, or more than one of frame, time and picture is given.
    """

    quantile: Probability = QUANTILE
    min_frames: Count = MIN_FRAMES
    frame: Natural | None = None
    time: NotNegative | None = None
    picture: tuple[tuple[str, float], ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if sum(given is not None for given in (self.frame, self.time, self.picture)) > 1:
            raise ConfigError("a face is at rest in a frame, at a time or in a picture; give one of them")

    def of(self, table: pd.DataFrame) -> pd.DataFrame:
        """The baseline of each person.

        Args:
            table: our columns, of one or several videos.

        Returns:
            Log odds of each AU that has probabilities, a row per `file` and `face_id`; NaN where there is no
            baseline, see `lacking`.

        Raises:
            InputError: the table has no probabilities, a time is given and it has none, or the picture lacks
                an AU.
        """
        labels = [
            label for label in aus_in(table) if f"{label}_p" in table and table[f"{label}_p"].notna().any()
        ]
        if not labels:
            raise InputError("the table has no probabilities, so no baseline can be taken of them")
        seen = table[rows_with_face(table)]
        rows = seen[_PERSON].copy()
        rows[labels] = log_odds(
            seen[[f"{label}_p" for label in labels]].to_numpy(np.float64, na_value=np.nan)
        )
        everybody = rows.groupby(_PERSON, sort=False).size()
        if self.picture is not None:
            probability = dict(self.picture)
            if lacking := [label for label in labels if label not in probability]:
                raise InputError(f"the neutral picture has no probability of {', '.join(lacking)}")
            found = everybody.to_frame().reindex(columns=labels)  # empty
            longest = everybody.groupby(level="file").idxmax()
            found.loc[list(longest)] = log_odds(np.array([probability[label] for label in labels]))
        elif self.frame is not None or self.time is not None:
            found = rows[self._shown(table, seen)].set_index(_PERSON)[labels]
        else:
            groups = rows[_usable(seen)].groupby(_PERSON, sort=False)[labels]
            found = groups.quantile(self.quantile).where(groups.count() >= self.min_frames)
        return found.reindex(everybody.index).astype("float64")

    def lacking(self, rest: pd.DataFrame) -> str | None:
        """Who has no baseline, and why, in words; None if everybody has one.

        Args:
            rest: what `of` gave, of one video.
        """
        without = rest.isna().all(axis=1)
        people = [str(face_id) for _, face_id in rest.index[without]]
        if not people:
            return None
        why = f"fewer than {self.min_frames} usable frames"
        if self.frame is not None or self.time is not None:
            where = f"at {self.time:g} s" if self.frame is None else f"in frame {self.frame}"
            why = f"not seen {where}"
        elif self.picture is not None:
            (whose,) = [face_id for _, face_id in rest.index[~without]]
            why = f"the neutral picture counts as of person {whose}, who is seen longest"
        who = f"person{'s' if len(people) > 1 else ''} {several(people, _NAMED)}"
        return f"{who} {'have' if len(people) > 1 else 'has'} no baseline ({why})"

    def _shown(self, table: pd.DataFrame, seen: pd.DataFrame) -> NDArray[np.bool_]:
        """Which rows are of the frame that is shown in each file then; of none after its last one."""
        name = "time" if self.frame is None else "frame"
        at = self.frame if self.time is None else self.time
        if table[name].isna().all():
            raise InputError(f"the table has no {'time stamps' if name == 'time' else 'frames'}")
        over = table.groupby("file")[name].max() < at
        before = table[table[name] <= at].groupby("file")[name].max().mask(over)
        return np.asarray((seen[name] == seen["file"].map(before)).fillna(False), dtype=bool)


def above(table: pd.DataFrame, rest: pd.DataFrame) -> pd.DataFrame:
    """A copy of a table with `AU12_above`: log odds above those of the person's baseline.

    0 is as at rest, 2.3 odds ten times as high. Empty where the AU has no probability, or the person no
    baseline. Other columns stay as they are.

    Args:
        table: our columns, of one or several videos.
        rest: what `Baseline.of` gave of it.
    """
    import pandas as pd

    labels = list(rest.columns)
    odds = log_odds(table[[f"{label}_p" for label in labels]].to_numpy(np.float64, na_value=np.nan))
    who = rest.index.get_indexer(pd.MultiIndex.from_frame(table[_PERSON]))
    own = np.where((who >= 0)[:, None], rest.to_numpy()[who], np.nan) if len(rest) else np.nan
    added = pd.DataFrame(np.round(odds - own, 4), table.index, [f"{label}_above" for label in labels])
    kept = table.drop(columns=[name for name in added if name in table.columns])
    return pd.concat([kept, added], axis=1)


def log_odds(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """The log odds of probabilities of any shape; 0 and 1 count as a millionth away."""
    clipped = np.clip(probability, _CLIPPED, 1 - _CLIPPED)
    return np.asarray(np.log(clipped / (1 - clipped)))


def _usable(seen: pd.DataFrame) -> NDArray[np.bool_]:
    """Which faces are of `RESTING`, by what the table has of them."""
    yaw, quality = (
        seen[name].to_numpy(np.float64, na_value=np.nan)
        if name in seen and seen[name].notna().any()
        else np.full(len(seen), unknown)
        for name, unknown in (("pose_yaw", 0.0), ("quality", 1.0))
    )
    return RESTING.keep(yaw, np.zeros(len(seen)), quality)
