"""A clip's table as arrays: one track per person, with what was seen and how long each frame lasts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.errors import ConfigError, InputError
from aulens.tables.doubts import doubts
from aulens.tables.schema import aus_in, rows_with_face, take_smoothed
from aulens.tables.tracks import check_once, frame_ends, timed_rows

Floats = NDArray[np.float64]
Scores = NDArray[np.float32]  # six digits are enough for what is shown, and a clip may be long
_ENDS: Final = {False: ("p", "c"), True: ("smooth_p", "smooth_c")}


@dataclass(frozen=True, eq=False)
class Track:
    """One person through a clip: T frames from the first in which they were seen, A Action Units.

    A frame without a row for the person counts as one in which the face was lost. Frames that the whole table
    lacks (they could not be decoded) stand together as one such frame.

    Attributes:
        face_id: whose.
        frame: (T,) int64, ascending.
        time: (T,) seconds, ascending; frame numbers in a clip without time stamps.
        lasts: (T,) how long each frame is shown, in the unit of `time`, above 0.
        probability: (T, A) float32 in [0, 1], NaN where the face was lost; of tables without probabilities
            (OpenFace's) NaN everywhere.
        present: (T, A) bool, as the table decides; False where the face was lost.
        right: (T, A) probability on the subject's right, or None: the table has none.
        left: as `right`.
        seen: (T,) bool, whether the face was there to score.
        doubts: (T,) why the face is doubtful, "" where it is not (`aulens.runtime.doubt`).
    """

    face_id: int
    frame: NDArray[np.int64]
    time: Floats
    lasts: Floats
    probability: Scores
    present: NDArray[np.bool_]
    right: Scores | None
    left: Scores | None
    seen: NDArray[np.bool_]
    doubts: NDArray[np.str_]

    @cached_property
    def curves(self) -> NDArray[np.bool_]:
        """(A,) whether there is a probability in every frame in which the face was there."""
        return np.asarray(~np.isnan(self.probability[self.seen]).any(axis=0))

    @property
    def start(self) -> float:
        """When the first frame begins."""
        return float(self.time[0])

    @property
    def end(self) -> float:
        """When the last frame ends."""
        return float(self.time[-1] + self.lasts[-1])

    @property
    def time_seen(self) -> float:
        """How long the face was there."""
        return float((self.lasts * self.seen).sum())

    @property
    def time_lost(self) -> float:
        """How long it was lost, from the first frame seen to the track's end."""
        return float((self.lasts * ~self.seen).sum())

    def spans(self, frames: NDArray[np.bool_]) -> list[tuple[float, float]]:
        """The stretches of such frames (T,): (from, to), ascending."""
        edges = np.flatnonzero(np.diff(frames.astype(np.int8), prepend=0, append=0))
        ends = self.time + self.lasts
        return [
            (float(self.time[a]), float(ends[b - 1])) for a, b in zip(edges[::2], edges[1::2], strict=True)
        ]

    def lost(self) -> list[tuple[float, float]]:
        """When the face was lost: (from, to), ascending."""
        return self.spans(~self.seen)

    def doubtful(self) -> list[tuple[float, float]]:
        """When the face was seen too badly for its AUs to say much: (from, to), ascending."""
        return self.spans(self.doubts != "")

    def row(self, frame: int) -> int | None:
        """The position of a frame in which the face was there; None of another."""
        place = int(np.searchsorted(self.frame, frame))
        known = place < len(self.frame) and self.frame[place] == frame and self.seen[place]
        return place if known else None


@dataclass(frozen=True, eq=False)
class Clip:
    """The table of one clip as arrays.

    Attributes:
        file: the clip, as the table names it.
        labels: of the AUs, in order.
        tracks: one per person, ascending by `face_id`.
        frame: (F,) int64, every frame in the table, ascending; one more for each stretch that it lacks.
        time: (F,) as in `Track`.
        lasts: (F,) as in `Track`.
        timed: False if there are no time stamps, so that `time` counts frames.
        smoothed: whether probabilities and decisions are smoothed ones.
    """

    file: str
    labels: tuple[str, ...]
    tracks: tuple[Track, ...]
    frame: NDArray[np.int64]
    time: Floats
    lasts: Floats
    timed: bool
    smoothed: bool

    @property
    def name(self) -> str:
        """The clip's name without its folders, of whichever system."""
        return self.file.replace("\\", "/").rsplit("/", 1)[-1]

    @property
    def folder(self) -> str:
        """The name of the folder that the clip lies in; "" if the table does not name one."""
        name = self.file.replace("\\", "/").rpartition("/")[0].rsplit("/", 1)[-1]
        return "" if name.strip(".") == "" or name.endswith(":") else name

    @property
    def end(self) -> float:
        """When the last frame ends; 0 without frames."""
        return float(self.time[-1] + self.lasts[-1]) if len(self.time) else 0.0

    def track(self, face_id: int) -> Track:
        """The track of a person.

        Raises:
            InputError: there is no such person; says who there is.
        """
        for track in self.tracks:
            if track.face_id == face_id:
                return track
        known = ", ".join(str(track.face_id) for track in self.tracks) or "nobody"
        raise InputError(f"{self.file}: the table has no person {face_id}; it has {known}")

    def away(self, track: Track) -> list[tuple[float, float]]:
        """When there is no face of a person to see: before they come, while they are lost, after."""
        start = float(self.time[0])
        before = [(start, track.start)] if track.start > start else []
        after = [(track.end, self.end)] if track.end < self.end else []
        return before + track.lost() + after

    def time_of(self, frame: int) -> float:
        """When a frame begins; of one that the table lacks, the next."""
        return float(self.time[min(int(np.searchsorted(self.frame, frame)), len(self.frame) - 1)])

    def nobody(self) -> float:
        """The share of the time in which no face was found, 0 to 1; NaN without frames."""
        if not len(self.frame):
            return float("nan")
        found = np.zeros(len(self.frame), dtype=bool)
        for track in self.tracks:
            found[np.searchsorted(self.frame, track.frame[track.seen])] = True
        return float(self.lasts[~found].sum() / self.lasts.sum())


def read_clip(table: pd.DataFrame, labels: Sequence[str], smoothed: bool | None = None) -> Clip:
    """Read the table of one clip.

    Args:
        table: in our schema, one row per frame and person; stays as it is.
        labels: of the AUs to read; their probabilities may be missing, their decisions not.
        smoothed: read smoothed probabilities and decisions; None: where the table has them.

    Raises:
        ConfigError: no labels.
        InputError: columns or decisions are missing, the table is of several clips or of none, its times do
            not ascend, only some rows with a face have one, or it has a frame of a person twice.
    """
    if not labels:
        raise ConfigError("no Action Units are chosen; give at least one, with its threshold: {'AU12': 0.27}")
    smoothed = take_smoothed(table, labels, smoothed)
    chance, decided = _ENDS[smoothed]
    wanted = ["file", "frame", "time", "face_id", "success"]
    wanted += [f"{label}_{decided}" for label in labels]
    missing = [name for name in wanted if name not in table.columns]
    if missing:
        known = ", ".join(aus_in(table)) or "none"
        raise InputError(
            f"the table lacks the columns {', '.join(missing[:4])}{' ...' if len(missing) > 4 else ''}; its "
            f"Action Units are {known}; give a video's table of `aulens detect`, or other Action Units"
        )
    files = table["file"].unique()
    if len(files) != 1:
        raise InputError(
            f"the table is of {len(files)} clips; give the rows of one: table[table.file == ...]"
        )
    if table["frame"].isna().any():
        raise InputError(f"{files[0]}: rows without a frame number: a picture has no time line")
    check_once(table)
    _check_decided(table, labels, decided)
    timed = bool(table["time"].notna().any())
    if timed:
        table = table[timed_rows(table)]
    frame, time, lasts = _times(table, str(files[0]), timed)
    at = np.searchsorted(frame, table["frame"].to_numpy(np.int64))
    who = table["face_id"].astype("Int64")
    tracks = []
    for face_id in sorted(int(number) for number in who.dropna().unique()):
        rows = (who == face_id).fillna(False).to_numpy(bool)
        tracks.append(_track(table[rows], at[rows], (frame, time, lasts), labels, (chance, decided), face_id))
    kept = tuple(track for track in tracks if track is not None)
    return Clip(str(files[0]), tuple(labels), kept, frame, time, lasts, timed, smoothed)


def _check_decided(table: pd.DataFrame, labels: Sequence[str], end: str) -> None:
    """Nobody knows whether an AU is present in rows that do not say it: as absent they would be false."""
    seen = rows_with_face(table)
    for label in labels:
        empty = int((table[f"{label}_{end}"].isna() & seen).sum())
        if empty:
            raise InputError(
                f"{label}_{end} is empty in {empty} of {int(seen.sum())} rows with a face: nobody knows "
                f"whether {label} is present; leave it out, or decide it by a threshold for {label}_p"
            )


def _times(table: pd.DataFrame, file: str, timed: bool) -> tuple[NDArray[np.int64], Floats, Floats]:
    """The frames of a clip, when each begins, and how long it lasts; numbers of frames unless `timed`."""
    unique = table[["frame", "time"]].drop_duplicates("frame").sort_values("frame")
    frame = unique["frame"].to_numpy(np.int64)
    time = unique["time"].to_numpy(np.float64) if timed else frame.astype(np.float64)
    ends = frame_ends(file, frame, time)
    lasts = ends - time if len(time) > 1 else np.ones(len(time))
    # Between the end of a frame and the start of the next the table lacks frames: nothing is known there.
    before = np.flatnonzero(ends[:-1] < time[1:])
    each = int(np.median(np.diff(frame))) if len(frame) > 1 else 1
    left = time[before + 1] - ends[before]
    frame = np.insert(frame, before + 1, frame[before] + each)
    time, lasts = np.insert(time, before + 1, ends[before]), np.insert(lasts, before + 1, left)
    return frame, time, np.maximum(lasts, 1e-6)


def _track(
    rows: pd.DataFrame,
    at: NDArray[np.intp],
    clip: tuple[NDArray[np.int64], Floats, Floats],
    labels: Sequence[str],
    ends: tuple[str, str],
    face_id: int,
) -> Track | None:
    """A person's rows as a track; None for one who is never seen. `at`: (rows,) positions of their frames."""
    seen = (rows["success"] == 1).fillna(False).to_numpy(bool)
    if not seen.any():
        return None
    first = int(at[seen].min())
    count = int(at.max()) + 1 - first
    place, kept = at - first, at >= first

    def column(end: str, empty: float) -> Scores:
        values = np.full((count, len(labels)), empty, np.float32)
        names = [f"{label}_{end}" for label in labels]
        found = rows.reindex(columns=names).to_numpy(np.float32, na_value=np.nan)
        values[place[kept]] = np.where(seen[kept, None], found[kept], empty)
        return values

    sides = [column(f"{side}_p", np.nan) for side in ("right", "left")]
    right, left = (None if np.isnan(side).all() else side for side in sides)
    part, (frame, time, lasts) = slice(first, first + count), clip
    there = np.zeros(count, bool)
    there[place[kept]] = seen[kept]
    why = np.full(count, "", dtype="U64")
    why[place[kept]] = doubts(rows)[kept]
    decided = np.nan_to_num(column(ends[1], 0)) > 0.5
    chance = column(ends[0], np.nan)
    return Track(face_id, frame[part], time[part], lasts[part], chance, decided, right, left, there, why)
