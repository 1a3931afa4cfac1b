"""A folder of portraits: codes, labels, what is left out, and the data set that is made of it."""

import json
import zlib

import cv2
import numpy as np
import pandas as pd
import pytest

from aulens.aus import RENDERS
from aulens.data.portraits.splits import split_of
from aulens.errors import ConfigError, DatasetError
from aulens.faces.detector import Face
from aulens.render.expression import EXCLUSIVE
from aulens.render.reanimate.generate import reanimate
from aulens.render.reanimate.labels import UPPER, known, may_add, moved_labels, read_codes
from aulens.render.reanimate.portraits import (
    ReanimateConfig,
    Studio,
    UnfitError,
    pictures_of,
    points_in,
    read_landmarks,
    survey,
    surveyor,
)
from aulens.render.scene import render
from aulens.render.sheet import contact_sheet
from aulens.render.shot import Shot

NEUTRAL = known(None, neutral=True)
UNITS = {"mouthSmile_L": 0.0, "mouthSmile_R": 0.0}
BOTH = (0.8, 0.8)
UNKNOWN = (float("nan"), float("nan"))


def is_unknown(sides):
    return bool(np.isnan(sides).all())


def written(tmp_path, text):
    path = tmp_path / "codes.csv"
    path.write_text(text)
    return path


def test_codes_of_two_coders(tmp_path):
    path = written(
        tmp_path,
        "source,file,rater,AU4,AU6,AU12,AU43,one_sided\n"
        "a,x.jpg,1,0,1,4,5,\n"
        "a,x.jpg,2,1,2,3,5,AU43=picture_left\n"
        "a,y.jpg,1,2,,0,0,AU4=picture_left\n"
        "a,y.jpg,2,2,0,0,0,AU4=picture_right\n",
    )
    codes = read_codes(path)
    assert codes["a/x.jpg"][4] == (0, 0)
    assert is_unknown(codes["a/x.jpg"][6])  # 1.5
    assert codes["a/x.jpg"][12] == pytest.approx((0.7, 0.7))
    assert codes["a/x.jpg"][43] == (1.0, 0.0)  # the picture's left is the subject's right
    assert is_unknown(codes["a/y.jpg"][6])  # a coder could not say
    assert is_unknown(codes["a/y.jpg"][4])  # on which side, they disagree


def test_codes_of_a_users_own(tmp_path):
    codes = read_codes(written(tmp_path, "file,AU12,AU99\n007.png,2,1\n"))
    assert codes == {"007.png": {12: (0.4, 0.4)}}


@pytest.mark.parametrize(
    "text", ["", "name,AU12\nx,1\n", "file,smile\nx,1\n", "file,AU12\nx,much\n", "file,AU12\nx,7\n"]
)
def test_other_tables_are_refused(tmp_path, text):
    with pytest.raises(DatasetError, match="AU codes"):
        read_codes(written(tmp_path, text))


def test_what_is_known():
    assert set(known(None, neutral=True).values()) == {(0.0, 0.0)}
    assert all(is_unknown(sides) for sides in known(None, neutral=False).values())
    coded = known({12: BOTH}, neutral=True)
    assert coded[12] == BOTH
    assert is_unknown(coded[4])


def test_what_may_be_added():
    assert may_add(NEUTRAL, UNITS, 0.0) == set(RENDERS)
    smiling = NEUTRAL | {12: BOTH}
    assert may_add(smiling, UNITS, 0.0) == UPPER
    assert may_add(NEUTRAL, UNITS, 0.5) == UPPER  # an open mouth that nobody coded
    frown = NEUTRAL | {4: BOTH, 43: (0.0, 0.9)}
    assert may_add(frown, UNITS, 0.0) == set(RENDERS) - {4, 43, 5, 7}
    nobody_knows = known(None, neutral=False)
    assert may_add(nobody_knows, UNITS, 0.0) == set(RENDERS)
    assert may_add(nobody_knows, {"mouthSmile_L": 0.6, "mouthSmile_R": 0.5}, 0.0) == UPPER
    for pair in EXCLUSIVE:
        if {*pair} <= UPPER:
            assert pair[1] not in may_add(NEUTRAL | {pair[0]: BOTH}, UNITS, 0.0)


def test_labels_are_the_portraits_own_and_what_was_added():
    shows = NEUTRAL | {4: BOTH, 6: UNKNOWN, 25: UNKNOWN}
    same = moved_labels(shows, {}, 0.0, 0.0)
    assert same[4] == BOTH
    assert is_unknown(same[6])
    assert is_unknown(same[25])
    moved = moved_labels(shows, {12: (0.0, 0.9), 26: BOTH}, 0.0, 1.2)
    assert moved[12] == (0.0, 0.9)
    assert moved[25] == (1.0, 1.0)  # read off the lips
    assert moved[27] == moved[24] == (0.0, 0.0)
    assert moved_labels(shows, {12: BOTH}, 0.0, 0.0)[25] == (0.0, 0.0)
    assert is_unknown(moved_labels(shows, {1: BOTH}, 0.0, 0.0)[25])


