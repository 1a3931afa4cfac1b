"""Our own columns: their order, their types, and a row for everybody in every frame."""

import io
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aulens.aus import AUSet
from aulens.output.writers import open_writer, table_of_pictures
from aulens.pose import HeadPose
from aulens.tables import PyFeat
from aulens.tables.schema import (
    columns,
    dtype,
    rows_of,
    to_frame,
)
from face_results import frame_result, result

AUS = AUSet("two", (1, 12))


def test_columns_are_in_the_promised_order() -> None:
    assert columns(AUS) == (
        "file", "frame", "time", "face_id", "success", "confidence", "box_x", "box_y", "box_w", "box_h",
        "quality", "hidden", "look", "pose_pitch", "pose_yaw", "pose_roll", "pose_distance",
        "AU1_p", "AU1_c", "AU1_left_p", "AU1_right_p", "AU12_p", "AU12_c", "AU12_left_p", "AU12_right_p",
    )  # fmt: skip


def test_intensities_follow_their_au_where_the_model_tells_them() -> None:
    some = AUSet("two", (1, 12), intense=(12,))
    assert some == AUS
    ends = ("p", "c", "left_p", "right_p", "i", "left_i", "right_i")
    assert columns(some) == (*columns(AUS)[:-4], *(f"AU12_{end}" for end in ends))
    told = result(intensity={"AU12": 2.34567}, left_intensity={"AU12": math.nan})
    (row,) = rows_of("a.png", [told], some)
    assert [row[f"AU12_{end}"] for end in ends[4:]] == [2.346, None, 2.346]
    assert to_frame([row], some)["AU12_i"].dtype == "float64"
    assert "AU12_i" not in rows_of("a.png", [told], AUS)[0]


@pytest.mark.parametrize("name", ['=1+2,"x".mp4', "+1.mp4", "-1.mp4", "@sum(a1).mp4", "\t=1.mp4", "\r=1.mp4"])
def test_a_name_is_no_formula(name: str) -> None:
    """Spreadsheets compute cells that begin so. The path stays that of the same file."""
    (row,) = rows_of(name, [], AUS)
    assert row["file"] == f"./{name}"
    assert Path(str(row["file"])) == Path(name)
    (row,) = PyFeat(pictures=True).rows(name, frame_result(0, 0.0))
    assert row["input"] == f"./{name}"
    for as_given in ("a.mp4", "b/=1.mp4", "./=1.mp4", " a-b.mp4"):
        (row,) = rows_of(as_given, [], AUS)
        assert row["file"] == as_given


def test_a_row_says_what_the_result_says() -> None:
    told = result(
        {"AU1": 0.25, "AU12": 0.75}, face_id=2, box=(10.04, 20, 40, 80.06), confidence=1.23456, left=0.5,
        quality=0.87654, hidden=("nose", "mouth"), look="turned90",
        pose=HeadPose(1.234, -20, 170.006, np.array([30, 0, 400.02])),
    )  # fmt: skip
    (row,) = rows_of("a.mp4", [told], AUS, frame=3, time=1 / 3)
    assert dict(row) == {
        "file": "a.mp4", "frame": 3, "time": 0.333333, "face_id": 2, "success": 1, "confidence": 1.2346,
        "box_x": 10.0, "box_y": 20.0, "box_w": 30.0, "box_h": 60.1,
        "quality": 0.8765, "hidden": "nose mouth", "look": "turned90",
        "pose_pitch": 1.23, "pose_yaw": -20.0, "pose_roll": 170.01, "pose_distance": 401.1,
        "AU1_p": 0.25, "AU1_c": 0, "AU1_left_p": 0.5, "AU1_right_p": 0.25,
        "AU12_p": 0.75, "AU12_c": 1, "AU12_left_p": 0.5, "AU12_right_p": 0.75,
    }  # fmt: skip
    assert tuple(row) == columns(AUS)


def test_what_is_not_told_of_a_face_is_empty() -> None:
    """A detector that tells no quality, the first look, landmarks without a pose."""
    (row,) = rows_of("a.mp4", [result()], AUS)
    assert {name for name, value in row.items() if value is None} == {
        "frame", "time", "quality", "hidden", "look", "pose_pitch", "pose_yaw", "pose_roll", "pose_distance",
    }  # fmt: skip


def test_people_who_are_lost_have_a_row_in_the_order_of_ids() -> None:
    rows = rows_of("a.mp4", [result(face_id=0), result(face_id=3)], AUS, frame=7, time=0.28, lost=(1, 4))
    assert [(row["face_id"], row["success"]) for row in rows] == [(0, 1), (1, 0), (3, 1), (4, 0)]
    assert {row["frame"] for row in rows} == {7}
    assert {
        value for key, value in rows[1].items() if key not in {"file", "frame", "time", "face_id", "success"}
    } == {None}


def test_faces_of_one_id_have_a_row_each() -> None:
    seen = [result(face_id=2, confidence=confidence) for confidence in (0.75, 0.25)]
    rows = rows_of("a.png", seen, AUS, lost=(2, 0))
    assert [row["face_id"] for row in rows] == [0, 2, 2, 2]
    assert [row["confidence"] for row in rows] == [None, 0.75, 0.25, None]


@pytest.mark.parametrize("time", [None, math.nan])
def test_nobody_at_all_is_one_row_without_an_id(time: float | None) -> None:
    (row,) = rows_of("a.png", (), AUS, time=time)
    assert tuple(row) == columns(AUS)
    assert {key: value for key, value in row.items() if value is not None} == {"file": "a.png", "success": 0}


def test_an_empty_table_keeps_its_columns() -> None:
    frame = to_frame([], AUS)
    assert frame.empty
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        name: dtype(name) for name in columns(AUS)
    }


def test_every_format_gives_the_same_table(tmp_path) -> None:
    turned = result(
        face_id=2,
        quality=0.5,
        hidden=("eyes",),
        look="enlarged",
        pose=HeadPose(3, 4, 5, np.array([1, 2, 600])),
    )
    rows = rows_of("a,b.mp4", [result(face_id=0), turned], AUS, frame=0, time=0.0, lost=(1,))
    rows += rows_of("a,b.mp4", (), AUS, frame=1, time=0.04)
    frame = to_frame(rows, AUS)
    assert frame["face_id"].isna().tolist() == [False, False, False, True]
    assert frame["look"].fillna("none").tolist() == ["none", "none", "enlarged", "none"]
    text = io.StringIO()
    open_writer("csv", text, AUS, picture=False).write(rows)
    text.seek(0)
    pd.testing.assert_frame_equal(pd.read_csv(text).astype(frame.dtypes), frame)
    text = io.StringIO()
    open_writer("jsonl", text, AUS, picture=False).write(rows)
    assert "NaN" not in text.getvalue()
    assert [json.loads(line) for line in text.getvalue().splitlines()] == rows
    with table_of_pictures(tmp_path / "a.parquet", "parquet", AUS) as writer:
        writer.write(rows)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "a.parquet").astype(frame.dtypes), frame)
