"""The drawn video of a run: pieces while it grows, one file at the end.

H.264 can't be cut back to a length, so a piece is finished each time the run is kept; going on after a kill
leaves out the pieces after that.
"""

import math
from fractions import Fraction
from pathlib import Path
from typing import Final

from aulens.errors import ConfigError, InputError
from aulens.runtime.result import FrameResult
from aulens.show.frame_overlay import FrameOverlay
from aulens.video import VideoInfo, VideoWriter
from aulens.video.join import Joined, join_videos, last_stamp

_RATE: Final = Fraction(25)


class OverlayPart:
    """Pieces of the drawn video.

    Args:
        folder: of the pieces.
        length: pieces that are sound.
        info: of the video.
        frame_step: each so many-th frame comes.
        start: seconds of the video at which the drawn one begins.

    Raises:
        ConfigError: a sound piece is missing.
    """

    def __init__(
        self, folder: Path, length: int, info: VideoInfo, frame_step: int = 1, start: float | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        sound = [_piece(folder, number) for number in range(length)]
        for path in folder.iterdir():
            if path not in sound:
                path.unlink()
        missing = [path for path in sound if not path.exists()]
        if missing:
            raise ConfigError(f"{missing[0]} is gone. Without --resume the video is analyzed anew")
        self._folder, self._length, self._info = folder, length, info
        self._rate, self._frame_step, self._start = info.rate or _RATE, frame_step, start or 0.0
        self._overlay = FrameOverlay(info.width, info.height)
        self._last = last_stamp(sound[-1]) if sound else None
        self._writer: VideoWriter | None = None

    def add(self, result: FrameResult) -> None:
        """See `Part`."""
        if self._writer is None:
            self._writer = VideoWriter(
                _piece(self._folder, self._length),
                self._overlay.size,
                rate=self._rate / self._frame_step,
                time_base=self._info.time_base,
                start=self._start,
                joined=True,
            )
        self._writer.write(self._overlay(result), self._time(result, self._writer.time_base))

    def keep(self) -> int:
        """See `Part`."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            self._length += 1
        return self._length

    def close(self, *, lost: bool = False) -> None:
        """See `Part`. What was not kept can be watched, until the run goes on."""
        if self._writer is not None:
            self._writer.discard() if lost else self._writer.close()
            self._writer = None

    def _time(self, result: FrameResult, base: Fraction) -> float:
        """When to show a frame: by its time stamp or its number, and later than the one before."""
        begin = Fraction(self._start)
        time = Fraction(result.index) / self._rate if math.isnan(result.time) else Fraction(result.time)
        stamp = round((time - begin) / base) * base
        if self._last is not None:
            stamp = max(stamp, self._last + base)
        self._last = stamp
        return float(stamp + begin)


def join_overlay(folder: Path, path: Path, info: VideoInfo, start: float | None) -> Joined | None:
    """Make one file of the pieces, with the sound of the video from `start` on if it can be taken along.

    Returns:
        What became of the sound; None if there is no piece and so no file.

    Raises:
        OSError: the file can't be written.
    """
    pieces = sorted(folder.glob("*.mp4"))
    if not pieces:
        return None
    if not info.has_audio:
        return join_videos(pieces, path)
    try:
        return join_videos(pieces, path, audio_from=info.path, start=start or 0.0)
    except (InputError, OSError) as error:
        join_videos(pieces, path)
        return Joined(None, f"the sound could not be taken along ({error})")


def _piece(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}.mp4"
