"""Numbers and times of frames, against those that the clips were written with."""

from __future__ import annotations

import gc
import math
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import cv2
import pytest
from made_videos import NTSC, number_of, numbered, steady, uneven, write_clip

from aulens.errors import ConfigError, InputError
from aulens.video import Media, open_video
from aulens.video.clock import Counter

FINE = Fraction(1, 90_000)
COUNT = 120
# File, codec, B-frames, its times, ticks of its clock, and whether its stamps are rounded to milliseconds.
CLIPS: dict[str, tuple[str, int, list[Fraction], Fraction | None, bool]] = {
    "ntsc.mp4": ("libx264", 2, steady(COUNT, NTSC), Fraction(1, 30_000), False),
    "ntsc.mkv": ("libx264", 2, steady(COUNT, NTSC), Fraction(1, 1000), True),
    "uneven.mp4": ("libx264", 2, uneven(COUNT), FINE, False),
    "uneven.mkv": ("libx264", 2, uneven(COUNT), Fraction(1, 1000), False),
    "uneven.webm": ("libvpx", 0, uneven(COUNT), Fraction(1, 1000), False),
    "plain.mov": ("mpeg4", 0, steady(COUNT, 25), None, False),
    "plain.avi": ("mjpeg", 0, steady(COUNT, 25), None, False),
    "between.avi": ("mpeg4", 2, steady(COUNT, 25), None, False),
    "wrong.avi": ("libx264", 2, steady(COUNT, 25), None, False),
    "plain.mpg": ("mpeg2video", 2, steady(COUNT, 25), None, False),
    "ntsc.ts": ("libx264", 2, steady(COUNT, NTSC), FINE, False),
    "plain.flv": ("libx264", 2, steady(COUNT, 25), Fraction(1, 1000), False),
}
VARIED = ("ntsc.mp4", "uneven.mkv", "uneven.webm", "plain.avi", "between.avi", "plain.mpg")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("clips")
    return {
        name: write_clip(
            root / name, times, codec, between=between, tick=tick, rate=NTSC if "ntsc" in name else 25
        )
        for name, (codec, between, times, tick, _) in CLIPS.items()
    }


@pytest.mark.parametrize("name", CLIPS)
def test_each_frame_has_its_number_and_its_time(clips, name):
    media = open_video(clips[name])
    frames = list(media.frames())
    times, rounded = CLIPS[name][2], CLIPS[name][4]
    assert [frame.index for frame in frames] == list(range(COUNT))
    assert [number_of(frame.image) for frame in frames] == list(range(COUNT))
    if rounded:
        times = [Fraction(round(time * 1000), 1000) for time in times]
    assert [frame.time for frame in frames] == [float(time) for time in times]
    assert media.problem is None
    assert frames[0].image.shape == (48, 64, 3)


@pytest.mark.parametrize("name", ["ntsc.mp4", "uneven.mp4", "ntsc.mkv", "uneven.webm"])
def test_times_are_those_of_opencv(clips, name):
    capture = cv2.VideoCapture(str(clips[name]))
    for frame in open_video(clips[name]).frames():
        assert capture.grab()
        assert capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 == pytest.approx(frame.time, abs=1e-6)


def test_what_is_known_before_reading(clips):
    info = open_video(clips["ntsc.mp4"]).info
    assert info.rate == NTSC  # not 29, not 30
    assert (info.width, info.height, info.frames, info.rotation) == (64, 48, COUNT, 0)
    assert info.duration == pytest.approx(COUNT / float(NTSC), abs=1e-3)
    assert info.codec == "h264"
    assert not info.has_audio
    assert info.time_base == Fraction(1, 30_000)
    assert open_video(clips["ntsc.mkv"]).info.frames is None


CHOICES = [
    {"frame_step": 7},
    {"start": 0.0, "stop": 0.2},
    {"start": 1.5},
    {"start": Fraction(1, 2), "stop": Fraction(3, 2)},
    {"start": 3.2032},
    {"start": 2.0, "stop": 3.0, "frame_step": 3},
    {"skip": 1},
    {"skip": 61},
    {"skip": 84, "frame_step": 5, "stop": 3.9},
    {"skip": 50, "start": 1.0},
    {"skip": 118},
    {"skip": 500},
    {"start": 500.0},
    {"stop": 0.001},
]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in VARIED else pytest.mark.slow) for name in CLIPS]
)
def test_a_part_is_a_slice_of_the_whole(clips, name):
    media = open_video(clips[name])
    whole = list(media.frames())
    for choice in CHOICES:
        wanted = [
            frame
            for frame in whole
            if frame.index % choice.get("frame_step", 1) == 0
            and frame.index >= choice.get("skip", 0)
            and choice.get("start", 0.0) <= frame.time < choice.get("stop", math.inf)
        ]
        part = list(media.frames(**choice))
        assert [(frame.index, frame.time) for frame in part] == [(f.index, f.time) for f in wanted], choice
        assert all((a.image == b.image).all() for a, b in zip(part, wanted, strict=True)), choice
        assert media.problem is None


