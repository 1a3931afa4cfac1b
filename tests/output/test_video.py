"""A video to files: what is in them, and that a kill anywhere leaves no trace after --resume."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import aulens
from aulens import output
from aulens.analysis.analyzer import Analyzer
from aulens.aus import AUSet
from aulens.errors import BusyError, ConfigError, InputError
from aulens.locks import HOST
from aulens.output import OutputSettings, video_parts
from aulens.pose import HeadPose
from aulens.runtime.result import FrameResult
from aulens.tables import OpenFace, read_table
from aulens.tables.baseline import Baseline, above
from aulens.tables.events import events
from aulens.tables.schema import POSE_COLUMNS, rows_of, to_frame
from aulens.tables.smooth import smooth
from aulens.tables.usable import Limits
from aulens.video import open_sequence
from face_results import frame_result, result
from full_disk import room_for
from killed import Killed, in_the_way, killed_after
from patch_people import PatchDetector, patch_frame, write_people
from stub_model import write_stub
from video.made_videos import zeroed

pytestmark = [pytest.mark.usefixtures("people_by_colour"), pytest.mark.slow]

analyze_video = partial(output.analyze_video, checkpoint_each=7)


@pytest.fixture(scope="module")
def analyzer(tmp_path_factory: pytest.TempPathFactory) -> Analyzer:
    return Analyzer(write_stub(tmp_path_factory.mktemp("stub")), PatchDetector())


def where(i: int) -> dict[str, tuple[int, int]]:
    """Red is there but for frames 12 to 17; blue comes at frame 20 and leaves at 32."""
    people = {} if 12 <= i < 18 else {"red": (10 + i, 20)}
    return people | ({"blue": (100, 30)} if 20 <= i < 32 else {})


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_people(tmp_path_factory.mktemp("video") / "talk.mp4", 40, where)


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it does not matter what is in it."""
    return write_people(tmp_path_factory.mktemp("short") / "talk.mp4", 12)


