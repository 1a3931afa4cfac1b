"""Limits, names and times: what may come in."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aulens.app.settings import AppSettings
from aulens.app.source import each_nth, length, probe, within
from aulens.errors import ConfigError, InputError
from aulens.output import OutputSettings
from aulens.video.media import VideoInfo
from patch_people import write_people


def info(duration: float | None) -> VideoInfo:
    return VideoInfo("a.mp4", 160, 96, Fraction(25), duration, None, 0, False, "h264", Fraction(1, 12800))


def test_a_picture_and_a_video_are_told_apart(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save(tmp_path / "a.png")
    found = probe(tmp_path / "a.png", "Anna.png")
    assert (found.name, found.info, found.size, found.stem) == ("Anna.png", None, (60, 40), "Anna")
    found = probe(write_people(tmp_path / "b.mp4", 10), "b.mp4")
    assert found.size == (160, 96)
    assert found.info is not None
    assert found.info.duration == pytest.approx(0.4)


@pytest.mark.parametrize("name", ["Are you happy?.mp4", "talk *final*.jpg", "Day 5 at 100%d", "IMG_0001.MOD"])
def test_content_tells_what_was_dropped_and_a_name_is_no_pattern(tmp_path: Path, name: str) -> None:
    stem = name.partition(".")[0]
    write_people(tmp_path / "a.mp4", 3).rename(tmp_path / "upload")
    found = probe(tmp_path / "upload", name)
    assert found.info is not None
    assert (found.stem, found.size) == (stem, (160, 96))
    Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save(tmp_path / "upload", format="AVIF")
    found = probe(tmp_path / "upload", name)
    assert (found.info, found.stem, found.size) == (None, stem, (60, 40))
    (tmp_path / "upload").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0")
    with pytest.raises(InputError, match="PostScript"):
        probe(tmp_path / "upload", name)


@pytest.mark.parametrize("name", ["a.png", "a.mp4", "a.txt", "noending"])
def test_the_sentence_speaks_of_the_visitors_name_and_of_no_folder(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"0{name}"
    path.write_text("hello")
    with pytest.raises(InputError) as error:
        probe(path, name)
    assert str(error.value).startswith(f"{name}: ")
    assert str(tmp_path) not in str(error.value)


@pytest.mark.parametrize(
    ("duration", "start", "stop", "expected"),
    [
        (60.0, None, None, (None, 120.5)),
        (120.4, None, None, (None, 120.5)),
        (3600.0, 3500.0, None, (3500.0, 3620.5)),
        (3600.0, 60.0, 180.0, (60.0, 180.0)),
        (0.1, None, 1000.0, (None, 120.5)),
        (None, None, None, (None, 120.5)),
        (None, 30.0, 1000.0, (30.0, 150.5)),
        (None, 30.0, 40.0, (30.0, 40.0)),
    ],
)
def test_parts_within_two_minutes_whatever_the_file_says(duration, start, stop, expected) -> None:
    settings = within(info(duration), OutputSettings(start=start, stop=stop), AppSettings(max_minutes=2))
    assert (settings.start, settings.stop) == expected


@pytest.mark.parametrize(
    ("duration", "start", "stop", "message"),
    [(121.0, None, None, "2:01"), (3600.0, 60.0, None, "59:00"), (7200.0, None, 3605.0, "1:00:05")],
)
def test_longer_parts_are_refused_with_what_to_do(duration, start, stop, message) -> None:
    with pytest.raises(InputError, match=rf"lasts {message}; the page takes 2:00 .* From and To"):
        within(info(duration), OutputSettings(start=start, stop=stop), AppSettings(max_minutes=2))


def test_what_has_no_time_stamps_is_refused_with_what_to_do() -> None:
    with pytest.raises(InputError, match=r"no time stamps, so the page can't stop after 2:00\. Run `aulens"):
        within(replace(info(None), time_base=None), OutputSettings(), AppSettings(max_minutes=2))


def test_a_part_after_the_end_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"there is no frame from 6 s to its end; it is 5\.50 s long"):
        within(info(5.5), OutputSettings(start=6.0), AppSettings())


def test_each_so_many_th_frame_is_a_number() -> None:
    assert [each_nth(number) for number in (1, 2.0, 3.5)] == [1, 2, 3]
    for wrong in (None, "2", [2], 0, -1, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="from 1 up"):
            each_nth(wrong)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00.0"), (5.24, "0:05.2"), (65, "1:05"), (3909, "1:05:09")]
)
def test_lengths(seconds: float, text: str) -> None:
    assert length(seconds) == text


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("127.1.2.3", True), ("localhost", True), ("::1", True), ("0.0.0.0", False),
     ("::", False), ("192.168.0.7", False), ("box.example", False), ("localhost.example", False)],
)  # fmt: skip
def test_what_only_this_computer_can_reach(host: str, local: bool) -> None:
    assert AppSettings(host=host).local is local


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"port": 70000}, "65535"), ({"port": -1}, "65535"), ({"host": " "}, "'host' must be"),
     ({"max_megabytes": 0}, "'max_megabytes' must be"), ({"max_minutes": -1}, "'max_minutes' must be"),
     ({"max_minutes": float("nan")}, "'max_minutes' must be"), ({"max_waiting": 0}, "at least 1")],
)  # fmt: skip
def test_settings_out_of_range_are_refused(wrong: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        AppSettings(**wrong)