def test_lids_hide_what_can_not_be_seen_any_more():
    wink = moved_labels(NEUTRAL | {5: UNKNOWN}, {43: (0.9, 0.0)}, 0.0, 0.0)
    assert wink[5][0] == 0.0
    assert np.isnan(wink[7][0])
    assert wink[7][1] == 0.0
    assert np.isnan(moved_labels(NEUTRAL, {6: BOTH}, 0.0, 0.0)[7]).all()
    assert moved_labels(NEUTRAL | {7: UNKNOWN}, {5: BOTH}, 0.0, 0.0)[7] == (0.0, 0.0)


def test_splits_are_by_the_name():
    assert split_of("sfhq/0001.jpg") == split_of("sfhq/0001.jpg")
    draws = {name: zlib.crc32(name.encode()) % 100 for name in map(str, range(300))}
    assert all((split_of(n) == "test") == (d < 15) for n, d in draws.items())
    assert all((split_of(n) == "train") == (d >= 30) for n, d in draws.items())


@pytest.fixture(scope="module")
def folder(tmp_path_factory, muscles, plain_person):
    """Three portraits and their landmarks, as pictures that were drawn."""
    root = tmp_path_factory.mktemp("portraits")
    points = {}
    for number, yaw in enumerate((0.0, 10.0, 50.0)):
        picture = render(muscles, plain_person, {}, Shot(yaw=yaw), 160)
        name = f"own/{number}.png"
        (root / "own").mkdir(exist_ok=True)
        cv2.imwrite(str(root / name), picture.image[..., ::-1])
        points[name] = picture.landmarks
    np.savez(root / "landmarks.npz", **points)
    return root


def config_of(folder, **more):
    settings = {"n": 5, "seed": 3, "size": 64, "landmarks": str(folder / "landmarks.npz"), "neutral": True}
    return ReanimateConfig(str(folder), **(settings | more))


def no_detector():
    raise AssertionError("landmarks are given")


class Finder:
    """Finds as many faces as the name of the first pixel says."""

    def __init__(self, points):
        self.points = points

    def __call__(self, image):
        face = Face(np.array([0.0, 0.0, 9.0, 9.0]), self.points)
        return (face,) * int(image[0, 0, 0])


@pytest.mark.slow
def test_what_is_left_out_is_told(folder, tmp_path, muscles, plain_person):
    picture = render(muscles, plain_person, {}, Shot(), 160)

    def put(name, image, faces=1):
        image = image.copy()
        image[0, 0] = faces
        cv2.imwrite(str(tmp_path / name), image[..., ::-1])

    put("fine.png", picture.image)
    put("none.png", picture.image, 0)
    put("two.png", picture.image, 2)
    put("cut.png", picture.image[:120])
    (tmp_path / "damaged.jpg").write_bytes(b"\xff\xd8\xff")
    config = ReanimateConfig(str(tmp_path), 1)
    pictures = pictures_of(config, tmp_path / "out")
    rows = pd.DataFrame(surveyor(config, pictures, lambda: Finder(picture.landmarks))(0))
    why = dict(zip(rows["file"], rows["left_out"], strict=True))
    assert why.pop("fine.png") == ""
    assert why.pop("none.png") == "no face was found"
    assert "2 faces" in why.pop("two.png")
    assert "border" in why.pop("cut.png")
    assert "damaged.jpg" in why.pop("damaged.jpg")
    assert not why
    fine = rows[rows["file"] == "fine.png"].iloc[0]
    np.testing.assert_allclose(points_in(fine), picture.landmarks, atol=1e-4)


@pytest.mark.slow
def test_faces_that_no_rig_fits_are_left_out(folder):
    config = config_of(folder)
    pictures = pictures_of(config, folder / "out")
    studio = Studio.of(config, pictures)
    given = read_landmarks(config.landmarks)
    rows = {row["file"]: row["left_out"] for row in surveyor(config, pictures, no_detector)(0)}
    assert rows["own/0.png"] == rows["own/1.png"] == ""
    assert "turned by" in rows["own/2.png"]
    tiny = given["own/0.png"] / 4
    with pytest.raises(UnfitError, match="pixels wide"):
        survey(studio, "own/0.png", {"own/0.png": tiny}, None)
    shuffled = given["own/0.png"][np.random.default_rng(0).permutation(68)]
    with pytest.raises(UnfitError):
        survey(studio, "own/0.png", {"own/0.png": shuffled}, None)
    with pytest.raises(UnfitError, match="does not name it"):
        survey(studio, "own/0.png", {}, None)
    with pytest.raises(ConfigError, match="68 landmarks"):
        survey(studio, "own/0.png", None, lambda image: (Face(np.array([0.0, 0, 9, 9]), np.zeros((5, 2))),))


@pytest.mark.slow
def test_only_mouths_that_may_move(folder, tmp_path):
    codes = written(tmp_path, "source,file,AU4,AU12\nown,0.png,3,0\nown,1.png,0,3\n")
    config = config_of(folder, codes=str(codes), free_mouths=True)
    rows = surveyor(config, pictures_of(config, tmp_path), no_detector)(0)
    assert [row["left_out"] for row in rows[:2]] == ["", "its mouth does something"]


