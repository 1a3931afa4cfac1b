"""Videos written in pieces and joined: the pictures, times and sound of one written at once."""

import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from made_videos import NTSC, number_of, numbered, steady, uneven, write_clip

from aulens.errors import ConfigError, InputError
from aulens.video import VideoWriter, open_video
from aulens.video.join import join_videos, last_stamp

FINE = Fraction(1, 90_000)


def write_piece(path: Path, times: Sequence[Fraction], first: int = 0, **settings) -> Path:
    """A piece with the numbered pictures `first`, `first` + 1 and so on."""
    with VideoWriter(path, (64, 48), joined=True, **settings) as writer:
        for number, time in enumerate(times, first):
            writer.write(numbered(number), float(time))
    return path


def write_pieces(folder: Path, times: Sequence[Fraction], cuts: Sequence[int], **settings) -> list[Path]:
    edges = [0, *cuts, len(times)]
    return [write_piece(folder / f"piece{a}.mp4", times[a:b], a, **settings) for a, b in pairwise(edges)]


def stamps(path: Path, kind: str = "video") -> list[tuple[Fraction, Fraction, bytes]]:
    """(shown, decoded, data) of each packet, seconds."""
    with av.open(str(path)) as container:
        return [
            (p.pts * p.time_base, p.dts * p.time_base, bytes(p))
            for p in container.demux(**{kind: 0})
            if p.size
        ]


@pytest.mark.parametrize(
    ("times", "tick"),
    [
        (steady(60, NTSC), Fraction(1, 30_000)),
        (uneven(60), FINE),
        ([Fraction(2, 3) + time for time in uneven(60)], FINE),
        # Beyond what 32 bits count, and a clock that FFmpeg would round.
        ([5000 + Fraction(number * 40_001, 1_000_000) for number in range(60)], Fraction(1, 1_000_000)),
        ([0, 4000, *(4000 + time for time in steady(59, 25)[1:])], None),
    ],
)
@pytest.mark.parametrize(
    "cuts", [(1, 2, 40), *(pytest.param(cuts, marks=pytest.mark.slow) for cuts in ((), (20, 40), (1, 2, 59)))]
)
def test_every_picture_keeps_its_time(tmp_path, times, tick, cuts):
    pieces = write_pieces(tmp_path, times, cuts, time_base=tick)
    joined = join_videos(pieces, tmp_path / "out.mp4")
    assert (joined.audio, joined.problem) == (None, None)
    found = stamps(tmp_path / "out.mp4")
    assert [shown for shown, _, _ in found] == times
    assert [decoded for _, decoded, _ in found] == times
    # Nothing is encoded again.
    assert [data for *_, data in found] == [data for piece in pieces for *_, data in stamps(piece)]
    media = open_video(tmp_path / "out.mp4")
    frames = list(media.frames())
    assert media.problem is None
    assert [number_of(frame.image) for frame in frames] == list(range(60))
    assert [frame.time for frame in frames] == [float(time - times[0]) for time in times]
    assert media.info.codec == "h264"
    assert last_stamp(tmp_path / "out.mp4") == last_stamp(pieces[-1]) == times[-1]
    assert sorted(tmp_path.iterdir()) == sorted([*pieces, tmp_path / "out.mp4"])


