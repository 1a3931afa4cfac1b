import shutil

import numpy as np
import pytest

from aulens.aus import MISSING
from aulens.data.bp4d import read_bp4d
from aulens.data.index import PICTURE
from aulens.errors import DatasetError
from delivered import BP4D_AUS, BP4D_COLUMNS, codes, occurrence, only, picture, text, tracked


def points(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(1, 1000, (49, 2))


@pytest.fixture
def delivered(tmp_path):
    """F001/T1: frames 7 to 10; M008/T3: frame 3. Four paddings, four archives unpacked side by side."""
    occurrence(tmp_path / "AUCoding/AU_OCC/F001_T1.csv", {7: {1: 1}, 8: {12: 1, 24: 1}, 9: {2: 9}, 10: {}})
    occurrence(tmp_path / "AUCoding/AU_OCC/M008_T3.csv", {3: {6: 1}})
    for name in ("0007", "8", "009", "00010"):
        picture(tmp_path / f"2D+3D/F001/T1/{name}.jpg")
    picture(tmp_path / "2D+3D/M008/T3/0003.jpg")
    tracked(tmp_path / "2DFeatures/F001_T1.mat", [points(t) for t in range(1, 10)] + [None])
    tracked(tmp_path / "2DFeatures/M008_T3.mat", [points(t) for t in range(50, 55)])
    tracked(tmp_path / "3DFeatures/F001_T1.mat", [points(t) for t in range(80, 95)])
    return tmp_path


def test_frames_labels_pictures_and_landmarks(delivered):
    index = read_bp4d(delivered)
    assert index.keys == ["F001/T1/7", "F001/T1/8", "F001/T1/9", "F001/T1/10", "M008/T3/3"]
    assert [media.rsplit("/", 1)[1] for media in index.media] == [
        "0007.jpg", "8.jpg", "009.jpg", "00010.jpg", "0003.jpg",
    ]  # fmt: skip
    expected = np.zeros((5, 12), np.int8)
    for row, au, label in ((0, 1, 1), (1, 12, 1), (1, 24, 1), (2, 2, MISSING), (4, 6, 1)):
        expected[row, BP4D_AUS.index(au)] = label
    np.testing.assert_array_equal(index.labels, expected)
    # Cell t - 1 is frame t; MATLAB's first pixel is 1.
    np.testing.assert_allclose(index.landmarks[1], points(8) - 1, rtol=1e-6)
    np.testing.assert_allclose(index.landmarks[4], points(52) - 1, rtol=1e-6)
    assert np.isnan(index.landmarks[3]).all()
    assert index.part.tolist() == ["1"] * 5
    assert (index.position == PICTURE).all()
    assert not index.aligned
    assert codes(index.problems) == ["missing_landmarks"]
    assert only(index.problems, "missing_landmarks").frames == 1


def test_blank_lines_lose_nothing(delivered):
    path = delivered / "AUCoding/AU_OCC/F001_T1.csv"
    path.write_text(path.read_text().replace("\n", "\n\n", 3))
    index = read_bp4d(delivered)
    assert index.keys == ["F001/T1/7", "F001/T1/8", "F001/T1/9", "F001/T1/10", "M008/T3/3"]
    assert only(index.problems, "blank_line").level == "note"


def test_one_frame_in_several_paddings(delivered):
    for name in ("7", "007", "00007"):
        picture(delivered / f"2D+3D/F001/T1/{name}.jpg")
    picture(delivered / "2D+3D/F001/T1/0007.png")
    assert read_bp4d(delivered).media[0].endswith("/0007.jpg")


@pytest.mark.parametrize("inside", ["AUCoding", "AUCoding/AU_OCC", "2DFeatures"])
def test_a_delivered_folder_itself_may_be_given(delivered, inside):
    assert read_bp4d(delivered / inside).keys == read_bp4d(delivered).keys


def test_the_folder_above_may_be_given(delivered):
    shutil.move(delivered / "AUCoding", delivered / "set/AUCoding")
    assert len(read_bp4d(delivered)) == 5


def test_columns_are_found_by_name(delivered):
    before = read_bp4d(delivered)
    path = delivered / "AUCoding/AU_OCC/F001_T1.csv"
    occurrence(path, {7: {1: 1}, 8: {12: 1, 24: 1}, 9: {2: 9}, 10: {}}, columns=BP4D_COLUMNS[::-1])
    np.testing.assert_array_equal(read_bp4d(delivered).labels, before.labels)


def test_first_column_is_the_frame_whatever_its_name(delivered):
    # BP4D+ calls it "1", as AU1.
    path = delivered / "AUCoding/AU_OCC/F001_T1.csv"
    occurrence(path, {7: {1: 0}, 8: {1: 1}}, first="1")
    assert read_bp4d(delivered).labels[:2, 0].tolist() == [0, 1]


def test_rows_without_any_coded_au_stay_out(delivered):
    path = delivered / "AUCoding/AU_OCC/F001_T1.csv"
    nines = dict.fromkeys(BP4D_COLUMNS, 9)
    # Another AU's code does not make it a frame of the protocol.
    occurrence(path, {7: nines, 8: {**nines, 5: 1}, 9: {**nines, 4: 1}})
    index = read_bp4d(delivered)
    assert index.frame[:-1].tolist() == [9]
    assert index.labels[0].tolist() == [MISSING, MISSING, 1] + [MISSING] * 9
    problem = only(index.problems, "not_coded")
    assert (problem.level, problem.where, problem.frames) == ("note", "F001/T1", 2)


def test_codes_out_of_range(delivered):
    occurrence(delivered / "AUCoding/AU_OCC/M008_T3.csv", {3: {6: 7, 7: -1}, 4: {12: 5}})
    index = read_bp4d(delivered)
    problem = only(index.problems, "code_range")
    assert problem.frames == 2
    assert "AU6, AU7, AU12" in problem.message
    assert "-1, 5, 7" in problem.message
    assert index.labels[-1, BP4D_AUS.index(12)] == MISSING


def test_repeated_and_shuffled_rows(delivered):
    path = delivered / "AUCoding/AU_OCC/F001_T1.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], *lines[:0:-1]]))
    index = read_bp4d(delivered)
    assert index.frame.tolist() == [7, 8, 9, 10, 3]
    assert index.labels[0, 0] == 1
    assert only(index.problems, "frame_order").where == "F001/T1"
    path.write_text("\n".join([*lines, lines[1]]))
    index = read_bp4d(delivered)
    assert len(index) == 5
    assert only(index.problems, "duplicate_frame").frames == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "empty"),
        ("0,1,2\n", "empty"),
        ("0,1,2\n7,x,0\n", "is no table"),
        ("0,1,2\n7,1,0\n\n8,zero,0\n", "row 3: 'zero' is no number"),
        ("0,1,2\n7,1,0,0,0\n", "is no table"),
        ("0,1,2\n7,1,0\n8,1,0,0\n", "row 2 has 4 cells, expected 3"),
        ("0,1,2\nNaN,1,0\n", "without a frame number"),
        ("0,1,2\n7.5,1,0\n", "without a frame number"),
        ("0,1,2\n7e30,1,0\n", "without a frame number"),
    ],
)
def test_unreadable_labels(delivered, content, said):
    text(delivered / "AUCoding/AU_OCC/F001_T1.csv", content)
    index = read_bp4d(delivered)
    assert set(index.subject) == {"M008"}
    problem = only(index.problems, "unreadable_labels")
    assert problem.level == "error"
    assert said in problem.message


