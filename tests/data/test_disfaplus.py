import pytest

from aulens.aus import MISSING
from aulens.data.registry import open_dataset
from aulens.errors import DatasetError
from delivered import DISFA_AUS, codes, only, picture, text

HEAD = "# DISFA+\n# Frame     Intensity\n"


def lines(values: dict[int, int]) -> str:
    return HEAD + "".join(f"{n:03d}.jpg     {value}\r\n" for n, value in values.items())


@pytest.fixture
def delivered(tmp_path):
    for au in (*DISFA_AUS, 5, 15):
        text(tmp_path / f"Labels/SN004/Trial_2/AU{au}.txt", lines({0: au % 4, 1: 0, 2: 2}))
    for n in range(3):
        picture(tmp_path / f"Images/SN004/Trial_2/{n:03d}.jpg")
    return tmp_path


def test_frames_labels_and_pictures(delivered):
    index = open_dataset("disfaplus", delivered)
    assert index.keys == [f"SN004/Trial_2/{n}" for n in range(3)]
    assert index.labels.tolist() == [[int(au % 4 >= 2) for au in DISFA_AUS], [0] * 8, [1] * 8]
    assert [media[-7:] for media in index.media] == ["000.jpg", "001.jpg", "002.jpg"]
    assert set(index.part) == {""}
    assert index.problems == ()


def test_faults(delivered):
    folder = delivered / "Labels/SN004/Trial_2"
    text(folder / "AU1.txt", lines({2: 5, 0: 0}))
    text(folder / "AU2.txt", lines({0: 8, 1: 0, 2: 0}))
    text(folder / "AU4.txt", lines({0: 0}) + "001.jp")
    (folder / "AU6.txt").unlink()
    (delivered / "Images/SN004/Trial_2/001.jpg").unlink()
    index = open_dataset("disfaplus", delivered)
    assert index.labels[:, 0].tolist() == [0, MISSING, 1]
    assert index.labels[0, 1] == MISSING
    assert (index.labels[:, 2:4] == MISSING).all()
    assert sorted(codes(index.problems)) == [
        "code_range", "label_length", "missing_labels", "missing_picture", "unreadable_labels",
    ]  # fmt: skip
    assert "AU6" in only(index.problems, "missing_labels").message
    assert "'001.jp'" in only(index.problems, "unreadable_labels").message


def test_files_are_known_in_other_writings(delivered):
    folder = delivered / "Labels/SN004/Trial_2"
    (folder / "AU1.txt").rename(folder / "au01.txt")
    index = open_dataset("disfaplus", delivered)
    assert index.labels[:, 0].tolist() == [0, 0, 1]
    assert index.problems == ()


@pytest.mark.parametrize("line", [f"{10**20}.jpg 2", f"003.jpg {10**400}"])
def test_numbers_gone_wild_are_damage(delivered, line: str):
    text(delivered / "Labels/SN004/Trial_2/AU1.txt", lines({0: 0}) + line)
    problem = only(open_dataset("disfaplus", delivered).problems, "unreadable_labels")
    assert "expected a picture and an intensity" in problem.message


def test_nothing_to_read(tmp_path):
    with pytest.raises(DatasetError, match=r"Labels/SN001/TRIAL/AU1\.txt"):
        open_dataset("disfaplus", tmp_path)
