"""Videos that are damaged, cut short, or go away while they are read."""

from __future__ import annotations

import av
import pytest
from made_videos import cut, number_of, numbered, steady, write_clip, zeroed
from PIL import Image

from aulens.errors import InputError
from aulens.video import Frame, open_video
from aulens.video.clock import HEAD, read_clock
from aulens.video.media import place
from aulens.video.truncation import bytes_missing

FASTSTART = {"movflags": "+faststart"}
MJPEG = {"codec": "mjpeg", "between": 0}


def numbers(frames: list[Frame]) -> list[int]:
    return [number_of(frame.image) for frame in frames]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("cut.avi", MJPEG),
        ("cut.mp4", {"between": 2, "options": FASTSTART}),
        ("cut.mkv", {"between": 2}),
        pytest.param("cut.webm", {"codec": "libvpx", "between": 0}, marks=pytest.mark.slow),
    ],
)
def test_a_file_cut_short_gives_what_it_has_and_says_where_it_stopped(tmp_path, name, options):
    whole = write_clip(tmp_path / f"whole.{name}", steady(131, 25), **options)
    assert bytes_missing(whole) is None
    path = cut(whole, tmp_path / name, 0.7)
    media = open_video(path)
    frames = list(media.frames())
    assert 40 < len(frames) < 125
    # Some that are shown before the last may be cut off, and only some containers know of them.
    indices = [frame.index for frame in frames]
    assert indices[:-2] == list(range(len(frames) - 2))
    assert indices == sorted(set(indices))
    assert numbers(frames) == [round(frame.time * 25) for frame in frames]
    missing = whole.stat().st_size - path.stat().st_size
    last = frames[-1]
    assert f"stops after frame {last.index} ({last.time:.2f} s): the file is cut short" in str(media.problem)
    assert f"{missing:,} bytes" in str(media.problem)
    part = list(media.frames(skip=50, frame_step=4))
    assert [(f.index, f.time) for f in part] == [
        (f.index, f.time) for f in frames if f.index >= 50 and f.index % 4 == 0
    ]
    assert "cut short" in str(media.problem)
    list(media.frames(stop=1.0))
    assert media.problem is None


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("bad.avi", MJPEG),
        ("bad.mp4", {"between": 2}),
        ("bad.mkv", {"between": 0}),
        ("last.mov", {"between": 2}),
    ],
)
def test_damage_in_the_middle_is_passed_over_and_counted(tmp_path, name, options):
    whole = write_clip(tmp_path / f"whole.{name}", steady(131, 25), **options)
    where = range(125, 131) if name == "last.mov" else [60, 61, 62, 130]
    media = open_video(zeroed(whole, tmp_path / name, where))
    frames = list(media.frames())
    lost = set(range(131)) - {frame.index for frame in frames}
    assert 4 <= len(lost) <= 8
    assert f"{len(lost)} frames could not be decoded" in str(media.problem)
    assert f"the first after frame {min(lost) - 1} ({(min(lost) - 1) / 25:.2f} s)" in str(media.problem)
    # Numbers and times stay those of the whole video.
    assert [frame.time for frame in frames] == [frame.index / 25 for frame in frames]
    assert numbers(frames[:55]) == list(range(55))
    after = [frame for frame in frames if 84 <= frame.index < 120]
    assert numbers(after) == list(range(84, 120))
    late = list(media.frames(skip=90))
    assert [(f.index, f.time) for f in late] == [(f.index, f.time) for f in frames if f.index >= 90]