def test_a_file_that_is_cut_in_its_last_row(delivered):
    path = delivered / "AUCoding/AU_OCC/F001_T1.csv"
    whole = path.read_text().rstrip()
    path.write_text(whole.rsplit(",", 3)[0])  # no AU of the protocol is lost
    problem = only(read_bp4d(delivered).problems, "cut_row")
    assert (problem.level, problem.where, problem.frames) == ("warning", "F001/T1", 1)
    assert problem.message.startswith("row 4 of 4 has fewer than the 34 cells of the others; the last one")


def test_other_names_in_the_labels_folder_are_noted(delivered):
    shutil.copy(delivered / "AUCoding/AU_OCC/F001_T1.csv", delivered / "AUCoding/AU_OCC/M011 T1 (copy).csv")
    problem = only(read_bp4d(delivered).problems, "other_files")
    assert problem.level == "note"
    assert "M011 T1 (copy).csv" in problem.message


def test_lacking_column(delivered):
    path = delivered / "AUCoding/AU_OCC/M008_T3.csv"
    occurrence(path, {3: {6: 1}}, columns=[au for au in BP4D_COLUMNS if au != 12])
    index = read_bp4d(delivered)
    problem = only(index.problems, "label_columns")
    assert problem.level == "error"
    assert "AU12" in problem.message
    assert index.labels[-1, BP4D_AUS.index(12)] == MISSING
    assert index.labels[-1, BP4D_AUS.index(6)] == 1


def test_missing_pictures(delivered):
    (delivered / "2D+3D/F001/T1/8.jpg").unlink()
    index = read_bp4d(delivered)
    assert index.media[1] == ""
    problem = only(index.problems, "missing_picture")
    assert (problem.level, problem.where, problem.frames) == ("warning", "F001/T1", 1)
    assert "(8)" in problem.message
    shutil.rmtree(delivered / "2D+3D")
    problem = only(read_bp4d(delivered).problems, "missing_picture")
    assert problem.level == "error"


def test_truncated_landmarks(delivered):
    path = delivered / "2DFeatures/F001_T1.mat"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    index = read_bp4d(delivered)
    assert np.isnan(index.landmarks[:4]).all()
    assert np.isfinite(index.landmarks[4]).all()
    problem = only(index.problems, "unreadable_landmarks")
    assert (problem.level, problem.where, problem.frames) == ("warning", "F001/T1", 4)
    assert "truncated" in problem.message


def test_landmarks_may_be_missing(delivered):
    (delivered / "2DFeatures/M008_T3.mat").unlink()
    found = [p for p in read_bp4d(delivered).problems if p.where == "M008/T3"]
    assert codes(found) == ["missing_landmarks"]
    shutil.rmtree(delivered / "2DFeatures")
    index = read_bp4d(delivered)
    assert index.landmarks is None
    assert only(index.problems, "missing_landmarks").where == "2DFeatures"


def test_people_out_of_place(delivered):
    occurrence(delivered / "AUCoding/AU_OCC/F099_T1.csv", {1: {}})
    picture(delivered / "2D+3D/F099/T1/0001.jpg")
    picture(delivered / "2D+3D/F077/T1/0001.jpg")
    index = read_bp4d(delivered)
    assert index.part[index.subject == "F099"].tolist() == [""]
    assert "F099" in only(index.problems, "unknown_subject").message
    assert "F077" in only(index.problems, "missing_labels").message


def test_nothing_to_read(tmp_path):
    with pytest.raises(DatasetError, match=r"no folder .*nowhere"):
        read_bp4d(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match=r"looked for AU_OCC/F001_T1\.csv"):
        read_bp4d(tmp_path)
    text(tmp_path / "AU_OCC/F001_T1.csv", "")
    with pytest.raises(DatasetError, match=r"No coded frame.*F001/T1.*empty"):
        read_bp4d(tmp_path)
