"""Frames of a camera, always the newest one."""

from __future__ import annotations

import sys
import time as clock
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from fractions import Fraction
from threading import Condition, Event, Thread
from typing import Any, Final

import av
from av.error import FFmpegError, InvalidDataError

from aulens.errors import ConfigError, InputError
from aulens.video.fit import fit
from aulens.video.media import Choice, Frame, Media, VideoInfo, place
from aulens.video.to_rgb import ToRGB

_AGAIN: Final = 0.005
"""Seconds until it is asked again, where it gave none."""


def open_webcam(
    number: int = 0, *, size: tuple[int, int] | None = None, rate: Fraction | int | None = None
) -> Media:
    """Open a camera of this computer.

    Reading gives the newest picture each time; those that came while nobody asked are dropped, and counted by
    `index`. `time` is the camera's own clock, from the first picture on. It ends when the caller stops, at
    `stop`, or when the camera goes (see `problem`).

    Args:
        number: 0 is the first camera.
        size: (width, height) to ask of the camera; it may refuse.
        rate: pictures per second to ask of it.

    Raises:
        ConfigError: a number below 0.
        InputError: there is no such camera, another program uses it, or it refuses size or rate.
    """
    if number < 0:
        raise ConfigError(f"Camera {number} can't be; the first is 0.")
    return Camera(*device_of(number, size, rate), f"camera {number}")


def device_of(
    number: int, size: tuple[int, int] | None = None, rate: Fraction | int | None = None
) -> tuple[str, str, dict[str, str]]:
    """What FFmpeg calls a camera on this system, by which format it reads it, and with which options."""
    options = {} if size is None else {"video_size": f"{size[0]}x{size[1]}"}
    if rate is not None:
        options["framerate"] = str(rate)
    if sys.platform == "darwin":
        # FFmpeg would ask for 29.97, which cameras of Macs refuse.
        return f"{number}:none", "avfoundation", {"framerate": "30"} | options
    if sys.platform == "win32":
        return f"video={_windows_name(number)}", "dshow", options
    return f"/dev/video{number}", "v4l2", options


def _windows_name(number: int) -> str:
    try:
        devices = av.device.enumerate_input_devices("dshow")
    except (FFmpegError, ValueError):
        devices = []
    names = [device.description for device in devices if "video" in device.media_types]
    if number >= len(names):
        raise InputError(f"camera {number}: there is no such camera; {len(names)} found")
    return names[number]


class Camera(Media):
    """A device of FFmpeg that gives pictures as time goes by; see `open_webcam` and `Media`.

    Args:
        name: the device, as FFmpeg calls it.
        kind: FFmpeg's format of it.
        options: of that format.
        label: the name for people.
        opened: what opens the device, in place of PyAV.
        patience: seconds without a picture after which it counts as gone.

    Raises:
        InputError: it can't be opened, or gives no picture.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        options: Mapping[str, str],
        label: str,
        *,
        opened: Callable[..., Any] = av.open,
        patience: float = 10.0,
    ) -> None:
        self._asked_to_stop = Event()
        self._name, self._kind, self._options = name, kind, dict(options)
        self._opened, self._patience = opened, patience
        self._label = label
        newest = _Newest(self._open, self._patience)
        try:
            taken = newest.take()
        finally:
            newest.close()
        if taken is None:
            raise InputError(f"{label}: it gives no picture ({newest.end})")
        self._info = VideoInfo(
            path=label, width=taken[2].width, height=taken[2].height, rate=newest.rate, duration=None,
            frames=None, rotation=0, has_audio=False, codec=newest.codec, time_base=Fraction(1, 1_000_000),
        )  # fmt: skip

    def stop(self) -> None:
        """End `frames` at the next picture, as `stop` seconds would; may be called from anywhere.

        For good: who stops before the first picture means it too.
        """
        self._asked_to_stop.set()

    def _frames(self, choice: Choice) -> Generator[Frame, None, None]:
        self._problem = None
        if self._asked_to_stop.is_set():
            return
        size, to_rgb = (self._info.width, self._info.height), ToRGB()
        newest = _Newest(self._open, self._patience)
        index, time = -1, 0.0
        try:
            while (taken := newest.take()) is not None:
                index, time, frame = taken
                if self._asked_to_stop.is_set() or choice.ends(time):
                    return
                if choice.takes(index, time):
                    yield Frame(index, time, fit(to_rgb(frame), size))
            self._problem = f"{self._label} stopped after {place(max(index, 0), time)}: {newest.end}"
        finally:
            newest.close()

    def _open(self) -> Any:
        try:
            container = self._opened(self._name, format=self._kind, options=self._options)
        except (FFmpegError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(f"{self._label}: it can't be opened ({reason})") from error
        if not container.streams.video:
            container.close()
            raise InputError(f"{self._label}: it gives no pictures")
        return container


class _Newest:
    """Reads a camera in a thread of its own and keeps the last picture only, so that nothing lags behind.

    The thread opens it too: a device that hangs then hangs nobody else.

    Attributes:
        end: why there are no more pictures.
        rate: pictures per second, once there is one; None if the camera does not say.
        codec: of the pictures, once there is one.
    """

    def __init__(self, opened: Callable[[], Any], patience: float) -> None:
        self._patience = patience
        self.end = "no more pictures came"
        self.rate: Fraction | None = None
        self.codec = ""
        self._refusal: InputError | None = None
        self._trouble = ""
        self._ready = Condition()
        self._latest: tuple[int, float, Any] | None = None
        self._over = self._hangs = False
        self._thread = Thread(target=self._read, args=(opened,), name="aulens-camera", daemon=True)
        self._thread.start()

    def take(self) -> tuple[int, float, Any] | None:
        """(number, seconds, decoded frame) of a picture not yet taken; None = the camera has stopped.

        Raises:
            InputError: it can't be opened.
        """
        with self._ready:
            if not self._ready.wait_for(lambda: self._latest is not None or self._over, self._patience):
                self._hangs = True
                self.end = f"no picture for {self._patience:.0f} s{self._trouble}"
            if self._refusal is not None:
                raise self._refusal
            latest, self._latest = self._latest, None
            return latest

    def close(self) -> None:
        """Let the camera go."""
        with self._ready:
            self._over = True
        if not self._hangs:
            self._thread.join(self._patience)

    def _read(self, opened: Callable[[], Any]) -> None:
        first: float | None = None
        try:
            with closing(opened()) as container:
                stream = container.streams.video[0]
                self.rate = Fraction(stream.average_rate) if stream.average_rate else None
                self.codec = stream.codec_context.codec.name
                for index, frame in enumerate(self._pictures(container)):
                    now = clock.monotonic() if frame.time is None else float(frame.time)
                    first = now if first is None else first
                    with self._ready:
                        if self._over:
                            return
                        self._latest, self._trouble = (index, now - first, frame), ""
                        self._ready.notify()
        except InputError as error:
            self._refusal = error
        except FFmpegError as error:
            self.end = str(error.strerror)
        finally:
            with self._ready:
                self._over = True
                self._ready.notify()

    def _pictures(self, container: Any) -> Iterator[Any]:
        while not self._over:
            try:
                yield from container.decode(video=0)
                return
            except EOFError:
                return
            except (BlockingIOError, InvalidDataError) as error:
                # Nothing there yet (Macs), or half a picture (first ones by USB): no end of the camera.
                self._trouble = f" ({error.strerror})"
                clock.sleep(_AGAIN)
