"""Read a video frame by frame, whatever its length, with the time stamps that its container keeps."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from av.error import FFmpegError

from aulens.errors import InputError
from aulens.formats import may_be_paged
from aulens.image import check_size
from aulens.video.animation import Animation
from aulens.video.clock import Clock, Counter, is_indexed, read_clock
from aulens.video.container import (
    counts_frames,
    cut_short,
    damage,
    frame_rate,
    opened,
    origin,
    sound_differs,
    stamp_of,
)
from aulens.video.fit import fit
from aulens.video.media import MAX_PIXELS, Choice, Frame, Media, VideoInfo, place
from aulens.video.to_rgb import UNCONVERTED, ToRGB, pixel_ratio, rotation
from aulens.video.woven import WOVEN, FieldCheck

_QUIET: Final = frozenset({"vp8", "vp9", "av1"})
"""Codecs with packets that make no frame."""
_LEAP: Final = 600
_MANY: Final = 1000
"""Seconds, and usual frames, for which no frame is shown: longer is said."""


def open_video(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Media:
    """Open a video file: MP4, MOV, AVI, MKV, WebM, MPEG, … or an animated GIF, PNG or WebP.

    Its first frame is decoded at once, so that what can't be read is found here.

    Args:
        path: the file.
        max_pixels: of a frame; a larger one is refused, or lost where it comes later.

    Raises:
        InputError: no such file, a folder, an empty file, sound only, a picture, not a video, or damaged so
            that not one frame can be decoded.
    """
    kind = Animation if may_be_paged(Path(path)) else VideoFile
    return kind(path, max_pixels)


class VideoFile(Media):
    """A video that FFmpeg can read; see `Media`.

    Frames whose size changes midway are fitted into the size of the first, their shape kept, on black.
    Arguments and errors are those of `open_video`.
    """

    def __init__(self, path: str | Path, max_pixels: int = MAX_PIXELS) -> None:
        self._path, self._max_pixels = Path(path), max_pixels
        self._reading: _Reading | None = None
        self._info, self._origin = _probe(self._path, max_pixels)

    @property
    def problem(self) -> str | None:
        """See `Media`."""
        return None if self._reading is None else self._reading.problem()

    def _frames(self, choice: Choice) -> Generator[Frame, None, None]:
        self._reading = reading = _Reading(self._path, self._info, self._origin, choice, self._max_pixels)
        size = self._info.width, self._info.height
        with closing(reading.run()) as decoded:
            for index, time, frame in decoded:
                choice.check_time(self._info.path, time)
                if choice.ends(time):
                    return
                if choice.takes(index, time):
                    yield Frame(index, time, fit(reading.to_rgb(frame), size))
        reading.finish()


def _probe(path: Path, max_pixels: int) -> tuple[VideoInfo, Fraction]:
    """What a video says of itself, after its first frame is decoded; and where its clock begins, seconds."""
    with opened(path, max_pixels=max_pixels) as (container, stream):
        coded = stream.codec_context
        check_size(path, coded.width * pixel_ratio(stream), coded.height, max_pixels)
        stamps: list[int | None] = []
        frame = _first_frame(container, stream, stamps)
        if frame is None:
            larger = "" if coded.width else f", or none of up to {max_pixels:,} pixels"
            raise InputError(f"{path}: the video holds no picture that can be decoded{larger}")
        if (coding := UNCONVERTED.get(frame.colorspace)) is not None:
            raise InputError(
                f"{path}: its colours are coded as {coding}, which is not read: encode it as BT.709"
            )
        turn, rate = rotation(frame), frame_rate(container, stream, stamps)
        width, height = max(1, round(frame.width * pixel_ratio(stream))), frame.height
        check_size(path, width, height, max_pixels)
        begin = origin(container, stream)
        if frame.pts is not None and not counts_frames(container):
            first = frame.pts * stream.time_base
            begin = first if stream.start_time is None else min(begin, first)
        duration = None
        if stream.duration is not None:
            duration = float(stream.duration * stream.time_base)
        elif container.duration is not None:
            duration = container.duration / av.time_base
        info = VideoInfo(
            path=str(path),
            width=height if turn % 180 else width,
            height=width if turn % 180 else height,
            rate=rate,
            duration=duration,
            frames=stream.frames or None,
            rotation=turn,
            has_audio=bool(container.streams.audio),
            codec=stream.codec_context.codec.name,
            time_base=None if frame.pts is None else Fraction(stream.time_base),
        )
        return info, begin


def _first_frame(container: Any, stream: Any, stamps: list[int | None]) -> Any:
    """The first frame; and the time stamps of the packets up to it."""
    for packet in container.demux(stream):
        stamps.append(stamp_of(packet))
        with suppress(FFmpegError):
            for frame in packet.decode():
                return frame
    return None


class _SurpriseError(Exception):
    """A frame comes that is not the one its packets promised: numbers can't be told after a jump."""


