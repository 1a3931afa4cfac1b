"""Names of what is made of several videos in one folder."""

import json
import os
import unicodedata
from pathlib import Path

import pytest

from aulens.analysis.analyzer import Analyzer
from aulens.errors import InputError
from aulens.output import analyze_video
from aulens.output.names import clip_names
from patch_people import PatchDetector, write_people
from stub_model import write_stub

pytestmark = pytest.mark.usefixtures("people_by_colour")


@pytest.fixture(scope="module")
def analyzer(tmp_path_factory: pytest.TempPathFactory) -> Analyzer:
    return Analyzer(write_stub(tmp_path_factory.mktemp("stub")), PatchDetector())


def talk(folder: Path, frames: int) -> Path:
    folder.mkdir()
    return write_people(folder / "talk.mp4", frames)


def test_a_video_keeps_its_name_whoever_comes_before_it(analyzer: Analyzer, tmp_path: Path):
    out = tmp_path / "out"
    b = talk(tmp_path / "b", 3)
    done = analyze_video(analyzer, b, out)
    a = talk(tmp_path / "a", 5)
    assert clip_names([a, b], out) == ("a_talk", "talk")
    assert analyze_video(analyzer, a, out).files["table"] == "a_talk.csv"
    assert clip_names([a, b], out) == ("a_talk", "talk")
    assert analyze_video(analyzer, b, out, resume=True) == done
    # The folder of videos was moved.
    b = b.rename(tmp_path / "talk.mp4")
    assert analyze_video(analyzer, b, out, resume=True) == done
    # The other one was exported anew.
    write_people(a, 4)
    assert analyze_video(analyzer, a, out).files["table"] == "a_talk.csv"


def test_a_stopped_run_keeps_its_name_too(analyzer: Analyzer, tmp_path: Path):
    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    out = tmp_path / "out"
    a = talk(tmp_path / "a", 3)
    analyze_video(analyzer, a, out)
    with pytest.raises(Killed):
        analyze_video(analyzer, a, out, progress=kill)
    b = talk(tmp_path / "b", 5)
    assert clip_names([b, a], out) == ("b_talk", "talk")
    assert analyze_video(analyzer, a, out, resume=True).frames == 3


@pytest.mark.parametrize(
    "theirs", ["talk.csv", "talk.json", "TALK.html", "talk.overlay.mp4", "talk.events.csv"]
)
def test_files_of_somebody_else_are_not_replaced(theirs: str, analyzer: Analyzer, tmp_path: Path):
    out = tmp_path / "out"
    out.mkdir()
    (out / theirs).write_text(json.dumps(["codes", "by hand"]))
    done = analyze_video(analyzer, talk(tmp_path / "a", 3), out, resume=True)
    assert done.files["table"] == "a_talk.csv"
    assert json.loads((out / theirs).read_text()) == ["codes", "by hand"]


def test_each_participant_has_a_folder(tmp_path: Path):
    given = [
        tmp_path / name for name in ("P01/talk.mp4", "P02/s1/talk.mp4", "P02/s2/talk.avi", "P02/s2/TALK.mov")
    ]
    names = ("P01_talk", "P02_s1_talk", "P02_s2_talk", "P02_s2_TALK-2")
    assert clip_names([*given, tmp_path / "P02" / "end.mp4"]) == (*names, "end")
    assert clip_names([*given, tmp_path / "talk.mp4"]) == (*names, "talk")


def test_names_of_other_files_are_not_taken(analyzer: Analyzer, tmp_path: Path):
    names = clip_names(["columns.mp4", "results.mp4", "index.mp4", "a.mp4", "A.MOV"])
    assert names == ("columns-2", "results-2", "index-2", "a", "A-2")
    video = write_people(tmp_path / "columns.mp4", 2)
    assert analyze_video(analyzer, video, tmp_path / "out").files["table"] == "columns-2.csv"


def test_what_a_camera_saw_is_kept(tmp_path: Path):
    (tmp_path / "camera 0.json").write_text(
        json.dumps({"source": "camera 0", "identity": {"video": "camera 0", "bytes": None, "modified": None}})
    )
    assert clip_names(["camera 0"], tmp_path) == ("camera 0-2",)


def test_long_names_fit_the_disk(analyzer: Analyzer, tmp_path: Path):
    video = write_people(tmp_path / f"{'顔' * 83}.mp4", 2)  # 253 bytes
    done = analyze_video(analyzer, video, tmp_path / "out")
    assert all((tmp_path / "out" / name).is_file() for name in done.files.values())


def test_a_name_that_is_not_utf8_is_written_out(analyzer: Analyzer, tmp_path: Path):
    video = tmp_path / os.fsdecode(b"Gespr\xe4ch.mp4")
    write_people(tmp_path / "a.mp4", 2).rename(video)
    receipt = analyze_video(analyzer, video, tmp_path / "out")
    assert receipt.source == rf"{tmp_path}/Gespr\xe4ch.mp4"
    assert receipt.identity["video"] == r"Gespr\xe4ch.mp4"
    assert (tmp_path / "out" / "Gespr_ch.csv").is_file()
    assert analyze_video(analyzer, video, tmp_path / "out", resume=True) == receipt


def test_a_folder_of_somebody_else_is_left_alone(analyzer: Analyzer, tmp_path: Path):
    precious = tmp_path / "out" / "talk.part" / "precious.txt"
    precious.parent.mkdir(parents=True)
    precious.touch()
    video = talk(tmp_path / "a", 2)
    assert analyze_video(analyzer, video, tmp_path / "out").files["table"] == "a_talk.csv"
    with pytest.raises(InputError, match="was not made by aulens"):
        analyze_video(analyzer, video, tmp_path / "out", name="talk")
    assert precious.exists()


def test_a_line_break_in_a_name_is_none_in_those_of_its_files():
    assert clip_names(["a\nb.mp4", "a\x1b[1mb.mp4"]) == ("a_b", "a_[1mb")
    assert clip_names([r"a\b.mp4"]) == (("a_b",) if os.sep == "/" else ("b",))


def test_folders_and_patterns_of_pictures_are_called_by_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "take.2").mkdir()
    monkeypatch.chdir(tmp_path / "take.2")
    for given in (".", "../take.2", str(tmp_path / "take.2"), "*.jpg", "../take.2/%05d.png"):
        assert clip_names([given], patterns=True) == ("take.2",)


@pytest.mark.parametrize(
    "name", ["Are you happy?", "talk *final*", "Day 5 at 100%d", "[1] a", "-rf", "a;b", "面接　1"]
)
def test_a_name_is_no_pattern(name: str, analyzer: Analyzer, tmp_path: Path):
    """A03: results were called after the folder."""
    video = write_people(tmp_path / f"{name}.mp4", 2)
    assert clip_names([video, "elsewhere/Are you there?.mp4"]) == (name, "Are you there?")
    assert clip_names([video], patterns=True) == (name,)
    assert analyze_video(analyzer, video, tmp_path / "out").files["table"] == f"{name}.csv"


def test_only_endings_of_pictures_and_videos_are_left_off():
    assert clip_names(["tape.01", "tape.02", "P01.2024.mts", "noend"]) == (
        "tape.01",
        "tape.02",
        "P01.2024",
        "noend",
    )


def test_accents_that_are_stored_in_two_ways_are_one_name():
    composed, apart = (unicodedata.normalize(form, "Jürgen.mp4") for form in ("NFC", "NFD"))
    assert composed != apart
    first, second = clip_names([composed, apart])
    assert first == "Jürgen"
    assert second == unicodedata.normalize("NFD", "Jürgen") + "-2"