@pytest.mark.slow
def test_a_data_set_is_whole_the_same_and_goes_on(folder, tmp_path):
    made = reanimate(tmp_path / "one", config_of(folder), processes=2, detector=no_detector)
    rows = pd.read_parquet(made.manifest)
    assert made.portraits == 2
    assert list(made.left_out) == ["own/2.png"]
    assert pd.read_csv(tmp_path / "one" / "left_out.csv")["file"].tolist() == ["own/2.png"]
    assert rows["index"].tolist() == list(range(5))
    assert sorted(rows.groupby("portrait").size()) == [2, 3]
    assert rows["split"].tolist() == [split_of(name) for name in rows["portrait"]]
    intensities = rows[[f"AU{au}_{side}" for au in RENDERS for side in ("right", "left")]].to_numpy()
    drawn = intensities[np.isfinite(intensities) & (intensities > 0)]
    assert drawn.min() >= 0.2 - 1e-6
    assert rows[["yaw", "x_0", "y_67"]].to_numpy().dtype == np.float32
    sheet = cv2.imread(str(contact_sheet(tmp_path / "one", tmp_path / "sheet.png", count=2, columns=2)))
    assert sheet.shape == (178, 320, 3)

    def stop(what, done, total):
        if what == "pictures" and done:
            raise InterruptedError

    two = tmp_path / "two"
    with pytest.raises(InterruptedError):
        reanimate(two, config_of(folder), processes=1, progress=stop, detector=no_detector)
    assert not (two / "manifest.parquet").exists()
    reanimate(two, config_of(folder), processes=1, detector=no_detector)
    pd.testing.assert_frame_equal(pd.read_parquet(two / "manifest.parquet"), rows)
    for name in rows["file"]:
        assert (two / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    with pytest.raises(ConfigError, match="begun with"):
        reanimate(two, config_of(folder, n=6))


def test_folders_without_portraits(tmp_path):
    def config(folder):
        return ReanimateConfig(str(folder), 4)

    out = tmp_path / "out"
    with pytest.raises(ConfigError, match="does not exist"):
        reanimate(out, config(tmp_path / "nowhere"))
    (tmp_path / "file.jpg").touch()
    with pytest.raises(ConfigError, match="is a file"):
        reanimate(out, config(tmp_path / "file.jpg"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").touch()
    with pytest.raises(ConfigError, match="no pictures, only 1 other"):
        reanimate(out, config(tmp_path / "empty"))
    assert not out.exists()


@pytest.mark.slow
def test_a_folder_of_which_nothing_can_be_used(tmp_path):
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((90, 90, 3), 120, np.uint8))
    np.savez(tmp_path / "points.npz", other=np.zeros((68, 2)))
    config = ReanimateConfig(str(tmp_path), 4, landmarks=str(tmp_path / "points.npz"))
    with pytest.raises(DatasetError, match=r"none of 1 portraits .* wall\.png: the file of landmarks"):
        reanimate(tmp_path / "out", config, processes=1)


class Blind:
    def __call__(self, image):
        return ()


@pytest.mark.slow
def test_a_folder_is_of_one_detector(tmp_path):
    """That of aulens is not noted: folders of before say of none."""
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((90, 90, 3), 120, np.uint8))
    config, out = ReanimateConfig(str(tmp_path), 4), tmp_path / "out"
    with pytest.raises(DatasetError, match="none of 1 portraits"):
        reanimate(out, config, processes=1, detector=Blind)
    assert json.loads((out / "meta.json").read_text())["detector"] == f"{__name__}.Blind"
    with pytest.raises(ConfigError, match=r"was begun with .*'detector'.*, now asked for"):
        reanimate(out, config, processes=1)
    with pytest.raises(DatasetError, match="none of 1 portraits"):
        reanimate(tmp_path / "own", config, processes=1)
    assert "detector" not in json.loads((tmp_path / "own" / "meta.json").read_text())


def test_files_of_landmarks(tmp_path):
    path = tmp_path / "points.npz"
    mesh = np.zeros((478, 3), np.float32)
    mesh[152] = (1, 2, 3)  # the chin
    np.savez(path, a=mesh, b=np.zeros((68, 2)))
    points = read_landmarks(path)
    assert points["a"].shape == (68, 3)
    assert points["a"][8].tolist() == [1, 2, 3]
    np.savez(path, a=np.zeros((5, 2)))
    with pytest.raises(DatasetError, match=r"'a' has shape \(5, 2\)"):
        read_landmarks(path)
    np.savez(path, a=np.full((68, 2), np.nan))
    with pytest.raises(DatasetError, match="not finite"):
        read_landmarks(path)
    path.write_text("no archive")
    with pytest.raises(DatasetError, match="can't be read"):
        read_landmarks(path)


def test_bad_settings_are_named():
    with pytest.raises(ConfigError, match="'n' must be a whole number of at least 1, found 0"):
        ReanimateConfig("x", 0)
    with pytest.raises(ConfigError, match="--assets"):
        ReanimateConfig("x", 1, rig="ict")