def test_the_last_picture_is_shown_as_long_as_the_one_before(tmp_path):
    times = [*steady(10, 25), Fraction(1, 2), Fraction(3, 4)]
    join_videos(write_pieces(tmp_path, times, (11,)), tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.duration * stream.time_base == 1


@pytest.mark.parametrize(
    ("name", "codec", "how", "start", "stop"),
    [
        ("a.mp4", "aac", "copied", 0.7, 40),
        ("a.avi", "pcm_s16le", "converted to aac", 0.0, 50),
        pytest.param("a.mp4", "aac", "copied", 0.0, 50, marks=pytest.mark.slow),
        pytest.param("a.avi", "pcm_s16le", "converted to aac", 0.7, 40, marks=pytest.mark.slow),
    ],
)
def test_the_sound_is_that_of_a_video_written_at_once(tmp_path, name, codec, how, start, stop):
    times = steady(50, 25)
    source = write_clip(tmp_path / name, times, sound=codec, seconds=2.5)
    shown = [time for time in times[:stop] if time >= start]
    whole = tmp_path / "whole.mp4"
    with VideoWriter(whole, (64, 48), audio_from=source, start=start) as writer:
        for time in shown:
            writer.write(numbered(1), float(time))
    pieces = write_pieces(tmp_path, shown, (7, 20), start=start)
    joined = join_videos(pieces, tmp_path / "out.mp4", audio_from=source, start=start)
    assert (joined.audio, joined.problem) == (how, None)
    assert stamps(tmp_path / "out.mp4", "audio") == stamps(whole, "audio")
    assert [s[0] for s in stamps(tmp_path / "out.mp4")] == sorted(s[0] for s in stamps(whole))


def test_sound_lies_beside_its_pictures(tmp_path):
    """Not all of it at one end of the file, where a player would have to jump for it."""
    times = steady(50, 25)
    source = write_clip(tmp_path / "a.mp4", times, sound="aac", seconds=2.0)
    join_videos(write_pieces(tmp_path, times, (20,)), tmp_path / "out.mp4", audio_from=source)
    with av.open(str(tmp_path / "out.mp4")) as container:
        kinds = [packet.stream.type for packet in container.demux() if packet.size]
    assert sum(a != b for a, b in pairwise(kinds)) > 20


def test_browsers_can_begin_before_the_end(tmp_path):
    join_videos(write_pieces(tmp_path, steady(5, 25), ()), tmp_path / "out.mp4")
    data = (tmp_path / "out.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_what_does_not_fit_together_is_refused(tmp_path):
    one = write_piece(tmp_path / "one.mp4", steady(5, 25))
    same = write_piece(tmp_path / "same.mp4", steady(5, 25))
    clock = write_piece(tmp_path / "clock.mp4", [Fraction(1)], time_base=Fraction(1, 30_000))
    wide = tmp_path / "wide.mp4"
    with VideoWriter(wide, (128, 48), joined=True) as writer:
        writer.write(numbered(0, (128, 48)), 2.0)
    ahead = tmp_path / "ahead.mp4"
    with VideoWriter(ahead, (64, 48)) as writer:
        for number in range(10):
            writer.write(numbered(number), number / 25)
    out = tmp_path / "out.mp4"
    out.write_text("an older one")
    for pieces, message in (
        ([], "no piece"),
        ([one, same], r"same\.mp4: it begins before the end"),
        ([one, clock], r"clock\.mp4: it was made with other settings"),
        ([one, wide], r"wide\.mp4: it was made with other settings"),
        ([ahead], r"ahead\.mp4: it needs later pictures"),
        ([one, tmp_path / "none.mp4"], "no such video"),
    ):
        with pytest.raises(InputError, match=message):
            join_videos(pieces, out)
    with pytest.raises(InputError, match="no such video"):
        join_videos([one], out, audio_from=tmp_path / "none.mp4")
    with pytest.raises(ConfigError, match=r"videos are written as \.mp4"):
        join_videos([one], tmp_path / "out.gif")
    assert out.read_text() == "an older one"
    assert not list(tmp_path.glob(".*"))


def test_folders_that_can_not_be_written_to(tmp_path):
    one = write_piece(tmp_path / "one.mp4", steady(5, 25))
    (tmp_path / "file").touch()
    for folder in ("none", "file"):
        with pytest.raises(OSError, match=r"out\.mp4"):
            join_videos([one], tmp_path / folder / "out.mp4")


FULL_DISK = """
import os, resource, sys
from pathlib import Path
from aulens.video.join import join_videos
for limit in (1000, 0):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        join_videos([Path(sys.argv[1])], sys.argv[2])
    except OSError as error:
        print(type(error).__name__, error, os.listdir(os.path.dirname(sys.argv[2])))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a limit on the size of files stands for the full disk")
def test_a_full_disk_is_one_error_and_leaves_nothing(tmp_path):
    one = write_piece(tmp_path / "one.mp4", steady(50, 25))
    out = tmp_path / "out.mp4"
    command = [sys.executable, "-c", FULL_DISK, str(one), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == 2 * f"OSError [Errno 27] File too large: '{out}' ['one.mp4']\n"