@pytest.mark.parametrize("places", [[5], [36], [60]])
def test_what_the_decoder_repairs_is_the_same_after_a_jump(tmp_path, places):
    path = write_clip(tmp_path / "a.mp4", steady(75, 25), "mpeg4", between=0, size=(128, 96))
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    for number in places:
        position, size = packets[number]
        data[position + size // 2 : position + size - 4] = bytes(size - 4 - size // 2)
    path.write_bytes(data)
    media = open_video(path)
    frames = list(media.frames())
    assert "came damaged" in str(media.problem)
    assert (read_clock(path) is None) == (min(places) < HEAD)
    for skip in (38, 62):
        part = list(media.frames(skip=skip))
        assert [f.index for f in part] == list(range(skip, 75))
        assert all((a.image == b.image).all() for a, b in zip(part, frames[skip:], strict=True))


def test_the_first_frames_may_be_damaged(tmp_path):
    whole = write_clip(tmp_path / "whole.avi", steady(50, 25), **MJPEG)
    media = open_video(zeroed(whole, tmp_path / "bad.avi", [0, 1]))
    frames = list(media.frames())
    assert [frame.index for frame in frames] == numbers(frames) == list(range(2, 50))
    assert frames[0].time == pytest.approx(0.08)
    assert "2 frames could not be decoded" in str(media.problem)


def test_how_much_is_missing_is_known_to_the_byte(tmp_path):
    for name, codec in (("a.mp4", "mpeg4"), ("a.mov", "mpeg4"), ("a.mkv", "mpeg4"), ("a.avi", "mpeg4")):
        whole = write_clip(tmp_path / name, steady(20, 25), codec, between=0)
        assert bytes_missing(whole) is None
        data = whole.read_bytes()
        (tmp_path / "short").write_bytes(data[:-100])
        assert bytes_missing(tmp_path / "short") == 100
        (tmp_path / "long").write_bytes(data + b"\0" * 7)
        assert bytes_missing(tmp_path / "long") is None


@pytest.mark.parametrize(
    "tail", [b"MADE BY A CAMERA", b"\x01\x02\x03\x04\x05\x06\x07\x08", b"\0\0\0\x0cmakr1234"]
)
def test_what_stands_behind_the_last_box_is_no_box_cut_short(tmp_path, tail):
    whole = write_clip(tmp_path / "a.mp4", steady(3, 25), "mpeg4", between=0)
    data = whole.read_bytes()
    whole.write_bytes(data + tail)
    assert bytes_missing(whole) is None
    # A box that we don't know, and then one that is cut.
    whole.write_bytes(b"\0\0\0\x08ftyp\0\0\0\x0cmakr1234\0\0\0\x20mdat")
    assert bytes_missing(whole) == 24


def test_a_recording_that_was_not_finished_promises_nothing(tmp_path):
    whole = write_clip(tmp_path / "a.avi", steady(20, 25), "mjpeg", between=0)
    for size in (0, 0xFFFFFFFF):
        data = bytearray(whole.read_bytes())
        data[4:8] = size.to_bytes(4, "little")
        (tmp_path / "unfinished.avi").write_bytes(data[:-500])
        assert bytes_missing(tmp_path / "unfinished.avi") is None
        assert list(open_video(tmp_path / "unfinished.avi").frames(stop=0.5))


def test_a_file_that_goes_away(tmp_path):
    path = write_clip(tmp_path / "a.mp4", steady(20, 25))
    media = open_video(path)
    path.unlink()
    with pytest.raises(InputError, match="no such video"):
        next(media.frames())


def test_a_file_that_goes_away_midway(tmp_path):
    """What was read is kept, and what is wrong is said."""
    path = write_clip(tmp_path / "a.mp4", steady(75, 25), "mpeg4", between=0, size=(128, 96))
    media = open_video(path)
    frames = media.frames()
    first = next(frames)
    data = path.read_bytes()
    path.unlink()
    read = [first, *frames]
    assert [frame.index for frame in read] == list(range(len(read)))
    gone = "the file can't be read (No such file or directory)"
    assert media.problem == f"it stops after {place(read[-1].index, read[-1].time)}: {gone}"
    path.write_bytes(data)
    assert gone in str(media.problem)
    # Damage after a jump: the file is opened once more, in vain.
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][60]
        damaged = bytearray(data)
        begin, end = packet.pos + packet.size // 2, packet.pos + packet.size - 4
        damaged[begin:end] = bytes(end - begin)
    path.write_bytes(damaged)
    media = open_video(path)
    frames = media.frames(skip=50)
    first = next(frames)
    path.unlink()
    last = [first, *frames][-1]
    assert 50 < last.index < 61
    assert media.problem == f"it stops after {place(last.index, last.time)}: there is no such video"


def test_an_animation_that_goes_away(tmp_path):
    pictures = [Image.fromarray(numbered(number)) for number in range(3)]
    pictures[0].save(tmp_path / "a.webp", save_all=True, append_images=pictures[1:], duration=70)
    media = open_video(tmp_path / "a.webp")
    (tmp_path / "a.webp").unlink()
    with pytest.raises(InputError, match=r"a\.webp: the file can't be read \(No such file"):
        next(media.frames())
