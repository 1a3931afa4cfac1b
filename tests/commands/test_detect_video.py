"""`aulens detect` on videos, as a user calls it."""

import io
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import av
import pandas as pd
import pytest
from PIL import Image

from aulens.analysis.analyzer import Analyzer
from aulens.errors import ConfigError
from aulens.inputs import parse_time
from aulens.output import analyze_video
from aulens.tables import OpenFace, read_table
from aulens.video import Frame
from aulens.video.webcam import Camera
from command_line import Result, aulens
from entries import replace_detector
from killed import Killed, killed_after
from patch_people import PatchDetector, patch_frame, write_people
from stub_model import write_stub
from video.made_videos import write_sound

pytestmark = pytest.mark.usefixtures("people_by_colour", "patches_for_faces")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_people(tmp_path_factory.mktemp("video") / "talk.mp4", 20)


def table_of(text: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(text))


def test_rows_of_a_video_go_to_standard_output(video: Path, model: Path):
    done = aulens("detect", video, "--model", model, "-f", "csv")
    assert done.code == 0
    assert table_of(done.out)["frame"].tolist() == list(range(20))
    assert "20 frames of 1 video" in done.err


def test_a_span_and_every_second_frame(video: Path, model: Path):
    done = aulens(
        "detect", video, "--model", model, "-f", "csv", "--from", "0:00.2", "--to", ".6", "--every", 2
    )
    assert table_of(done.out)["frame"].tolist() == [6, 8, 10, 12, 14]


def test_the_table_for_reading_sums_up(video: Path, model: Path):
    done = aulens("detect", video, "--model", model)
    assert done.code == 0
    assert told(done.out, "AU12") == ("20", "100 %")
    assert "Share of frames" in done.out


def test_the_table_for_reading_leaves_out_what_is_beyond_limits(video: Path, model: Path, tmp_path: Path):
    """The patches' landmarks are those of a flat face: all of them look the same way."""
    done = aulens("detect", video, "--model", model, "--max-yaw", 90, "--max-pitch", 90)
    assert told(done.out, "AU12") == ("20", "100 %")
    assert "talk.mp4: 0 of 20 rows with a face are left out (turned by more than 90°, or up or" in done.err
    stored = aulens("detect", video, "--model", model, "--max-yaw", 90, "--out", tmp_path)
    assert "talk.mp4: 0 of 20 rows with a face are left out" in stored.err
    nobody = aulens("detect", video, "--model", model, "--max-yaw", 0)
    assert "talk.mp4: 20 of 20 rows with a face are left out (turned by more than 0°)" in nobody.err
    assert "no face" in nobody.out
    rows = aulens("detect", video, "--model", model, "--max-yaw", 0, "-f", "csv")
    table = pd.read_csv(io.StringIO(rows.out))
    assert table["success"].tolist() == [0] * 20
    assert table["AU12_p"].isna().all()
    assert table["box_w"].notna().all()


def flicker(path: Path, bright: set[int], lasts: list[int]) -> Path:
    """Somebody red, in whom AU6 is present in the frames `bright`; milliseconds for which each is shown."""
    frames = []
    for number in range(len(lasts)):
        picture = patch_frame({"red": (30, 30)})
        picture[0, number] = 0  # like pictures one after the other would become one
        if number in bright:
            picture[30:70, 30:70] = (250, 90, 90)
        frames.append(Image.fromarray(picture))
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=lasts)
    return path


def told(out: str, au: str) -> tuple[str, str]:
    """Frames and share of the one row of an AU in the table for reading."""
    (line,) = [line for line in out.splitlines() if au in line.split()]
    found = re.search(r"(\d+) +(\S+ %)$", line.rstrip())
    assert found is not None
    return found[1], found[2]


def test_shares_of_a_recorded_video_are_of_time(model: Path, tmp_path: Path):
    """The last frame counts as 40 ms, the median: 4 * 200 of 4 * 200 + 8 * 40 ms; the page says the same."""
    video = flicker(tmp_path / "nods.gif", {5, 6, 7, 8}, [40] * 5 + [200] * 4 + [40] * 3)
    done = aulens("detect", video, "--model", model, "--out", tmp_path / "out")
    assert told(done.out, "AU6") == ("4", "71 %")
    assert told(done.out, "AU12") == ("12", "100 %")
    assert "Share of time" in done.out


