"""A zoo of videos: containers, codecs, depths, rates, turns, lengths, clocks; each frame's number and time.

The first oracle is what was written; the second the packets' time stamps, read by nothing of ours; the third
ffprobe, where it is installed.
"""

from __future__ import annotations

import json
import math
import shutil
import struct
import subprocess
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from made_videos import NTSC, number_of, numbered, steady, uneven, write_clip

from aulens.video import Media, open_video

FILM, FAST = Fraction(24_000, 1001), Fraction(60_000, 1001)
TURNED = {
    90: (0, 1, 0, -1, 0, 0, 0, 0, 1),
    180: (-1, 0, 0, 0, -1, 0, 0, 0, 1),
    270: (0, -1, 0, 1, 0, 0, 0, 0, 1),
}
IN_MILLISECONDS = frozenset({"mkv", "webm", "flv", "wmv", "asf", "rm"})
UNTIMED = frozenset({"h264", "hevc"})


@dataclass(frozen=True)
class Kept:
    """A clip of the zoo, as `write_clip` makes it."""

    ending: str
    codec: str = "libx264"
    pixels: str | None = None
    rate: Fraction | int = 25
    count: int = 30
    times: tuple[Fraction, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        told = (
            self.pixels,
            None if self.rate == 25 else f"{float(self.rate):g}",
            self.count if self.count != 30 else None,
        )
        more = [
            f"{key}{value if isinstance(value, int | str | Fraction) else ''}"
            for key, value in self.more.items()
        ]
        uneven_ = ["uneven"] if self.times else []
        parts = [self.codec, *(str(one) for one in told if one), *uneven_, *more, self.ending]
        return "-".join(parts).replace("/", "_").replace(" ", "")

    @property
    def written(self) -> list[Fraction]:
        return list(self.times) or steady(self.count, self.rate)

    def make(self, folder: Path) -> Path:
        between = (
            2 if self.codec in {"libx264", "mpeg2video", "mpeg4"} and self.ending not in {"avi", "mxf"} else 0
        )
        return write_clip(
            folder / f"clip.{self.ending}", self.written, self.codec, rate=self.rate, pixels=self.pixels,
            **{"between": between, **self.more},
        )  # fmt: skip


DV: dict[str, Any] = {"size": (720, 576)}
ZOO = [
    *(Kept(ending) for ending in ("mp4", "mov", "m4v", "mkv", "ts", "m2ts", "flv", "f4v", "3gp")),
    *(Kept(ending) for ending in ("avi", "nut", "h264")),
    *(Kept(ending, "libx265") for ending in ("mp4", "mov", "mkv", "ts", "hevc")),
    *(Kept(ending, "mpeg4") for ending in ("mp4", "mov", "mkv", "avi", "3gp", "nut")),
    *(Kept(ending, "mpeg2video") for ending in ("mpg", "vob", "ts", "mkv", "m2v", "mxf")),
    *(Kept(ending, "mpeg1video") for ending in ("mpg", "mkv")),
    *(Kept(ending, "mjpeg") for ending in ("avi", "mov", "mkv", "mjpeg")),
    *(Kept(ending, "libvpx") for ending in ("webm", "mkv", "ivf")),
    *(Kept(ending, "libvpx-vp9") for ending in ("webm", "mp4")),
    *(Kept(ending, "libsvtav1") for ending in ("mp4", "mkv", "obu")),
    *(Kept(ending, "ffv1") for ending in ("mkv", "avi", "nut")),
    *(Kept(ending, "wmv2") for ending in ("wmv", "asf", "avi")),
    *(Kept(ending, "flv") for ending in ("flv", "swf")),
    Kept("y4m", "rawvideo"), Kept("avi", "rawvideo"), Kept("nut", "rawvideo"), Kept("rm", "rv10"),
    Kept("3gp", "h263", more={"size": (176, 144)}),
    Kept("dv", "dvvideo", more=DV), Kept("mov", "dvvideo", more=DV),
    Kept("mov", "qtrle", "rgb24"), Kept("mov", "png", "rgb24"), Kept("avi", "huffyuv", "yuv422p"),
    Kept("avi", "utvideo", "yuv422p"), Kept("avi", "magicyuv", "yuv444p"), Kept("wtv", "mpeg2video"),
    # Depths and kinds of colour.
    Kept("mp4", pixels="yuv420p10le"), Kept("mkv", pixels="yuv444p"), Kept("mp4", "libx265", "yuv420p10le"),
    Kept("mkv", "libx265", "yuv420p12le"), Kept("mov", "prores", "yuv422p10le"), Kept("mkv", "ffv1", "gray"),
    Kept("mkv", "ffv1", "gray10le"), Kept("mkv", "ffv1", "gray16le"), Kept("mkv", "ffv1", "gbrp10le"),
    Kept("mov", "png", "rgb48be"), Kept("mov", "png", "rgba"), Kept("mkv", "ffv1", "yuva444p"),
    # Rates.
    *(Kept(ending, "mpeg4", rate=rate) for ending in ("mp4", "mkv", "avi") for rate in (FILM, NTSC, FAST)),
    *(Kept("ts", rate=rate) for rate in (FILM, NTSC, 50)),
    *(Kept("mp4", rate=rate) for rate in (1, Fraction(1, 10), Fraction(25, 2), 240, 1000)),
    *(Kept("mkv", "mjpeg", rate=rate) for rate in (1, Fraction(1, 10), 240)),
    # Clocks.
    Kept("mp4", times=tuple(uneven(30)), more={"tick": Fraction(1, 90_000)}),
    Kept("mov", times=tuple(uneven(30)), more={"tick": Fraction(1, 1000)}),
    Kept("mkv", times=tuple(uneven(30)), more={"tick": Fraction(1, 1000)}),
    Kept("webm", "libvpx", times=tuple(uneven(30)), more={"tick": Fraction(1, 1000)}),
    Kept("ts", times=tuple(uneven(30)), more={"tick": Fraction(1, 90_000)}),
    Kept("mov", "mjpeg", more={"tick": Fraction(1, 25), "options": {"video_track_timescale": "25"}}),
    # Turns, odd pixels, lengths.
    *(Kept("mp4", "mpeg4", more={"matrix": matrix}) for matrix in TURNED.values()),
    *(Kept("mov", more={"matrix": matrix}) for matrix in TURNED.values()),
    Kept("mkv", more={"size": (72, 48), "ratio": Fraction(64, 45)}), Kept("mp4", more={"size": (66, 50)}),
    *(Kept(ending, count=count) for ending in ("mp4", "mkv") for count in (1, 2, 250)),
    Kept("ts", count=1), Kept("ts", count=250),  # FFmpeg opens none of two or three frames
    Kept("avi", "mjpeg", count=1), Kept("dv", "dvvideo", count=1, more=DV),
]  # fmt: skip
QUICK = 9


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(kept, id=kept.name, marks=() if n % QUICK == 0 else pytest.mark.slow)
        for n, kept in enumerate(ZOO)
    ],
)
def test_each_frame_of_the_zoo(kept: Kept, tmp_path: Path) -> None:
    path = kept.make(tmp_path)
    media = open_video(path)
    frames = list(media.frames())
    assert media.problem is None
    assert [number_of(upright(frame.image, kept)) for frame in frames] == [
        n % 256 for n in range(len(kept.written))
    ]
    assert [frame.index for frame in frames] == list(range(len(kept.written)))
    check_size_and_rate(kept, media)
    if kept.ending in UNTIMED:
        assert np.isnan([frame.time for frame in frames]).all()
        return
    rounded = 0.5e-3 if kept.ending in IN_MILLISECONDS else 0.5e-4
    assert [frame.time for frame in frames] == pytest.approx(
        [float(t) for t in kept.written], abs=rounded + 1e-9
    )
    if kept.ending != "avi":  # it has no time stamps, and FFmpeg makes some up
        assert [frame.time for frame in frames] == pytest.approx(packet_times(path), abs=1e-9)
    if shutil.which("ffprobe"):
        probed = probed_times(path)
        told = [n for n, time in enumerate(probed) if not math.isnan(time)]
        assert len(probed) == len(frames)
        assert len(told) >= len(frames) - 1
        assert [frames[n].time for n in told] == pytest.approx([probed[n] for n in told], abs=1e-5)
    begin = max(0.0, float(kept.written[len(frames) // 2]) - 1e-3)
    part = list(media.frames(start=begin, frame_step=2))
    wanted = [f for f in frames if f.time >= begin and f.index % 2 == 0]
    assert [(f.index, f.time) for f in part] == [(f.index, f.time) for f in wanted]


def upright(image: np.ndarray, kept: Kept) -> np.ndarray:
    """As it was drawn: a clip that says it is turned was drawn lying."""
    turns = {matrix: angle // 90 for angle, matrix in TURNED.items()}
    return np.rot90(image, turns.get(kept.more.get("matrix", ()), 0))


def check_size_and_rate(kept: Kept, media: Media) -> None:
    width, height = kept.more.get("size", (64, 48))
    if kept.codec in {"dvvideo", "h263"}:
        width = {720: 768, 176: 192}[width]  # their pixels are 16:15 and 12:11
    elif "ratio" in kept.more:
        width = round(width * kept.more["ratio"])
    if kept.more.get("matrix") in (TURNED[90], TURNED[270]):
        width, height = height, width
    assert (media.info.width, media.info.height) == (width, height)
    if len(kept.written) > 1 and not kept.times:
        assert media.info.rate == pytest.approx(float(kept.rate), rel=2e-3)
    elif kept.times:  # frames a second, on average; MP4 counts how long its last frame is shown
        mean = (len(kept.times) - 1) / float(kept.times[-1])
        assert media.info.rate == pytest.approx(mean, rel=0.25)


def packet_times(path: Path) -> list[float]:
    """Seconds from the first picture by the packets' time stamps, in the order of showing."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        base = Fraction(stream.time_base)
        stamps = sorted(
            p.pts for p in container.demux(stream) if p.size and p.pts is not None and not p.is_discard
        )
    return [float((stamp - stamps[0]) * base) for stamp in stamps]


def probed_times(path: Path) -> list[float]:
    """The same by ffprobe; NaN where it tells none, as of the last frame of MPEG."""
    entries = "frame=best_effort_timestamp_time"
    command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", entries, "-of", "json"]
    told = subprocess.run([*command, str(path)], capture_output=True, text=True, check=True).stdout
    times = [float(frame.get("best_effort_timestamp_time", "nan")) for frame in json.loads(told)["frames"]]
    return [time - times[0] for time in times]


def test_the_zoo_is_large_enough_and_each_is_another() -> None:
    assert len(ZOO) >= 60
    assert len({kept.name for kept in ZOO}) > len(ZOO) - 6  # turns are told by matrices
    assert len({(kept.ending, kept.codec) for kept in ZOO}) >= 50


def shifted(source: Path, target: Path, seconds: float) -> Path:
    """A copy whose clock says so much more, or less."""
    with (
        av.open(str(source)) as read,
        av.open(str(target), "w", options={"avoid_negative_ts": "disabled"}) as written,
    ):
        stream = written.add_stream_from_template(read.streams.video[0])
        for packet in read.demux(video=0):
            if packet.size:
                ticks = round(seconds / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts + ticks, packet.dts + ticks, stream
                written.mux(packet)
    return target


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv", "ts", "flv", "nut"])
@pytest.mark.parametrize("seconds", [3.48, 1000.0, 90_000.0])
@pytest.mark.parametrize("between", [0, 2])
def test_a_clip_begins_at_zero_wherever_its_clock_does(
    tmp_path: Path, ending: str, seconds: float, between: int
) -> None:
    """As parts of a broadcast, or of a camera that counts on: the first picture is at 0."""
    source = write_clip(tmp_path / "a.mp4", steady(50, 25), between=between, tick=Fraction(1, 90_000))
    media = open_video(shifted(source, tmp_path / f"late.{ending}", seconds))
    times = [float(time) for time in steady(50, 25)]
    assert [frame.time for frame in media.frames()] == pytest.approx(times, abs=0.6e-3)
    assert [frame.index for frame in media.frames(start=1.0)] == list(range(25, 50))
    assert media.info.rate == pytest.approx(25, rel=1e-3)


@pytest.mark.parametrize("ending", ["mp4", "mov"])
def test_pictures_before_zero_begin_at_zero_or_are_cut_off(tmp_path: Path, ending: str) -> None:
    """An edit list of MP4 leaves out what comes before; players show, and we give, the rest from 0 on."""
    source = write_clip(tmp_path / "a.mov", steady(50, 25), "mjpeg", between=0)
    media = open_video(shifted(source, tmp_path / f"early.{ending}", -0.4))
    frames = list(media.frames())
    assert [frame.time for frame in frames] == pytest.approx(packet_times(Path(media.info.path)), abs=1e-9)
    assert frames[0].time == 0
    numbers = [number_of(frame.image) for frame in frames]
    assert numbers == list(range(numbers[0], 50))
    assert media.problem is None


@pytest.mark.parametrize(
    ("ending", "codec", "times", "more", "low", "high"),
    [
        ("dv", "dvvideo", steady(10, 25), DV, 25, 25),
        ("ts", "libx264", uneven(150), {"tick": Fraction(1, 90_000)}, 13, 17),
        ("mkv", "libx264", uneven(150), {"tick": Fraction(1, 1000)}, 13, 17),
        ("mkv", "mjpeg", steady(40, 10), {"tick": Fraction(1, 1000), "between": 0}, 10, 10),
        ("webm", "libvpx", steady(40, NTSC), {"tick": Fraction(1, 1000), "between": 0}, 29.9, 30.1),
    ],
)
def test_rates_are_those_of_the_time_stamps(
    tmp_path: Path,
    ending: str,
    codec: str,
    times: list[Fraction],
    more: dict[str, Any],
    low: float,
    high: float,
) -> None:
    """Each is written by an encoder that plans 25 frames a second, but the first."""
    rate = open_video(write_clip(tmp_path / f"a.{ending}", times, codec, **more)).info.rate
    assert rate is not None
    assert low <= rate <= high


def test_an_avi_whose_header_has_another_rate_than_its_sound_is_said(tmp_path: Path) -> None:
    """It has no time stamps: only the sound tells that 100 frames of 4 seconds are not those of two."""
    path = write_clip(tmp_path / "a.avi", steady(100, 25), "mjpeg", between=0, sound="pcm_s16le")
    right = open_video(path)
    assert len(list(right.frames())) == 100
    assert right.problem is None
    data = path.read_bytes()
    rate = data.index(b"vids") + 20  # dwScale, dwRate of the stream's header
    assert data[rate : rate + 8] == struct.pack("<II", 1, 25)
    (tmp_path / "wrong.avi").write_bytes(data[:rate] + struct.pack("<II", 1, 50) + data[rate + 8 :])
    wrong = open_video(tmp_path / "wrong.avi")
    assert [frame.time for frame in wrong.frames()][-1] == 1.98
    assert "its pictures last 2.0 s, its sound lasts 4.0 s: one of them is wrong" in str(wrong.problem)
    list(wrong.frames(stop=1.0))  # of a part nothing can be said
    assert wrong.problem is None


@pytest.mark.parametrize(("ending", "codec"), [("avi", "rawvideo"), ("mov", "rawvideo"), ("mov", "smc")])
def test_colours_of_a_palette_are_there_behind_a_jump_too(tmp_path: Path, ending: str, codec: str) -> None:
    """The palette comes with the first packet: FFmpeg, sent to a later one, gives black pictures."""
    palette = np.array([[255, grey, grey, grey] for grey in range(256)], np.uint8)
    with av.open(str(tmp_path / f"a.{ending}"), "w") as container:
        stream: Any = container.add_stream(codec, rate=25, width=64, height=48, pix_fmt="pal8")
        stream.codec_context.gop_size = 12
        for number in range(40):
            frame: Any = av.VideoFrame.from_ndarray((numbered(number)[..., 0], palette), format="pal8")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    frames = open_video(tmp_path / f"a.{ending}").frames(start=0.98)
    assert [(frame.index, number_of(frame.image)) for frame in frames] == [(n, n) for n in range(25, 40)]


def test_an_avi_with_an_empty_place_before_each_frame_has_half_its_header_s_rate(tmp_path: Path) -> None:
    """As FFmpeg makes it when it copies H.264 with B-frames: 50 places a second, 25 pictures."""
    media = open_video(write_clip(tmp_path / "a.avi", steady(30, 25), "mpeg4", rate=50, between=0))
    assert [frame.time for frame in media.frames()] == pytest.approx([float(t) for t in steady(30, 25)])
    assert media.info.rate == 25


def test_a_gap_of_years_is_said_and_changes_no_rate(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mp4", steady(40, 25), "mpeg4", between=0)
    path = tmp_path / "gap.mkv"
    with av.open(str(source)) as read, av.open(str(path), "w") as written:
        stream = written.add_stream_from_template(read.streams.video[0])
        for packet in read.demux(video=0):
            if packet.size:
                years = 946_080_000 if packet.pts * packet.time_base > 0.99 else 0
                ticks = round(years / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts + ticks, packet.dts + ticks, stream
                written.mux(packet)
    media = open_video(path)
    assert len(list(media.frames())) == 40
    assert media.problem == "time stamps leap by 946,080,000 s at frame 25 (946080001.00 s)"
    assert media.info.rate == 25
