from pathlib import Path

import numpy as np
import pytest

from aulens.aus import MISSING
from aulens.data.disfa import _first_number, read_disfa
from aulens.data.prepare import PrepareSettings, prepare
from aulens.errors import DatasetError
from delivered import DISFA_AUS, codes, intensities, landmarks66, only, text, video

ALL = [1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26]
LINES = 7


def points(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(1, 500, (66, 2))


@pytest.fixture
def delivered(tmp_path):
    """SN001: AU a of frame t has intensity (a + t) mod 6; landmarks of frame t in the file t - 1."""
    for au in ALL:
        intensities(tmp_path / "ActionUnit_Labels", "SN001", au, [(au + t) % 6 for t in range(1, LINES + 1)])
    for t in range(LINES):
        landmarks66(tmp_path / f"Landmark_Points/SN001/tmp_frame_lm/SN001_{t:04d}_lm.mat", points(t))
    video(tmp_path / "Videos_LeftCamera/LeftVideoSN001_comp.avi", LINES)
    video(tmp_path / "Video_RightCamera/RightVideoSN001_comp.avi", 2)
    return tmp_path


def expected() -> np.ndarray:
    return np.array([[(au + t) % 6 >= 2 for au in DISFA_AUS] for t in range(1, LINES + 1)])


def test_frames_labels_video_and_landmarks(delivered):
    index = read_disfa(delivered)
    assert index.keys[0] == "SN001/left/1"
    assert index.frame.tolist() == list(range(1, LINES + 1))
    assert index.position.tolist() == list(range(LINES))
    assert {media.rsplit("/", 1)[1] for media in index.media} == {"LeftVideoSN001_comp.avi"}
    np.testing.assert_array_equal(index.labels, expected())
    for t in range(LINES):
        np.testing.assert_allclose(index.landmarks[t], points(t) - 1, rtol=1e-5)
    assert set(index.part) == {"1"}
    assert index.problems == ()


def test_presence_begins_at_2(delivered):
    intensities(delivered / "ActionUnit_Labels", "SN001", 12, [0, 1, 2, 3, 4, 5, 9])
    index = read_disfa(delivered)
    assert index.labels[:, DISFA_AUS.index(12)].tolist() == [0, 0, 1, 1, 1, 1, MISSING]
    np.testing.assert_array_equal(index.intensities[:, DISFA_AUS.index(12)], [0, 1, 2, 3, 4, 5, np.nan])
    problem = only(index.problems, "code_range")
    assert "AU12" in problem.message
    assert problem.frames == 1


def test_landmarks_numbered_from_1(delivered):
    folder = delivered / "Landmark_Points/SN001/tmp_frame_lm"
    for t in reversed(range(LINES)):
        (folder / f"SN001_{t:04d}_lm.mat").rename(folder / f"l{t + 1:05d}_lm.mat")
    np.testing.assert_allclose(read_disfa(delivered).landmarks[0], points(0) - 1, rtol=1e-5)


def test_first_landmarks_missing_shift_nothing(delivered):
    (delivered / "Landmark_Points/SN001/tmp_frame_lm/SN001_0000_lm.mat").unlink()
    index = read_disfa(delivered)
    assert np.isnan(index.landmarks[0]).all()
    np.testing.assert_allclose(index.landmarks[1], points(1) - 1, rtol=1e-5)
    assert only(index.problems, "missing_landmarks").frames == 1
    doubt = only(index.problems, "frame_order")
    assert doubt.level == "warning"
    assert "either 0 or 7 is lost; by their names (SN001_0001_lm.mat)" in doubt.message
    assert "counted from 0" in doubt.message


def test_last_landmarks_missing_of_those_numbered_from_1(delivered):
    folder = delivered / "Landmark_Points/SN001/tmp_frame_lm"
    (folder / f"SN001_{LINES - 1:04d}_lm.mat").unlink()
    for t in reversed(range(LINES - 1)):
        (folder / f"SN001_{t:04d}_lm.mat").rename(folder / f"l{t + 1:05d}_lm.mat")
    index = read_disfa(delivered)
    np.testing.assert_allclose(index.landmarks[0], points(0) - 1, rtol=1e-5)
    assert np.isnan(index.landmarks[-1]).all()
    assert "counted from 1" in only(index.problems, "frame_order").message


def test_the_short_subject_has_landmarks_of_one_frame_more():
    files = {number: Path(f"SN010_{number:04d}_lm.mat") for number in range(1, 4845)}
    first, (doubt,) = _first_number("SN010", 4844, files)
    assert first == 0
    assert "either 0 or 4845 is lost" in doubt.message
    complete = {number: Path(f"l{number:05d}_lm.mat") for number in range(1, 4846)}
    assert _first_number("SN010", 4844, complete) == (1, [])


def test_damaged_landmarks(delivered):
    path = delivered / "Landmark_Points/SN001/tmp_frame_lm/SN001_0002_lm.mat"
    path.write_bytes(path.read_bytes()[:300])
    index = read_disfa(delivered)
    assert np.isnan(index.landmarks[2]).all()
    assert np.isfinite(index.landmarks[3]).all()
    assert only(index.problems, "unreadable_landmarks").frames == 1


@pytest.mark.parametrize("frames", [LINES - 1, LINES + 1])
def test_video_of_another_length(delivered, frames):
    video(delivered / "Videos_LeftCamera/LeftVideoSN001_comp.avi", frames)
    index = read_disfa(delivered)
    assert [bool(media) for media in index.media] == [t < frames for t in range(LINES)]
    problem = only(index.problems, "label_length")
    assert (problem.level, problem.where, problem.frames) == ("warning", "LeftVideoSN001_comp.avi", 1)
    assert f"{frames} frames, the labels {LINES} lines" in problem.message


def test_unreadable_and_missing_videos(delivered):
    path = delivered / "Videos_LeftCamera/LeftVideoSN001_comp.avi"
    path.write_bytes(b"RIFF")
    assert only(read_disfa(delivered).problems, "unreadable_video").level == "error"
    path.unlink()
    index = read_disfa(delivered)
    assert set(index.media) == {""}
    assert only(index.problems, "missing_video").level == "error"
    video(delivered / "Videos_LeftCamera/LeftVideoSN002_comp.avi", 1)
    problems = read_disfa(delivered).problems
    assert "the right camera's is there" in only(problems, "missing_video").message
    assert "SN002" in only(problems, "missing_labels").message


@pytest.mark.parametrize(
    ("frames", "reason", "rows"),
    [(LINES - 2, "video_ended", 2), (None, "unreadable_video", LINES), (-1, "missing_video", LINES)],
)
def test_preparing_says_why_frames_of_a_video_are_lost(delivered, tmp_path, frames, reason, rows):
    path = delivered / "Videos_LeftCamera/LeftVideoSN001_comp.avi"
    if frames is None:
        path.write_bytes(b"RIFF")
    elif frames < 0:
        path.unlink()
    else:
        video(path, frames)
    index = read_disfa(delivered)
    result = prepare(index, tmp_path / "out", PrepareSettings(landmarks="given"), processes=1)
    assert result.missing[reason] == rows
    files = {line.split(",")[2] for line in (tmp_path / "out/missing.csv").read_text().splitlines()[1:]}
    assert files == ({""} if reason == "missing_video" else {str(path)})


def test_label_files_of_different_length(delivered):
    intensities(delivered / "ActionUnit_Labels", "SN001", 4, [5] * (LINES - 2))
    index = read_disfa(delivered)
    assert index.labels[:, 2].tolist() == [1] * (LINES - 2) + [MISSING] * 2
    problem = only(index.problems, "label_length")
    assert "au4 5" in problem.message
    assert problem.frames == 2


@pytest.mark.parametrize(
    ("lines", "labels"),
    [
        (["2,0", "1,3", "3,0", "4,0", "5,0", "6,0", "7,3"], [1, 0, 0, 0, 0, 0, 1]),  # shuffled
        (["1,0", "2,3", "4,3", "5,0", "6,0", "7,0"], [0, 1, MISSING, 1, 0, 0, 0]),  # line 3 is lost
        ([f"{t},{3 * (t == 2)}" for t in range(7)], [0, 0, 1, 0, 0, 0, 0]),  # counted from 0
        ([f"{t},{3 * (t == 102)}" for t in range(101, 108)], [0, 1, 0, 0, 0, 0, 0]),  # another start
        (["1,3", "1,0", "1,0", "1,0", "1,0", "1,0", "1,3"], [1, 0, 0, 0, 0, 0, 1]),  # no numbers at all
    ],
)
def test_lines_that_number_themselves_otherwise(delivered, lines, labels):
    text(delivered / "ActionUnit_Labels/SN001/SN001_au1.txt", "\n".join(lines))
    index = read_disfa(delivered)
    assert index.labels[:, 0].tolist() == labels
    problem = only(index.problems, "frame_order")
    assert problem.where == "SN001_au1.txt"


def test_blank_lines_between_numbered_ones_are_none(delivered):
    path = delivered / "ActionUnit_Labels/SN001/SN001_au1.txt"
    path.write_text(path.read_text().replace("\n", "\n\n", 2))
    index = read_disfa(delivered)
    np.testing.assert_array_equal(index.labels, expected())
    assert codes(index.problems) == ["blank_line"]


def test_short_subject_is_known(tmp_path):
    for au in DISFA_AUS:
        intensities(tmp_path / "ActionUnit_Labels", "SN010", au, [0] * 4844)
    index = read_disfa(tmp_path)
    problem = only(index.problems, "label_length")
    assert problem.level == "note"
    assert len(index) == 4844
    assert index.landmarks is None


def test_missing_and_unreadable_labels(delivered):
    folder = delivered / "ActionUnit_Labels/SN001"
    (folder / "SN001_au1.txt").unlink()
    text(folder / "SN001_au2.txt", "1\n2\n")
    text(folder / "SN001_au4.txt", "")
    index = read_disfa(delivered)
    assert (index.labels[:, :3] == MISSING).all()
    np.testing.assert_array_equal(index.labels[:, 3:], expected()[:, 3:])
    assert codes(index.problems) == ["missing_labels", "unreadable_labels", "unreadable_labels"]
    assert [problem.level for problem in index.problems] == ["error"] * 3


def test_nothing_to_read(tmp_path):
    with pytest.raises(DatasetError, match=r"ActionUnit_Labels/SN001/SN001_au1\.txt"):
        read_disfa(tmp_path)
