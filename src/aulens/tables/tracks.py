"""The rows of a table in time: who was seen when, for how long, and where a person was lost."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.errors import ConfigError, InputError

_NEEDED: Final = ("file", "frame", "time", "face_id", "success")
SLACK: Final = 2e-6
"""Seconds: times in tables are rounded to 6 decimals, and durations are differences of two."""


@dataclass(frozen=True, eq=False)
class Tracks:
    """Rows in which a face was seen, ordered by person (in the table's order) and time.

    Attributes:
        rows: (N,) int64, their positions in the table.
        person: (N,) int64, the same for the rows of one `face_id` of one file.
        time: (N,) float64, when the frame begins, seconds.
        end: (N,) float64, when it ends: when the file's next frame begins. Of the file's last frame nobody
            knows; it counts as the median of the others. So does one after which the table lacks rows, seen
            by `frame`, which goes up by more than it mostly does.
    """

    rows: NDArray[np.int64]
    person: NDArray[np.int64]
    time: NDArray[np.float64]
    end: NDArray[np.float64]

    def begins(self, gap: float, keep: NDArray[np.bool_] | slice = slice(None)) -> NDArray[np.bool_]:
        """Whether a stretch begins at each row: a person's first, or lost for more than `gap` s before it.

        Args:
            gap: seconds.
            keep: (N,) the rows that count; others are as if the face had been lost. The answer is theirs.
        """
        person, time, end = self.person[keep], self.time[keep], self.end[keep]
        begins = np.ones(len(person), dtype=bool)
        begins[1:] = (person[1:] != person[:-1]) | (time[1:] - end[:-1] > gap + SLACK)
        return begins


def tracks(table: pd.DataFrame) -> Tracks:
    """The tracks of a table of videos.

    Raises:
        InputError: the table lacks a column or a time, or times go back while `frame` goes up.
    """
    lacking = [name for name in _NEEDED if name not in table.columns]
    if lacking:
        raise InputError(f"a table of videos has the columns {', '.join(_NEEDED)}; {lacking[0]} is missing")
    seen = ((table["success"] == 1) & table["face_id"].notna()).fillna(False).to_numpy(dtype=bool)
    timed = (table["time"].notna() & table["frame"].notna()).to_numpy(dtype=bool)
    untimed = np.flatnonzero(seen & ~timed)
    if len(untimed):
        raise InputError(
            f"{len(untimed)} of {int(seen.sum())} rows with a face have no frame or no time (the first is "
            f"row {untimed[0]}): what happens in time needs a video's table; read_table(path, rate=...) "
            "fills in times"
        )
    rows = np.flatnonzero(timed)
    file = np.asarray(pd.factorize(table["file"].iloc[rows])[0], dtype=np.int64)
    number = table["frame"].iloc[rows].to_numpy(dtype=np.int64)
    time = table["time"].iloc[rows].to_numpy(dtype=np.float64)
    end = _ends(table, rows, file, number, time)
    there = seen[rows]
    face_id = table["face_id"].iloc[rows[there]].to_numpy(dtype=np.int64)
    keys = pd.MultiIndex.from_arrays([file[there], face_id])
    person = np.asarray(pd.factorize(keys)[0], dtype=np.int64)
    order = np.lexsort((number[there], person))
    return Tracks(rows[there][order], person[order], time[there][order], end[there][order])


def seconds(value: float, name: str) -> float:
    """A length of time, or `ConfigError` if it is none."""
    if not 0 <= value < float("inf"):
        raise ConfigError(f"{name} must be seconds, 0 or more, got {value}")
    return value


def _ends(
    table: pd.DataFrame,
    rows: NDArray[np.int64],
    file: NDArray[np.int64],
    number: NDArray[np.int64],
    time: NDArray[np.float64],
) -> NDArray[np.float64]:
    """When the frame of each row ends."""
    order = np.lexsort((number, file))
    file_s, number_s, time_s = file[order], number[order], time[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (file_s[1:] != file_s[:-1]) | (number_s[1:] != number_s[:-1])
    which = np.cumsum(first) - 1  # the frame of each row
    file_f, number_f, time_f = file_s[first], number_s[first], time_s[first]
    lasts, steps = np.diff(time_f), np.diff(number_f)
    together = file_f[1:] == file_f[:-1]
    back = np.flatnonzero(together & (lasts < 0))
    if len(back):
        row = rows[order][first][back[0] + 1]
        raise InputError(
            f"{table['file'].iloc[row]}: frame {number_f[back[0] + 1]} is earlier than frame "
            f"{number_f[back[0]]} ({time_f[back[0] + 1]} s after {time_f[back[0]]} s): two tables in one?"
        )
    usual = pd.DataFrame({"last": lasts, "step": steps})[together].groupby(file_f[1:][together]).median()
    usual = usual.reindex(file_f)
    last = usual["last"].fillna(0.0).to_numpy(dtype=np.float64)
    known = np.append(together & (steps <= usual["step"].to_numpy(dtype=np.float64)[:-1]), False)[
        : len(time_f)
    ]
    following = np.append(time_f[1:], 0.0)[: len(time_f)]
    ends = np.empty(len(rows))
    ends[order] = np.where(known, following, time_f + last)[which]
    return ends