@pytest.mark.parametrize("name", ["uneven.mp4", "ntsc.mkv", "plain.avi", "between.avi"])
def test_a_late_part_does_not_decode_what_comes_before(clips, name, tmp_path):
    """Whatever these packets hold; the first 40 are looked at for damage."""
    data, at = clips[name].read_bytes(), 0
    with av.open(str(clips[name])) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    for number, packet in enumerate(packets):
        at = data.index(packet, at)
        if 45 <= number < 75:
            data = data[:at] + bytes(len(packet)) + data[at + len(packet) :]
    (tmp_path / name).write_bytes(data)
    media = open_video(tmp_path / name)
    assert [number_of(frame.image) for frame in media.frames(skip=100)] == list(range(100, COUNT))
    assert media.problem is None
    assert [number_of(frame.image) for frame in media.frames()] != list(range(COUNT))


def test_time_zero_is_where_sound_or_picture_begins(tmp_path):
    times = [Fraction(1, 2) + time for time in steady(30, 25)]
    late = write_clip(tmp_path / "late.mp4", times, tick=FINE, sound="aac")
    assert [frame.time for frame in open_video(late).frames()] == [float(time) for time in times]
    silent = write_clip(tmp_path / "silent.ts", times, tick=FINE)
    assert [frame.time for frame in open_video(silent).frames()] == [float(t) for t in steady(30, 25)]
    part = [frame.time for frame in open_video(late).frames(start=1.0)]
    assert part == [float(time) for time in times if time >= 1]


def test_a_stream_without_time_stamps(tmp_path):
    raw = open_video(write_clip(tmp_path / "raw.h264", steady(30, 25)))
    frames = list(raw.frames(frame_step=2, skip=10))
    assert [frame.index for frame in frames] == [number_of(frame.image) for frame in frames]
    assert [frame.index for frame in frames] == list(range(10, 30, 2))
    assert all(math.isnan(frame.time) for frame in frames)
    assert raw.info.time_base is None
    with pytest.raises(InputError, match=r"raw\.h264: it has no time stamps"):
        next(raw.frames(start=0.5))


def test_recordings_joined_end_to_end_count_on(tmp_path):
    first = write_clip(tmp_path / "a.ts", steady(60, 25), tick=FINE)
    second = write_clip(tmp_path / "b.ts", steady(40, 25), tick=FINE, size=(48, 64))
    joined = tmp_path / "joined.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    media = open_video(joined)
    frames = list(media.frames())
    assert [frame.index for frame in frames] == list(range(100))
    assert [frame.time for frame in frames] == pytest.approx([float(time) for time in steady(100, 25)])
    assert "time stamps jump back at frame 60 (2.40 s)" in str(media.problem)
    # The second half stood upright: fitted into the first's size, black at its sides.
    tall = frames[80].image
    assert tall.shape == (48, 64, 3)
    assert tall[:, :13].max() < 20
    assert tall[:, 51:].max() < 20
    assert number_of(tall[:, 14:50]) == 20
    late = list(media.frames(start=3.0))
    assert [(frame.index, frame.time) for frame in late] == [(f.index, f.time) for f in frames[75:]]


def test_short_recordings_joined_count_on(tmp_path):
    """What goes back by few frames is no disorder if its packets go back too."""
    short = write_clip(tmp_path / "a.ts", steady(5, 25), tick=FINE)
    short.write_bytes(short.read_bytes() * 3)
    assert [frame.time for frame in open_video(short).frames()] == [float(time) for time in steady(15, 25)]


def stamped_as_decoded(source: Path, target: Path) -> Path:
    """A copy in which each packet's time is that of its decoding, as careless programs write it."""
    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        stream = written.add_stream_from_template(read.streams.video[0])
        for packet in read.demux(video=0):
            if packet.size:
                packet.pts, packet.stream = packet.dts, stream
                written.mux(packet)
    return target


@pytest.mark.parametrize("name", ["a.mkv", "a.ts", "a.flv"])
def test_time_stamps_out_of_order_are_sorted(tmp_path, name):
    source = write_clip(tmp_path / "a.mp4", steady(50, 25), tick=FINE)
    media = open_video(stamped_as_decoded(source, tmp_path / name))
    frames = list(media.frames())
    assert (
        [frame.index for frame in frames] == [number_of(frame.image) for frame in frames] == list(range(50))
    )
    # Until it is noticed, frames have the stamps of others.
    times = [frame.time for frame in frames]
    assert times[4:] == [float(time) for time in steady(50, 25)[4:]]
    assert sorted(set(times)) == times
    assert media.problem == "time stamps are out of order at frame 3 (0.12 s), from there on they are sorted"
    assert [(f.index, f.time) for f in media.frames(start=1.0)] == [(f.index, f.time) for f in frames[25:]]


