"""Folders of pictures as clips."""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from made_videos import number_of, numbered, steady
from PIL import Image

from aulens.errors import ConfigError, InputError
from aulens.video import Frame, Media, open_sequence


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


def named(folder: Path, *names: str) -> Path:
    """Pictures by these names, each with the number of its place drawn in."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        Image.fromarray(numbered(number)).save(folder / name)
    return folder


def seen(media: Media) -> list[tuple[int, float, str | None]]:
    return [(frame.index, frame.time, frame.picture) for frame in media.frames()]


def test_numbers_in_names_are_kept(tmp_path):
    """A02: behind a gap, pictures took the numbers and times of those that are missing."""
    media = open_sequence(named(tmp_path / "a", *(f"{n:05d}.png" for n in (1, 2, 3, 7, 8, 12))), 5)
    assert seen(media) == [
        (n - 1, (n - 1) / 5, f"{n:05d}.png") for n in (1, 2, 3, 7, 8, 12)
    ]  # fmt: skip
    assert media.problem == "6 pictures are missing, by the numbers in the names: 4 to 6, 9 to 11"
    assert (media.info.frames, media.info.duration) == (12, 12 / 5)
    assert [frame.index for frame in media.frames(frame_step=2, start=1.0)] == [6]


@pytest.mark.parametrize(
    ("names", "indices", "said"),
    [
        (["img46.png", "img47.png", "img50.png"], [0, 1, 4], "48 to 49"),
        (["frame (1).png", "frame (2).png", "frame (4).png"], [0, 1, 3], ": 3"),
        (["000.png", "005.png", "010.png", "020.png"], [0, 1, 2, 4], "1 picture is missing.*: 15"),
        (["t_10_a.png", "t_11_a.png", "t_13_a.png"], [0, 1, 3], ": 12"),
        (["0101_0007.png", "0102_0008.png", "0102_0010.png"], [0, 1, 3], ": 9"),
        (["a.png", "b.png", "z.png"], [0, 1, 2], None),
        (["1.50.png", "2.10.png", "10.03.png"], [0, 1, 2], None),
        (["170012.png", "170345.png", "171230.png"], [0, 1, 2], "do not count the pictures"),
        (["5.png"], [0], None),
    ],
)  # fmt: skip
def test_which_numbers_count(names, indices, said, tmp_path):
    media = open_sequence(named(tmp_path / "a", *names), 25)
    assert [index for index, _, _ in seen(media)] == indices
    assert media.problem is None if said is None else re.search(said, media.problem)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (
            ["left_1.png", "left_2.png", "right_1.png", "right_2.png"],
            r"2 series \(2 like left_N, 2 like right_N\)",
        ),
        (["001.png", "002.png", "cover.png"], r"2 series \(2 like N, 1 without a number\)"),
        (["001.png", "001.jpg", "002.png"], r"frame 1 is there 2 times \(001.jpg, 001.png\)"),
    ],
)
def test_pictures_of_several_series_are_no_clip(names, said, tmp_path):
    folder = named(tmp_path / "a", *names)
    with pytest.raises(InputError, match=f"{said}; give each a folder"):
        open_sequence(folder, 25)
    assert open_sequence(folder / names[0].replace("1", "*"), 25).info.frames


def test_a_folder_of_folders_says_what_to_give(tmp_path):
    for name in ("P2", "P1", "P10", "P3"):
        named(tmp_path / "study" / name, "1.png")
    with pytest.raises(InputError, match=r"4 folders \(P1, P2, P3, \.\.\.\).*give them \(study/\*\)"):
        open_sequence(tmp_path / "study")
    (tmp_path / "talk.mp4").touch()
    with pytest.raises(InputError, match=r"talk\.mp4: a file; a sequence is a folder"):
        open_sequence(tmp_path / "talk.mp4")


def test_pictures_of_a_sequence_are_told_by_their_content(tmp_path):
    folder = named(tmp_path / "[1] *?", "1.png", "2.jpg", "3.webp", "4.tif")
    (folder / "1.png").rename(folder / "1")
    (folder / "2.jpg").rename(folder / "2.dat")
    (folder / "times.csv").write_text("x")
    assert [index for index, _, _ in seen(open_sequence(folder))] == [0, 1, 2, 3]
    assert [index for index, _, _ in seen(open_sequence(folder / "[34].*"))] == [0, 1]


def test_a_first_picture_that_is_damaged_keeps_its_number(tmp_path):
    folder = named(tmp_path / "a", "1.png", "2.png", "3.png")
    (folder / "1.png").write_text("version https://git-lfs.github.com/spec/v1")
    (folder / "3.png").unlink()
    (folder / "3.png").symlink_to("gone.png")
    media = open_sequence(folder, 25)
    assert [index for index, _, _ in seen(media)] == [1]
    assert "1.png: this is a placeholder of Git LFS" in str(media.problem)
    assert "(and 1 more)" in str(media.problem)


@pytest.fixture
def timed(tmp_path: Path) -> Path:
    return named(tmp_path / "timed", "x.png", unicodedata.normalize("NFD", "é.png"), "a.png", "more.png")


@pytest.mark.parametrize("text", ["name,time\n{}", "\ufeffTime;Name\n", "path\ttime\n"])
def test_a_list_of_times(timed, tmp_path, text):
    rows = [("x.png", "0.5"), ("gone.png", "0.75"), ("é.png", "1.000001"), ("a.png", "10")]
    mark = ";" if ";" in text else "\t" if "\t" in text else ","
    if ";" in text:
        rows = [(time, name) for name, time in rows]
    lines = "\n".join(mark.join(row) for row in rows)
    times = tmp_path / "times.csv"
    times.write_text(text.format(lines) if "{}" in text else text + lines, encoding="utf-8")
    media = open_sequence(timed, times=times)
    assert [(index, time) for index, time, _ in seen(media)] == [(0, 0.5), (2, 1.000001), (3, 10.0)]
    assert media.problem == (
        "1 picture is missing that times.csv lists: gone.png; "
        "1 left out that times.csv does not list: more.png"
    )
    assert media.info.rate == Fraction(3) / Fraction(19, 2)
    assert [index for index, _, _ in seen(media)][1:] == [frame.index for frame in media.frames(start=1.0)]
    with pytest.raises(ConfigError, match="two clocks"):
        open_sequence(timed, 25, times=times)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("name,seconds\nx.png,1", "its first line is"),
        ("name,time\n", "no rows"),
        ("name,time\nx.png", r"line 2: no name and seconds but \['x.png'\]"),
        ("name,time\nx.png,noon", "line 2: no name and seconds"),
        ("name,time\nx.png,0,3\na.png,1,5", "line 2: 3 cells where the first line has 2; .* a point: 0.3"),
        ("name,time,\nx.png,0,3", "line 2: 3 cells where .* a point: 0.3"),
        ("name;time\nx.png;0,5", r"line 2: .*\['x.png', '0,5'\]; write seconds with a point: 0.3"),
        ("name,time\nx.png,1e999999999", "line 2: inf is no time"),
        ("name,time\nx.png,nan", "line 2: nan is no time"),
        ("name,time\nx.png,-1", "line 2: -1 is no time"),
        ("name,time\nx.png,2\na.png,1", "line 3: 1 s is not after the line before it"),
        ("name,time\nx.png,2\nx.png,3", "line 3: x.png is listed twice"),
        ("name,time\ny.png,2", "names no picture that is there"),
        ("name,time\n" + "x" * 200_000 + ",1", "can't be read|names no picture"),
    ],
)
def test_lists_that_are_none(timed, tmp_path, text, said):
    times = tmp_path / "times.csv"
    times.write_text(text)
    with pytest.raises(InputError, match=said):
        open_sequence(timed, times=times)
