"""The rows of a table in time: who was seen when, for how long, and where a person was lost."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.errors import ConfigError, InputError
from aulens.tables.schema import rows_with_face

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
            knows; it counts as the median of the others. So does, at most until the next, one after which
            the table lacks rows, seen by `frame`, which goes up by more than it mostly does.
    """

    rows: NDArray[np.int64]
    person: NDArray[np.int64]
    time: NDArray[np.float64]
    end: NDArray[np.float64]

    def begins(self, max_gap: float, keep: NDArray[np.bool_] | slice = slice(None)) -> NDArray[np.bool_]:
        """Whether a stretch begins at each row: a person's first, or lost for over `max_gap` s before it.

        Args:
            max_gap: seconds.
            keep: (N,) the rows that count; others are as if the face had been lost. The answer is theirs.
        """
        person, time, end = self.person[keep], self.time[keep], self.end[keep]
        begins = np.ones(len(person), dtype=bool)
        begins[1:] = (person[1:] != person[:-1]) | (time[1:] - end[:-1] > max_gap + SLACK)
        return begins


def tracks(table: pd.DataFrame) -> Tracks:
    """The tracks of a table of videos.

    Raises:
        InputError: the table lacks a column or a time, a frame has two rows of a person, or times go back
            while `frame` goes up.
    """
    lacking = [name for name in _NEEDED if name not in table.columns]
    if lacking:
        raise InputError(f"a table of videos has the columns {', '.join(_NEEDED)}; {lacking[0]} is missing")
    rows = np.flatnonzero(timed_rows(table))
    check_once(table)
    names = table["file"].iloc[rows]
    file = np.asarray(pd.factorize(names)[0], dtype=np.int64)
    number = table["frame"].iloc[rows].to_numpy(dtype=np.int64)
    time = table["time"].iloc[rows].to_numpy(dtype=np.float64)
    end = np.empty(len(rows))
    for clip in pd.Series(file).groupby(file, sort=False).indices.values():
        frames, first, frame_of_row = np.unique(number[clip], return_index=True, return_inverse=True)
        end[clip] = frame_ends(str(names.iloc[clip[0]]), frames, time[clip][first])[frame_of_row]
    there = rows_with_face(table)[rows]
    face_id = table["face_id"].iloc[rows[there]].to_numpy(dtype=np.int64)
    keys = pd.MultiIndex.from_arrays([file[there], face_id])
    person = np.asarray(pd.factorize(keys)[0], dtype=np.int64)
    order = np.lexsort((number[there], person))
    return Tracks(rows[there][order], person[order], time[there][order], end[there][order])


def frame_ends(file: str, frame: NDArray[np.int64], time: NDArray[np.float64]) -> NDArray[np.float64]:
    """When each frame of one clip ends; see `Tracks.end`. Never after the next one begins.

    Args:
        file: the clip, for the message.
        frame: (F,) numbers, ascending.
        time: (F,) when each begins.

    Raises:
        InputError: times go back.
    """
    lasts, steps = np.diff(time), np.diff(frame)
    back = np.flatnonzero(lasts < 0)
    if len(back):
        place = back[0]
        raise InputError(
            f"{file}: times do not ascend: frame {frame[place + 1]} is at {time[place + 1]:g} s, after frame "
            f"{frame[place]} at {time[place]:g} s: two tables in one?"
        )
    if not len(lasts):
        return time.copy()
    guess = np.round(time + np.median(lasts), 6)
    follows = steps <= np.median(steps)
    return np.append(np.where(follows, time[1:], np.minimum(guess[:-1], time[1:])), guess[-1])


def timed_rows(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows have a frame and a time; others count as if the table lacked them.

    Raises:
        InputError: a row with a face has none.
    """
    known = (table["time"].notna() & table["frame"].notna()).to_numpy(dtype=bool)
    seen = rows_with_face(table)
    untimed = np.flatnonzero(seen & ~known)
    if len(untimed):
        raise InputError(
            f"{len(untimed)} of {int(seen.sum())} rows with a face have no frame or no time (the first is "
            f"row {untimed[0]}): what happens in time needs a video's table; read_table(path, rate=...) "
            "fills in times"
        )
    return known


def check_once(table: pd.DataFrame) -> None:
    """Raise `InputError` if a frame has more than one row of a person."""
    keys = table[["file", "frame", "face_id"]]
    twice = np.flatnonzero((keys.duplicated() & keys.notna().all(axis=1)).to_numpy(dtype=bool))
    if len(twice):
        file, frame, face_id = keys.iloc[twice[0]]
        raise InputError(
            f"{file}: frame {frame} has more than one row of person {face_id} (row {twice[0]} is the "
            "second): were tables joined that hold the same clip, or clips of one name? Keep one of them"
        )


def seconds(value: float, name: str) -> float:
    """A length of time, or `ConfigError` if it is none."""
    if not 0 <= value < float("inf"):
        raise ConfigError(f"{name} must be seconds, 0 or more, got {value}")
    return value
