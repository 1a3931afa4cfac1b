"""Preparing: what is stored is the face, upright, once; what is not stored is listed."""

import csv
import tarfile
from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest

from aulens import align
from aulens.data.folds import SplitPlan
from aulens.data.frames import read_picture
from aulens.data.index import Problem
from aulens.data.loading import load_data
from aulens.data.prepare import PrepareSettings, prepare
from aulens.data.prepare.faces import cut, stored_matrix
from aulens.data.prepared import load_prepared
from aulens.data.shards import read_bytes
from aulens.errors import ConfigError, DatasetError
from drawn_frames import AUS, DOTS, contents, drawn_frame, drawn_index
from full_disk import room_for
from people import ASTRONAUT, astronaut, detector

pytestmark = pytest.mark.slow

SEQUENCES = (("F001", "T1", 5), ("F001", "T2", 3), ("M001", "T1", 4))
SETTINGS = PrepareSettings(size=64)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    return drawn_index(tmp_path_factory.mktemp("drawn"), SEQUENCES)


def stored_image(place):
    data = np.frombuffer(read_bytes(place.path, place.offset, place.length), np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)


def missing(root):
    with (root / "missing.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_frame_becomes_an_upright_face(index, tmp_path):
    result = prepare(index, tmp_path / "out", SETTINGS, processes=1)
    assert (result.frames, result.stored, result.done) == (12, 12, 12)
    assert (result.found, result.missing) == ({"given": 12}, {})
    data = load_prepared(tmp_path / "out", AUS)
    assert data.landmarks.shape == (12, 49, 2)
    for key, place, points in zip(
        index.keys, map(data.names.place, range(len(data))), data.landmarks, strict=True
    ):
        with tarfile.open(place.path) as tar:
            assert tar.extractfile(f"{key}.jpg").read() == read_bytes(place.path, place.offset, place.length)
        image = stored_image(place)
        assert image.shape == (96, 96, 3)
        # Its crop is the middle: eyes level, anchors where the template wants them, 16 pixels further in.
        right, left, mouth = align.anchors(points)
        assert np.arctan2(*(left - right)[::-1]) == pytest.approx(0, abs=0.02)
        wanted = align.FACE.points(64) + 16
        assert np.abs(np.array([right, left, mouth]) - wanted).max() < 1.5
        # And each dot that was drawn lies where the manifest says.
        for x, y in points[list(DOTS)]:
            column, row = round(float(x)), round(float(y))
            around = image[row - 3 : row + 4, column - 3 : column + 4].astype(float).mean(2) - 150
            weight = np.clip(around, 0, None)
            spot = np.array([(weight.sum(0) * np.arange(7)).sum(), (weight.sum(1) * np.arange(7)).sum()])
            assert np.abs(spot / weight.sum() - 3 + (column, row) - (x, y)).max() < 0.6


def test_the_rows_are_the_frames(index, tmp_path):
    prepare(
        replace(index, problems=(Problem("note", "not_coded", "F001", "x"),)),
        tmp_path / "out",
        SETTINGS,
        processes=1,
    )
    table = pd.read_parquet(tmp_path / "out" / "manifest.parquet")
    assert table["key"].tolist() == index.keys
    assert table["part"].tolist() == index.part.tolist()
    assert table["frame"].tolist() == index.frame.tolist()
    assert (table[list(AUS.labels)].to_numpy() == index.labels).all()
    assert {str(table[label].dtype) for label in AUS.labels} == {"int8"}
    assert {str(table[f"x_{k}"].dtype) for k in range(49)} == {"float32"}
    assert set(table["size"]) == {96}


def test_a_small_face_is_not_enlarged():
    image, points = drawn_frame(3)
    matrix, side = stored_matrix(points, 256, 0.25)
    scale = np.sqrt(np.linalg.det(matrix[:, :2]))
    assert scale == pytest.approx(1, abs=0.02)
    assert scale <= 1
    face = cut(image, points, PrepareSettings())
    assert face.size == side < 384
    before, after = (np.hypot(*(p[37] - p[31])) for p in (points, face.landmarks))
    assert after == pytest.approx(before, rel=0.02)
    assert stored_matrix(points, 32, 0.25)[1] == 48  # and a large one is as small as asked for


def test_jpeg_costs_little():
    image = astronaut()
    points = np.array([(204, 102), (246, 104), (222, 125), (201, 139), (245, 140)], float)
    settings = PrepareSettings(size=96)
    face = cut(image, points, settings)
    matrix, side = stored_matrix(points, 96, 0.25)
    exact = align.warp(image, matrix, side).astype(float)
    seen = cv2.imdecode(np.frombuffer(face.jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert 10 * np.log10(255**2 / ((seen - exact) ** 2).mean()) > 34


def test_frames_that_cannot_be_stored_are_listed(index, tmp_path):
    """No file, a file that is gone, a damaged one in the middle, landmarks beside the picture, none."""
    (tmp_path / "damaged.png").write_bytes((tmp_path / "damaged.png").name.encode())
    media = list(index.media)
    media[0], media[3], media[6] = "", str(tmp_path / "gone.png"), str(tmp_path / "damaged.png")
    landmarks = index.landmarks.copy()
    landmarks[8] += 900
    landmarks[10] = np.nan
    broken = replace(index, media=tuple(media), landmarks=landmarks)
    result = prepare(broken, tmp_path / "out", replace(SETTINGS, landmarks="given"), processes=1)
    assert result.stored == 7
    assert result.missing == {
        "bad_landmarks": 1, "missing_picture": 2, "no_landmarks": 1, "unreadable_picture": 1,
    }  # fmt: skip
    assert [tuple(row.values()) for row in missing(tmp_path / "out")] == [
        ("F001/T1/100", "missing_picture", ""),
        ("F001/T1/103", "missing_picture", media[3]),
        ("F001/T2/101", "unreadable_picture", media[6]),
        ("M001/T1/100", "bad_landmarks", media[8]),
        ("M001/T1/102", "no_landmarks", media[10]),
    ]
    data = load_prepared(tmp_path / "out", AUS)
    kept = [1, 2, 4, 5, 7, 9, 11]
    assert (data.labels == index.labels[kept]).all()
    assert [name.split(".tar/")[1] for name in data.names] == [f"{index.keys[k]}.jpg" for k in kept]
    for row, place in zip(kept, map(data.names.place, range(len(data))), strict=True):
        exact = align.warp(read_picture(media[row]), stored_matrix(landmarks[row], 64, 0.25)[0], 96)
        assert np.abs(stored_image(place).astype(int) - exact).mean() < 6


def test_a_face_is_detected_where_no_landmarks_are_given(index, tmp_path):
    cv2.imwrite(str(tmp_path / "person.png"), astronaut()[:250, 100:350, ::-1])
    media = (str(tmp_path / "person.png"), *index.media[1:3])
    landmarks = index.landmarks[:3].copy()
    landmarks[:2] = np.nan
    some = replace(index.take([0, 1, 2]), media=media, landmarks=landmarks)
    result = prepare(some, tmp_path / "out", SETTINGS, detector=detector, processes=1)
    assert result.found == {"detected": 1, "given": 1}
    assert result.missing == {"no_face": 1}  # dots are no face
    data = load_prepared(tmp_path / "out", AUS)
    assert data.texts("found").tolist() == ["detected", "given"]
    assert data.landmarks.shape == (2, 49, 2)
    # The points are 49 of the 68, in their places: shares of the face that another library measured too.
    theirs = (ASTRONAUT[45][0] - ASTRONAUT[36][0]) / (ASTRONAUT[54][0] - ASTRONAUT[48][0])
    points = data.landmarks[0]
    assert (points[28] - points[19])[0] / (points[37] - points[31])[0] == pytest.approx(theirs, rel=0.08)


def test_no_frames_and_no_faces(index, tmp_path):
    with pytest.raises(DatasetError, match="drawn has no coded frames"):
        prepare(index.take([]), tmp_path / "none", SETTINGS)
    assert not (tmp_path / "none").exists()
    result = prepare(replace(index, media=("",) * 12), tmp_path / "out", SETTINGS, processes=1)
    assert (result.stored, result.missing) == (0, {"missing_picture": 12})
    assert len(missing(tmp_path / "out")) == 12
    with pytest.raises(DatasetError, match=r"holds no faces; .*missing\.csv says"):
        load_prepared(tmp_path / "out", AUS)


def test_landmarks_of_no_known_layout_are_refused(index, tmp_path):
    with pytest.raises(DatasetError, match=r"landmarks of drawn can't be used: no layout has 7"):
        prepare(replace(index, landmarks=index.landmarks[:, :7]), tmp_path / "out", SETTINGS)


def test_nearly_the_same_picture_in_two_splits_is_refused_unless_that_is_allowed(index, tmp_path):
    """All drawn faces are much alike; one picture is in both splits for sure."""
    media = (*index.media[:-1], index.media[0])
    split = replace(index, media=media, part=np.where(index.subject == "F001", "train", "test"))
    with pytest.raises(DatasetError, match=r"pairs of pictures in two splits .* --allow-near-duplicates"):
        prepare(split, tmp_path / "out", SETTINGS, processes=1)
    with pytest.raises(DatasetError, match="not finished"):
        load_prepared(tmp_path / "out", AUS)
    result = prepare(split, tmp_path / "out", SETTINGS, processes=1, allow_near_duplicates=True)
    assert result.done == 0  # all but the end was done before
    assert "F001/T1/100 (train) and M001/T1/103 (test)" in result.near_duplicates
    count = len(result.near_duplicates)
    assert load_prepared(tmp_path / "out", AUS).near_duplicates == count
    samples = load_data([tmp_path / "out"], AUS, SplitPlan())
    assert samples.sources == (f"drawn (with {count} near-duplicates between its splits)",)


def test_who_has_none_does_not_tell_of_near_duplicates(index, tmp_path):
    split = replace(index, part=np.where(index.subject == "F001", "train", "val")).take(np.arange(8))
    result = prepare(split, tmp_path / "out", SETTINGS, processes=1, allow_near_duplicates=True)
    assert result.near_duplicates == ()
    assert "near_duplicates" not in (tmp_path / "out" / "prepared.json").read_text()


def test_bad_settings_are_named():
    for wrong in ({"size": 8}, {"margin": -0.1}, {"quality": 0}, {"landmarks": "guess"}):
        ((name, value),) = wrong.items()
        with pytest.raises(ConfigError, match=rf"{name}.*{value}"):
            PrepareSettings(**wrong)


def test_a_folder_that_cannot_be_made_is_said(index, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"Cannot prepare into .*file/x: .*file is a file; give a folder"):
        prepare(index, tmp_path / "file" / "x", SETTINGS)
    with room_for(0), pytest.raises(ConfigError, match="out: File too large; give a folder to write to"):
        prepare(index, tmp_path / "out", SETTINGS)


def test_it_does_not_write_where_something_else_is(index, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="is a file"):
        prepare(index, tmp_path / "file", SETTINGS)
    with pytest.raises(ConfigError, match="is not empty and holds no prepared data"):
        prepare(index, tmp_path, SETTINGS)
    assert set(contents(tmp_path)) == {"file"}