def test_time_stamps_out_of_order_in_joined_recordings(tmp_path):
    source = write_clip(tmp_path / "a.mp4", steady(50, 25), tick=FINE)
    media = open_video(stamped_as_decoded(source, tmp_path / "a.ts"))
    Path(media.info.path).write_bytes(Path(media.info.path).read_bytes() * 2)
    frames = list(media.frames())
    assert [frame.time for frame in frames[4:]] == pytest.approx(
        [float(time) for time in steady(100, 25)[4:]]
    )


@pytest.mark.parametrize(
    ("codec", "back"),
    [("mjpeg", range(60, 120)), ("mjpeg", [70]), ("mpeg4", range(60, 120)), ("mpeg4", [70])],
)
def test_a_part_of_a_video_whose_stamps_go_back_is_a_slice_of_the_whole(tmp_path, codec, back):
    between = 0 if codec == "mjpeg" else 2
    source = write_clip(tmp_path / "a.mkv", steady(COUNT, 25), codec, between=between)
    path = tmp_path / "back.mkv"
    with av.open(str(source)) as read, av.open(str(path), "w") as written:
        stream = written.add_stream_from_template(read.streams.video[0])
        for place, packet in enumerate(read.demux(video=0)):
            if packet.size:
                if round(packet.pts / 40) in back:
                    packet.pts -= 2010 if len(back) > 1 else 217  # milliseconds, on no other frame's stamp
                packet.dts, packet.stream = place - 10_000, stream  # Matroska checks it, and keeps `pts` only
                written.mux(packet)
    media = open_video(path)
    frames = list(media.frames())
    assert len(frames) == COUNT
    problem = media.problem
    assert problem is not None
    for skip in (50, 65, 90):
        part = [(f.index, f.time) for f in media.frames(skip=skip)]
        assert part == [(f.index, f.time) for f in frames if f.index >= skip]
        assert media.problem == problem
    late = [(f.index, f.time) for f in media.frames(start=3.0)]
    assert late == [(f.index, f.time) for f in frames if f.time >= 3.0]


def test_disorder_right_before_a_recording_ends_does_not_hide_the_next():
    counter = Counter(SimpleNamespace(format=SimpleNamespace(name="mpegts")), step=10.0)
    sent = [*range(40), *range(20)]
    shown = [*range(36), 36, 38, 37, 39, *range(20)]
    ticks = []
    for place in range(len(sent) + 3):
        if place < len(sent):
            stamp = 10 * sent[place]
            counter.promise(SimpleNamespace(size=1, is_discard=False, pts=stamp, dts=stamp))
        if place >= 3:  # the decoder holds three back
            ticks.append(counter.number(SimpleNamespace(pts=10 * shown[place - 3]))[1])
    assert ticks == pytest.approx(range(0, 600, 10), abs=10)
    assert sorted(set(ticks)) == ticks


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"frame_step": 0}, "'frame_step' must be .* at least 1, found 0"),
        ({"skip": -1}, "'skip' must be .*, found -1"),
        ({"start": -1.0}, "'start' must be .*, found -1"),
        ({"stop": math.nan}, "'stop' must be .*, found nan"),
        ({"start": Fraction(-1, 2)}, "'start' must be .*, found -0.5"),
        ({"start": True}, "'start' must be .*, found True"),
        ({"stop": math.inf}, "'stop' must be .*, found inf"),
        ({"start": 2.0, "stop": 2.0}, "not after start"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(clips, choice, message):
    media: Media = open_video(clips["plain.mov"])
    with pytest.raises(ConfigError, match=message):
        media.frames(**choice)


def test_a_frame_is_found_by_its_exact_time(clips):
    (frame,) = open_video(clips["ntsc.mp4"]).frames(start=31 / NTSC, stop=32 / NTSC)
    assert frame.index == 31


def test_numbers_can_be_read_again():
    assert all(number_of(numbered(number)) == number for number in range(256))


def test_frames_that_were_read_leave_nothing_behind(clips):
    """PyAV's frames can form rings, which stay until the next search for them: megabytes each."""
    gc.disable()
    gc.freeze()  # what was there before is not looked at
    try:
        for _ in open_video(clips["uneven.mp4"]).frames():
            pass
        left = sum(type(item) is av.VideoFrame for item in gc.get_objects())
    finally:
        gc.enable()
    assert left < 4
