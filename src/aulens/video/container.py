"""Opening files with PyAV. What is odd about that is known here."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, Final

import av
from av.error import ArgumentError, FFmpegError

from aulens.errors import InputError
from aulens.formats import BOXES, DAMAGE, VIDEO_FORMATS, known_kind, open_picture
from aulens.named import regular_file
from aulens.video.media import MAX_PIXELS, unreadable
from aulens.video.truncation import bytes_missing

_ATTACHED: Final = 0x400
_THUMBNAILS: Final = 0x800
"""Flags of streams that hold a cover or thumbnails, and are no video."""

_ANY_TEXT: Final[dict[str, Any]] = (
    {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
)
"""Titles and comments may be in any encoding; PyAV 19 takes them all, earlier ones want to be told to."""


_FASTEST: Final = 500
"""Frames per second: what says it has so many is looked at."""
_ABOUT: Final = 0.1
"""Rates that differ less are one: time stamps are rounded, some frames may be missing."""
_MEASURED: Final = 100
_REORDERED: Final = 16


@contextmanager
def opened(path: str | Path, max_pixels: int = MAX_PIXELS) -> Iterator[tuple[Any, Any]]:
    """The container of a file and its video stream, ready for decoding.

    Args:
        path: the file; never an address or a device.
        max_pixels: of a frame; larger ones are not decoded.

    Raises:
        InputError: no such file, empty, not a video, damaged, sound only. What FFmpeg raises while the
            container is in use becomes one too.
    """
    path = Path(path)
    regular_file(path, "video")
    try:
        # Absolute: FFmpeg takes a name like "a:b.mp4" for an address. Nor may a file fetch others, or have
        # frames decoded that are larger than its header says or allows; opening may decode one.
        container = av.open(
            os.path.abspath(path),
            options={"max_pixels": str(max_pixels)},
            container_options={"protocol_whitelist": "file", "format_whitelist": ",".join(VIDEO_FORMATS)},
            **_ANY_TEXT,
        )
    except (FFmpegError, ValueError) as error:
        raise InputError(f"{path}: {_refusal(path, error)}") from error
    with container:
        try:
            stream = _video_stream(path, container)
            # With more than one thread, frames near damaged ones get lost.
            stream.codec_context.thread_count, stream.thread_type = 1, "NONE"
            stream.codec_context.options = {"max_pixels": str(max_pixels)}
            yield container, stream
        except FFmpegError as error:
            raise InputError(f"{path}: {damage(error)}") from error


_UNKNOWN: Final = "the video is damaged, or of an unknown kind"


def damage(error: FFmpegError | ValueError) -> str:
    """What to say of an error of FFmpeg."""
    what = "the video is damaged, or can't be read" if isinstance(error, OSError) else _UNKNOWN
    return f"{what} ({getattr(error, 'strerror', None) or error})"


def _refusal(path: Path, error: FFmpegError | ValueError) -> str:
    if isinstance(error, PermissionError):
        return "you may not read this file"
    if (known := known_kind(path)) is not None:
        return known
    try:
        with path.open("rb") as file:
            start = file.read(12)
        with suppress(*DAMAGE), open_picture(path):
            return "this is a picture, not a video"
    except OSError as gone:
        return unreadable(gone)
    if start[4:8] in BOXES:
        return (
            "the video is damaged: the index without which it can't be read is missing, as when a recording "
            "or a copy broke off"
        )
    if isinstance(error, ArgumentError):
        return f"not a video of a kind that is opened; it begins with {start!r}"
    return f"{damage(error)}; it begins with {start!r}"


def _video_stream(path: Path, container: Any) -> Any:
    streams = [stream for stream in container.streams.video if not _flags(stream) & (_ATTACHED | _THUMBNAILS)]
    if not streams:
        what = "sound but no video" if container.streams.audio else "no video stream"
        raise InputError(f"{path}: it holds {what}")
    # Where there are several, players show the one marked as the default.
    stream = next((stream for stream in streams if _flags(stream) & 1), streams[0])
    # PyAV knows nothing more of such a stream, not even its tag.
    if stream.codec_context is None:
        raise InputError(f"{path}: the video is of a kind that can't be decoded here")
    if not stream.time_base:
        raise InputError(f"{path}: {_UNKNOWN} (its clock has no rate)")
    return stream


def _flags(stream: Any) -> int:
    return int(stream.disposition.value if hasattr(stream.disposition, "value") else stream.disposition)


def origin(container: Any, stream: Any) -> Fraction:
    """The clip's start on its own clock, seconds: where players begin to count.

    Sound may begin before the pictures. What lies before zero is the run-in of a sound codec, never heard.
    """
    starts = [Fraction(0) if stream.start_time is None else stream.start_time * stream.time_base]
    for sound in container.streams.audio:
        if sound.start_time is not None and sound.time_base is not None:
            starts.append(max(Fraction(0), sound.start_time * sound.time_base))
    return min(starts)


def counts_frames(container: Any) -> bool:
    """Whether the container has no time stamps but numbers of frames. FFmpeg makes wrong stamps of those."""
    return bool(container.format.name == "avi")


def stamp_of(packet: Any) -> int | None:
    """A packet's time stamp; where frames are counted, its number."""
    stamp: int | None = packet.dts if counts_frames(packet.stream.container) else packet.pts
    return stamp


