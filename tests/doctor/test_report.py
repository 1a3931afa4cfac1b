"""The command, its report, and the contact sheet."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from actors import people, performances

from aulens.aus import BP4D
from aulens.data.sources import open_dataset
from aulens.doctor import contact_sheet, examine
from aulens.doctor.sampling import busiest_window, clips, spread
from aulens.doctor.sheet import HEAD, STRIP, TILE, doubt
from aulens.errors import DatasetError
from command_line import aulens


def test_the_command_says_what_is_there_and_what_was_not_compared(delivered):
    done = aulens("doctor", "bp4d", delivered("bp4d"), "--quick")
    assert done.code == 0
    assert "holds renders in the layout of bp4d" in done.err
    lines = done.out.splitlines()
    assert lines[0].split() == [
        "Part", "Subjects", "Frames", "published:", "coded", "published:", "jaanet", "Pictures", "Landmarks",
    ]  # fmt: skip
    assert lines[1].split()[:5] == ["1", "2", "128", "50,631", "50,601"]
    assert next(line for line in lines if line.startswith("AU12")).rstrip().endswith("mouth's width")
    assert "not checked pictures" in done.out
    assert "BP4D, a part of it: nothing is wrong (0 errors, 0 warnings" in lines[-1]


def test_json_holds_all_and_an_error_is_exit_code_1(delivered, tmp_path: Path):
    root = tmp_path / "data"
    shutil.copytree(delivered("bp4d"), root)
    (root / "lookalike.json").unlink()
    done = aulens("doctor", "bp4d", root, "--quick", "--json")
    assert done.code == 1
    seen = json.loads(done.out)
    assert seen["format"] == "aulens-doctor/1"
    assert not seen["ok"]
    assert [f["code"] for f in seen["findings"] if f["level"] == "error"] == ["missing_subject"] * 3
    assert seen["counts"]["error"] == 3
    assert seen["findings"][0]["level"] == "error"
    au12 = next(au for au in seen["aus"] if au["au"] == 12)
    assert au12["agreement"] > 0.9
    assert 0 < au12["rates"]["1"] < 1
    assert aulens("doctor", "bp4d", root, "--quick", "--json", "--subset").code == 0


def test_many_findings_of_a_kind_are_counted_in_the_report_and_whole_in_json(delivered):
    out = aulens("doctor", "bp4d", delivered("bp4d"), "--quick").out
    assert out.count("note not_coded") == 6
    assert "note not_coded and 1 more, 4 frames (--json has all)" in out


def test_the_command_explains_what_it_cannot_do(tmp_path: Path):
    done = aulens("doctor", "bp4d", tmp_path)
    assert done.code == 2
    assert "AU_OCC" in str(done.error)
    assert aulens("doctor", "ck", tmp_path).code == 2


def test_a_prepared_folder_is_compared(delivered, tmp_path: Path):
    from aulens.data.prepare import PrepareSettings, prepare

    index = open_dataset("bp4d", delivered("bp4d"))
    index = index.take(np.flatnonzero(index.subject == "F001")[:20])
    prepare(index, tmp_path / "stored", PrepareSettings(size=64), processes=1)
    seen = examine(index, pictures=False, prepared=tmp_path / "stored", whole=False)
    assert seen.ok
    assert not {"prepared_stale"} & {f.code for f in seen.findings}
    changed = replace(index, labels=1 - np.maximum(index.labels, 0))
    found = examine(changed, pictures=False, prepared=tmp_path / "stored", whole=False).findings
    stale = [f for f in found if f.code == "prepared_stale"]
    assert [f.level for f in stale] == ["error"]
    assert "20 stored frames have other labels" in stale[0].message
    with pytest.raises(DatasetError, match="holds bp4d, not disfa"):
        examine(replace(index, dataset="disfa"), pictures=False, prepared=tmp_path / "stored")


def test_the_contact_sheet_shows_the_most_doubtful_first(delivered, tmp_path: Path):
    index = open_dataset("bp4d", delivered("bp4d"))
    points = index.landmarks.copy()
    bad = int(np.flatnonzero(index.subject == "M007")[30])
    points[bad] = points[bad][:, ::-1]
    index = replace(index, landmarks=points)
    score, words = doubt(index, points)
    assert int(np.nanargmax(score)) == bad
    assert words[bad] == "no face"
    out = contact_sheet(index, tmp_path / "new" / "sheet.png", count=16)
    sheet = cv2.imread(str(out))
    assert sheet.shape == (HEAD + 2 * (TILE + STRIP), 8 * TILE, 3)
    # Teal dots of the subject's right side lie left of the orange ones, save on the bad face, which is first.
    for tile in range(1, 4):
        part = sheet[HEAD : HEAD + TILE, tile * TILE : (tile + 1) * TILE].astype(int)
        teal = np.abs(part - [160, 176, 0]).sum(2) < 60
        orange = np.abs(part - [48, 130, 245]).sum(2) < 60
        assert teal.sum() > 20
        assert orange.sum() > 20
        assert np.nonzero(teal)[1].mean() < np.nonzero(orange)[1].mean() - 10


def test_a_sheet_without_landmarks_or_pictures_that_can_be_read_is_drawn(delivered, tmp_path: Path):
    index = replace(open_dataset("bp4d", delivered("bp4d")), landmarks=None)
    assert contact_sheet(index, tmp_path / "plain.png", count=8).is_file()
    gone = replace(index, media=("/nowhere.jpg",) * len(index))
    assert contact_sheet(gone, tmp_path / "gone.jpg", count=8).is_file()
    with pytest.raises(DatasetError, match="nothing to draw"):
        contact_sheet(replace(index, media=("",) * len(index)), tmp_path / "none.png")
    with pytest.raises(DatasetError, match=r"ends in \.png or \.jpg"):
        contact_sheet(gone, tmp_path / "sheet.gif", count=8)


def test_sampled_clips_are_spread_over_subjects():
    index = performances(BP4D, people("bp4d", 9), tasks=2, frames=30)
    few = clips(index, 9)
    assert len({subject for subject, _, _ in few}) == 9
    assert len(clips(index, 100)) == 18
    assert spread(list(range(10)), 3) == [0, 4, 9]


def test_the_busiest_window_is_where_the_face_moves_and_has_no_gap():
    index = performances(BP4D, people("bp4d", 1), frames=150, noise=0.0)
    points = np.repeat(index.landmarks[:1], 150, 0)
    points[100:112] += np.arange(12)[:, None, None]
    points[112:] += 11
    window = busiest_window(index, np.arange(150), points)
    assert len(window) == 24
    assert window[0] <= 100
    assert window[-1] >= 111
    frame = index.frame.copy()
    frame[106:] += 5
    window = busiest_window(replace(index, frame=frame), np.arange(150), points)
    assert (np.diff(frame[window]) == 1).all()
    assert busiest_window(index, np.arange(150), np.full_like(points, np.nan)).size == 0
