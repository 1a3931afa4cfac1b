"""Cameras, with one that FFmpeg draws in place of a device."""

from __future__ import annotations

import pytest

from aulens.errors import ConfigError, InputError
from aulens.video import open_webcam
from aulens.video.webcam import Camera

BARS = "testsrc=size=64x48:rate=25"


def test_frames_come_in_order_and_stop_when_asked():
    camera = Camera(f"{BARS}:duration=20,realtime", "lavfi", {}, "camera 0")
    assert (camera.info.width, camera.info.height, camera.info.rate) == (64, 48, 25)
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


def test_no_camera():
    with pytest.raises(InputError, match="camera 77"):
        open_webcam(77)
    with pytest.raises(ConfigError, match="the first is 0"):
        open_webcam(-1)
