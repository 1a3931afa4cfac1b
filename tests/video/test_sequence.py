"""Folders of pictures as clips."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from made_videos import number_of, numbered, steady
from PIL import Image

from aulens.errors import ConfigError, InputError
from aulens.video import Frame, open_sequence


def numbers(frames: list[Frame]) -> list[int]:
    return [number_of(frame.image) for frame in frames]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(12):
        Image.fromarray(numbered(number)).save(tmp_path / f"frame{number}.png")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / ".hidden.png").write_text("x")
    (tmp_path / "frame99.png").mkdir()
    return tmp_path


def test_a_folder_is_a_clip_in_natural_order(folder):
    media = open_sequence(folder, 29.97)
    frames = list(media.frames())
    assert numbers(frames) == [frame.index for frame in frames] == list(range(12))
    assert [frame.time for frame in frames] == [float(time) for time in steady(12, Fraction(30_000, 1001))]
    assert (media.info.frames, media.info.width, media.info.height) == (12, 64, 48)
    part = list(media.frames(skip=3, frame_step=2, stop=0.3))
    assert numbers(part) == [frame.index for frame in part] == [4, 6, 8]
    assert media.problem is None


def test_patterns_and_no_rate(folder):
    media = open_sequence(folder / "frame1*.png")
    frames = list(media.frames())
    assert numbers(frames) == [1, 10, 11]
    assert np.isnan(frames[0].time)
    assert len(list(open_sequence(folder / "frame%d.png", 25).frames())) == 12
    with pytest.raises(InputError, match="no time stamps"):
        next(iter(media.frames(stop=1.0)))
    with pytest.raises(InputError, match="no picture has such a name"):
        open_sequence(folder / "frame1*.jpg")
    (folder / "bare").mkdir()
    with pytest.raises(InputError, match="holds no pictures"):
        open_sequence(folder / "bare")


@pytest.mark.parametrize("rate", [0, -1, 1e-300, 1e-9, 1e300, float("nan"), float("inf"), Fraction(10**400)])
def test_rates_that_make_no_clip(folder, rate):
    with pytest.raises(ConfigError, match=r"make no clip; give 0\.00001 to 1,000,000,000, above 0"):
        open_sequence(folder, rate)


def test_the_slowest_rate(folder):
    assert [frame.time for frame in open_sequence(folder, 1e-5).frames()][:2] == [0, 100_000]


def test_pictures_that_are_damaged_or_of_another_size(folder):
    Image.fromarray(numbered(5, (128, 96))).save(folder / "frame5.png")
    (folder / "frame7.png").write_text("x")
    media = open_sequence(folder, 25)
    frames = list(media.frames())
    assert numbers(frames) == [frame.index for frame in frames] == [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11]
    assert all(frame.image.shape == (48, 64, 3) for frame in frames)
    assert "frame7.png" in str(media.problem)


@pytest.mark.parametrize(
    ("rate", "exact"),
    [
        (rate, Fraction(float(rate)))
        for rate in (1, 2.0, np.float32(2.5), np.int64(3), 4, 5, 24, 30, 0.5, 12.5)
    ]
    + [(23.976, Fraction(24_000, 1001)), (59.94, Fraction(60_000, 1001)), (119.88, Fraction(120_000, 1001))],
)
def test_only_rates_of_television_are_taken_for_its_fractions(tmp_path, rate, exact):
    Image.fromarray(numbered(0)).save(tmp_path / "a.png")
    assert open_sequence(tmp_path, rate).info.rate == exact
