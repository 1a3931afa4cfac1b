"""What FFmpeg's own program writes and PyAV can't, or only in many lines: each frame beside ffprobe's.

ffprobe tells no time of the last frames of MPEG and AVI, which a decoder gives up at the end: those are held
against the rate alone.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_videos import NTSC, number_of, numbered

from aulens.video import open_video

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("ffmpeg") and shutil.which("ffprobe")),
        reason="ffmpeg and ffprobe are not installed here: apt-get install ffmpeg",
    ),
]
COUNT = 30
UNEVEN = "-vf settb=1/1000,setpts=N*40+floor(N/4)*33 -fps_mode passthrough -enc_time_base 1/1000"
TONE = "-i sine=r=44100:d=1.2"
X264, LATE = "-c:v libx264 -g 10 -bf 2", "-vf setpts=PTS+0.4/TB -fps_mode passthrough"
PAL, HD = (720, 576), (1920, 1080)


@dataclass(frozen=True)
class Clip:
    """A clip of numbered frames as FFmpeg writes it.

    Attributes:
        ending: of its name.
        how: options of the output.
        rate: frames a second.
        size: (width, height).
        before: options in front of a tone that goes beside it; None for no sound.
        cut: options in front of the file where a second step copies its packets; None for no such step.
        copy: ending of the copy.
    """

    ending: str
    how: str
    rate: Fraction | int = 25
    size: tuple[int, int] = (64, 48)
    before: str | None = None
    cut: str | None = None
    copy: str = ""

    def make(self, folder: Path) -> Path:
        width, height = self.size
        path = folder / f"clip.{self.ending}"
        tone = "" if self.before is None else f"-f lavfi {self.before} {TONE}"
        pictures = b"".join(numbered(number, self.size).tobytes() for number in range(COUNT))
        raw = f"-f rawvideo -pix_fmt rgb24 -s {width}x{height} -r {self.rate} -i -"
        ffmpeg(f"{raw} {tone} {self.how} {path}", pictures)
        if self.cut is None:
            return path
        ffmpeg(f"{self.cut} -i {path} -c copy {folder / f'copy.{self.copy}'}")
        return folder / f"copy.{self.copy}"


def ffmpeg(options: str, fed: bytes = b"") -> None:
    done = subprocess.run(["ffmpeg", "-v", "error", *options.split()], input=fed, capture_output=True)
    if b"Unknown encoder" in done.stderr:
        pytest.skip(f"this ffmpeg lacks an encoder: {done.stderr.decode().strip()}")
    assert done.returncode == 0, done.stderr.decode()


D10 = (
    "-c:v mpeg2video -b:v 50000k -minrate 50000k -maxrate 50000k -bufsize 2000000 -rc_init_occupancy 2000000 "
    "-pix_fmt yuv422p -intra_vlc 1 -g 1 -dc 10 -qmin 1 -qmax 12 -flags +ildct+low_delay -lmin 1*QP2LAMBDA "
    "-rc_max_vbv_use 1 -rc_min_vbv_use 1 -non_linear_quant 1 -ps 1 -f mxf_d10"
)
OPEN = "keyint=10:bframes=3:open-gop=1"
DNX = "-c:v dnxhd -pix_fmt yuv422p"
AOM = "-c:v libaom-av1 -cpu-used 8 -crf 20"
SOUNDS = (
    ("mp4", "libx264", "aac"), ("mkv", "libx264", "aac"), ("ts", "libx264", "mp2"),
    ("mov", "mjpeg", "pcm_s16le"), ("flv", "libx264", "aac"),
)  # fmt: skip
ZOO = {
    # Encoders that PyAV's FFmpeg lacks.
    **{f"theora-{ending}": Clip(ending, "-c:v libtheora -q:v 9", rate)
       for ending, rate in (("ogv", 25), ("ogg", NTSC))},
    **{f"xvid-{ending}": Clip(ending, "-c:v libxvid -q:v 2") for ending in ("avi", "mp4", "mkv")},
    **{f"aom-{ending}": Clip(ending, AOM) for ending in ("mp4", "webm", "obu")},
    "aom-10-bits": Clip("mkv", f"{AOM} -pix_fmt yuv420p10le"),
    "rav1e": Clip("mp4", "-c:v librav1e -speed 10 -qp 60"),
    "openjpeg-mxf": Clip("mxf", "-c:v libopenjpeg", size=PAL),
    "openjpeg-mov": Clip("mov", "-c:v libopenjpeg -pix_fmt rgb24"),
    "hap": Clip("mov", "-c:v hap"),
    # Codecs of editors, stations, old computers and screen recorders.
    **{f"{codec}-{ending}": Clip(ending, f"-c:v {codec} -q:v 2 -strict -2") for codec, ending in (
        ("asv1", "avi"), ("asv2", "avi"), ("cinepak", "avi"), ("cinepak", "mov"), ("ffvhuff", "avi"),
        ("flashsv", "flv"), ("flashsv2", "flv"), ("jpeg2000", "mov"), ("jpegls", "avi"), ("libvpx", "ogv"),
        ("libvpx-vp9", "mkv"), ("libx264rgb", "mkv"), ("ljpeg", "avi"), ("mjpeg", "mp4"),
        ("mpeg2video", "mov"), ("mpeg2video", "mp4"), ("msvideo1", "avi"), ("prores_ks", "mov"),
        ("r210", "mov"), ("rpza", "mov"), ("smc", "mov"), ("snow", "avi"), ("speedhq", "avi"),
        ("svq1", "mov"), ("v210", "mov"), ("vc2", "mkv"), ("wmv1", "wmv"), ("zmbv", "avi"),
    )},
    **{f"{codec}-{ending}": Clip(ending, f"-c:v {codec} -q:v 2", size=(320, 240)) for codec, ending in (
        ("msmpeg4", "avi"), ("msmpeg4v2", "avi"), ("msmpeg4", "asf"), ("rv20", "rm"), ("cfhd", "mov"),
    )},
    "dnxhr": Clip("mov", f"{DNX} -profile:v dnxhr_hq", size=(320, 240)),
    "dnxhd": Clip("mxf", f"{DNX} -b:v 120M", size=HD),
    "one-stream-mxf": Clip("mxf", f"{DNX} -b:v 120M -f mxf_opatom", size=HD),
    "d10": Clip("mxf", D10, size=PAL),
    # What players, stations and telephones make of usual codecs.
    **{f"mpeg2-{kind}": Clip("mpg", f"-c:v mpeg2video -q:v 2 -bf 2 -f {kind}") for kind in ("dvd", "svcd")},
    "mpeg1-vcd": Clip("mpg", "-c:v mpeg1video -q:v 2 -bf 2 -f vcd"),
    "ipod": Clip("m4v", f"{X264} -f ipod"),
    "psp": Clip("mp4", f"{X264} -c:a aac -f psp", before=""),
    "3g2": Clip("3g2", X264),
    "fragments": Clip("mp4", f"{X264} -movflags frag_keyframe+empty_moov+default_base_moof"),
    "a-fragment-a-frame": Clip("mp4", f"{X264} -movflags frag_every_frame+empty_moov"),
    "dash": Clip("mp4", f"{X264} -movflags dash+global_sidx"),
    "index-first": Clip("mp4", f"{X264} -movflags faststart"),
    "negative-offsets": Clip("mp4", f"{X264} -movflags negative_cts_offsets"),
    "no-edit-list": Clip("mp4", f"{X264} -use_editlist 0"),
    **{f"open-gop-{ending}": Clip(ending, f"-c:v libx264 -x264-params {OPEN}")
       for ending in ("mp4", "mkv", "ts")},
    "open-gop-hevc": Clip("mp4", f"-c:v libx265 -x265-params {OPEN}:log-level=error"),
    "open-gop-mpeg2": Clip("mkv", "-c:v mpeg2video -q:v 2 -g 10 -bf 2"),
    "many-b": Clip("mp4", "-c:v libx264 -bf 16 -x264-params b-adapt=0:keyint=30:b-pyramid=strict"),
    "b-in-avi": Clip("avi", "-c:v mpeg4 -q:v 2 -bf 3"),
    **{f"hidden-{codec}": Clip("webm", f"-c:v {codec} -auto-alt-ref 1 -lag-in-frames 16 -b:v 200k")
       for codec in ("libvpx", "libvpx-vp9")},
    "vp9-10-bits": Clip("webm", "-c:v libvpx-vp9 -pix_fmt yuv420p10le"),
    "live-webm": Clip("webm", "-c:v libvpx -live 1"),
    "live-mkv": Clip("mkv", f"{X264} -live 1"),
    "clusters": Clip("mkv", f"{X264} -cluster_time_limit 100 -reserve_index_space 5000"),
    "constant-ts": Clip("ts", f"{X264} -muxrate 2M -pcr_period 20"),
    "clock-of-33-bits-ends": Clip("ts", f"{X264} -output_ts_offset 95443"),
    "clock-of-33-bits-ends-m2ts": Clip("m2ts", "-c:v mpeg2video -q:v 2 -bf 2 -output_ts_offset 95443"),
    "interlaced-mp4": Clip("mp4", f"{X264} -flags +ilme+ildct -x264-params tff=1"),
    "interlaced-ts": Clip("ts", "-c:v mpeg2video -q:v 2 -flags +ilme+ildct -vf setfield=tff", size=PAL),
    "lossless": Clip("mkv", "-c:v libx264 -qp 0 -pix_fmt yuv444p"),
    "full-range": Clip("mp4", f"{X264} -pix_fmt yuvj420p -color_range pc"),
    # Uneven frames; sound before the pictures, or behind their beginning.
    **{f"uneven-{ending}": Clip(ending, f"-c:v {codec} {UNEVEN}") for ending, codec in (
        ("mp4", "libx264"), ("mov", "mjpeg"), ("mkv", "libx264"), ("webm", "libvpx"), ("ts", "libx264"),
        ("flv", "flv"), ("nut", "mpeg4"), ("wmv", "wmv2"), ("ogv", "libvpx"), ("ismv", "libx264"))},
    **{f"late-pictures-{ending}": Clip(ending, f"-c:v {codec} -c:a {sound} {LATE}", before="")
       for ending, codec, sound in SOUNDS},
    **{f"late-sound-{ending}": Clip(ending, f"-c:v {codec} -c:a {sound}", before="-itsoffset 0.4")
       for ending, codec, sound in SOUNDS},
    # Copied without encoding anew, and so cut, as people shorten videos.
    **{f"cut-{first}-{ending}": Clip(first, X264, cut="-ss 0.5", copy=ending)
       for first in ("mp4", "mkv", "ts") for ending in ("mp4", "mov", "mkv", "ts", "flv", "nut")},
    "cut-mp4-avi": Clip("mp4", X264, cut="-ss 0.5", copy="avi"),
    **{f"copied-{ending}": Clip("mp4", X264, cut="", copy=ending)
       for ending in ("avi", "ts", "flv", "nut", "ismv")},
}  # fmt: skip


@pytest.mark.parametrize("name", ZOO)
def test_each_frame_of_ffmpeg_s_own_zoo(name: str, tmp_path: Path) -> None:
    clip = ZOO[name]
    path = clip.make(tmp_path)
    media = open_video(path)
    frames = list(media.frames())
    probed, begin = probe(path)
    assert media.problem is None
    assert [frame.index for frame in frames] == list(range(len(probed)))
    assert [number_of(frame.image) for frame in frames] == list(range(COUNT - len(probed), COUNT))
    assert len(probed) == COUNT or name.startswith("cut-")
    times, told = np.array([frame.time for frame in frames]), ~np.isnan(probed)
    if path.suffix == ".avi":  # it has no time stamps, and FFmpeg makes some up
        begin = probed[0]
    assert times[told] == pytest.approx(probed[told] - begin, abs=1e-5)
    assert (media.info.width, media.info.height) == clip.size
    if not name.startswith("uneven"):
        assert media.info.rate == pytest.approx(float(clip.rate), rel=2e-3)
        assert np.diff(times) == pytest.approx(float(1 / Fraction(clip.rate)), abs=1.1e-3)
    start = frames[len(frames) // 2].time - 1e-3
    part = [(f.index, f.time, number_of(f.image)) for f in media.frames(start=start, frame_step=2)]
    wanted = [f for f in frames if f.time >= start and f.index % 2 == 0]
    assert part == [(f.index, f.time, number_of(f.image)) for f in wanted]


def probe(path: Path) -> tuple[np.ndarray, float]:
    """Each frame's time by ffprobe, NaN where it tells none, and where it lets the clip begin; seconds."""
    entries = "frame=best_effort_timestamp_time:format=start_time"
    command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", entries, "-of", "json"]
    said: Any = json.loads(subprocess.run([*command, path], capture_output=True, check=True).stdout)
    times = [float(frame.get("best_effort_timestamp_time", "nan")) for frame in said["frames"]]
    return np.array(times), float(said["format"].get("start_time", times[0]))