@pytest.fixture(scope="module")
def whole(analyzer: Analyzer, video: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Format -> the folder of a run that nothing disturbed, not to be changed."""

    @cache
    def folder(format: str = "csv") -> Path:
        out = tmp_path_factory.mktemp("whole")
        analyze_video(analyzer, video, out, OutputSettings(format))
        return out

    return folder


def everything(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "figures" not in path.parts and path.suffix != ".html"
    }


def test_every_frame_and_person_has_a_row(analyzer: Analyzer, video: Path, tmp_path: Path):
    done = analyze_video(analyzer, video, tmp_path)
    table = read_table(tmp_path / "talk.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "columns.csv", "talk.csv", "talk.events.csv", "talk.json",
    ]  # fmt: skip
    assert (done.frames, done.people, done.rows, done.problem) == (40, 2, len(table), None)
    red, blue = (table[table["face_id"] == person] for person in (0, 1))
    assert red["frame"].tolist() == list(range(40))
    assert red["success"].tolist() == [int(not 12 <= i < 18) for i in range(40)]
    assert blue["frame"].tolist() == list(range(20, 40))
    assert blue["success"].tolist() == [int(i < 32) for i in range(20, 40)]
    np.testing.assert_allclose(red["time"], np.arange(40) / 25, atol=1e-6)
    assert table.loc[table["success"] == 0, "AU12_p"].isna().all()
    told = {line.split(",")[0] for line in (tmp_path / "columns.csv").read_text().splitlines()}
    assert set(table.columns) <= told
    assert set(pd.read_csv(tmp_path / "talk.events.csv").columns) <= told


@pytest.mark.parametrize(
    ("kill", "format", "report"),
    [
        (29, "csv", False),
        pytest.param(1, "csv", False),
        pytest.param(7, "openface", False),
        pytest.param(6, "openface", False),
        pytest.param(8, "csv", False),
        pytest.param(15, "csv", True),
        pytest.param(40, "openface", True),
    ],
)
def test_a_killed_run_ends_as_if_it_had_not_been(
    kill: int, format: str, report: bool, analyzer: Analyzer, video: Path, whole, tmp_path: Path
):
    settings = OutputSettings(format, report=report)
    if report:
        analyze_video(analyzer, video, tmp_path / "whole", settings)
    expected = everything(tmp_path / "whole" if report else whole(format))
    with pytest.raises(Killed):
        analyze_video(analyzer, video, tmp_path / "cut", settings, progress=killed_after(kill))
    assert not (tmp_path / "cut" / "talk.csv").exists()
    again = []
    done = analyze_video(
        analyzer,
        video,
        tmp_path / "cut",
        settings,
        resume=True,
        progress=lambda result, _: again.append(result.index),
    )
    assert again[0] == kill // 7 * 7 if kill >= 7 else again[0] == 0
    assert done.frames == 40
    assert everything(tmp_path / "cut") == expected


def test_a_run_stopped_while_it_finishes_goes_on(analyzer: Analyzer, video: Path, whole, tmp_path: Path):
    receipt = tmp_path / "cut" / "talk.json"
    with pytest.raises(ConfigError, match="Is a directory"):
        analyze_video(analyzer, video, tmp_path / "cut", progress=in_the_way(receipt, 39))
    receipt.rmdir()
    analyze_video(analyzer, video, tmp_path / "cut", resume=True)
    assert everything(tmp_path / "cut") == everything(whole())


def test_what_is_done_is_left_as_it_is(analyzer: Analyzer, short: Path, tmp_path: Path):
    first = analyze_video(analyzer, short, tmp_path)
    seen = []
    assert analyze_video(analyzer, short, tmp_path, resume=True, progress=lambda *a: seen.append(a)) == first
    assert seen == []
    (tmp_path / "talk.csv").unlink()
    analyze_video(analyzer, short, tmp_path, resume=True, progress=lambda *a: seen.append(a))
    assert len(seen) == 12
    assert (tmp_path / "talk.csv").is_file()


def test_another_setting_does_not_go_on(analyzer: Analyzer, short: Path, tmp_path: Path):
    with pytest.raises(Killed):
        analyze_video(analyzer, short, tmp_path, progress=killed_after(9))
    with pytest.raises(InputError, match="every was 1 and is 2"):
        analyze_video(analyzer, short, tmp_path, OutputSettings(frame_step=2), resume=True)
    assert analyze_video(analyzer, short, tmp_path, OutputSettings(frame_step=2)).frames == 6


class OtherDetector(PatchDetector):
    def __init__(self, upscale: float) -> None:
        self.upscale = upscale

    def __repr__(self) -> str:
        return f"OtherDetector({self.upscale})"


def test_what_another_detector_or_version_made_is_not_done(
    analyzer: Analyzer, short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    one, two = (Analyzer(analyzer.card.onnx, OtherDetector(upscale)) for upscale in (1, 2))
    seen = []
    analyze_video(one, short, tmp_path)
    analyze_video(one, short, tmp_path, resume=True, progress=lambda *a: seen.append(a))
    assert not seen
    with pytest.raises(InputError, match=r"done before, but detector was 'OtherDetector\(1\)' and is"):
        analyze_video(two, short, tmp_path, resume=True)
    with monkeypatch.context() as patch:
        patch.setattr(aulens, "__version__", "later")
        with pytest.raises(InputError, match=r"aulens was .* and is 'later'"):
            analyze_video(one, short, tmp_path, resume=True)
    analyze_video(two, short, tmp_path, progress=lambda *a: seen.append(a))
    assert len(seen) == 12


def test_a_new_run_takes_away_what_only_the_old_one_made(analyzer: Analyzer, short: Path, tmp_path: Path):
    for name in ("talk", "walk"):
        settings = OutputSettings("parquet", overlay=True, report=True)
        analyze_video(analyzer, short, tmp_path, settings, name=name)
    (tmp_path / "talk.figures" / "timeline-person7.svg").touch()  # of somebody whom the old run saw
    (tmp_path / "walk.figures" / "my notes.txt").touch()
    for name in ("talk.txt", "talk.mkv", "talk-2.html"):
        (tmp_path / name).touch()
    analyze_video(analyzer, short, tmp_path, OutputSettings(frame_step=2, report=True), name="talk")
    assert sorted(path.name for path in (tmp_path / "talk.figures").iterdir()) == [
        f"{name}.{ending}" for name in ("cooccurrence", "timeline") for ending in ("pdf", "svg")
    ]
    analyze_video(analyzer, short, tmp_path, OutputSettings(frame_step=3), name="talk")
    analyze_video(analyzer, short, tmp_path, OutputSettings("openface", frame_step=2), name="walk")
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == [
        "columns.csv", "talk-2.html", "talk.csv", "talk.events.csv", "talk.json", "talk.mkv", "talk.txt",
        "walk.csv", "walk.events.csv", "walk.figures", "walk.figures/my notes.txt", "walk.json",
    ]  # fmt: skip


def test_what_an_old_run_made_is_taken_away_also_after_a_kill(
    analyzer: Analyzer, short: Path, tmp_path: Path
):
    analyze_video(analyzer, short, tmp_path, OutputSettings("jsonl", overlay=True))
    with pytest.raises(Killed):
        analyze_video(analyzer, short, tmp_path, OutputSettings(frame_step=2), progress=killed_after(5))
    assert (tmp_path / "talk.overlay.mp4").exists()  # until the new ones are there
    analyze_video(analyzer, short, tmp_path, OutputSettings(frame_step=2), resume=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "columns.csv", "talk.csv", "talk.events.csv", "talk.json",
    ]  # fmt: skip


@pytest.mark.parametrize("kill", [False, True])
def test_what_tells_the_same_stays(kill: bool, analyzer: Analyzer, short: Path, tmp_path: Path):
    analyze_video(analyzer, short, tmp_path, OutputSettings("jsonl", overlay=True))
    drawn = (tmp_path / "talk.overlay.mp4").read_bytes()
    if kill:
        with pytest.raises(Killed):
            analyze_video(analyzer, short, tmp_path, progress=killed_after(9))
    files = analyze_video(analyzer, short, tmp_path, resume=kill).files
    assert (tmp_path / "talk.overlay.mp4").read_bytes() == drawn
    assert files == {
        "table": "talk.csv", "events": "talk.events.csv", "overlay": "talk.overlay.mp4",
        "table.jsonl": "talk.jsonl", "columns": "columns.csv",
    }  # fmt: skip
    assert analyze_video(analyzer, short, tmp_path, resume=True).files == files
    analyze_video(analyzer, short, tmp_path, OutputSettings(frame_step=2))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "columns.csv", "talk.csv", "talk.events.csv", "talk.json",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"more": 3}, r"talk\.json is no receipt of aulens, or a damaged one"),
        ({}, r"talk\.csv would be written over, and talk\.json does not say that aulens made it"),
    ],
    ids=["of wrong types", "of other names"],
)
def test_a_receipt_that_names_files_of_others_costs_none(
    more: dict, said: str, analyzer: Analyzer, short: Path, tmp_path: Path
):
    out = tmp_path / "out"
    analyze_video(analyzer, short, out, OutputSettings(overlay=True))
    kept = [tmp_path / "talk.html", out / "walk.html", out / "talk.mp4"]
    for path in kept:
        path.touch()
    note = json.loads((out / "talk.json").read_text())
    note["files"] = {"report": "../talk.html", "figures": "walk.html", "overlay": "talk.mp4", **more}
    (out / "talk.json").write_text(json.dumps(note))
    before = everything(out)
    with pytest.raises(InputError, match=said):
        analyze_video(analyzer, short, out, name="talk")
    assert everything(out) == before
    assert all(path.is_file() for path in kept)


def test_a_video_that_was_replaced_is_done_again_and_that_is_said(
    analyzer: Analyzer, short: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    copy = tmp_path / "talk.mp4"
    copy.write_bytes(short.read_bytes())
    analyze_video(analyzer, copy, tmp_path / "out")
    os.utime(copy, (1, 1))
    seen = []
    analyze_video(analyzer, copy, tmp_path / "out", resume=True, progress=lambda *a: seen.append(a))
    assert len(seen) == 12
    assert caplog.messages == [f"{copy}: the video has changed since it was analyzed; it is analyzed anew"]


def test_frames_of_another_folder_of_the_same_name_are_others(analyzer: Analyzer, tmp_path: Path):
    for number in (1, 2):
        (tmp_path / f"s{number}" / "frames").mkdir(parents=True)
        for i in range(4):
            image = Image.fromarray(patch_frame({"red": (10 * number + i, 20)}))
            image.save(tmp_path / f"s{number}" / "frames" / f"{i}.png")
    out = tmp_path / "out"
    for number in (1, 2):
        analyze_video(analyzer, open_sequence(tmp_path / f"s{number}" / "frames", 25), out, resume=True)
    assert read_table(out / "frames.csv")["box_x"].iloc[0] == 10
    assert read_table(out / "s2_frames.csv")["box_x"].iloc[0] == 20
    # Another rate gives other times.
    with pytest.raises(InputError, match="rate was '25' and is '10'"):
        analyze_video(analyzer, open_sequence(tmp_path / "s1" / "frames", 10), out, resume=True)


def test_parts_that_were_changed_are_not_built_upon(analyzer: Analyzer, short: Path, tmp_path: Path):
    with pytest.raises(Killed):
        analyze_video(analyzer, short, tmp_path, progress=killed_after(9))
    rows = tmp_path / "talk.part" / "rows.csv"
    rows.write_bytes(rows.read_bytes()[:50])
    with pytest.raises(InputError, match="holds 50 bytes, but"):
        analyze_video(analyzer, short, tmp_path, resume=True)


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_formats_hold_the_same(format: str, whole):
    pd.testing.assert_frame_equal(
        read_table(whole(format) / f"talk.{format}"), read_table(whole() / "talk.csv")
    )


def test_openface_is_written_as_openface(whole):
    table = whole("openface") / "talk.csv"
    header = table.read_text().splitlines()[0]
    assert tuple(header.split(",")) == OpenFace().columns()
    assert read_table(table)["frame"].max() == 39


def test_smoothed_columns_are_added_and_raw_ones_stay(analyzer: Analyzer, video: Path, whole, tmp_path: Path):
    analyze_video(analyzer, video, tmp_path, OutputSettings(smooth=0.2))
    raw, smooth = (read_table(folder / "talk.csv") for folder in (whole(), tmp_path))
    assert {"AU12_smooth_p", "AU12_smooth_c"} <= set(smooth.columns)
    pd.testing.assert_frame_equal(smooth[list(raw.columns)], raw)


def test_who_is_gone_for_long_has_no_more_rows(analyzer: Analyzer, video: Path, tmp_path: Path):
    """Blue is seen last in frame 31, at 1.24 s."""
    analyze_video(analyzer, video, tmp_path, OutputSettings(keep_lost=0.1))
    table = read_table(tmp_path / "talk.csv")
    blue = table[table["face_id"] == table["face_id"].max()]
    assert blue["frame"].tolist() == list(range(20, 34))
    assert (blue["success"] == 0).sum() == 2


def test_every_and_a_span_of_time(analyzer: Analyzer, video: Path, tmp_path: Path):
    analyze_video(analyzer, video, tmp_path, OutputSettings(frame_step=3, start=0.4, stop=1.0))
    assert sorted(set(read_table(tmp_path / "talk.csv")["frame"])) == [12, 15, 18, 21, 24]


def test_a_damaged_video_gives_what_can_be_read(analyzer: Analyzer, tmp_path: Path):
    whole = write_people(tmp_path / "talk.mkv", 60)
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    done = analyze_video(analyzer, whole, tmp_path / "out")
    assert 0 < done.frames < 60
    assert done.problem is not None
    assert json.loads((tmp_path / "out" / "talk.json").read_text())["problem"] == done.problem
    assert len(read_table(tmp_path / "out" / "talk.csv")) == done.frames


@pytest.mark.parametrize("kill", [30, pytest.param(12)])
def test_damage_before_a_kill_is_still_told(kill: int, analyzer: Analyzer, video: Path, tmp_path: Path):
    damaged = zeroed(video, tmp_path / "talk.mp4", [16, 17])
    whole = analyze_video(analyzer, damaged, tmp_path / "whole")
    assert whole.problem is not None
    with pytest.raises(Killed):
        analyze_video(analyzer, damaged, tmp_path / "cut", progress=killed_after(kill))
    assert analyze_video(analyzer, damaged, tmp_path / "cut", resume=True).problem == whole.problem


def test_a_full_disk_is_said_and_costs_nothing_that_was_kept(
    analyzer: Analyzer, video: Path, whole, tmp_path: Path
):
    with ExitStack() as stack:

        def full(result: FrameResult, info: object) -> None:
            if result.index == 19:
                stack.enter_context(room_for((tmp_path / "cut" / "talk.part" / "rows.csv").stat().st_size))

        with pytest.raises(ConfigError, match=r"File too large.*--resume"):
            analyze_video(analyzer, video, tmp_path / "cut", progress=full)
    analyze_video(analyzer, video, tmp_path / "cut", resume=True)
    assert everything(tmp_path / "cut") == everything(whole())


def test_rows_begun_by_an_earlier_version_go_on_in_its_columns(tmp_path: Path):
    """It had no quality and no pose: the table has one header, and every row fits it."""
    path, aus = tmp_path / "rows.csv", AUSet("pair", (1, 12))
    added = ("quality", "hidden", "look", *POSE_COLUMNS)
    rows = rows_of("a.mp4", [result()], aus, frame=0, time=0.0)
    to_frame(rows, aus).drop(columns=[*added]).to_csv(path, index=False, lineterminator="\n")
    part = video_parts.TablePart(path, path.stat().st_size, "a.mp4", "csv", aus)
    pose = HeadPose(1, 2, 3, np.array([0, 0, 500]))
    part.add(frame_result(1, 0.04, [result(quality=0.5, hidden=("eyes",), look="enlarged", pose=pose)]))
    part.close()
    table = read_table(path)
    assert table["frame"].tolist() == [0, 1]
    assert table["AU12_p"].tolist() == [0.75, 0.75]
    assert table[[*added]].isna().all(axis=None)


class Judge(PatchDetector):
    """Sees the person badly in the frames 6 to 9 of `short`, where they are at x = 16 to 19."""

    def __call__(self, image):
        return tuple(
            replace(face, quality=0.4 if 15.5 < face.box[0] < 19.5 else 0.9)
            for face in super().__call__(image)
        )


@pytest.mark.parametrize("seconds", [None, 0.2])
def test_who_is_seen_badly_has_rows_without_scores_and_is_left_out_of_all_else(
    seconds: float | None, analyzer: Analyzer, short: Path, tmp_path: Path
):
    judged = Analyzer(analyzer.card.onnx, Judge())
    threshold = dict(zip(analyzer.card.aus.labels, analyzer.card.threshold, strict=True))
    settings = OutputSettings(smooth=seconds, min_quality=0.5)
    done = analyze_video(judged, short, tmp_path / "limited", settings)
    assert done.left_out == "4 of 12 rows with a face are left out (of a quality below 0.5)"
    assert done.problem is None
    assert done.remark is None
    told = analyze_video(judged, short, tmp_path / "raw").remark
    assert told == "4 of 12 rows with a face are doubtful (quality below 0.5): 4 small"
    raw, table = (read_table(tmp_path / name / "talk.csv") for name in ("raw", "limited"))
    kept = Limits(min_quality=0.5).usable(raw)
    pd.testing.assert_frame_equal(table[raw.columns], kept)
    if seconds is not None:
        kept = smooth(kept, seconds, thresholds=threshold)
        pd.testing.assert_frame_equal(table, kept[table.columns])
    written = pd.read_csv(tmp_path / "limited" / "talk.events.csv")
    expected = events(kept, thresholds=threshold)
    assert written["onset"].tolist() == expected["onset"].tolist()
    assert written["offset"].tolist() == expected["offset"].tolist()
    # The page that is made later, of the table, is of the same events.
    pd.testing.assert_frame_equal(events(table, thresholds=threshold), expected)


@pytest.mark.parametrize("format", ["openface", "pyfeat"])
def test_in_another_tools_table_who_does_not_count_is_lost(
    format: str, analyzer: Analyzer, short: Path, tmp_path: Path
):
    judged = Analyzer(analyzer.card.onnx, Judge())
    analyze_video(judged, short, tmp_path, OutputSettings(format, min_quality=0.5))
    table = pd.read_csv(tmp_path / "talk.csv")
    scores = table["AU12_c" if format == "openface" else "AU12"]
    assert scores.notna().tolist() == [not 6 <= frame < 10 for frame in range(12)]
    assert len(table) == 12


def test_limits_are_settings_like_others(analyzer: Analyzer, short: Path, tmp_path: Path):
    judged = Analyzer(analyzer.card.onnx, Judge())
    first = analyze_video(judged, short, tmp_path, OutputSettings(min_quality=0.5))
    assert analyze_video(judged, short, tmp_path, OutputSettings(min_quality=0.5), resume=True) == first
    with pytest.raises(InputError, match=r"min_quality was 0\.5 and is None"):
        analyze_video(judged, short, tmp_path, resume=True)
    with pytest.raises(InputError, match=r"max_yaw was None and is 30"):
        analyze_video(judged, short, tmp_path, OutputSettings(min_quality=0.5, max_yaw=30), resume=True)


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_what_is_above_a_baseline_is_that_of_the_whole_video_also_after_a_kill(
    format: str, analyzer: Analyzer, video: Path, whole, tmp_path: Path
):
    settings = OutputSettings(format, baseline=Baseline(min_frames=20))
    with pytest.raises(Killed):
        analyze_video(analyzer, video, tmp_path, settings, progress=killed_after(15))
    done = analyze_video(analyzer, video, tmp_path, settings, resume=True)
    assert analyze_video(analyzer, video, tmp_path, settings, resume=True) == done
    assert done.problem is None
    assert done.remark == "person 1 has no baseline (fewer than 20 usable frames)"
    raw, table = read_table(whole() / "talk.csv"), read_table(tmp_path / f"talk.{format}")
    pd.testing.assert_frame_equal(table[raw.columns], raw)
    expected = above(raw, settings.baseline.of(raw))
    for name in ("AU1_above", "AU12_above"):
        np.testing.assert_allclose(table[name], expected[name])
        assert table[name].notna().tolist() == ((raw["success"] == 1) & (raw["face_id"] == 0)).tolist()
    written = (tmp_path / "talk.events.csv").read_bytes()
    assert written == (whole() / "talk.events.csv").read_bytes()
    with pytest.raises(InputError, match=r"baseline was .* and is None"):
        analyze_video(analyzer, video, tmp_path, OutputSettings(format), resume=True)


def test_faces_beyond_limits_are_measured_against_those_within(
    analyzer: Analyzer, short: Path, tmp_path: Path
):
    judged = Analyzer(analyzer.card.onnx, Judge())
    analyze_video(
        judged, short, tmp_path, OutputSettings(smooth=0.2, min_quality=0.5, baseline=Baseline(min_frames=8))
    )
    table = read_table(tmp_path / "talk.csv")
    for name in ("AU12_above", "AU12_smooth_p"):
        assert table[name].notna().tolist() == [not 6 <= frame < 10 for frame in range(12)]
    analyze_video(
        judged, short, tmp_path, OutputSettings(min_quality=0.5, baseline=Baseline(min_frames=9)), name="few"
    )
    assert read_table(tmp_path / "few.csv")["AU12_above"].isna().all()


def test_a_neutral_frame_that_is_not_there_is_told(analyzer: Analyzer, short: Path, tmp_path: Path):
    done = analyze_video(analyzer, short, tmp_path, OutputSettings(baseline=Baseline(frame=99)))
    assert done.remark == "person 0 has no baseline (not seen in frame 99)"
    strange = OutputSettings(baseline=Baseline(picture=(("AU12", 0.5),)))
    done = analyze_video(analyzer, short, tmp_path, strange, name="strange")
    assert done.problem == "there is no baseline: the neutral picture has no probability of AU1, AU6, AU25"
    assert "AU12_above" not in read_table(tmp_path / "strange.csv")


def test_receipts_of_earlier_versions_knew_no_limits(analyzer: Analyzer, short: Path, tmp_path: Path):
    first = analyze_video(analyzer, short, tmp_path)
    receipt = json.loads((tmp_path / "talk.json").read_text())
    assert not {"max_yaw", "max_pitch", "min_quality", "baseline"} & set(receipt["identity"])
    del receipt["left_out"], receipt["remark"]
    (tmp_path / "talk.json").write_text(json.dumps(receipt))
    assert analyze_video(analyzer, short, tmp_path, resume=True) == first


def test_receipts_call_settings_what_earlier_versions_called_them(
    analyzer: Analyzer, short: Path, tmp_path: Path
):
    settings = OutputSettings(frame_step=2, baseline=Baseline(min_frames=4))
    analyze_video(analyzer, short, tmp_path, settings)
    stored = json.loads((tmp_path / "talk.json").read_text())["identity"]
    assert stored["every"] == 2
    assert stored["baseline"] == {"quantile": 0.1, "least": 4, "frame": None, "time": None, "picture": None}


def test_a_limit_of_what_the_detector_does_not_tell_leaves_nobody_out(
    analyzer: Analyzer, short: Path, tmp_path: Path
):
    done = analyze_video(analyzer, short, tmp_path, OutputSettings(min_quality=0.5))
    assert done.left_out is None
    assert str(done.problem).startswith("no face was left out: the table has no quality")
    assert (read_table(tmp_path / "talk.csv")["success"] == 1).all()


@pytest.mark.usefixtures("without_pdfs")
def test_a_video_may_be_called_something_else_than_its_path(analyzer: Analyzer, video: Path, tmp_path: Path):
    settings = OutputSettings(frame_step=8, report=True)
    analyze_video(analyzer, video, tmp_path, settings, called="Interview 3.mov")
    assert set(read_table(tmp_path / "talk.csv")["file"]) == {"Interview 3.mov"}
    drawn = list((tmp_path / "talk.figures").glob("timeline*.svg"))
    assert drawn
    assert all("Interview 3.mov" in figure.read_text(encoding="utf-8") for figure in drawn)
    page = (tmp_path / "talk.html").read_text(encoding="utf-8")
    assert "Interview 3.mov" in page
    assert str(video) not in page


def test_what_a_kill_at_the_very_end_left_is_cleared(analyzer: Analyzer, short: Path, tmp_path: Path):
    with pytest.raises(Killed):
        analyze_video(analyzer, short, tmp_path, progress=killed_after(9))
    left = tmp_path / "talk.part"
    left.rename(tmp_path / "aside")
    analyze_video(analyzer, short, tmp_path)
    (tmp_path / "aside").rename(left)
    analyze_video(analyzer, short, tmp_path, resume=True)
    assert not left.exists()


def test_what_a_kill_while_a_file_was_written_left_is_cleared(
    analyzer: Analyzer, short: Path, tmp_path: Path
):
    with subprocess.Popen([sys.executable, "-c", ""]) as killed:
        pass
    left = tmp_path / f".talk.html.0123abcd.{HOST}-{killed.pid}.part"
    left.write_text("<html>")
    analyze_video(analyzer, short, tmp_path)
    assert not left.exists()


def test_one_process_at_a_time_works_at_a_video(analyzer: Analyzer, short: Path, tmp_path: Path):
    told = []

    def another(*_: object) -> None:
        if not told:
            with pytest.raises(BusyError, match=r"talk in .* is in use by process") as error:
                analyze_video(analyzer, short, tmp_path)
            told.append(error)

    assert analyze_video(analyzer, short, tmp_path, progress=another).rows == len(
        read_table(tmp_path / "talk.csv")
    )
    assert told
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_folder_that_can_not_be_made_is_said(analyzer: Analyzer, video: Path, tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="can't be written"):
        analyze_video(analyzer, video, tmp_path / "file" / "out")


def test_what_is_no_video_leaves_nothing_behind(analyzer: Analyzer, tmp_path: Path):
    (tmp_path / "talk.mp4").write_bytes(b"no video at all")
    with pytest.raises(InputError):
        analyze_video(analyzer, tmp_path / "talk.mp4", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"format": "xml"}, "'format' must be one of csv, .* found 'xml'"),
        ({"frame_step": 0}, "at least 1"),
        ({"start": -1.0}, "'start' must be a number of 0 or more"),
        ({"start": 5.0, "stop": 5.0}, "later than the start"),
        ({"smooth": 0.0}, "above 0"),
        ({"smooth": 1.0, "format": "openface"}, "no columns for smoothed"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        OutputSettings(**settings)
