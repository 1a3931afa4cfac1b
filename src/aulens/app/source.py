"""What was dropped in: a picture or a video, examined before anything is done with it."""

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from aulens.app.settings import AppSettings
from aulens.errors import ConfigError, InputError
from aulens.image import read_image
from aulens.inputs import is_clip
from aulens.output import OutputSettings
from aulens.output.names import clip_names
from aulens.video import open_video
from aulens.video.media import VideoInfo, nothing_between

_SPARE: Final = 0.5
"""Seconds by which a part may be longer than the limit: a video of "10 minutes" lasts a little more."""


@dataclass(frozen=True)
class Source:
    """A dropped file that can be read.

    Attributes:
        name: what the visitor calls it.
        info: of a video; None for a picture.
        size: (width, height) in pixels.
        mirrored: whether it is a picture in which left and right are exchanged.
    """

    path: Path
    name: str
    info: VideoInfo | None
    size: tuple[int, int]
    mirrored: bool = False

    @property
    def stem(self) -> str:
        """Names of files made of it begin with this: its own without the ending, unless that is taken."""
        return clip_names([self.name])[0] or "file"


def probe(path: Path, name: str, mirrored: bool = False) -> Source:
    """Find out what a file is; a video's first frame is decoded, a picture is read.

    Raises:
        InputError: it is neither, damaged or too large; the sentence speaks of `name`.
    """
    try:
        if is_clip(path):
            info = open_video(path).info
            return Source(path, name, info, (info.width, info.height))
        height, width = read_image(path).shape[:2]
    except InputError as error:
        raise InputError(renamed(error, path, name)) from error
    return Source(path, name, None, (width, height), mirrored)


def renamed(error: Exception, path: Path, name: str) -> str:
    """What an error says, with the visitor's name of the file in place of its path."""
    return str(error).replace(str(path), name)


def unwritten(error: OSError, folder: Path) -> str:
    """That results can't be written, and why; where they lie is no visitor's business."""
    why = error.strerror or without(error, folder)
    return f"The results can't be written: {why}."


def without(error: Exception, folder: Path) -> str:
    """What an error says, without the path of the folder."""
    return str(error).replace(f"{folder}{os.sep}", "").replace(str(folder), "the folder of results")


def each_nth(number: object) -> int:
    """The number N of the page's field: each N-th frame is analyzed.

    Raises:
        ConfigError: it is no number from 1 up.
    """
    if not isinstance(number, int | float) or not 1 <= number < math.inf:
        raise ConfigError("Analyze each N-th frame: that is a number from 1 up.")
    return int(number)


def within(info: VideoInfo, settings: OutputSettings, limits: AppSettings) -> OutputSettings:
    """The settings, if they ask for no longer part of a video than is allowed.

    Each video is read up to the limit at most: not all say how long they are, and not all that do say so are
    right.

    Raises:
        InputError: the part is too long, or can't be limited.
        ConfigError: it is empty.
    """
    start, limit = settings.start or 0.0, 60 * limits.max_minutes
    asked = math.inf if settings.stop is None else settings.stop
    if info.time_base is None:
        raise InputError(
            f"This video has no time stamps, so the page can't stop after {length(limit)}. Run `aulens "
            "detect` in a terminal, which takes any length."
        )
    if info.duration is not None:
        stop = min(info.duration, asked)
        if stop <= start:
            raise ConfigError(f"This video: {nothing_between(info, settings.start, settings.stop)}.")
        if stop - start > limit + _SPARE:
            raise InputError(
                f"This part lasts {length(stop - start)}; the page takes {length(limit)} at once. Choose a "
                "shorter one with From and To, or run `aulens detect` in a terminal, which takes any length."
            )
    return replace(settings, stop=min(asked, start + limit + _SPARE))


def length(seconds: float) -> str:
    """A length of time as "1:05:09", "1:05" or, below ten seconds, "0:05.2"."""
    if seconds < 10:
        return f"0:{seconds:04.1f}"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
