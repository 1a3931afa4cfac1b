"""The sound of one video, carried into another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Self

import av
from av.error import FFmpegError

from aulens.video.container import opened, origin

_IN_MP4: Final = frozenset({"aac", "ac3", "alac", "eac3", "flac", "mp3", "opus"})
"""Codecs that players find in an MP4. Matroska holds them all."""

_RUN_IN: Final = Fraction(1, 20)
"""Seconds of sound before the beginning that a decoder needs; MP4 has a note not to play them."""

_RATES: Final = (48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000)


class Sound:
    """Copies or converts the first sound track of a video, bit by bit as the pictures are written.

    Attributes:
        how: "copied", "converted to aac", or None if there is no sound.
        problem: why it ended early, or None.

    Args:
        path: the video.
        container: PyAV's, being written, before its first packet.
        start: seconds of the source at which the new video begins.
        mp4: whether the container is MP4 or MOV, not Matroska.

    Raises:
        InputError: the video can't be read.
    """

    def __init__(self, path: str | Path, container: Any, start: float, mp4: bool) -> None:
        self.how: str | None = None
        self.problem: str | None = None
        self._out = container
        self._waiting: Any = None
        self._packets: Iterator[tuple[Fraction, Any]] = iter(())
        self._encoder: Any = None
        with ExitStack() as stack:
            self._begin(*stack.enter_context(opened(path)), start, mp4)
            self._stack = stack.pop_all()

    def _begin(self, source: Any, video: Any, start: float, mp4: bool) -> None:
        container, tracks = self._out, source.streams.audio
        if not tracks or tracks[0].codec_context is None:
            return
        self._from, self._zero = tracks[0], origin(source, video) + Fraction(start)
        name = self._from.codec_context.codec.name
        if name.removesuffix("float") in _IN_MP4 or not mp4:
            self.how = "copied"
            self._to = container.add_stream_from_template(self._from)
            self._packets = self._copied(source, -_RUN_IN if mp4 else Fraction(0))
        else:
            self.how = "converted to aac"
            rate = next((rate for rate in _RATES if rate <= self._from.codec_context.sample_rate), _RATES[-1])
            layout = "mono" if self._from.codec_context.channels == 1 else "stereo"
            self._to = container.add_stream("aac", rate=rate)
            self._to.codec_context.layout = layout
            self._to.codec_context.format = "fltp"
            self._encoder = self._to.codec_context
            self._encoder.open()
            self._packets = self._encoded(source, rate, layout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def until(self, time: Fraction) -> None:
        """Write what is heard before `time`, seconds of the new video."""
        while True:
            if self._waiting is None:
                self._waiting = next(self._packets, None)
            if self._waiting is None or self._waiting[0] >= time:
                return
            self._out.mux(self._waiting[1])
            self._waiting = None

    def finish(self) -> None:
        """Write what the encoder still holds."""
        if self._encoder is not None:
            self._out.mux(self._to.encode(None))

    def _demuxed(self, source: Any) -> Iterator[Any]:
        try:
            yield from source.demux(self._from)
        except FFmpegError as error:
            self.problem = f"the sound ends early ({error.strerror})"

    def _copied(self, source: Any, begin: Fraction) -> Iterator[tuple[Fraction, Any]]:
        for packet in self._demuxed(source):
            stamp = packet.dts if packet.pts is None else packet.pts
            if packet.size == 0 or packet.is_corrupt or stamp is None:
                continue
            time = stamp * packet.time_base - self._zero
            if time < begin:
                continue
            shift = round(self._zero / packet.time_base)
            packet.pts = packet.dts = stamp - shift
            packet.stream = self._to
            yield time, packet

    def _encoded(self, source: Any, rate: int, layout: str) -> Iterator[tuple[Fraction, Any]]:
        resampler = av.AudioResampler(
            format="fltp", layout=layout, rate=rate, frame_size=self._encoder.frame_size or 1024
        )
        for packet in self._demuxed(source):
            try:
                frames = packet.decode()
            except FFmpegError:
                continue
            for frame in frames:
                if frame.pts is not None and frame.pts * frame.time_base < self._zero:
                    continue
                yield from self._pieces(resampler.resample(frame))
        # What is left is shorter than the encoder's pieces.
        yield from self._pieces(resampler.resample(None))

    def _pieces(self, pieces: Iterable[Any]) -> Iterator[tuple[Fraction, Any]]:
        for piece in pieces:
            time = piece.pts * piece.time_base - self._zero
            piece.pts -= round(self._zero / piece.time_base)
            yield time, self._to.encode(piece)
