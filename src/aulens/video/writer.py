"""Write an H.264 video with the time stamps and the sound of another."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Self

import av
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from aulens.errors import ConfigError, InputError
from aulens.files import put_in_place, unfinished
from aulens.video.sequence import exact_rate
from aulens.video.sound import Sound
from aulens.video.target import create, kind_of, plain

_CODECS: Final = ("libx264", "libopenh264", "h264_videotoolbox", "h264_mf", "mpeg4")
"""In order of preference; the first is in all of PyAV's own packages."""
_OPTIONS: Final = {"libx264": {"preset": "veryfast", "crf": "20"}}
_NUMBERS: Final = (int, float, Fraction, np.integer, np.floating)
_RATE: Final = Fraction(25)
_TIME_BASE: Final = Fraction(1, 90_000)
_FINEST: Final = 10_000_000
"""Ticks per second above which MP4's 32 bits don't hold a pause of some minutes."""
_COARSEST: Final = Fraction(1, 5000)
_MAX_TICKS: Final = 2**30 - 1
"""Ticks that `_RECENT` pictures in a row may take: with more, MP4's 32 bits fail in frames out of order."""
_RECENT: Final = 4
_LAST: Final = 2**50
"""The last tick. A first picture may be late: pieces of a long video begin where the one before ends."""
_BT709: Final = 1
_LIMITED: Final = 1