class _Reading:
    """One way through a video: `run` gives (number, seconds, decoded frame) from the first one asked for.

    Attributes:
        to_rgb: turns a decoded frame into a picture.
    """

    def __init__(self, path: Path, info: VideoInfo, begin: Fraction, choice: Choice, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._path, self._info, self._begin, self._choice = path, info, begin, choice
        self.to_rgb = ToRGB()
        self._last, self._time = -1, math.nan
        self._lost, self._failed, self._concealed = 0, 0, 0
        self._first_lost = self._first_concealed = self._jump_back = self._disorder = ""
        self._leap = self._clocks = self._end = self._stop = ""
        self._fields = FieldCheck()

    def run(self) -> Generator[tuple[int, float, Any], None, None]:
        clock = read_clock(self._path) if self._choice.jumps else None
        parts = [self._from_start()] if clock is None else [self._jumped(clock), self._from_start()]
        for part in parts:
            with closing(part), suppress(_SurpriseError):
                try:
                    for index, time, frame in part:
                        if index > self._last:
                            self._note(index, time, frame)
                            yield index, time, frame
                except InputError as error:
                    # The file went away in between; what was given is not taken back.
                    if self._last < 0:
                        raise
                    self._end = str(error).removeprefix(f"{self._path}: ")
                return

    def finish(self) -> None:
        """All that the file has was read."""
        # Looked up once: the file may go away before somebody asks for the problem.
        end = self._end or cut_short(self._path)
        if end:
            self._stop = f"it stops after {place(self._last, self._time)}: {end}"
        else:
            self._clocks = sound_differs(self._path, self._time)

    def problem(self) -> str | None:
        """What went wrong so far, as one sentence; None if nothing did."""
        said = []
        if self._lost and (self._failed or self._info.codec not in _QUIET):
            said.append(f"{_many(self._lost)} could not be decoded, the first after {self._first_lost}")
        if self._concealed:
            said.append(f"{_many(self._concealed)} came damaged, the first {self._first_concealed}")
        if self._jump_back:
            said.append(f"time stamps jump back at {self._jump_back}, from there on they are counted on")
        if self._leap:
            said.append(f"time stamps leap by {self._leap}")
        said += filter(None, [self._clocks])
        if self._fields.woven:
            said.append(WOVEN)
        if self._disorder:
            said.append(f"time stamps are out of order at {self._disorder}, from there on they are sorted")
        if self._stop:
            said.append(self._stop)
        return "; ".join(said) or None

    def _note(self, index: int, time: float, frame: Any) -> None:
        if index > self._last + 1:
            self._lose(index - self._last - 1)
        self._fields.add(frame)
        if frame.is_corrupt:
            self._concealed += 1
            self._first_concealed = self._first_concealed or place(index, time)
        if time - self._time > max(_LEAP, _MANY / self._info.rate if self._info.rate else 0):
            self._leap = self._leap or f"{time - self._time:,.0f} s at {place(index, time)}"
        self._last, self._time = index, time

    def _lose(self, count: int) -> None:
        self._lost += count
        self._first_lost = self._first_lost or place(self._last, self._time)

    def _from_start(self) -> Generator[tuple[int, float, Any], None, None]:
        with opened(self._path, max_pixels=self._max_pixels) as (container, stream):
            base = Fraction(stream.time_base)
            self.to_rgb = ToRGB(pixel_ratio(stream))
            counter = Counter(container, 1 / float(self._info.rate * base) if self._info.rate else 1.0)
            for packet in self._packets(container, stream):
                counter.promise(packet)
                for frame in self._decoded(packet, counter):
                    index, stamp = counter.number(frame)
                    time = math.nan if stamp is None else float(Fraction(stamp) * base - self._begin)
                    if counter.jumped_back and not self._jump_back:
                        self._jump_back = place(index, time)
                    if counter.disordered and not self._disorder:
                        self._disorder = place(index, time)
                    yield index, time, frame
            if counter.missing():
                self._lose(counter.missing())

    def _jumped(self, clock: Clock) -> Generator[tuple[int, float, Any], None, None]:
        with opened(self._path, max_pixels=self._max_pixels) as (container, stream):
            base = Fraction(stream.time_base)

            def seconds(index: int) -> float:
                return float((clock.marks[index] - clock.late) * base - self._begin)

            everything = range(len(clock.marks))
            target = max(self._choice.skip, bisect_left(everything, self._choice.start or 0.0, key=seconds))
            if target >= len(everything):
                self._last, self._time = everything[-1], seconds(-1)
                return
            key = clock.key_before(target)
            if key is None:
                raise _SurpriseError
            self.to_rgb = ToRGB(pixel_ratio(stream))
            try:
                container.seek(key, stream=stream)
            except FFmpegError as error:
                raise _SurpriseError from error
            before = target - 1
            for packet in self._packets(container, stream):
                for frame in self._decoded(packet, None):
                    index = clock.index(frame.pts)
                    # The decoder repairs damage with pictures before it, perhaps from before the key frame.
                    if frame.is_corrupt:
                        raise _SurpriseError
                    if index is not None and index < target and before < target:
                        continue
                    if index is None or index <= before or (before < target < index):
                        raise _SurpriseError
                    if before < target:
                        self._last, self._time = target - 1, seconds(target - 1) if target else math.nan
                    before = index
                    yield index, seconds(index), frame
            if before + 1 < len(everything):
                self._lose(len(everything) - before - 1)

    def _packets(self, container: Any, stream: Any) -> Iterator[Any]:
        try:
            yield from container.demux(stream)
        except FFmpegError as error:
            self._end = damage(error)

    def _decoded(self, packet: Any, counter: Counter | None) -> list[Any]:
        # A packet that the end of the file cuts through makes half a picture at best. MPEG marks too many.
        try:
            if not (packet.is_corrupt and is_indexed(packet.stream.container)):
                return list(packet.decode())
        except FFmpegError:
            pass
        if counter is None:
            raise _SurpriseError
        self._failed += 1
        counter.fail()
        return []


def _many(count: int) -> str:
    return "1 frame" if count == 1 else f"{count} frames"
