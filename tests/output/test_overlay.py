"""The drawn video of a run: its frames, times and sound, also after a kill."""

import json
import math
import os
import shutil
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from aulens import output
from aulens.analysis.analyzer import Analyzer
from aulens.errors import ConfigError, InputError
from aulens.output import OutputSettings
from aulens.output.overlay import OverlayPart
from aulens.runtime.result import FrameResult
from aulens.show.frame_overlay import FrameOverlay
from aulens.video import VideoInfo, VideoWriter, open_sequence, open_video
from killed import Killed, in_the_way, killed_after
from patch_people import SIZE, PatchDetector, patch_frame
from stub_model import write_stub
from video.made_videos import uneven, write_clip

pytestmark = [pytest.mark.usefixtures("people_by_colour"), pytest.mark.slow]

FINE = Fraction(1, 90_000)
DRAWN = OutputSettings(overlay=True)

analyze_video = partial(output.analyze_video, checkpoint_each=7)


@pytest.fixture(scope="module")
def analyzer(tmp_path_factory: pytest.TempPathFactory) -> Analyzer:
    threshold = {"AU1": 1.0, "AU6": 1.0, "AU12": 0.7, "AU25": 0.7}
    return Analyzer(
        write_stub(tmp_path_factory.mktemp("stub"), card={"threshold": threshold}), PatchDetector()
    )


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 frames that come unevenly, with sound; red is there but for frames 12 to 17."""
    folder = tmp_path_factory.mktemp("video")
    sound = write_clip(folder / "sound.mp4", uneven(40), size=SIZE, tick=FINE, sound="aac")
    with VideoWriter(folder / "talk.mp4", SIZE, time_base=FINE, audio_from=sound) as writer:
        for i, time in enumerate(uneven(40)):
            writer.write(patch_frame({} if 12 <= i < 18 else {"red": (10 + i, 20)}), float(time))
    return folder / "talk.mp4"


@pytest.fixture(scope="module")
def whole(analyzer: Analyzer, video: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing stopped."""
    folder = tmp_path_factory.mktemp("whole")
    analyze_video(analyzer, video, folder, DRAWN)
    return folder


def packets(path: Path, kind: str = "video") -> list[tuple[Fraction, bytes]]:
    with av.open(str(path)) as container:
        return [(p.pts * p.time_base, bytes(p)) for p in container.demux(**{kind: 0}) if p.size]


def test_every_frame_is_drawn_at_its_time_with_the_sound(analyzer, video, whole):
    done = json.loads((whole / "talk.json").read_text())
    assert done["files"]["overlay"] == "talk.overlay.mp4"
    assert done["problem"] is None
    media = open_video(whole / "talk.overlay.mp4")
    assert (media.info.width, media.info.height, media.info.codec) == (640, 384, "h264")
    draw = FrameOverlay(*SIZE)
    results = list(analyzer.video(video))
    drawn = list(media.frames())
    assert [frame.time for frame in drawn] == [result.time for result in results]
    assert [frame.time for frame in drawn] == [float(time) for time in uneven(40)]
    for frame, result in zip(drawn, results, strict=True):
        # A box or a label that is missing or moved by 8 pixels differs by more.
        assert np.abs(frame.image.astype(int) - draw(result)).mean() < 2.5
    assert packets(whole / "talk.overlay.mp4", "audio") == packets(video, "audio")
    assert not (whole / "talk.part").exists()


def test_a_span_of_time_has_the_sound_of_that_time(analyzer, video, tmp_path):
    analyze_video(analyzer, video, tmp_path, OutputSettings(overlay=True, frame_step=2, start=0.5, stop=2.0))
    times = [time for time in uneven(40)[::2] if 0.5 <= time < 2]
    drawn = [time for time, _ in packets(tmp_path / "talk.overlay.mp4")]
    assert drawn == [time - Fraction(1, 2) for time in times]
    sound, whole = (packets(path, "audio") for path in (tmp_path / "talk.overlay.mp4", video))
    first = [data for _, data in whole].index(sound[0][1])
    assert [data for _, data in sound] == [data for _, data in whole[first : first + len(sound)]]
    tick = Fraction(1, 44_100)
    assert all(
        abs(a - b + Fraction(1, 2)) <= tick for (a, _), (b, _) in zip(sound, whole[first:], strict=False)
    )
    assert abs(sound[-1][0] - drawn[-1]) < 0.15