def test_smoothed_decisions_are_summed_up_where_there_are_some(model: Path, tmp_path: Path):
    video = flicker(tmp_path / "nods.gif", {4, *range(12, 24)}, [40] * 40)
    done = aulens("detect", video, "--model", model, "--out", tmp_path / "out", "--smooth", 0.4)
    table = read_table(tmp_path / "out" / "nods.csv")
    raw, smoothed = int(table["AU6_c"].sum()), int(table["AU6_smooth_c"].sum())
    assert raw == 13 != smoothed > 0
    assert told(done.out, "AU6") == (str(smoothed), f"{100 * smoothed / 40:.0f} %")


@pytest.fixture
def eyed(tmp_path: Path) -> Path:
    """A model with AU43: bright faces have closed eyes."""
    return write_stub(tmp_path, "eyed", (12, 43), {"platt": {"AU12": [4.0, 0.25], "AU43": [20.0, 0.25]}})


@pytest.mark.slow
def test_blinks_are_summed_up_a_minute(eyed: Path, tmp_path: Path):
    """Two closures of 0.16 s and one of 0.6 s in 4 s."""
    shut = {5, 6, 7, 8, 20, 21, 22, 23, *range(40, 55)}
    video = flicker(tmp_path / "nods.gif", shut, [40] * 100)
    done = aulens("detect", video, "--model", eyed, "--out", tmp_path / "out", "--report")
    assert re.search(r"AU45 +Blink +30\.0 a minute", done.out)
    found = pd.read_csv(tmp_path / "out" / "nods.events.csv")
    found = found[found["au"] != "AU12"]
    assert found["au"].tolist() == ["AU45", "AU45", "AU43"]
    assert found["onset"].tolist() == [0.2, 0.8, 1.6]
    assert found["per_minute"].tolist() == [30, 30, 15]
    page = (tmp_path / "out" / "nods.html").read_text()
    assert '"blinks":30.0' in page
    assert "blinks are not counted" not in done.err + page
    # Every third frame is too seldom.
    seldom = aulens("detect", video, "--model", eyed, "--out", tmp_path / "few", "--report", "--every", 3)
    said = "blinks are not counted: a frame every 0.12 s is too few, at most 0.1 s will do"
    assert f"nods.gif: {said}" in seldom.err
    assert seldom.code == 0
    page = (tmp_path / "few" / "nods.html").read_text()
    assert said in page
    assert '"blinks":null' in page
    assert "AU45" not in seldom.out + (tmp_path / "few" / "nods.events.csv").read_text()


def test_a_baseline_by_the_clip_a_frame_a_time_and_a_picture(video: Path, model: Path, tmp_path: Path):
    def told(name: str, *options: object) -> tuple[pd.Series, str]:
        done = aulens("detect", video, "--model", model, "--out", tmp_path / name, *options)
        assert done.code == 0
        return read_table(tmp_path / name / "talk.csv")["AU12_above"], done.err

    above, said = told("own", "--baseline")
    assert above.isna().all()
    assert "talk.mp4: person 0 has no baseline (fewer than 50 usable frames)" in said
    frame, said = told("frame", "--neutral", 10)
    assert "no baseline" not in said
    assert frame[10] == 0
    assert told("time", "--neutral", "0:00.4")[0].equals(frame)
    Image.fromarray(patch_frame({"red": (30, 30)})).save(tmp_path / "rest.png")
    picture, _ = told("picture", "--neutral", tmp_path / "rest.png")
    assert picture.abs().max() < 1


def test_what_is_no_neutral_face_is_said(video: Path, model: Path, tmp_path: Path):
    def said(neutral: object, *more: object) -> str:
        done = aulens(
            "detect", video, "--model", model, "--out", tmp_path / "out", "--neutral", neutral, *more
        )
        assert done.code == 2
        return str(done.error)

    Image.fromarray(patch_frame({})).save(tmp_path / "empty.png")
    assert "a picture of one face is needed, found none" in said(tmp_path / "empty.png")
    assert "no such file, and neither a frame (250) nor a time (0:10)" in said("gone.png")
    assert "--neutral 1:70: not a time" in said("1:70")
    assert "leave one out" in said(3, "--baseline")
    assert "the format openface has no columns for what is above a baseline" in said(3, "-f", "openface")


