"""What was dropped in: a picture or a video, looked at before anything is done with it."""

from dataclasses import dataclass, replace
from pathlib import Path

from aulens.app.settings import AppSettings
from aulens.errors import ConfigError, InputError
from aulens.record import RecordSettings
from aulens.runtime.image import read_image
from aulens.runtime.inputs import is_clip
from aulens.video import open_video
from aulens.video.media import VideoInfo


@dataclass(frozen=True)
class Source:
    """A dropped file that can be read.

    Attributes:
        path: where it lies.
        name: what the visitor calls it.
        info: of a video; None for a picture.
        size: (width, height) in pixels.
    """

    path: Path
    name: str
    info: VideoInfo | None
    size: tuple[int, int]

    @property
    def stem(self) -> str:
        """Its name without the ending: files made of it begin with this."""
        return Path(self.name).stem or "file"


def look(path: Path, name: str) -> Source:
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
    return Source(path, name, None, (width, height))


def renamed(error: Exception, path: Path, name: str) -> str:
    """What an error says, with the visitor's name of the file in place of its path."""
    return str(error).replace(str(path), name)


def within(info: VideoInfo, settings: RecordSettings, limits: AppSettings) -> RecordSettings:
    """The settings, if they ask for no longer part of a video than is allowed.

    A video that does not say how long it is, is read up to the limit.

    Raises:
        InputError: the part is too long.
        ConfigError: it is empty.
    """
    start, most = settings.start or 0.0, 60 * limits.max_minutes
    if info.duration is None:
        return replace(settings, stop=min(settings.stop or start + most, start + most))
    stop = min(info.duration, info.duration if settings.stop is None else settings.stop)
    if stop <= start:
        raise ConfigError(f"From is after the end: the video lasts {length(info.duration)}.")
    if stop - start > most + 0.5:
        raise InputError(
            f"This part lasts {length(stop - start)}; the page takes {length(most)} at once. Choose a "
            "shorter one with From and To, or run `aulens detect` in a terminal, which takes any length."
        )
    return settings


def length(seconds: float) -> str:
    """A length of time as "1:05:09", "1:05" or, below ten seconds, "0:05.2"."""
    if seconds < 10:
        return f"0:{seconds:04.1f}"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
