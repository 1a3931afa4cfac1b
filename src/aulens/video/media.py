"""What every source of frames gives, and which of its frames are asked for."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aulens.checked import Checked, Count, Natural, NotNegative
from aulens.errors import ConfigError, InputError
from aulens.image import unmirrored

MAX_PIXELS: Final = 50_000_000
"""Of a frame. Several are in memory at a time, with what the decoder holds some 25 bytes for each pixel."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a clip.

    Attributes:
        index: its number in the source, from 0. Frames left out, or that could not be decoded, count too.
        time: seconds from the clip's start by the container's time stamps; NaN where it has none.
        image: (H, W, 3) uint8 RGB, upright, square pixels.
        picture: the name of its file, in a sequence of pictures; else None.
    """

    index: int
    time: float
    image: NDArray[np.uint8]
    picture: str | None = None

    def __post_init__(self) -> None:
        if self.index < 0:
            raise InputError(f"A frame's index is {self.index}; count from 0.")
        if self.image.dtype != np.uint8 or self.image.ndim != 3 or self.image.shape[2] != 3:
            raise InputError(
                f"A frame's image must be (H, W, 3) uint8, not {self.image.shape} {self.image.dtype}."
            )


@dataclass(frozen=True)
class VideoInfo:
    """What is known of a source before it is read.

    Attributes:
        path: the file, the folder or pattern, or the camera.
        width: of every frame, upright, pixels.
        height: of every frame, upright, pixels.
        rate: average frames per second, exact (30000/1001 is not 29 or 30); None if unknown.
        duration: seconds; None if unknown.
        frames: how many the container claims to hold; None if it claims nothing.
        rotation: degrees by which the stored picture is turned clockwise to stand upright: 0, 90, 180, 270.
        has_audio: whether there is sound beside the pictures.
        codec: of the pictures, as FFmpeg names it.
        time_base: seconds per tick of the container's clock; every `Frame.time` is a whole number of ticks
            away from any other. None if there is no clock.
        named: whether each frame is a picture with a name of its own.
        times: a digest of the list of times that was given, or None.
    """

    path: str
    width: int
    height: int
    rate: Fraction | None
    duration: float | None
    frames: int | None
    rotation: int
    has_audio: bool
    codec: str
    time_base: Fraction | None = None
    named: bool = False
    times: str | None = None


class Media(ABC):
    """A source of frames: a video, an animation, a folder of pictures, a camera."""

    _info: VideoInfo
    _problem: str | None = None

    @property
    def info(self) -> VideoInfo:
        """What is known before reading."""
        return self._info

    @property
    def problem(self) -> str | None:
        """After reading: where and why the source ended early, or what of it could not be decoded."""
        return self._problem

    def frames(
        self,
        *,
        frame_step: int = 1,
        start: float | Fraction | None = None,
        stop: float | Fraction | None = None,
        skip: int = 0,
    ) -> Iterator[Frame]:
        """Frames in the order they are shown, one at a time: those with all of

        * `index` divisible by `frame_step`,
        * `start` <= `time` < `stop` (seconds; None = no limit),
        * `index` >= `skip` (to go on after a stop).

        They are the same frames, with the same numbers and times, that a full read gives; where damage lies
        before a jump, see docs/video.md.

        Raises:
            ConfigError: an argument that asks for nothing sensible.
            InputError: `start` or `stop` where there are no time stamps; the file has gone.
        """
        return self._frames(Choice(frame_step, start, stop, skip))  # type: ignore[arg-type]  # Fractions

    @abstractmethod
    def _frames(self, choice: Choice) -> Generator[Frame, None, None]:
        """The frames that are chosen."""


@dataclass(frozen=True)
class Choice(Checked):
    """The arguments of `Media.frames`, checked."""

    frame_step: Count = 1
    start: NotNegative | None = None
    stop: NotNegative | None = None
    skip: Natural = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.start is not None and self.stop is not None and self.stop <= self.start:
            raise ConfigError(f"stop ({self.stop} s) is not after start ({self.start} s).")

    @property
    def jumps(self) -> bool:
        """Whether frames at the beginning are left out."""
        return self.skip > 0 or bool(self.start)

    def takes(self, index: int, time: float) -> bool:
        """Whether a frame is one of those asked for."""
        begun = self.start is None or time >= self.start
        return begun and index >= self.skip and index % self.frame_step == 0

    def ends(self, time: float) -> bool:
        """Whether a frame, and so all after it, lies beyond the end."""
        return self.stop is not None and time >= self.stop

    def check_time(self, path: str, time: float) -> None:
        """Raise `InputError` if seconds are asked for where there are none."""
        if math.isnan(time) and (self.start is not None or self.stop is not None):
            raise InputError(f"{path}: it has no time stamps, so it can't be cut by seconds; read it whole.")


def nothing_between(info: VideoInfo, start: float | None, stop: float | None) -> str:
    """What to say of a clip of which no frame is from `start` to `stop`."""
    if start is None and stop is None:
        return "no frame came"
    until = "its end" if stop is None else f"{stop:g} s"
    long = "" if info.duration is None else f"; it is {info.duration:.2f} s long"
    return f"there is no frame from {start or 0:g} s to {until}{long}"


def unmirrored_frames(frames: Iterator[Frame]) -> Generator[Frame, None, None]:
    """The frames of a mirrored clip as others see the person; what they come from is closed with it."""
    with closing(frames) if isinstance(frames, Generator) else nullcontext():
        for frame in frames:
            yield replace(frame, image=unmirrored(frame.image))


def unreadable(error: Exception) -> str:
    """What to say of a file that can't be opened, or no longer."""
    return f"the file can't be read ({getattr(error, 'strerror', None) or error})"


def place(index: int, time: float) -> str:
    """Name a frame in a message."""
    return f"frame {index}" if math.isnan(time) else f"frame {index} ({time:.2f} s)"
