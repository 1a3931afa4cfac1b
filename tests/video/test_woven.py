"""Interlaced video that does not say so is noticed, and nothing else is taken for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from aulens.video import open_video

HEIGHT, WIDTH = 144, 192
Picture = NDArray[np.uint8]


@pytest.fixture(scope="module")
def scene() -> Picture:
    """Blurred noise, which has edges in all directions and none at preferred lines."""
    noise = np.random.default_rng(5).normal(0, 1, (400, 500)).astype(np.float32)
    smooth = np.asarray(cv2.GaussianBlur(noise, None, 2.5))
    return np.clip(128 + 40 * smooth / smooth.std(), 0, 255).astype(np.uint8)


def at(scene: Picture, moment: float, step: tuple[float, float]) -> Picture:
    """(H, W, 3): where the camera looks at a moment; it goes by `step` pixels in each."""
    shift = np.float32([[1, 0, -60 - step[0] * moment], [0, 1, -60 - step[1] * moment]])
    seen = np.asarray(cv2.warpAffine(scene, shift, (WIDTH, HEIGHT)))
    return np.repeat(seen[..., None], 3, axis=2)


def written(path: Path, frames: list[Picture], *, flagged: bool = False) -> Path:
    options = {"flags": "+ildct+ilme"} if flagged else {}
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(
            "mpeg2video", rate=25, width=WIDTH, height=HEIGHT, pix_fmt="yuv420p",
            options={"q:v": "3", "qmax": "4", **options},
        )  # fmt: skip
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def of_fields(first: Picture, second: Picture, *, upper_first: bool) -> Picture:
    image = first.copy()
    image[int(upper_first) :: 2] = second[int(upper_first) :: 2]
    return image


STEPS = [(2.0, 0.0), (3.0, 1.0), (0.0, 2.0), (-1.5, 1.5)]
"""Pixels in a field's time."""


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("upper_first", [True, False])
def test_fields_of_two_moments_are_said(
    scene: Picture, step: tuple[float, float], upper_first: bool, tmp_path: Path
) -> None:
    moments = [at(scene, moment, step) for moment in range(32)]
    frames = [
        of_fields(*pair, upper_first=upper_first) for pair in zip(moments[::2], moments[1::2], strict=True)
    ]
    media = open_video(written(tmp_path / "a.mkv", frames))
    assert len(list(media.frames())) == 16
    assert media.problem is not None
    assert media.problem.startswith("its frames are woven of two fields")
    assert "bwdif" in media.problem


@pytest.mark.parametrize("step", [*STEPS, (0.0, 1.0), (0.0, 0.0), (11.0, 7.0)])
@pytest.mark.parametrize("shown", [1, 2])
def test_frames_of_one_moment_are_not(
    scene: Picture, step: tuple[float, float], shown: int, tmp_path: Path
) -> None:
    """Also where each is shown twice, and where what is seen goes up by one line in each."""
    frames = [at(scene, moment // shown, step) for moment in range(20)]
    media = open_video(written(tmp_path / "a.mkv", frames))
    assert len(list(media.frames())) == 20
    assert media.problem is None


def test_a_video_that_says_so_is_deinterlaced_instead(scene: Picture, tmp_path: Path) -> None:
    moments = [at(scene, moment, (3, 1)) for moment in range(32)]
    frames = [of_fields(*pair, upper_first=True) for pair in zip(moments[::2], moments[1::2], strict=True)]
    media = open_video(written(tmp_path / "a.mkv", frames, flagged=True))
    assert len(list(media.frames())) == 16
    assert media.problem is None