def test_a_resumed_run_sums_up_the_whole_video(video: Path, model: Path, tmp_path: Path):
    def command(folder: str, *more: object) -> Result:
        return aulens("detect", video, "--model", model, "--out", tmp_path / folder, *more)

    whole = command("whole")
    with pytest.raises(Killed):
        analyze_video(
            Analyzer(model, PatchDetector()), video, tmp_path / "cut",
            progress=killed_after(13), checkpoint_each=5,
        )  # fmt: skip
    again = command("cut", "--resume")
    assert told(again.out, "AU12") == ("20", "100 %")
    assert again.out == whole.out
    assert "10 frames of 1 video, 10 more done before; see" in again.err
    assert "done before" not in whole.err
    done = command("cut", "--resume")
    assert done.out == whole.out
    assert "1 video done before; see" in done.err
    assert "more" not in done.err


def test_a_folder_of_all_sorts(video: Path, model: Path, tmp_path: Path):
    """What is good is analyzed, what is not is named, and the rest is no matter."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "talk.mp4").write_bytes(video.read_bytes())
    Image.fromarray(patch_frame({"red": (30, 30)})).save(folder / "a.png")
    frames = [Image.fromarray(patch_frame({"blue": (10 + 5 * i, 20)})) for i in range(8)]
    frames[0].save(folder / "moves.gif", save_all=True, append_images=frames[1:], duration=40)
    (folder / "cut.mp4").write_bytes(video.read_bytes()[:300])
    (folder / "none.mp4").touch()
    write_sound(folder / "sound.mp4")
    (folder / "notes.txt").write_text("not for us")
    done = aulens("detect", folder, "--model", model, "-f", "csv")
    assert done.code == 1
    table = table_of(done.out)
    counts = table.groupby(table["file"].map(lambda path: Path(path).name)).size().to_dict()
    assert counts == {"a.png": 1, "talk.mp4": 20, "moves.gif": 8}
    for name in ("cut.mp4", "none.mp4", "sound.mp4"):
        assert sum(line.startswith(f"aulens: {folder / name}: ") for line in done.err.splitlines()) == 1
    assert "notes.txt" not in done.err
    assert "3 failed" in done.err


def test_out_writes_files_and_resume_leaves_them(video: Path, model: Path, tmp_path: Path):
    command = ("detect", video, "--model", model, "--out", tmp_path / "out")
    assert aulens(*command).code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "columns.csv", "talk.csv", "talk.events.csv", "talk.json",
    ]  # fmt: skip
    before = (tmp_path / "out" / "talk.csv").stat().st_mtime_ns
    again = aulens(*command, "--resume")
    assert again.code == 0
    assert "was done before" in again.err
    assert "1 video done before; see" in again.err
    assert (tmp_path / "out" / "talk.csv").stat().st_mtime_ns == before


def test_videos_of_one_name_have_files_of_their_own(video: Path, model: Path, tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "talk.mp4").write_bytes(video.read_bytes())
    done = aulens("detect", tmp_path / "one", tmp_path / "two", "--model", model, "--out", tmp_path / "out")
    assert done.code == 0
    tables = [read_table(tmp_path / "out" / name) for name in ("one_talk.csv", "two_talk.csv")]
    assert [table["file"].iloc[0] for table in tables] == [
        str(tmp_path / name / "talk.mp4") for name in ("one", "two")
    ]


def test_openface_rows_need_a_table_per_video(video: Path, model: Path, tmp_path: Path):
    one = aulens("detect", video, "--model", model, "-f", "openface")
    assert one.code == 0
    assert tuple(one.out.splitlines()[0].split(",")) == OpenFace().columns()
    other = write_people(tmp_path / "other.mp4", 4)
    two = aulens("detect", video, other, "--model", model, "-f", "openface")
    assert two.code == 2
    assert "give --out DIR" in str(two.error)


def test_a_picture_and_a_video_of_one_name_have_tables_of_their_own(model: Path, tmp_path: Path):
    folder = tmp_path / "in"
    folder.mkdir()
    Image.fromarray(patch_frame({"red": (30, 30)})).save(folder / "a.png")
    write_people(folder / "a.mp4", 3)
    done = aulens("detect", folder, "--model", model, "-f", "openface", "--out", tmp_path / "out")
    assert done.code == 0
    firsts = {path.name: path.read_text().split(",")[0] for path in (tmp_path / "out").glob("a*.csv")}
    assert firsts == {"a.csv": "frame", "a-2.csv": "face", "a.events.csv": "file"}


def test_a_name_that_is_no_text_is_written_out(video: Path, model: Path, tmp_path: Path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in (b"Gespr\xe4ch.mp4", b"z.mp4"):
        Path(os.fsdecode(bytes(folder) + b"/" + name)).write_bytes(video.read_bytes())
    done = aulens("detect", folder, "--model", model, "-f", "csv")
    assert done.code == 0
    assert len(table_of(done.out)) == 2 * 20
    assert "Gespr\\xe4ch.mp4" in done.out


def test_aus_without_a_column_in_the_format_are_named(tmp_path: Path):
    model = write_stub(tmp_path, aus=(1, 12))
    video = write_people(tmp_path / "talk.mp4", 2)
    assert "no columns" not in aulens("detect", video, "--model", model, "-f", "openface").err
    other = write_stub(tmp_path, "other", aus=(12, 18))
    done = aulens("detect", video, "--model", other, "-f", "openface")
    assert "the format openface has no columns for AU18: they are left out" in done.err


def test_results_beside_the_videos_are_no_videos(video: Path, model: Path, tmp_path: Path):
    (tmp_path / "talk.mp4").write_bytes(video.read_bytes())
    Image.fromarray(patch_frame({"red": (30, 30)})).save(tmp_path / "a.png")
    for _ in range(2):
        done = aulens("detect", tmp_path, "--model", model, "--out", tmp_path, "--overlay")
        assert done.code == 0, done.err
        assert "1 face in 1 picture, 20 frames of 1 video" in done.err
    assert (tmp_path / "talk.overlay.mp4").is_file()


def test_a_video_named_like_a_drawn_one_is_not_replaced(video: Path, model: Path, tmp_path: Path):
    given = [tmp_path / "talk.mp4", tmp_path / "talk.overlay.mp4"]
    for path in given:
        path.write_bytes(video.read_bytes())
    done = aulens("detect", *given, "--model", model, "--out", tmp_path, "--overlay")
    assert done.code == 0, done.err
    assert "40 frames of 2 videos" in done.err
    assert given[1].read_bytes() == video.read_bytes()


@pytest.mark.parametrize("name", ["talk.mp4", "talk.mkv", "talk.ts", "talk.nut", "talk.webp"])
def test_a_part_behind_the_end_is_one_sentence(video: Path, model: Path, tmp_path: Path, name: str):
    path = tmp_path / name
    if name.endswith("webp"):
        frames = [Image.fromarray(patch_frame({"red": (10 + i, 20)})) for i in range(5)]
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)
    else:
        with av.open(str(video)) as read, av.open(str(path), "w") as written:
            stream = written.add_stream_from_template(read.streams.video[0])
            for packet in read.demux(video=0):
                if packet.size:
                    packet.stream = stream
                    written.mux(packet)
    told = f"{path}: there is no frame from 99 s to its end"
    for more in (["-f", "csv"], [], ["--out", tmp_path / "out"], ["--out", tmp_path / "out", "--report"]):
        done = aulens("detect", path, "--model", model, "--from", "99", *more)
        assert done.code == 1
        assert told in " ".join(done.err.split())
    assert list(Analyzer(model).video(path, start=99.0)) == []


@pytest.mark.slow
def test_a_huge_picture_does_not_stop_the_others(video: Path, model: Path, tmp_path: Path):
    (tmp_path / "talk.mp4").write_bytes(video.read_bytes())
    Image.new("1", (20_000, 20_000)).save(tmp_path / "a.png")
    done = aulens("detect", tmp_path, "--model", model, "-f", "csv")
    assert done.code == 1
    assert len(table_of(done.out)) == 20
    assert f"{tmp_path / 'a.png'}: " in done.err


def test_a_sequence_is_one_clip(model: Path, tmp_path: Path):
    folder = tmp_path / "frames"
    folder.mkdir()
    for i in range(12):
        Image.fromarray(patch_frame({"red": (10 + i, 20)})).save(folder / f"frame{i}.png")
    done = aulens("detect", folder, "--sequence", "--fps", 25, "--model", model, "-f", "csv")
    assert done.code == 0
    table = table_of(done.out)
    assert table["frame"].tolist() == list(range(12))
    assert table["time"].iloc[-1] == pytest.approx(11 / 25)


def test_ctrl_c_says_how_to_go_on(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    replace_detector(monkeypatch, "aulens", "killed:CTRL_C_LATER")
    for name in "abcd":
        Image.new("RGB", (60, 60)).save(tmp_path / f"{name}.png")
    done = aulens("detect", tmp_path, "--model", model, "--out", tmp_path / "out")
    assert done.code == 130
    assert f"stopped; the rows so far are in {tmp_path / 'out' / 'results.part'}. The" in done.err
    assert "--resume goes on" in done.err
    (rows,) = (tmp_path / "out" / "results.part").iterdir()
    assert "a.png" in rows.read_text()


def test_ctrl_c_in_a_video_names_where_its_rows_are(
    video: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    replace_detector(monkeypatch, "aulens", "killed:CTRL_C_IN_A_VIDEO")
    done = aulens("detect", video, "--model", model, "--out", tmp_path / "out")
    assert done.code == 130
    assert f"stopped; the rows so far are in {tmp_path / 'out' / f'{video.stem}.part'}. The" in done.err


@pytest.mark.parametrize("command", ["detect", "report"])
def test_ctrl_c_before_the_first_row_names_no_folder(
    command: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    replace_detector(monkeypatch, "aulens", "killed:CTRL_C")
    Image.new("RGB", (60, 60)).save(tmp_path / "a.png")
    of_another_run = tmp_path / "out" / "b.part"
    of_another_run.mkdir(parents=True)
    (of_another_run / "rows.csv").write_text("frame,time\n0,0.0\n")
    done = aulens(command, tmp_path / "a.png", "--model", model, "--out", tmp_path / "out")
    assert done.code == 130
    assert "stopped. The same command with --resume goes on" in done.err
    assert str(tmp_path / "out") not in done.err


def test_parquet_goes_to_the_folder_only(video: Path, model: Path, tmp_path: Path):
    for format in ("parquet", "csv"):
        done = aulens("detect", video, "--model", model, "-f", format, "--out", tmp_path / format)
        assert (done.code, done.bytes) == (0, b"")
    assert f"see {tmp_path / 'csv'}" in done.err


def test_a_video_without_a_face_is_listed(model: Path, tmp_path: Path):
    video = write_people(tmp_path / "empty room.mp4", 3, lambda i: {})
    assert "no face" in aulens("detect", video, "--model", model).out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.mp4", "--resume"], "--resume needs a folder"),
        (["a.mp4", "--report"], "--report needs a folder"),
        (["a.mp4", "--from", "1:70"], "--from 1:70: not a time"),
        (["a.mp4", "--from", "9", "--to", "3"], "must be later than the start"),
        (["a.mp4", "--fps", "25"], "--fps and --times are for --sequence only"),
        (["a.mp4", "--webcam", "0"], "an input of its own"),
        (["--webcam", "0", "--resume", "--out", "out"], "a camera can't be resumed"),
        (["a.mp4", "--smooth", "0"], "--smooth needs a folder"),
        (["a.mp4", "--baseline"], "--baseline needs a folder"),
        (["a.mp4", "--smooth", "0", "--out", "out"], "above 0 seconds"),
    ],
)
def test_wrong_use_is_code_2_and_says_why(arguments: list[str], message: str, model: Path):
    done = aulens("detect", *arguments, "--model", model)
    assert done.code == 2
    assert message in done.err + str(done.error)


def test_times_of_a_clip():
    assert [parse_time(text, "--from") for text in ("90", "1:30", "0:01:30.0", None)] == [90, 90, 90, None]
    for text in ("", "1:2:3:4", "-5", "1:60", "nan", "ten"):
        with pytest.raises(ConfigError, match="not a time"):
            parse_time(text, "--from")


class InterruptedCamera(Camera):
    """Ctrl-C is pressed at its fifth picture."""

    def __init__(self) -> None:
        super().__init__("testsrc=size=96x72:rate=25:duration=20,realtime", "lavfi", {}, "camera 0")

    def frames(self, **choice: float | None) -> Iterator[Frame]:
        for number, frame in enumerate(super().frames(**choice), 1):
            yield frame
            if number == 5:
                os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_ends_the_video_of_a_camera(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("aulens.video.webcam.open_webcam", lambda number: InterruptedCamera())
    before = signal.getsignal(signal.SIGINT)
    done = aulens("detect", "--webcam", 0, "--model", model, "--out", tmp_path, "--overlay")
    assert done.code == 0, done.err
    assert signal.getsignal(signal.SIGINT) is before
    table = read_table(tmp_path / "camera 0.csv")
    assert len(table) >= 5
    assert {path.name for path in tmp_path.iterdir()} == {
        "camera 0.csv", "camera 0.events.csv", "camera 0.json", "camera 0.overlay.mp4", "columns.csv",
    }  # fmt: skip
