"""The command, its report, and the contact sheet."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import spoil
from actors import people, performances
from rich.console import Console

from aulens.aus import BP4D, MISSING
from aulens.data.registry import LOOKALIKE, open_dataset
from aulens.doctor import contact_sheet, examine
from aulens.doctor.sampling import busiest_window, clips, spread
from aulens.doctor.sheet import COLUMNS, HEAD, STRIP, TILE, doubt
from aulens.doctor.terminal import report
from aulens.errors import ConfigError, DatasetError
from command_line import aulens

pytestmark = pytest.mark.slow


def flat(text: str) -> str:
    """A report without its line breaks."""
    return " ".join(text.split())


def test_the_command_says_what_is_there_and_what_was_not_compared(delivered):
    done = aulens("doctor", "bp4d", delivered("bp4d"), "--quick")
    assert done.code == 0
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 100
    assert flat(lines[0]) == "Published: Published: With With"
    assert flat(lines[1]) == "Part Subjects Frames all coded frames JAA-Net's lists picture landmarks"
    assert lines[2].split()[:5] == ["1", "2", "96", "50,631", "50,601"]
    assert next(line for line in lines if line.startswith("AU12")).rstrip().endswith("mouth's width")
    assert "not checked pictures" in flat(done.out)
    assert "Renders in the layout of BP4D, taken as a part of it: no error was found (0 errors, 0" in flat(
        done.out
    )


def test_renders_of_ones_own_are_in_no_published_layout(delivered):
    seen = examine(open_dataset("bp4d", delivered("bp4d")), pictures=False, whole=False)
    console = Console(record=True, width=100)
    console.print(report(replace(seen, dataset="ok")))
    assert "ok, rendered faces, taken as a part of it" in flat(console.export_text())


def test_errors_stand_first_say_what_to_do_and_are_exit_code_1(copied):
    root = copied("bp4d")
    (root / LOOKALIKE).unlink()
    spoil.label_columns_swapped(root)
    done = aulens("doctor", "bp4d", root, "--quick", "--subset")
    assert done.code == 1
    assert max(map(len, done.out.splitlines())) <= 100
    levels = [
        line.split()[0] for line in done.out.splitlines() if line.startswith(("error", "warning", "note"))
    ]
    assert levels == sorted(levels, key=["error", "warning", "note"].index)
    text = flat(done.out)
    assert "error swapped_columns AU1, AU12 the columns of AU1 and AU12 seem swapped" in text
    assert "compare the columns' order with the data set's manual." in text
    assert text.endswith("the errors say why.")
    assert "BP4D: these data can't give the published protocol (1 error, " in text


def test_a_part_of_a_data_set_is_an_error_unless_it_is_said(copied):
    root = copied("bp4d")
    (root / LOOKALIKE).unlink()
    done = aulens("doctor", "bp4d", root, "--quick", "--json")
    assert done.code == 1
    seen = json.loads(done.out)
    assert [f["code"] for f in seen["findings"] if f["level"] == "error"] == ["missing_subject"] * 3
    assert aulens("doctor", "bp4d", root, "--quick", "--json", "--subset").code == 0


def test_json_holds_all(delivered):
    done = aulens("doctor", "bp4d", delivered("bp4d"), "--quick", "--json")
    seen = json.loads(done.out)
    assert list(seen) == [
        *("format", "dataset", "ok", "whole", "renders", "counts", "frame_protocol"),
        *("findings", "parts", "aus", "skipped"),
    ]
    assert (seen["format"], seen["dataset"], seen["frame_protocol"]) == ("aulens-doctor/1", "bp4d", "")
    assert (seen["ok"], seen["whole"], seen["renders"]) == (True, False, True)
    assert seen["counts"] == {"error": 0, "warning": 0, "note": len(seen["findings"])}
    assert list(seen["findings"][0]) == ["level", "code", "where", "message", "frames"]
    assert seen["parts"][0] | {"landmarks": 0} == {
        "part": "1",
        "subjects": 2,
        "frames": 96,
        "pictures": 96,
        "landmarks": 0,
        "published": {"coded": 50631, "jaanet": 50601},
    }
    au12 = next(au for au in seen["aus"] if au["au"] == 12)
    assert au12["agreement"] > 0.9
    assert au12["shown_by"] == "mouth's width"
    assert 0 < au12["rates"]["1"] < 1


def test_many_findings_of_a_kind_are_counted_in_the_report_and_whole_in_json(delivered):
    arguments = "doctor", "bp4d", delivered("bp4d"), "--quick"
    findings = json.loads(aulens(*arguments, "--json").out)["findings"]
    more = [f for f in findings if (f["level"], f["code"]) == ("note", "not_coded")][2:]
    frames = sum(f["frames"] for f in more)
    out = aulens(*arguments).out
    assert out.count("note not_coded") == 3
    assert f"note not_coded and {len(more)} more, {frames} frames (--json has all)" in out
    assert len(more) > 1


def test_the_command_explains_what_it_cannot_do(delivered, tmp_path: Path):
    for words, *arguments in (
        ("AU_OCC", "bp4d", tmp_path),
        ("There is no folder", "disfa", tmp_path / "nowhere"),
        ("test_report.py is a file; give the folder", "disfa", __file__),
        ("No data set is called 'ck'; there are bp4d, disfa", "ck", tmp_path),
        ("There are no lists for affwild2", "affwild2", tmp_path, "--lists", tmp_path),
        ("nowhere", "bp4d", delivered("bp4d"), "--quick", "--prepared", tmp_path / "nowhere"),
    ):
        done = aulens("doctor", *arguments)
        assert done.code == 2
        assert words in str(done.error)


def test_lists_narrow_the_frames(delivered, tmp_path: Path):
    index = open_dataset("bp4d", delivered("bp4d"))
    rows = np.flatnonzero(index.subject == "F001")[:7]
    numbers = [f"{index.subject[r]}/{index.sequence[r]}/{index.frame[r]}.jpg" for r in rows]
    (tmp_path / "BP4D_part1_path.txt").write_text("\n".join(numbers) + "\n")
    codes = np.where(index.labels[rows] == MISSING, 9, index.labels[rows])
    np.savetxt(tmp_path / "BP4D_part1_AUoccur.txt", codes, fmt="%d")
    done = aulens("doctor", "bp4d", delivered("bp4d"), "--quick", "--json", "--lists", tmp_path)
    assert [part["frames"] for part in json.loads(done.out)["parts"]] == [7, 0, 0]


def test_the_command_draws_the_sheet(delivered, tmp_path: Path):
    out = tmp_path / "sheet.png"
    done = aulens("doctor", "bp4d", delivered("bp4d"), "--quick", "--contact-sheet", out)
    assert done.code == 0
    assert f"faces: {out}" in done.err
    assert cv2.imread(str(out)).shape[1] == COLUMNS * TILE


def test_a_prepared_folder_is_compared(delivered, tmp_path: Path):
    from aulens.data.prepare import PrepareSettings, prepare

    index = open_dataset("bp4d", delivered("bp4d"))
    index = index.take(np.flatnonzero(index.subject == "F001")[:20])
    prepare(index, tmp_path / "stored", PrepareSettings(size=64), processes=1)
    seen = examine(index, pictures=False, prepared=tmp_path / "stored", whole=False)
    assert seen.ok
    assert not {"prepared_stale", "not_prepared"} & {f.code for f in seen.findings}
    later = examine(
        index.take([*range(5, 20), *range(5)]), pictures=False, prepared=tmp_path / "stored", whole=False
    )
    assert not {"prepared_stale", "not_prepared"} & {f.code for f in later.findings}
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
    for tile in range(4):
        part = sheet[HEAD : HEAD + TILE, tile * TILE : (tile + 1) * TILE].astype(int)
        teal = np.abs(part - [160, 176, 0]).sum(2) < 60
        orange = np.abs(part - [48, 130, 245]).sum(2) < 60
        assert teal.sum() > 20
        assert orange.sum() > 20
        upright = np.nonzero(teal)[1].mean() < np.nonzero(orange)[1].mean() - 10
        assert upright == (tile > 0)


def test_a_sheet_without_landmarks_or_pictures_that_can_be_read_is_drawn(delivered, tmp_path: Path):
    index = replace(open_dataset("bp4d", delivered("bp4d")), landmarks=None)
    assert contact_sheet(index, tmp_path / "plain.png", count=8).is_file()
    gone = replace(index, media=("/nowhere.jpg",) * len(index))
    assert contact_sheet(gone, tmp_path / "gone.jpg", count=8).is_file()
    with pytest.raises(DatasetError, match="nothing to draw"):
        contact_sheet(replace(index, media=("",) * len(index)), tmp_path / "none.png")
    with pytest.raises(ConfigError, match=r"ends in \.png or \.jpg"):
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
    points[:100] += 0.1 * np.sin(np.arange(100))[:, None, None]
    points[20] += 300  # a tracker that failed
    window = busiest_window(index, np.arange(150), points)
    assert len(window) == 24
    assert window[0] <= 100
    assert window[-1] >= 111
    frame = index.frame.copy()
    frame[106:] += 5
    window = busiest_window(replace(index, frame=frame), np.arange(150), points)
    assert (np.diff(frame[window]) == 1).all()
    assert busiest_window(index, np.arange(150), np.full_like(points, np.nan)).size == 0
