"""Cameras, with one that FFmpeg draws in place of a device, and with one that gives what it is told."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import partial
from itertools import chain, repeat
from types import SimpleNamespace
from typing import Any

import av
import pytest
from made_videos import numbered

from aulens.errors import ConfigError, InputError
from aulens.video import open_webcam
from aulens.video.webcam import Camera, device_of

pytestmark = pytest.mark.slow

BARS = "testsrc=size=64x48:rate=25"
NOTHING_YET = partial(av.error.BlockingIOError, 11, "Resource temporarily unavailable")
HALF = partial(av.error.InvalidDataError, 1094995529, "Invalid data found")


def picture(number: int) -> av.VideoFrame:
    frame: Any = av.VideoFrame.from_ndarray(numbered(number), format="rgb24")
    frame.pts, frame.time_base = number, Fraction(1, 25)
    return frame


class Device:
    """In place of PyAV's container: pictures, errors, and events to wait for."""

    def __init__(self, given: Iterable[Any]) -> None:
        codec = SimpleNamespace(codec=SimpleNamespace(name="mjpeg"))
        self.streams = SimpleNamespace(video=[SimpleNamespace(average_rate=25, codec_context=codec)])
        self.closed = 0
        self._given = iter(given)

    def decode(self, video: int) -> Iterator[av.VideoFrame]:
        for item in self._given:
            if isinstance(item, partial):
                raise item()
            if isinstance(item, threading.Event):
                item.wait(1)
            else:
                yield item

    def close(self) -> None:
        self.closed += 1


def camera(*devices: Device, patience: float = 10.0) -> Camera:
    """A camera that is the first device when it is opened, and the next when it is read."""
    left = iter(devices)
    return Camera("", "", {}, "camera 0", opened=lambda *_, **__: next(left), patience=patience)


def test_frames_come_in_order_and_stop_when_asked():
    camera = Camera(f"{BARS}:duration=20,realtime", "lavfi", {}, "camera 0")
    assert (camera.info.width, camera.info.height, camera.info.rate) == (64, 48, 25)
    assert camera.info.codec == "wrapped_avframe"
    taken = list(camera.frames(stop=0.6))
    assert taken
    assert [frame.index for frame in taken] == sorted({frame.index for frame in taken})
    assert all(frame.time == pytest.approx(frame.index / 25) for frame in taken)
    assert all(frame.time < 0.6 and frame.image.shape == (48, 64, 3) for frame in taken)
    assert camera.problem is None


def test_a_camera_that_goes_is_told():
    camera = Camera(f"{BARS}:duration=0.4,realtime", "lavfi", {}, "camera 0")
    frames = list(camera.frames())
    assert frames[-1].index == 9
    assert camera.problem == "camera 0 stopped after frame 9 (0.36 s): no more pictures came"


def test_stop_ends_it_for_good():
    camera = Camera(f"{BARS}:duration=20,realtime", "lavfi", {}, "camera 0")
    frames = camera.frames(stop=0.5)
    next(frames)
    camera.stop()
    assert list(frames) == []
    # Also before the first picture is asked for: Ctrl-C may come while other things are loaded.
    assert list(camera.frames(stop=0.5)) == []
    assert camera.problem is None


def test_a_camera_is_let_go():
    devices = [Device([picture(0)]), Device(picture(number) for number in range(1000))]
    frames = camera(*devices).frames()
    assert devices[0].closed == 1
    next(frames)
    frames.close()
    assert devices[1].closed == 1


def test_half_pictures_and_pauses_are_passed_over():
    given = [NOTHING_YET, HALF, picture(0), HALF, NOTHING_YET, HALF, picture(1)]
    opened = camera(Device(given), Device(given))
    assert [frame.index for frame in opened.frames()][-1] == 1
    assert opened.problem == "camera 0 stopped after frame 1 (0.04 s): no more pictures came"


def test_patience_ends():
    opened = camera(Device([picture(0)]), Device(chain([picture(0)], repeat(NOTHING_YET))), patience=0.1)
    assert len(list(opened.frames())) == 1
    assert "stopped after frame 0 (0.00 s): no picture for 0 s (Resource temporarily" in str(opened.problem)
    hangs = threading.Event()
    with pytest.raises(
        InputError, match=r"camera 0: it gives no picture \(no picture for 0 s \(Invalid data"
    ):
        camera(Device(repeat(HALF)), patience=0.1)
    with pytest.raises(InputError, match=r"camera 0: it gives no picture \(no picture for 0 s\)"):
        camera(Device([hangs, picture(0)]), patience=0.1)
    hangs.set()
    for thread in threading.enumerate():
        if thread.name == "aulens-camera":
            thread.join(1)
            assert not thread.is_alive()


def test_no_camera():
    with pytest.raises(InputError, match="camera 77"):
        open_webcam(77)
    with pytest.raises(ConfigError, match="the first is 0"):
        open_webcam(-1)


def test_macs_are_asked_for_a_rate_that_their_cameras_have(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert device_of(1) == ("1:none", "avfoundation", {"framerate": "30"})
    assert device_of(1, rate=15)[2] == {"framerate": "15"}
