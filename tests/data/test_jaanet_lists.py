import zlib
from pathlib import Path

import numpy as np
import pytest

from aulens.aus import MISSING
from aulens.data.jaanet import narrow, read_jaanet
from aulens.data.jaanet_lists import read_lists
from aulens.data.registry import DATASETS, open_dataset
from aulens.errors import ConfigError, DatasetError
from delivered import BP4D_AUS, DISFA_AUS, intensities, occurrence, only, picture, text

BP4D = {
    1: {"F001/T1/0007": {1}, "F001/T1/0008": {12, 24}},
    2: {"F003/T2/0101": set()},
    3: {"M009/T1/1234": {4}},
}


def points(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(20, 180, (49, 2)).round(4)


def write_lists(folder: Path, parts=BP4D, title="BP4D", aus=BP4D_AUS) -> Path:
    for part, frames in parts.items():
        land = [points(zlib.crc32(name.encode())) for name in frames]
        # As the paper's tool: the mean of points 20 to 25 and of 26 to 31, counted from 1; squared distance.
        eyes = [((one[19:25].mean(0) - one[25:31].mean(0)) ** 2).sum() for one in land]
        contents = {
            "path": [f"{title}/{name}.jpg" for name in frames],
            "land": ["\t".join(f"{value:f}" for value in one.reshape(-1)) for one in land],
            "AUoccur": [" ".join(str(int(au in present)) for au in aus) for present in frames.values()],
            "biocular": [f"{value:f}" for value in eyes],
        }
        for kind, lines in contents.items():
            text(folder / f"{title}_part{part}_{kind}.txt", "\n".join(lines) + "\n")
    return folder


def faces(root: Path, size=(200, 200)) -> Path:
    for frames in BP4D.values():
        for name in frames:
            picture(root / f"imgs/BP4D/{name}.jpg", size)
    return root


def test_lists_are_read(tmp_path):
    listed = read_lists(write_lists(tmp_path / "list"))
    assert listed.dataset == "bp4d"
    assert listed.subject.tolist() == ["F001", "F001", "F003", "M009"]
    assert listed.sequence.tolist() == ["T1", "T1", "T2", "T1"]
    assert listed.frame.tolist() == [7, 8, 101, 1234]
    assert listed.part.tolist() == ["1", "1", "2", "3"]
    expected = [[au in present for au in BP4D_AUS] for part in BP4D.values() for present in part.values()]
    np.testing.assert_array_equal(listed.labels, expected)
    np.testing.assert_allclose(listed.landmarks[3], points(zlib.crc32(b"M009/T1/1234")), rtol=1e-6)
    assert listed.problems == ()


def test_aligned_faces(tmp_path):
    write_lists(tmp_path / "list")
    index = open_dataset("jaanet", faces(tmp_path))
    assert index.dataset == "bp4d"
    assert index.keys == ["F001/T1/7", "F001/T1/8", "F003/T2/101", "M009/T1/1234"]
    assert all(Path(media).is_file() for media in index.media)
    assert index.aligned
    assert index.problems == ()


def test_pictures_of_another_size(tmp_path):
    write_lists(tmp_path / "list")
    problem = only(read_jaanet(faces(tmp_path, (64, 48))).problems, "unreadable_landmarks")
    assert problem.level == "error"
    assert "64 x 48" in problem.message


def test_missing_faces(tmp_path):
    write_lists(tmp_path / "list")
    assert only(read_jaanet(tmp_path).problems, "missing_picture").level == "error"
    (faces(tmp_path) / "imgs/BP4D/F001/T1/0008.jpg").unlink()
    index = read_jaanet(tmp_path)
    assert [bool(media) for media in index.media] == [True, False, True, True]
    assert only(index.problems, "missing_picture").where == "F001/T1"


def test_lists_narrow_the_data_set(tmp_path):
    labels = tmp_path / "data/AU_OCC"
    occurrence(labels / "F001_T1.csv", {6: {}, 7: {1: 1}, 8: {12: 1}, 9: {}})
    occurrence(labels / "F003_T2.csv", {101: {}})
    index = open_dataset("bp4d", tmp_path / "data", lists=write_lists(tmp_path / "list"))
    assert index.keys == ["F001/T1/7", "F001/T1/8", "F003/T2/101"]
    assert index.part.tolist() == ["1", "1", "2"]
    lost = only(index.problems, "missing_labels")
    assert (lost.where, lost.frames) == ("list of part 3", 1)
    assert "M009/T1" in lost.message
    # Frame 8 has AU24 in the list, not in the data; the data win.
    assert only(index.problems, "lists_disagree").where == "AU24"
    assert index.labels[1, BP4D_AUS.index(24)] == 0


def test_disfa_counts_pictures_from_0_and_lines_from_1(tmp_path):
    for au in DISFA_AUS:
        intensities(tmp_path / "data/ActionUnit_Labels", "SN002", au, [0, 0, 5, 0])
    lists = write_lists(
        tmp_path / "list", {1: {"SN002/0": set(), "SN002/2": set(DISFA_AUS)}}, "DISFA", DISFA_AUS
    )
    index = open_dataset("disfa", tmp_path / "data", lists=lists)
    assert index.keys == ["SN002/left/1", "SN002/left/3"]
    assert index.position.tolist() == [0, 2]
    assert not [problem for problem in index.problems if problem.code == "lists_disagree"]


def test_lists_of_another_set_fit_nothing(tmp_path):
    occurrence(tmp_path / "data/AU_OCC/F006_T1.csv", {7: {1: 1}})
    with pytest.raises(DatasetError, match="None of the 4 listed frames"):
        open_dataset("bp4d", tmp_path / "data", lists=write_lists(tmp_path / "list"))


def test_lists_in_different_orders(tmp_path):
    path = write_lists(tmp_path) / "BP4D_part1_land.txt"
    path.write_text("\n".join(path.read_text().splitlines()[::-1]))
    problem = only(read_lists(tmp_path).problems, "frame_order")
    assert (problem.where, problem.frames) == ("BP4D_part1_biocular.txt", 2)


def test_list_faults(tmp_path):
    write_lists(tmp_path)
    text(tmp_path / "BP4D_part1_AUoccur.txt", " ".join(["0"] * 12) + "\n")
    text(tmp_path / "BP4D_part2_land.txt", "1\t2\n")
    (tmp_path / "BP4D_part3_path.txt").unlink()
    listed = read_lists(tmp_path)
    assert set(listed.part) == {"2"}
    assert "1 lines of 12 codes, the path list 2 lines" in only(listed.problems, "unreadable_labels").message
    assert only(listed.problems, "missing_labels").where == "BP4D_part3"
    assert np.isnan(listed.landmarks).all()
    assert only(listed.problems, "unreadable_landmarks").where == "BP4D_part2_land.txt"


def test_blank_lines_shift_nothing(tmp_path):
    write_lists(tmp_path)
    for kind in ("AUoccur", "land"):
        path = tmp_path / f"BP4D_part1_{kind}.txt"
        path.write_text("\n" + path.read_text().partition("\n")[2] + "\n")
    listed = read_lists(tmp_path)
    assert (listed.labels[0] == MISSING).all()
    assert listed.labels[1].tolist() == [int(au in (12, 24)) for au in BP4D_AUS]
    assert np.isnan(listed.landmarks[0]).all()
    assert np.isfinite(listed.landmarks[1:]).all()
    names = [f"BP4D_part1_{kind}.txt" for kind in ("AUoccur", "land")]
    found = [(problem.code, problem.where, problem.frames) for problem in listed.problems]
    assert found == [("blank_line", name, 1) for name in names]


def test_a_blank_path_is_an_error(tmp_path):
    path = write_lists(tmp_path) / "BP4D_part1_path.txt"
    path.write_text(path.read_text().replace("\n", "\n\n", 1))
    problem = only(read_lists(tmp_path).problems, "unreadable_labels")
    assert "line 2 of BP4D_part1_path.txt is ''" in problem.message


def test_a_number_gone_wild_is_an_error(tmp_path):
    path = write_lists(tmp_path) / "BP4D_part2_path.txt"
    path.write_text(f"BP4D/F003/T2/{10**20}.jpg\n")
    assert (
        "line 1 of BP4D_part2_path.txt is" in only(read_lists(tmp_path).problems, "unreadable_labels").message
    )


def test_codes_of_lists(tmp_path):
    write_lists(tmp_path)
    text(tmp_path / "BP4D_part2_AUoccur.txt", " ".join(["9"] * 11 + ["2"]) + "\n")
    listed = read_lists(tmp_path)
    assert (listed.labels[2] == MISSING).all()
    assert "AU24 are 2" in only(listed.problems, "code_range").message


def test_people_in_wrong_parts(tmp_path):
    parts = {1: {"F001/T1/0007": {1}, "F003/T2/0001": {1}}, 2: {"F001/T1/0008": {1}}, 3: BP4D[3]}
    listed = read_lists(write_lists(tmp_path, parts))
    leak = only(listed.problems, "subject_leak")
    assert (leak.level, leak.where) == ("error", "F001")
    assert "published is 2" in only(listed.problems, "unknown_subject").message


def test_names(tmp_path):
    write_lists(tmp_path)
    write_lists(tmp_path, {1: {"SN002/0": set()}}, "DISFA", DISFA_AUS)
    with pytest.raises(DatasetError, match="jaanet-bp4d or jaanet-disfa"):
        open_dataset("jaanet", tmp_path)
    assert open_dataset("jaanet-disfa", tmp_path).keys == ["SN002/left/1"]
    with pytest.raises(ConfigError, match=", ".join(DATASETS.names())):
        open_dataset("ck+", tmp_path)
    with pytest.raises(ConfigError, match="no lists for affwild2"):
        open_dataset("affwild2", tmp_path, lists=tmp_path)
    with pytest.raises(DatasetError, match=r"BP4D_part1_path\.txt"):
        open_dataset("jaanet", tmp_path / "..", lists=picture(tmp_path / "none/a.jpg").parent)


def test_narrowing_twice_changes_nothing(tmp_path):
    occurrence(tmp_path / "data/AU_OCC/F001_T1.csv", {6: {}, 7: {1: 1}, 8: {12: 1}, 9: {}})
    lists = read_lists(write_lists(tmp_path / "list"))
    once = narrow(open_dataset("bp4d", tmp_path / "data"), lists)
    assert narrow(once, lists).keys == once.keys
