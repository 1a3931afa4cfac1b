import shutil

import numpy as np
import pytest

from aulens.aus import MISSING
from aulens.data.affwild2 import read_affwild2, subject_of
from aulens.errors import DatasetError
from delivered import AFFWILD2_AUS, annotations, codes, only, picture, text

BARE = [-1] * 12


def row(*present: int) -> list[int]:
    return [int(au in present) for au in AFFWILD2_AUS]


@pytest.fixture
def delivered(tmp_path):
    """Video a with two persons, video b; rows of -1, a partly annotated row, frames without a face."""
    labels = tmp_path / "annotations/AU_Detection_Challenge"
    annotations(labels / "Train_Set/a_left.txt", [row(1), row(12, 25), BARE, row(26), row()])
    annotations(labels / "Train_Set/a_right.txt", [row(), [-1, *row(2)[1:]]])
    annotations(labels / "Validation_Set/b.txt", [row(24)])
    # The challenge's other tasks lie beside it, in folders of the same names.
    text(tmp_path / "annotations/EXPR_Set/Train_Set/a_left.txt", "Neutral,Anger\n0\n1\n")
    # Faces that are cut out but not aligned are delivered too.
    picture(tmp_path / "cropped/b/00001.jpg")
    for name in ("a_left/00001", "a_left/00002", "a_left/00005", "a_right/00001", "b/00001"):
        picture(tmp_path / f"cropped_aligned/{name}.jpg")
    return tmp_path


def test_frames_labels_and_pictures(delivered):
    index = read_affwild2(delivered)
    assert index.keys == ["a/a_left/1", "a/a_left/2", "a/a_left/4", "a/a_left/5", "a/a_right/1", "b/b/1"]
    np.testing.assert_array_equal(index.labels, [row(1), row(12, 25), row(26), row(), row(), row(24)])
    assert all("cropped_aligned" in media for media in index.media if media)
    endings = [
        "a_left/00001.jpg",
        "a_left/00002.jpg",
        "",
        "a_left/00005.jpg",
        "a_right/00001.jpg",
        "b/00001.jpg",
    ]
    assert all(media.endswith(end) for media, end in zip(index.media, endings, strict=True))
    assert index.media[2] == ""
    assert index.part.tolist() == ["train"] * 5 + ["validation"]
    assert index.landmarks is None
    assert index.aligned
    assert sorted(codes(index.problems)) == ["missing_picture", "not_coded", "not_coded"]
    assert {problem.level for problem in index.problems} == {"note"}
    missing = only(index.problems, "missing_picture")
    assert (missing.where, missing.frames) == ("a_left", 1)


@pytest.mark.parametrize("inside", ["annotations", "cropped_aligned", "annotations/AU_Detection_Challenge"])
def test_a_delivered_folder_itself_may_be_given(delivered, inside):
    assert read_affwild2(delivered / inside).keys == read_affwild2(delivered).keys


def test_names_of_the_first_challenge(delivered):
    # 2020: AU_Set with Training_Set, pictures in batches.
    old = delivered / "annotations/AU_Set"
    shutil.move(delivered / "annotations/AU_Detection_Challenge", old)
    shutil.move(old / "Train_Set", old / "Training_Set")
    shutil.move(delivered / "cropped_aligned", delivered / "cropped_aligned_0/batch1")
    before = read_affwild2(delivered)
    assert len(before) == 6
    assert len([media for media in before.media if media]) == 5


def test_header_of_the_first_challenge(delivered):
    eight = (1, 2, 4, 6, 12, 15, 20, 25)
    annotations(
        delivered / "annotations/AU_Detection_Challenge/Validation_Set/b.txt",
        [[1, 0, 0, 0, 1, 0, 1, 0]],
        eight,
    )
    index = read_affwild2(delivered)
    problem = only(index.problems, "other_aus")
    assert problem.level == "error"
    assert "ABAW 2020" in problem.message
    assert "AU7, AU10, AU23, AU24, AU26" in problem.message
    assert index.labels[-1].tolist() == [1, 0, 0, 0, MISSING, MISSING, 1, 0, MISSING, MISSING, 0, MISSING]


@pytest.mark.parametrize("blank", ["", "  ", "," * 11])
def test_a_blank_line_shifts_no_label(delivered, blank):
    path = delivered / "annotations/AU_Detection_Challenge/Train_Set/a_left.txt"
    lines = path.read_text().splitlines()
    lines[1] = blank  # the first frame; the end may be blank as it likes
    path.write_text("\n".join(lines) + "\n\n \n")
    index = read_affwild2(delivered)
    rows = index.sequence == "a_left"
    assert index.frame[rows].tolist() == [2, 4, 5]
    np.testing.assert_array_equal(index.labels[rows], [row(12, 25), row(26), row()])
    problem = only(index.problems, "blank_line")
    assert (problem.level, problem.where, problem.frames) == ("warning", "Train_Set/a_left.txt", 1)
    assert "row 1 of 5 blank" in problem.message


def test_codes_out_of_range(delivered):
    path = delivered / "annotations/AU_Detection_Challenge/Validation_Set/b.txt"
    annotations(path, [[5, *row(24)[1:]]])
    index = read_affwild2(delivered)
    assert only(index.problems, "code_range").where == "Validation_Set/b.txt"
    assert index.labels[-1, 0] == MISSING


def test_unreadable_labels(delivered):
    text(delivered / "annotations/AU_Detection_Challenge/Validation_Set/b.txt", "")
    problem = only(read_affwild2(delivered).problems, "unreadable_labels")
    assert (problem.level, problem.where) == ("error", "Validation_Set/b.txt")


def test_first_file_unreadable(delivered):
    text(delivered / "annotations/AU_Detection_Challenge/Train_Set/a_left.txt", "")
    assert set(read_affwild2(delivered).sequence) == {"a_right", "b"}


def test_missing_pictures(delivered):
    shutil.rmtree(delivered / "cropped_aligned/b")
    found = [problem for problem in read_affwild2(delivered).problems if problem.where == "b"]
    assert [(problem.level, problem.code) for problem in found] == [("warning", "missing_picture")]
    shutil.rmtree(delivered / "cropped_aligned")
    assert only(read_affwild2(delivered).problems, "missing_picture").level == "error"


def test_persons_of_a_video_are_never_parted(delivered):
    assert subject_of("video7_left") == subject_of("video7_right") == "video7"
    assert subject_of("left_turn") == "left_turn"
    labels = delivered / "annotations/AU_Detection_Challenge"
    shutil.move(labels / "Train_Set/a_right.txt", labels / "Validation_Set/a_right.txt")
    index = read_affwild2(delivered)
    problem = only(index.problems, "subject_leak")
    assert (problem.where, problem.frames) == ("a", 4)
    # The test stays as delivered, the training loses a.
    assert dict(zip(index.sequence.tolist(), index.part.tolist(), strict=True)) == {
        "a_right": "validation",
        "b": "validation",
    }


def test_nothing_to_read(tmp_path):
    with pytest.raises(DatasetError, match=r"AU_Detection_Challenge or AU_Set"):
        read_affwild2(tmp_path)
