"""Make one video of several, picture for picture as they are, and add the sound of another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from av.error import FFmpegError

from aulens.errors import InputError
from aulens.files import atomic_write
from aulens.video.container import opened
from aulens.video.sound import Sound
from aulens.video.target import create, kind_of, plain


@dataclass(frozen=True)
class Joined:
    """What became of the sound of a joined video.

    Attributes:
        audio: "copied", "converted to aac", or None without any.
        problem: why it ends early, or None.
    """

    audio: str | None = None
    problem: str | None = None


def join_videos(
    pieces: Sequence[Path], path: str | Path, *, audio_from: str | Path | None = None, start: float = 0.0
) -> Joined:
    """Join videos that `VideoWriter` made for this (`joined`), all with the same settings.

    Nothing is encoded again. Each picture keeps its time stamp, so pieces follow each other by their stamps.
    The file has another name until all is written; an error leaves none.

    Args:
        pieces: the videos, in order; at least one.
        path: .mp4, .m4v, .mov or .mkv; a file already there is replaced.
        audio_from: a video whose sound goes with the pictures, up to the last one.
        start: seconds of that video at which the joined one begins.

    Raises:
        ConfigError: the name ends otherwise.
        InputError: a piece, or `audio_from`, can't be read; a piece does not follow the one before it, or was
            made with other settings.
        OSError: the folder is missing or can't be written to, or the disk is full.
    """
    path = Path(path)
    kind = kind_of(path)
    if not pieces:
        raise InputError(f"{path}: there is no piece to join")
    try:
        with atomic_write(path) as part:
            return _join(pieces, part, kind, audio_from, start)
    except (FFmpegError, OSError) as error:
        raise plain(error, path) from error


def last_stamp(path: str | Path) -> Fraction:
    """Seconds on a video's own clock at which its last picture is shown.

    Raises:
        InputError: it can't be read, or has no picture with a time stamp.
    """
    with opened(path) as (container, stream):
        stamps = [packet.pts for packet in container.demux(stream) if packet.pts is not None]
        if not stamps:
            raise InputError(f"{path}: there is no picture with a time stamp")
        return Fraction(max(stamps) * stream.time_base)


def _join(
    pieces: Sequence[Path], part: Path, kind: str, audio_from: str | Path | None, start: float
) -> Joined:
    # What goes wrong while a source is `opened` counts as its fault: nothing is written in there.
    with opened(pieces[0]) as (_, first):
        base, header = Fraction(first.time_base), first.codec_context.extradata
    with ExitStack() as stack:
        out = stack.enter_context(create(part, kind, base))
        with opened(pieces[0]) as (_, first):
            stream = out.add_stream_from_template(first)
        stream.time_base = base
        sound = None
        if audio_from is not None:
            sound = stack.enter_context(Sound(audio_from, out, start, kind != "matroska"))
        waiting, gap = None, 0
        for packet in _packets(pieces, base, header):
            if waiting is not None:
                gap = packet.pts - waiting.pts
                _write(out, stream, waiting, gap, sound)
            waiting = packet
        if waiting is not None:
            # How long the last one is shown nobody says: as long as the one before.
            _write(out, stream, waiting, gap or waiting.duration or 1, sound)
        if sound is None:
            return Joined()
        sound.finish()
        return Joined(sound.how, sound.problem)


def _packets(pieces: Sequence[Path], base: Fraction, header: bytes | None) -> Iterator[Any]:
    """The pictures of all pieces, still encoded, in order."""
    last = None
    for piece in pieces:
        with opened(piece) as (container, stream):
            if Fraction(stream.time_base) != base or stream.codec_context.extradata != header:
                raise InputError(
                    f"{piece}: it was made with other settings than {pieces[0]}: they can't be joined"
                )
            for packet in container.demux(stream):
                if packet.size == 0:
                    continue
                if packet.pts is None or packet.pts != packet.dts:
                    raise InputError(
                        f"{piece}: it needs later pictures to show earlier ones, so it can't be joined"
                    )
                if last is not None and packet.pts <= last:
                    raise InputError(f"{piece}: it begins before the end of the piece before it")
                last = packet.pts
                yield packet


def _write(out: Any, stream: Any, packet: Any, duration: int, sound: Sound | None) -> None:
    end = (packet.pts + duration) * packet.time_base
    packet.duration = duration
    packet.stream = stream
    out.mux(packet)
    if sound is not None:
        sound.until(end)