class VideoWriter:
    """Writes pictures as a video: H.264 (`codec` says what it is where that is missing), yuv420p.

        with VideoWriter("out.mp4", (width, height), audio_from="in.mp4") as writer:
            writer.write(image, time)

    The file has another name until all is written; an error leaves none. Sizes that are odd get one more row
    or column, a copy of the last: H.264 needs even ones.

    Args:
        path: .mp4, .m4v, .mov or .mkv; a file already there is replaced.
        size: (width, height) of the pictures, pixels.
        rate: frames per second (29.97 is 30000/1001), for frames without a time and for the encoder to plan
            by; None = 25.
        time_base: seconds per tick; `VideoInfo.time_base` of the source keeps its time stamps exactly. None =
            1/90000. The finer, the shorter a pause may be: 3.3 hours at 1/90000, 107 s at 1/10000000.
        audio_from: a video whose sound goes with the pictures. Copied as it is where the container can hold
            it, else converted to AAC; see `audio`. It ends with the last picture.
        start: seconds of the source at which the new video begins; times given to `write` count from the
            source's start all the same.
        joined: this is one of several files that `join_videos` makes into one. Then no picture is encoded
            with the help of a later one, and files a little larger.

    Raises:
        ConfigError: the name ends otherwise, or a size or rate makes no sense.
        InputError: `audio_from` can't be read.
        OSError: the folder is missing or can't be written to.
    """

    def __init__(
        self,
        path: str | Path,
        size: tuple[int, int],
        *,
        rate: float | Fraction | None = None,
        time_base: Fraction | None = None,
        audio_from: str | Path | None = None,
        start: float = 0.0,
        joined: bool = False,
    ) -> None:
        self.path = Path(path)
        kind = kind_of(self.path)
        if len(size) != 2 or not all(isinstance(side, (int, np.integer)) and side > 0 for side in size):
            raise ConfigError(f"{path}: a video's size is (width, height), whole pixels above 0, not {size}.")
        if not isinstance(start, _NUMBERS) or not 0 <= start < math.inf:
            raise ConfigError(f"{path}: start is {start}; give seconds from the source's start, 0 or more.")
        self._size = size
        self._rate = _RATE if rate is None else exact_rate(rate)
        self._base = _fine(_TIME_BASE if time_base is None else time_base)
        self._start = _exact(start)
        self._tick: int | None = None
        self._recent: deque[int] = deque(maxlen=_RECENT)
        self._gap = Fraction(1) / self._rate
        self._count = 0
        self._is_open = True
        self._part = unfinished(self.path)
        self._reformatter = VideoReformatter()
        self._stack = ExitStack()
        self.codec = next(name for name in _CODECS if name in av.codecs_available)
        with self._discarded_at_an_error():
            self._container = create(self._part, kind, self._base)
            self._stack.callback(self._container.close)
            self._stream = self._video_stream()
            if joined:
                self._stream.codec_context.max_b_frames = 0
            self._sound = None
            if audio_from is not None:
                mp4 = kind != "matroska"
                self._sound = self._stack.enter_context(Sound(audio_from, self._container, start, mp4))

    @property
    def time_base(self) -> Fraction:
        """Seconds per tick of its clock."""
        return self._base

    @property
    def audio(self) -> str | None:
        """What became of the sound: "copied", "converted to aac", or None without any."""
        return None if self._sound is None else self._sound.how

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def write(self, image: NDArray[np.uint8], time: float = math.nan) -> None:
        """Add a picture.

        Args:
            image: (H, W, 3) uint8 RGB of the writer's size.
            time: seconds from the source's start, later than the last; NaN = one step of the rate later.

        Raises:
            InputError: another size or type; a time that is no number, not later than the picture before, or
                so much later that the file can't hold it; the video is closed.
            OSError: the disk is full, or gone.
        """
        width, height = self._size
        if not self._is_open:
            raise InputError(f"{self.path}: the video is closed, no picture can be added; begin a new one.")
        if not isinstance(image, np.ndarray) or image.shape != (height, width, 3) or image.dtype != np.uint8:
            what = f"{image.shape} {image.dtype}" if isinstance(image, np.ndarray) else type(image).__name__
            raise InputError(f"{self.path}: a picture is {what}; ({height}, {width}, 3) uint8 is due.")
        tick = self._next_tick(time)
        frame = self._reformatter.reformat(
            av.VideoFrame.from_ndarray(_even(image), format="rgb24"),
            format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG,
            threads=1,
        )  # fmt: skip
        frame.pts, frame.time_base = tick, self._base
        try:
            self._container.mux(self._stream.encode(frame))
            if self._sound is not None:
                self._sound.until(tick * self._base)
        except FFmpegError as error:
            self.discard()
            raise plain(error, self.path) from error
        self._count += 1

    def close(self) -> None:
        """Finish the file and give it its name. Without a single picture there is no file.

        Raises:
            OSError: the disk is full, or gone; then there is no file either.
        """
        if not self._is_open:
            return
        if self._tick is None:
            self.discard()
            return
        with self._discarded_at_an_error():
            if self._sound is not None:
                self._sound.until(self._tick * self._base + self._gap)
                self._sound.finish()
            self._container.mux(self._stream.encode(None))
            self._stack.close()
            put_in_place(self._part, self.path)
        self._is_open = False

    def discard(self) -> None:
        """Throw away what was written."""
        self._is_open = False
        with suppress(FFmpegError, OSError):
            self._stack.close()
        with suppress(OSError):
            self._part.unlink(missing_ok=True)

    @contextmanager
    def _discarded_at_an_error(self) -> Iterator[None]:
        """Errors of FFmpeg and of the disk name the file that was asked for."""
        try:
            yield
        except BaseException as error:
            self.discard()
            if isinstance(error, FFmpegError | OSError):
                raise plain(error, self.path) from error
            raise

    def _video_stream(self) -> Any:
        stream: Any = self._container.add_stream(
            # More frames than ticks: FFmpeg would lose some.
            self.codec,
            rate=min(self._rate, 1 / self._base),
            options=_OPTIONS.get(self.codec, {}),
        )
        width, height = self._size
        stream.width, stream.height = width + width % 2, height + height % 2
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = self._base
        # Players take untagged video for BT.709 or BT.601 by its size.
        stream.codec_context.colorspace = _BT709
        stream.codec_context.color_primaries = _BT709
        stream.codec_context.color_trc = _BT709
        stream.codec_context.color_range = _LIMITED
        return stream

    def _next_tick(self, time: float) -> int:
        last = self._tick
        if not isinstance(time, _NUMBERS) or math.isinf(time):
            raise InputError(f"{self.path}: a picture's time is {time}; give seconds, or NaN for none.")
        if math.isnan(time):
            tick = round(self._count / self._rate / self._base)
        else:
            tick = round((_exact(time) - self._start) / self._base)
            # Two times may round to one tick of a coarse clock.
            if last is not None and tick == last:
                tick += 1
        if tick < 0 or (last is not None and tick <= last):
            raise InputError(
                f"{self.path}: a picture for {time} s comes after one for a later time, or before the start."
            )
        if tick - (self._recent[0] if self._recent else tick) > _MAX_TICKS or tick > _LAST:
            raise InputError(
                f"{self.path}: a picture for {time} s comes too late to be stored: {_RECENT} in a row may "
                f"take {float(_MAX_TICKS * self._base):,.0f} s."
            )
        if last is not None:
            self._gap = (tick - last) * self._base
        self._tick = tick
        self._recent.append(tick)
        return tick


def _exact(time: float) -> Fraction:
    return Fraction(time if isinstance(time, (int, Fraction)) else float(time))


def _fine(base: Fraction) -> Fraction:
    """A clock of which `base` is a whole number of ticks, fine enough to begin anywhere."""
    if not isinstance(base, (int, Fraction)) or base <= 0:
        raise ConfigError(f"A clock's tick is {base}; give a Fraction of a second above 0.")
    if base.denominator > _FINEST:
        return _TIME_BASE
    while base > _COARSEST:
        base /= 10
    return base


def _even(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
    return np.ascontiguousarray(image)
