"""Coded portraits: codes of two coders, cutting, splits, sides, and their way to samples."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from aulens.aus import MISSING, AUSet
from aulens.data.folds import SplitPlan
from aulens.data.index import BOTH, LEFT_ONLY, RIGHT_ONLY
from aulens.data.loading import load_data
from aulens.data.portraits import cut
from aulens.data.portraits.codes import CODES, read_portrait_codes
from aulens.data.portraits.cut import BOXES, cut_portraits
from aulens.data.portraits.splits import split_of, subject_of
from aulens.data.registry import open_dataset
from aulens.errors import ConfigError, DatasetError
from aulens.render.reanimate.labels import read_codes
from prepared_folder import write_prepared

PAIR = AUSet("pair", (1, 12))


@pytest.fixture(scope="module")
def shipped():
    return read_portrait_codes(CODES)


def test_two_coders(tmp_path):
    path = tmp_path / "codes.csv"
    path.write_text(
        "source,file,rater,quality,AU4,AU6,AU12,AU43,one_sided\n"
        "a,x.jpg,1,ok,0,1,4,5,\n"
        "a,x.jpg,2,soft,1,2,3,,AU12=picture_left AU1=picture_left\n"
        "a,y.jpg,1,ok,2,2,0,0,AU4=picture_left AU6=picture_right\n"
        "a,y.jpg,2,styl,2,2,0,0,AU4=picture_right\n"
    )
    codes = read_portrait_codes(path)
    assert codes.files == ("a/x.jpg", "a/y.jpg")
    assert codes.aus.numbers == (4, 6, 12, 43)
    nan = np.nan
    np.testing.assert_array_equal(codes.intensities, np.float32([[0.5, 1.5, 3.5, nan], [nan, 2, 0, 0]]))
    assert codes.labels.tolist() == [[0, MISSING, 1, MISSING], [MISSING, 1, 0, 0]]
    assert codes.one_sided.tolist() == [[BOTH, BOTH, RIGHT_ONLY, BOTH], [BOTH, LEFT_ONLY, BOTH, BOTH]]
    assert codes.left_out.tolist() == [False, True]


def test_what_is_shipped(shipped):
    assert CODES.stat().st_size + BOXES.stat().st_size < 200_000
    table = pd.read_csv(CODES)
    assert table.groupby(["source", "file"]).size().eq(2).all()
    assert table.groupby("source").file.nunique().to_dict() == {
        "cc0": 200, "london": 204, "openpeople": 160, "pexels": 53, "sfhq": 1551
    }  # fmt: skip
    boxes = pd.read_csv(BOXES)
    tiles = set(boxes["source"] + "/" + boxes["file"])
    assert {file for file in shipped.files if file.startswith(("sfhq", "openpeople"))} <= tiles
    assert ((boxes.x1 > boxes.x0) & (boxes.y1 > boxes.y0)).all()
    assert b"London" in Path(CODES).with_name("README.md").read_bytes()


def test_everybody_who_is_tested_has_a_row(shipped):
    rows = pd.read_csv(CODES.with_name("apparent.csv"), keep_default_na=False)
    kept = [file for file, out in zip(shipped.files, shipped.left_out, strict=True) if not out]
    assert set(rows["subject"]) == {subject_of(file) for file in kept if split_of(file) == "test"}
    assert rows["subject"].is_unique
    for column, values in (("sex", {"", "female", "male"}), ("age", {"young", "middle", "old"})):
        assert set(rows[column]) == values
    assert set(rows["glasses"]) == set(rows["beard"]) == {0, 1}
    cc0 = rows[rows["subject"].str.startswith("cc0/")]
    assert cc0["subject"].str.match("cc0/(.*)_").all()
    assert (cc0["subject"].str.extract("cc0/(.*)_")[0] == cc0["sex"]).all()


def test_both_readers_say_the_same(shipped):
    moved = read_codes(CODES)
    for row in range(0, len(shipped.files), 50):
        for axis, au in enumerate(shipped.aus):
            sides = np.array(moved[shipped.files[row]][au])
            if shipped.labels[row, axis] == MISSING:
                assert np.isnan(sides).all()
            else:
                assert (sides.max() > 0) == (shipped.labels[row, axis] == 1)


def test_people_and_splits():
    assert subject_of("openpeople/P001_07_Confused.jpg") == "openpeople/P001"
    assert subject_of("london/001_08.jpg") == "london/001"
    assert subject_of("cc0/female_0.jpg") == "cc0/female_0.jpg"
    assert {split_of(f"{source}/{n}.jpg") for source in ("openpeople", "london") for n in range(50)} == {
        "test"
    }
    drawn = [split_of(f"sfhq/{n:04d}.jpg") for n in range(1000)]
    assert 0.11 < drawn.count("test") / 1000 < 0.19
    assert 0.11 < drawn.count("val") / 1000 < 0.19


def picture(path, width=30, height=20, value=100):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((height, width, 3), value, np.uint8))


@pytest.fixture
def folder(tmp_path):
    for file in ("sfhq/0000.jpg", "sfhq/0007.jpg", "london/001_03.jpg", "london/001_08.jpg"):
        picture(tmp_path / file)
    return tmp_path


def test_a_folder_of_portraits(folder):
    index = open_dataset("portraits", folder)
    there = [key for key, path in zip(index.keys, index.media, strict=True) if path]
    assert there == [
        "london/001/portrait/3", "london/001/portrait/8",
        "sfhq/0000.jpg/portrait/0", "sfhq/0007.jpg/portrait/0",
    ]  # fmt: skip
    assert index.part.tolist() == [split_of(subject) for subject in index.subject.tolist()]
    assert index.intensities.shape == index.one_sided.shape == index.labels.shape
    assert {(problem.code, problem.where) for problem in index.problems} == {
        ("missing_source", "cc0"), ("missing_source", "pexels"), ("missing_source", "openpeople"),
        ("missing_picture", "sfhq"), ("missing_picture", "london"),
    }  # fmt: skip
    assert index.take([0, 1]).one_sided.shape[0] == 2


def test_one_source_alone(folder):
    index = open_dataset("portraits", folder / "london")
    assert len(index) == 204
    assert set(index.part.tolist()) == {"test"}
    assert {problem.where for problem in index.problems} == {"london"}


@pytest.fixture
def public(tmp_path, monkeypatch):
    """The repositories of two sources: a sheet with two tiles, and a whole picture."""
    root = tmp_path / "public"
    sheet = np.zeros((100, 200, 3), np.uint8)
    sheet[10:60, 20:100], sheet[10:60, 110:190] = 90, 200
    (root / "a/figures").mkdir(parents=True)
    cv2.imwrite(str(root / "a" / cut.SOURCES[0].mark), sheet)
    picture(root / "b/c/inst/neutral_front/001_03.jpg", 1350, 900)
    rows = [f"sfhq,{n}.jpg,{cut.SOURCES[0].mark},{x},10,{x + 80},60" for n, x in enumerate((20, 110))]
    (tmp_path / "boxes.csv").write_text("\n".join(["source,file,picture,x0,y0,x1,y1", *rows]))
    (tmp_path / "codes.csv").write_text("source,file,AU12\nlondon,001_03.jpg,0\nsfhq,0.jpg,1\n")
    monkeypatch.setitem(sys.modules, "openpeople", None)
    return root


def tables(folder):
    """Where the tiles of `public` lie, and which portraits of it are coded."""
    return folder / "boxes.csv", folder / "codes.csv"


def test_cutting(public, tmp_path):
    with pytest.raises(
        DatasetError, match="holds pictures as delivered; cut the portraits out first: python"
    ):
        open_dataset("portraits", public)
    assert cut_portraits(public, tmp_path / "out", *tables(tmp_path)) == {"sfhq": 2, "london": 1}
    tiles = [cv2.imread(str(tmp_path / f"out/sfhq/{n}.jpg")) for n in (0, 1)]
    assert [tile.shape for tile in tiles] == [(50, 80, 3)] * 2  # never enlarged
    assert np.abs(tiles[0] - 90.0).max() < 5
    assert np.abs(tiles[1] - 200.0).max() < 5
    assert cv2.imread(str(tmp_path / "out/london/001_03.jpg")).shape == (427, 640, 3)


def test_what_cannot_be_cut(public, tmp_path):
    picture(public / "a" / cut.SOURCES[0].mark, 150, 100)
    with pytest.raises(DatasetError, match="has 150 x 100 pixels: it is of another version"):
        cut_portraits(public, tmp_path / "out", *tables(tmp_path))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="holds none of figures/"):
        cut_portraits(tmp_path / "empty", tmp_path / "out")
    with pytest.raises(DatasetError, match="holds none of the folders sfhq, cc0"):
        open_dataset("portraits", tmp_path / "empty")


@pytest.fixture
def prepared(tmp_path):
    root = write_prepared(tmp_path / "p", {"a": "train", "b": "val", "c": "test"}, dataset="portraits")
    table = pd.read_parquet(root / "manifest.parquet")
    table["AU12"], table["AU12_i"], table["AU12_side"] = np.int8(1), np.float32(3), np.int8(LEFT_ONLY)
    table.loc[1, ["AU12", "AU12_i"]] = 0, 0.0
    table.loc[2, ["AU12", "AU12_i"]] = MISSING, 1.5
    table.to_parquet(root / "manifest.parquet")
    return root


def test_own_splits_and_sides_reach_the_samples(prepared, tmp_path):
    samples = load_data([prepared], PAIR, SplitPlan())
    assert samples.splits.tolist() == ["train"] * 3 + ["val"] * 3 + ["test"] * 3
    assert samples.side_labels[:4, 1].tolist() == [[0, 1], [0, 0], [MISSING, MISSING], [0, 1]]
    assert samples.intensities[:4, 1].tolist() == [[0, 3], [0, 0], [0, 1.5], [0, 3]]
    for plan in (SplitPlan("1"), SplitPlan(select_on_test=True)):
        with pytest.raises(ConfigError, match="comes with splits of its own"):
            load_data([prepared], PAIR, plan)
    other = write_prepared(tmp_path / "other", {"x": "1"}, dataset="other")
    samples = load_data([prepared], PAIR, SplitPlan(), [other])
    assert samples.splits.tolist() == ["train"] * 3 + ["val"] * 3 + ["test"] * 3
    assert samples.subjects[-1] == "other/x"
