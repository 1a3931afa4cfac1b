"""Videos of `aulens detect`: into a folder with all that belongs to them, or to standard output."""

import math
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table
from rich.text import Text

from aulens.aus import AUS, AUSet
from aulens.commands.output import Sink
from aulens.commands.sources import Source, command_line, path_of
from aulens.commands.tally import Tally
from aulens.errors import InputError
from aulens.output import OutputSettings, analyze_video
from aulens.runtime.analyzer import Analyzer
from aulens.runtime.result import FaceResult, FrameResult
from aulens.show.numbers import percent
from aulens.tables.shares import shares
from aulens.tables.clip import read_clip
from aulens.tables import read_table
from aulens.tables.blinks import BLINK, blink_rates
from aulens.tables.events import events
from aulens.tables.usable import Limits, out_of
from aulens.video.reader import VideoInfo, open_video
from aulens.video.webcam import Camera


def record_clips(
    sources: Sequence[Source],
    analyzer: Analyzer,
    out: Path,
    settings: OutputSettings,
    tally: Tally,
    bar: Progress,
    *,
    names: Sequence[str],
    resume: bool,
    told: "ClipTable | None",
) -> None:
    """Analyze videos into `out`, each into files of its own name.

    Args:
        sources: paths, or what was opened before.
        analyzer: the model and the detector.
        out: folder.
        settings: what to write, and which frames.
        tally: counts.
        bar: shows how far it is.
        names: of the files of each.
        resume: go on with what an earlier run began.
        told: sums up for reading, or None.
    """
    for source, name in zip(sources, names, strict=True):
        path = path_of(source)
        step = _Step(bar, path, settings, None)
        try:
            with ctrl_c_ends(source):
                done = analyze_video(
                    analyzer, source, out, settings,
                    name=name, resume=resume, progress=step, command=command_line(),
                )  # fmt: skip
            if told is not None:
                table = read_table(out / done.files["table"])
                counts = table if done.left_out is None else settings.limits.usable(table)
                told.add_table(str(path), counts, analyzer.card.threshold)
        except InputError as error:
            tally.fail(path, error)
            continue
        finally:
            step.end()
            tally.end_of(path)
        tally.clips += 1
        tally.frames += step.frames
        if done.problem is not None:
            tally.fail(path, done.problem)
        if done.left_out is not None:
            tally.say(f"{path}: {done.left_out}")
        if done.remark is not None:
            tally.say(f"{path}: {done.remark}")
        if step.frames:
            tally.before += done.frames - step.frames
        elif done.frames:
            tally.done += 1
            tally.say(f"{path}: was done before, see {out / done.files['table']}")


def stream_clips(
    sources: Sequence[Source],
    analyzer: Analyzer,
    sinks: Sequence[Sink],
    settings: OutputSettings,
    tally: Tally,
    bar: Progress,
    told: "ClipTable | None",
) -> None:
    """Analyze videos into `sinks`, nothing else; arguments as in `record_clips`."""
    for source in sources:
        path = path_of(source)
        step = _Step(bar, path, settings, told)
        try:
            media = open_video(source) if isinstance(source, Path) else source
            results = analyzer.video(
                media, frame_step=settings.every, start=settings.start, stop=settings.stop,
                keep_lost=settings.keep_lost,
            )  # fmt: skip
            with ctrl_c_ends(source), closing(results):
                for result in results:
                    for sink in sinks:
                        sink.add(str(path), result, picture=False)
                    step(result, media.info)
        except InputError as error:
            tally.fail(path, error)
            continue
        finally:
            step.end()
            tally.end_of(path)
            tally.frames += step.frames
        tally.clips += 1
        if told is not None and settings.limits:
            tally.say(f"{path}: {told.left_out(str(path))}")
        if media.problem is not None:
            tally.fail(path, media.problem)


@contextmanager
def ctrl_c_ends(source: Source) -> Iterator[None]:
    """Ctrl-C is how a camera's video ends, so that its files are finished; a second one stops at once."""
    if not isinstance(source, Camera):
        yield
        return

    def end(*_: object) -> None:
        signal.signal(signal.SIGINT, before)
        source.stop()

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Step:
    """Counts the frames of one video, and shows them."""

    def __init__(self, bar: Progress, path: Path, settings: OutputSettings, told: "ClipTable | None") -> None:
        self.frames = 0
        self._bar, self._path, self._settings, self._told = bar, path, settings, told
        self._task: TaskID | None = None

    def __call__(self, result: FrameResult, info: VideoInfo) -> None:
        if self._task is None:
            self._task = self._bar.add_task(self._path.name, total=expected(info, self._settings))
        self.frames += 1
        self._bar.advance(self._task)
        if self._told is not None:
            self._told.add(str(self._path), result)

    def end(self) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)


def expected(info: VideoInfo, settings: OutputSettings) -> int | None:
    """About how many frames will be analyzed; None if the container does not say how many it has."""
    rate = None if info.rate is None else float(info.rate)
    if rate is None or (info.duration is None and info.frames is None):
        return info.frames
    length = info.duration if info.duration is not None else (info.frames or 0) / rate
    stop = length if settings.stop is None else min(length, settings.stop)
    return max(0, math.ceil((stop - (settings.start or 0)) * rate / settings.every))


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

    Args:
        aus: of the model.
        limits: of the faces that count, of frames that are added one by one.
    """

    def __init__(self, aus: AUSet, limits: Limits | None = None) -> None:
        self._aus, self._limits = aus, limits or Limits()
        self._faces: dict[str, tuple[int, int]] = {}  # found, and left out of these
        self._people: dict[str, dict[int, _Person]] = {}
        self._of = "frames"

    def add(self, name: str, result: FrameResult) -> None:
        """Take a frame of the video `name`."""
        people = self._people.setdefault(name, {})
        kept = [face for face in result.faces if self._counts(face)]
        found, out = self._faces.get(name, (0, 0))
        self._faces[name] = found + len(result.faces), out + len(result.faces) - len(kept)
        for face in kept:
            known = people.setdefault(face.face_id, _Person(0, np.zeros(len(self._aus.labels), np.int64)))
            known.seen += 1
            known.present += np.array([face.occurrence[label] for label in self._aus.labels], np.int64)

    def left_out(self, name: str) -> str:
        """How many faces of the frames of the video `name` do not count, in words."""
        found, out = self._faces.get(name, (0, 0))
        return out_of(out, found, self._limits)

    def _counts(self, face: FaceResult) -> bool:
        pitch, yaw = (math.nan, math.nan) if face.pose is None else face.pose.angles[:2]
        return bool(self._limits.keep(yaw, pitch, face.quality))

    def add_table(self, name: str, table: pd.DataFrame, threshold: Sequence[float]) -> None:
        """Take the whole video `name` from its table: as the page, smoothed where the table is.

        Args:
            name: of the video.
            table: of it.
            threshold: (A,) of the model.

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
                self._rows(table, (Text(name), str(face_id)), known)
        for name in (name for name, people in self._people.items() if not people):
            table.add_row(Text(name), "", "", Text("no face", style="dim"))
        Console(file=sys.stdout, width=None if sys.stdout.isatty() else 110).print(table)

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