def frame_rate(container: Any, stream: Any, stamps: Sequence[int | None]) -> Fraction | None:
    """Average frames per second; None if nothing tells.

    What MP4 and MOV say, which count their frames. Others say what was planned, or (DV) that each tick
    of their clock is a frame: where time stamps of the first `_MEASURED` packets tell otherwise, those count.

    Args:
        container: read up to some packets.
        stream: its video.
        stamps: of those packets.
    """
    stated = stream.average_rate or stream.guessed_rate
    if stated and stated < _FASTEST and "mov" in container.format.name.split(","):
        return Fraction(stated)
    read: list[int | None] = list(stamps)
    with suppress(FFmpegError):
        read += [stamp_of(packet) for packet in islice(container.demux(stream), _MEASURED)]
    known = sorted({stamp for stamp in read if stamp is not None})
    # Of the last ones some may be missing that are shown before them.
    known = known[:-_REORDERED] if len(read) > _MEASURED else known
    steps = sorted(after - before for before, after in pairwise(known))
    if steps:
        usual = 1 / Fraction(steps[len(steps) // 2] * stream.time_base)
        mean = len(steps) / Fraction(sum(steps) * stream.time_base)
        fits = stated and any(abs(stated - seen) < _ABOUT * seen for seen in (usual, mean))
        return Fraction(stated) if fits else mean
    stated = stated if stated and stated < _FASTEST else stream.base_rate or stated
    return Fraction(stated) if stated else None


def sound_differs(path: Path, pictures: float) -> str:
    """What to say if counted pictures (AVI) last for so many seconds and their sound does not; or ""."""
    with suppress(InputError), opened(path) as (container, _):
        if not counts_frames(container) or not container.streams.audio:
            return ""
        lasts = 0.0
        for packet in container.demux(container.streams.audio[0]):
            if packet.pts is not None:
                lasts = float((packet.pts + (packet.duration or 0)) * packet.time_base)
        if lasts and abs(lasts - pictures) > max(1, 0.1 * lasts):
            return (
                f"by the frames a second in its header its pictures last {pictures:.1f} s, its sound "
                f"lasts {lasts:.1f} s: one of them is wrong, and so may be all times"
            )
    return ""


def cut_short(path: str | Path) -> str | None:
    """What to say of a file that is shorter than its own header promises; None if it is whole."""
    try:
        missing = bytes_missing(Path(path))
    except OSError as error:
        return unreadable(error)
    return None if missing is None else f"the file is cut short, {missing:,} bytes of it are missing"
