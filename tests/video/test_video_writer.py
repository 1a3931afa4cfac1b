"""Videos that are written: their times and sound are those of another; no half file under the final name."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from made_videos import NTSC, RATE, number_of, numbered, steady, uneven, write_clip

from aulens.errors import ConfigError, InputError
from aulens.video import Frame, VideoInfo, VideoWriter, open_video
from aulens.video.join import last_stamp
from aulens.video.sound import Sound

FINE = Fraction(1, 90_000)


def copy(source: Path, target: Path, start: float = 0.0, stop: float | None = None) -> VideoWriter:
    """Write a part of a video as an overlay is written."""
    media = open_video(source)
    info = media.info
    with VideoWriter(
        target, (info.width, info.height), rate=info.rate, time_base=info.time_base, audio_from=source,
        start=start,
    ) as writer:  # fmt: skip
        for frame in media.frames(start=start, stop=stop):
            writer.write(frame.image, frame.time)
    return writer


def read(path: Path) -> tuple[VideoInfo, list[Frame]]:
    media = open_video(path)
    frames = list(media.frames())
    assert media.problem is None
    return media.info, frames


CLOCKS = [
    ("uneven.mkv", uneven(60), Fraction(1, 1000)),
    ("ntsc.mp4", steady(60, NTSC), Fraction(1, 30_000)),
    ("uneven.mp4", uneven(60), FINE),
    ("late.mp4", [Fraction(2, 3) + time for time in uneven(60)], FINE),
    ("plain.avi", steady(60, 25), None),
    ("fine.mp4", [Fraction(number * 40_001, 1_000_000) for number in range(60)], Fraction(1, 1_000_000)),
]


@pytest.mark.parametrize(
    ("target", "name", "times", "tick"),
    [
        *(("out.mp4", *row) for row in CLOCKS),
        ("out.mov", *CLOCKS[0]),
        *(pytest.param("out.mov", *row, marks=pytest.mark.slow) for row in CLOCKS[1:]),
    ],
)
def test_time_stamps_are_kept_exactly(tmp_path, name, times, tick, target):
    sound = None if name.endswith("avi") else "aac"
    source = write_clip(tmp_path / name, times, tick=tick, sound=sound)
    writer = copy(source, tmp_path / target)
    info, frames = read(tmp_path / target)
    assert [frame.time for frame in frames] == [frame.time for frame in read(source)[1]]
    assert [number_of(frame.image) for frame in frames] == list(range(60))
    assert info.codec == "h264"
    assert writer.codec == "libx264"
    assert info.has_audio == (sound is not None)
    with av.open(str(tmp_path / target)) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"


def test_matroska_counts_in_milliseconds(tmp_path):
    source = write_clip(tmp_path / "a.mp4", steady(60, NTSC), tick=Fraction(1, 30_000))
    copy(source, tmp_path / "out.mkv")
    _, frames = read(tmp_path / "out.mkv")
    assert [frame.time for frame in frames] == pytest.approx([float(t) for t in steady(60, NTSC)], abs=6e-4)


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


@pytest.mark.parametrize(
    ("name", "codec", "target"),
    [
        ("a.mp4", "aac", "out.mp4"),
        ("a.mkv", "libmp3lame", "out.mp4"),
        ("a.mkv", "pcm_s16le", "out.mkv"),
        pytest.param("a.mkv", "aac", "out.mp4", marks=pytest.mark.slow),
        pytest.param("a.mkv", "flac", "out.mp4", marks=pytest.mark.slow),
        pytest.param("a.mp4", "aac", "out.mkv", marks=pytest.mark.slow),
    ],
)
def test_sound_is_copied_bit_by_bit(tmp_path, name, codec, target):
    source = write_clip(tmp_path / name, steady(50, 25), sound=codec, seconds=2.0)
    writer = copy(source, tmp_path / target)
    assert writer.audio == "copied"
    ours, theirs = packets(tmp_path / target), packets(source)
    # Matroska has no place for what is before zero, the first packet of some codecs.
    first = theirs.index(ours[0])
    assert first <= (target == "out.mkv")
    assert ours == theirs[first : first + len(ours)]
    assert len(ours) >= len(theirs) - 2


def heard(path: Path) -> np.ndarray:
    """(N,) samples from time zero of the pictures' clock."""
    with av.open(str(path)) as container:
        track = container.streams.audio[0]
        resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        pieces, first = [], None
        for frame in container.decode(track):
            first = round(frame.pts * frame.time_base * RATE) if first is None else first
            pieces += [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
    whole = np.concatenate(pieces)
    return np.concatenate([np.zeros(first), whole]) if first >= 0 else whole[-first:]


def shift(whole: np.ndarray, part: np.ndarray, at: float) -> float:
    """Seconds by which `part`, from 0.2 to 0.6 s, comes later than the same in `whole` after `at`."""
    reach = RATE // 10
    piece = part[int(0.2 * RATE) : int(0.6 * RATE)]
    begin = int((at + 0.2) * RATE)
    around = whole[begin - reach : begin + len(piece) + reach]
    spectrum = np.fft.rfft(around) * np.conj(np.fft.rfft(piece, len(around)))
    return (reach - int(np.argmax(np.fft.irfft(spectrum, len(around))[: 2 * reach + 1]))) / RATE


@pytest.mark.parametrize(
    ("name", "codec", "target", "how"),
    [
        ("a.mp4", "aac", "out.mp4", "copied"),
        ("a.mkv", "aac", "out.mkv", "copied"),
        ("a.mkv", "pcm_s16le", "out.mp4", "converted to aac"),
        ("a.avi", "pcm_s16le", "out.mp4", "converted to aac"),
    ],
)
@pytest.mark.parametrize(
    ("start", "stop"),
    [(0.9, 1.8), *(pytest.param(*row, marks=pytest.mark.slow) for row in ((0.0, None), (0.7, None)))],
)
def test_sound_stays_with_the_pictures(tmp_path, name, codec, target, how, start, stop):
    tick = FINE if name.endswith("mp4") else None
    source = write_clip(tmp_path / name, steady(50, 25), sound=codec, seconds=2.5, tick=tick)
    writer = copy(source, tmp_path / target, start, stop)
    assert writer.audio == how
    _, frames = read(tmp_path / target)
    shown = [frame.index for frame in open_video(source).frames(start=start, stop=stop)]
    assert [number_of(frame.image) for frame in frames] == shown
    if target.endswith("mp4"):  # in Matroska the first whole piece of sound may come later than zero
        assert frames[0].time == pytest.approx(shown[0] / 25 - start, abs=1e-3)
    sound = heard(tmp_path / target)
    assert abs(shift(heard(source), sound, start)) < 0.004
    end = frames[-1].time + 0.04
    assert end - 0.06 < len(sound) / RATE < end + 0.06


def test_converted_sound_is_there_to_its_last_sample(tmp_path):
    source = write_clip(tmp_path / "a.mkv", steady(25, 25), sound="pcm_s16le", seconds=0.5)
    copy(source, tmp_path / "out.mp4")
    assert len(heard(tmp_path / "out.mp4")) >= 0.5 * RATE


def test_sound_that_can_not_be_taken_along_leaves_its_file_closed(tmp_path):
    class Full:
        def add_stream_from_template(self, _: object) -> None:
            raise ValueError("no room")

    source = write_clip(tmp_path / "a.mp4", steady(2, 25), sound="aac")
    before = open_files()
    with pytest.raises(ValueError, match="no room") as kept:
        Sound(source, Full(), 0.0, mp4=True)
    assert open_files() == before, kept


def open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if Path("/proc").is_dir() else 0


@pytest.mark.parametrize("error", [InputError("spoilt"), av.error.InvalidDataError(1, "spoilt")])
def test_no_error_at_the_end_leaves_half_a_file(tmp_path, monkeypatch, error):
    def fail(_: Sound) -> None:
        raise error

    source = write_clip(tmp_path / "a.mp4", steady(2, 25), sound="aac")
    monkeypatch.setattr(Sound, "finish", fail)
    before = open_files()
    with pytest.raises((InputError, OSError), match="spoilt"):
        copy(source, tmp_path / "out.mp4")
    assert [item.name for item in tmp_path.iterdir()] == ["a.mp4"]
    assert open_files() == before


def test_a_video_without_sound_stays_without(tmp_path):
    source = write_clip(tmp_path / "a.mp4", steady(5, 25))
    assert copy(source, tmp_path / "out.mp4").audio is None
    assert not read(tmp_path / "out.mp4")[0].has_audio


@pytest.mark.parametrize("size", [(65, 48), (64, 49), (33, 27), (1, 1)])
def test_odd_sizes_get_one_more(tmp_path, size):
    with VideoWriter(tmp_path / "odd.mp4", size) as writer:
        for number in range(3):
            writer.write(numbered(number, size))
    info, frames = read(tmp_path / "odd.mp4")
    assert (info.width, info.height) == (size[0] + size[0] % 2, size[1] + size[1] % 2)
    assert [frame.time for frame in frames] == [0, 0.04, 0.08]
    if min(size) > 16:
        assert [number_of(frame.image[: size[1], : size[0]]) for frame in frames] == [0, 1, 2]


@pytest.mark.parametrize("colour", [(220, 30, 60), (20, 180, 70), (40, 60, 210), (255, 255, 255), (0, 0, 0)])
def test_colours_come_back(tmp_path, colour):
    with VideoWriter(tmp_path / "a.mp4", (64, 48)) as writer:
        for _ in range(3):
            writer.write(np.full((48, 64, 3), colour, np.uint8))
    _, frames = read(tmp_path / "a.mp4")
    assert np.abs(frames[1].image.mean((0, 1)) - colour).max() < 4
    with av.open(str(tmp_path / "a.mp4")) as container:
        frame = next(container.decode(video=0))
        # Tagged BT.709, limited range: browsers guess otherwise.
        assert (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range) == (1, 1, 1, 1)


def test_browsers_can_begin_before_the_end(tmp_path):
    copy(write_clip(tmp_path / "a.mp4", steady(5, 25)), tmp_path / "out.mp4")
    data = (tmp_path / "out.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_nothing_lies_under_the_final_name_before_the_end(tmp_path):
    path = tmp_path / "out.mp4"
    path.write_text("an older one")
    with VideoWriter(path, (64, 48)) as writer:
        writer.write(numbered(0))
        assert path.read_text() == "an older one"
    assert len(read(path)[1]) == 1
    writer = VideoWriter(path, (64, 48))
    with pytest.raises(InputError, match="is due"), writer:
        writer.write(np.zeros((2, 2, 3), np.uint8))
    assert len(read(path)[1]) == 1
    assert [item.name for item in tmp_path.iterdir()] == ["out.mp4"]


def test_no_picture_no_file(tmp_path):
    with VideoWriter(tmp_path / "out.mp4", (64, 48)):
        pass
    assert list(tmp_path.iterdir()) == []


def test_folders_that_can_not_be_written_to(tmp_path):
    (tmp_path / "file").touch()
    for folder in ("none", "file"):
        path = tmp_path / folder / "out.mp4"
        with pytest.raises(OSError, match=r"out\.mp4"):
            VideoWriter(path, (64, 48))
    source = tmp_path / "no.mp4"
    with pytest.raises(InputError, match="no such video"):
        VideoWriter(tmp_path / "out.mp4", (64, 48), audio_from=source)
    assert [item.name for item in tmp_path.iterdir()] == ["file"]


FULL_DISK = """
import os, resource, sys
import numpy as np
from aulens.video import VideoWriter
path = sys.argv[1]
noise = np.random.default_rng(0)
for limit in (700_000, 20_000, 0):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        with VideoWriter(path, (320, 240)) as writer:
            for _ in range(40):
                writer.write(noise.integers(0, 255, (240, 320, 3), np.uint8))
    except OSError as error:
        print(type(error).__name__, error, os.listdir(os.path.dirname(path)))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a limit on the size of files stands for the full disk")
def test_a_full_disk_is_one_error_and_leaves_nothing(tmp_path):
    path = tmp_path / "out.mp4"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == 3 * f"OSError [Errno 27] File too large: '{path}' []\n"


def test_what_can_not_be_written_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"out\.gif: videos are written as \.mp4"):
        VideoWriter(tmp_path / "out.gif", (64, 48))
    for settings, message in (
        ({"size": (0, 48)}, r"out\.mp4: a video's size is .* not \(0, 48\)"),
        ({"size": (64, 48, 3)}, r"a video's size is"),
        ({"size": (64.5, 48)}, r"a video's size is"),
        ({"start": math.inf}, "start is inf; give seconds"),
        ({"start": "1"}, "start is 1; give seconds"),
        ({"rate": 0}, "0 pictures per second make no clip"),
        ({"rate": 10**12}, "1000000000000 pictures per second"),
        ({"rate": Fraction(1, 10**9)}, "1/1000000000 pictures per second"),
        ({"rate": "25"}, "25 pictures per second"),
        ({"time_base": Fraction(0)}, "tick is 0; give a Fraction"),
        ({"time_base": Fraction(-1, 25)}, "tick is -1/25"),
        ({"time_base": 0.04}, r"tick is 0\.04"),
    ):
        with pytest.raises(ConfigError, match=message):
            VideoWriter(tmp_path / "out.mp4", **{"size": (64, 48)} | settings)
    with VideoWriter(tmp_path / "out.mp4", (64, 48), start=1.0) as writer:
        with pytest.raises(InputError, match=r"\(48, 64, 3\) uint8 is due"):
            writer.write(numbered(0, (32, 24)), 1.0)
        with pytest.raises(InputError, match="before the start"):
            writer.write(numbered(0), 0.5)
        writer.write(numbered(0), 1.5)
        with pytest.raises(InputError, match="comes after"):
            writer.write(numbered(0), 1.4)
        writer.write(numbered(1), 1.6)
    assert [frame.time for frame in read(tmp_path / "out.mp4")[1]] == [0, pytest.approx(0.1)]


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_times_that_can_not_be_stored_are_refused(tmp_path, name):
    longest = 2**28 / 90_001
    with VideoWriter(tmp_path / name, (64, 48), time_base=FINE) as writer:
        for time in (math.inf, -math.inf, None, "1"):
            with pytest.raises(InputError, match=rf"{name}: a picture's time is .*; give seconds"):
                writer.write(numbered(0), time)
        for number in range(6):
            for time in (1e300, 1e9) if number else (1e300,):
                with pytest.raises(InputError, match=r"too late to be stored: 4 in a row may take 11,930 s"):
                    writer.write(numbered(0), time)
            writer.write(numbered(number), number * longest)
    frames = read(tmp_path / name)[1]
    assert [frame.time for frame in frames] == pytest.approx([i * longest for i in range(6)], abs=1e-3)


def test_a_piece_of_a_long_video_begins_late(tmp_path):
    with VideoWriter(
        tmp_path / "out.mp4", (64, 48), time_base=Fraction(1, 10_000_000), joined=True
    ) as writer:
        writer.write(numbered(0), 36_000.0)
        writer.write(numbered(1), 36_001.0)
    assert last_stamp(tmp_path / "out.mp4") == 36_001


def test_pictures_that_are_none_and_a_video_that_is_closed(tmp_path):
    writer = VideoWriter(tmp_path / "out.mp4", (64, 48), rate=29.97)
    with pytest.raises(InputError, match=r"a picture is list; \(48, 64, 3\) uint8 is due"):
        writer.write(numbered(0).tolist())
    writer.write(numbered(0))
    writer.write(numbered(1))
    writer.close()
    with pytest.raises(InputError, match=r"out\.mp4: the video is closed"):
        writer.write(numbered(2))
    assert [frame.time for frame in read(tmp_path / "out.mp4")[1]] == [0, 1001 / 30_000]


@pytest.mark.parametrize("rate", [1e-5, 1e9])
def test_the_slowest_and_the_fastest_rate(tmp_path, rate):
    with VideoWriter(tmp_path / "out.mp4", (64, 48), rate=rate, time_base=Fraction(1, 10_000)) as writer:
        writer.write(numbered(0), 0)
        writer.write(numbered(1), 1)
    assert [frame.time for frame in read(tmp_path / "out.mp4")[1]] == [0, 1]


def test_pictures_without_times_follow_the_rate(tmp_path):
    with VideoWriter(tmp_path / "out.mp4", (64, 48), rate=NTSC) as writer:
        for number in range(40):
            writer.write(numbered(number), math.nan)
    assert [frame.time for frame in read(tmp_path / "out.mp4")[1]] == [float(t) for t in steady(40, NTSC)]