@pytest.mark.parametrize("kill", [10, *(pytest.param(kill) for kill in (1, 7, 8, 29, 40))])
def test_a_killed_run_gives_the_same_video(kill, analyzer, video, whole, tmp_path):
    with pytest.raises(Killed):
        analyze_video(analyzer, video, tmp_path, DRAWN, progress=killed_after(kill))
    cut = tmp_path / "talk.overlay.mp4"
    assert not cut.exists()
    analyze_video(analyzer, video, tmp_path, DRAWN, resume=True)
    assert packets(cut) == packets(whole / cut.name)
    assert packets(cut, "audio") == packets(whole / cut.name, "audio")


@pytest.mark.parametrize("name", ["talk.overlay.mp4", "talk.json"])
def test_a_run_stopped_while_it_finishes_goes_on(name, analyzer, video, tmp_path):
    with pytest.raises(ConfigError, match="Is a directory"):
        analyze_video(analyzer, video, tmp_path, DRAWN, progress=in_the_way(tmp_path / name, 39))
    (tmp_path / name).rmdir()
    seen = []
    analyze_video(analyzer, video, tmp_path, DRAWN, resume=True, progress=lambda *_: seen.append(1))
    assert not seen
    assert len(packets(tmp_path / "talk.overlay.mp4")) == 40


def test_what_was_not_kept_can_be_watched(analyzer, video, tmp_path):
    with pytest.raises(Killed):
        analyze_video(analyzer, video, tmp_path, DRAWN, progress=killed_after(10))
    pieces = sorted((tmp_path / "talk.part" / "overlay").iterdir())
    assert [piece.name for piece in pieces] == ["000000.mp4", "000001.mp4"]
    assert [len(packets(piece)) for piece in pieces] == [7, 3]


def test_a_piece_that_is_gone_is_not_left_out(analyzer, video, tmp_path):
    with pytest.raises(Killed):
        analyze_video(analyzer, video, tmp_path, DRAWN, progress=killed_after(20))
    (tmp_path / "talk.part" / "overlay" / "000001.mp4").unlink()
    with pytest.raises(ConfigError, match=r"000001\.mp4 is gone"):
        analyze_video(analyzer, video, tmp_path, DRAWN, resume=True)


def test_sound_that_can_not_be_taken_along_is_said(analyzer, video, tmp_path):
    (tmp_path / "given").mkdir()
    given = Path(shutil.copy(video, tmp_path / "given"))

    def cut(result, info):
        if result.index == 39:
            os.truncate(given, 1000)

    done = analyze_video(analyzer, given, tmp_path, DRAWN, progress=cut)
    assert str(done.problem).startswith(f"the sound could not be taken along ({given}: the video is damaged")
    assert len(packets(tmp_path / "talk.overlay.mp4")) == 40
    assert not open_video(tmp_path / "talk.overlay.mp4").info.has_audio


def test_frames_without_times_go_by_their_number(analyzer, tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(9):
        Image.fromarray(patch_frame({"blue": (10 + number, 20)})).save(folder / f"{number}.png")
    analyze_video(
        analyzer, open_sequence(folder, None), tmp_path / "out", OutputSettings(overlay=True, frame_step=2)
    )
    drawn = open_video(tmp_path / "out" / "frames.overlay.mp4").frames()
    assert [frame.time for frame in drawn] == [0, 0.08, 0.16, 0.24, 0.32]


def test_a_span_without_frames_is_said_and_leaves_nothing(analyzer, video, tmp_path):
    with pytest.raises(InputError, match=r"no frame from 100 s to its end; it is 2\.48 s long"):
        analyze_video(analyzer, video, tmp_path, OutputSettings(overlay=True, report=True, start=100.0))
    assert not list(tmp_path.iterdir())


def test_times_that_do_not_rise_cost_nothing_but_a_tick(tmp_path):
    """Also from one piece to the next, and when another run goes on."""
    info = VideoInfo("x.mpg", *SIZE, Fraction(25), None, None, 0, False, "mpeg2video", FINE)
    image = patch_frame({})
    times = [math.nan, math.nan, 0.0, 0.5, 0.5, 0.4, 0.5]
    part = OverlayPart(tmp_path / "a", 0, info)
    for index, time in enumerate(times):
        part.add(FrameResult(index, time, image, ()))
        if index == 3:
            kept = part.keep()
    part.close()
    tick = int(1 / FINE) // 25
    due = [FINE * ticks for ticks in (0, tick, tick + 1, 45_000, 45_001, 45_002, 45_003)]
    pieces = sorted((tmp_path / "a").iterdir())
    assert [time for piece in pieces for time, _ in packets(piece)] == due
    again = OverlayPart(tmp_path / "a", kept, info)
    assert sorted((tmp_path / "a").iterdir()) == pieces[:1]
    for index, time in enumerate(times[4:], 4):
        again.add(FrameResult(index, time, image, ()))
    assert again.keep() == 2
    assert [time for piece in pieces for time, _ in packets(piece)] == due
