"""Videos summed up for reading: who shows which Action Units, and for what share of the time."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.table import Table
from rich.text import Text

from aulens.aus import AUS, AUSet
from aulens.commands.terminal import name_cell, to_stdout
from aulens.runtime.doubt import doubts_text
from aulens.runtime.result import FrameResult
from aulens.show.numbers import percent
from aulens.tables.blinks import BLINK, blink_rates
from aulens.tables.clip import read_clip
from aulens.tables.doubts import ROWS
from aulens.tables.events import events
from aulens.tables.shares import shares
from aulens.tables.usable import Limits, out_of


@dataclass
class _Person:
    """What was seen of somebody: frames, and of A Action Units the frames with each.

    `share` is the share of the time with each; None while rows are streamed: then frames count alike.
    `blinks` is how often they blink a minute, NaN where it is not known.
    """

    seen: int
    present: NDArray[np.int64]
    share: NDArray[np.float64] | None = None
    blinks: float = math.nan


class ClipTable:
    """For reading: for each person of a video, which Action Units were present, and for what share of time.

    `limits`: on the faces of frames that are added one by one.
    """

    def __init__(self, aus: AUSet, limits: Limits | None = None) -> None:
        self._aus, self._limits = aus, limits or Limits()
        self._faces: dict[str, tuple[int, int]] = {}  # found, and left out of these
        self._doubts: dict[str, Counter[str]] = {}  # why those that are not left out are doubtful
        self._people: dict[str, dict[int, _Person]] = {}
        self._of = "frames"

    def add(self, name: str, result: FrameResult) -> None:
        """Take a frame of the video `name`."""
        people = self._people.setdefault(name, {})
        kept = [face for face in result.faces if self._limits.counts(face)]
        found, out = self._faces.get(name, (0, 0))
        self._faces[name] = found + len(result.faces), out + len(result.faces) - len(kept)
        self._doubts.setdefault(name, Counter()).update(face.doubt for face in kept)
        for face in kept:
            known = people.setdefault(face.face_id, _Person(0, np.zeros(len(self._aus.labels), np.int64)))
            known.seen += 1
            known.present += np.array([face.occurrence[label] for label in self._aus.labels], np.int64)

    def remarks(self, name: str) -> Iterator[str]:
        """How many faces in the frames of the video `name` are left out, or doubtful."""
        found, out = self._faces.get(name, (0, 0))
        if self._limits:
            yield out_of(out, found, self._limits)
        if (doubtful := doubts_text(self._doubts.get(name, {}), found - out, ROWS)) is not None:
            yield doubtful

    def add_table(self, name: str, table: pd.DataFrame, threshold: Sequence[float]) -> None:
        """Take the whole video `name` from its table, smoothed where that is; `threshold`: (A,) of the model.

        Raises:
            InputError: the table was changed since, and lacks columns.
        """
        self._of = "time"
        self._people[name] = {
            track.face_id: _Person(
                int(track.seen.sum()), track.present.sum(axis=0), shares(track, block=np.inf).value
            )
            for track in read_clip(table, self._aus.labels).tracks
        }
        if table["time"].notna().any():
            found = events(table, thresholds=dict(zip(self._aus.labels, threshold, strict=True)))
            for _, face_id, _, rate in blink_rates(table, found).itertuples(index=False):
                self._people[name][int(face_id)].blinks = rate

    def print(self) -> None:
        """Print it to standard output, if there was a video."""
        if not self._people:
            return
        table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
        for title in ("Video", "Face", "AU", "Name"):
            table.add_column(title, overflow="fold")
        for title in ("Frames", f"Share of {self._of}"):
            table.add_column(title, justify="right")
        for name, people in self._people.items():
            for face_id, known in people.items():
                self._rows(table, (name_cell(name), str(face_id)), known)
        for name in (name for name, people in self._people.items() if not people):
            table.add_row(name_cell(name), "", "", Text("no face", style="dim"))
        to_stdout().print(table)

    def _rows(self, table: Table, first: tuple[Text, str], known: _Person) -> None:
        """A row for each Action Unit that was present, the most frequent first."""
        share = known.present / known.seen if known.share is None else known.share
        for place in np.argsort(-share, kind="stable"):
            if known.present[place]:
                table.add_row(
                    *first, self._aus.labels[place], AUS[self._aus.numbers[place]].name,
                    str(known.present[place]), percent(share[place]),
                )  # fmt: skip
                first = Text(""), ""
        if not known.present.any():
            table.add_row(*first, "", Text("no Action Unit present", style="dim"))
            first = Text(""), ""
        if not math.isnan(known.blinks):
            table.add_row(*first, BLINK, AUS[45].name, "", f"{known.blinks:.1f} a minute")
        table.add_section()
