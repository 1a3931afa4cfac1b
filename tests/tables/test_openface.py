"""The OpenFace dialect: its header from the format's description, its cells by a reader written from it."""

import io
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from aulens.aus import RENDERS, AUSet
from aulens.errors import InputError
from aulens.landmarks import IBUG49, IBUG68, convert
from aulens.pose import HeadPose, head_pose
from aulens.pose.mean_face import mean_face
from aulens.runtime.result import FrameResult
from aulens.tables import TABLE_FORMATS, OpenFace, read_table
from aulens.tables.schema import Row, columns, dtype, rows_of, to_frame, write_rows
from face_results import frame_result, result

INTENSITIES = [f"{n:02d}" for n in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)]
PRESENCES = sorted([*INTENSITIES, "28"])


def numbered(name: str, count: int) -> str:
    return ",".join(f"{name}_{i}" for i in range(count))


# The wiki page "Output Format" and a recorded file of OpenFace 2.2, block by block.
HEADER = ",".join(
    [
        "frame,face_id,timestamp,confidence,success",
        "gaze_0_x,gaze_0_y,gaze_0_z,gaze_1_x,gaze_1_y,gaze_1_z,gaze_angle_x,gaze_angle_y",
        numbered("eye_lmk_x", 56),
        numbered("eye_lmk_y", 56),
        numbered("eye_lmk_X", 56),
        numbered("eye_lmk_Y", 56),
        numbered("eye_lmk_Z", 56),
        "pose_Tx,pose_Ty,pose_Tz,pose_Rx,pose_Ry,pose_Rz",
        numbered("x", 68),
        numbered("y", 68),
        numbered("X", 68),
        numbered("Y", 68),
        numbered("Z", 68),
        "p_scale,p_rx,p_ry,p_rz,p_tx,p_ty",
        numbered("p", 34),
        "AU01_r,AU02_r,AU04_r,AU05_r,AU06_r,AU07_r,AU09_r,AU10_r,AU12_r,AU14_r,AU15_r,AU17_r,AU20_r,AU23_r,"
        "AU25_r,AU26_r,AU45_r",
        "AU01_c,AU02_c,AU04_c,AU05_c,AU06_c,AU07_c,AU09_c,AU10_c,AU12_c,AU14_c,AU15_c,AU17_c,AU20_c,AU23_c,"
        "AU25_c,AU26_c,AU28_c,AU45_c",
    ]
)
POINTS = np.round(np.random.default_rng(0).uniform(-5, 300, (68, 2)), 3)


def text(dialect: OpenFace, results: list[FrameResult], file: str = "clip.mp4") -> str:
    out = io.StringIO()
    rows: list[Row] = [row for one in results for row in dialect.rows(file, one)]
    write_rows(out, dialect.columns(), rows, header=True)
    return out.getvalue()


def clip() -> list[FrameResult]:
    """Nobody; one face; two faces; one of them lost; a face whose model has AU43 and AU28."""
    smile = {"AU1": 0.25, "AU12": 0.75}
    return [
        frame_result(0, 0.0),
        frame_result(1, 0.04, [result(smile, confidence=2.5, landmarks=POINTS)]),
        frame_result(2, 0.0801, [result(smile, confidence=0.5), result(smile, face_id=1)]),
        frame_result(3, 0.12, [result(smile, face_id=1)], lost=(0,)),
        frame_result(4, 3600.1234, [result({"AU28": 0.9, "AU43": 0.9, "AU18": 0.9})], lost=(1,)),
    ]


def test_the_header_is_the_published_one() -> None:
    assert text(OpenFace(), []) == HEADER + "\n"
    assert len(HEADER.split(",")) == 714
    pictures = HEADER.replace("frame,face_id,timestamp,confidence,success", "face,confidence")
    assert text(OpenFace(pictures=True), []) == pictures + "\n"
    assert TABLE_FORMATS["openface"].for_pictures() == OpenFace(pictures=True)


def described(csv: str) -> pd.DataFrame:
    """A reader as the wiki page suggests it: names by the header, one row per frame and face."""
    table = pd.read_csv(io.StringIO(csv), skipinitialspace=True)
    table.columns = table.columns.str.strip()
    assert all(map(pd.api.types.is_numeric_dtype, table.dtypes))
    assert table["frame"].min() >= 1
    assert set(table["success"]) <= {0, 1}
    assert table["confidence"].between(0, 1).all()
    assert table["timestamp"].is_monotonic_increasing
    for number in PRESENCES:
        assert table[f"AU{number}_c"].dropna().isin([0, 1]).all()
    for number in INTENSITIES:
        assert table[f"AU{number}_r"].dropna().between(0, 5).all()
    return table


def test_a_reader_written_from_the_description_accepts_it() -> None:
    table = described(text(OpenFace(), clip()))
    assert table["frame"].tolist() == [1, 2, 3, 3, 4, 4, 5, 5]
    assert table["face_id"].tolist() == [0, 0, 0, 1, 0, 1, 0, 1]
    assert table["success"].tolist() == [0, 1, 1, 1, 0, 1, 1, 0]
    assert table["timestamp"].tolist() == [0, 0.04, 0.08, 0.08, 0.12, 0.12, 3600.123, 3600.123]
    assert table["confidence"].tolist() == [0, 1, 0.5, 1, 0, 1, 1, 0]
    seen = table.iloc[1]
    np.testing.assert_allclose(seen[[f"x_{i}" for i in range(68)]].astype(float), POINTS[:, 0], atol=0.0501)
    np.testing.assert_allclose(seen[[f"y_{i}" for i in range(68)]].astype(float), POINTS[:, 1], atol=0.0501)
    assert (seen["AU01_c"], seen["AU12_c"]) == (0, 1)
    told = {"frame", "face_id", "timestamp", "confidence", "success", "AU01_c", "AU12_c"}
    told |= {f"{axis}_{i}" for axis in "xy" for i in range(68)}
    assert set(seen.dropna().index) == told
    assert set(table.iloc[0].dropna().index) == {"frame", "face_id", "timestamp", "confidence", "success"}


def test_numbers_have_openfaces_decimals() -> None:
    line = text(OpenFace(), clip()[1:2]).splitlines()[1].split(",")
    assert line[:5] == ["2", "0", "0.040", "1.00", "1"]
    cells = dict(zip(HEADER.split(","), line, strict=True))
    assert cells["x_0"] == f"{POINTS[0, 0]:.1f}"
    assert (cells["AU12_c"], cells["AU12_r"], cells["pose_Rx"]) == ("1.0", "NaN", "NaN")
    picture = text(OpenFace(pictures=True), [frame_result(0, float("nan"), [result(confidence=0.1239)])])
    assert picture.splitlines()[1].startswith("0,0.124,NaN,")
    (row,) = OpenFace().rows("a", frame_result(0, float("nan"), [result(landmarks=POINTS * 0 - 0.04)]))
    assert (row["timestamp"], row["x_3"]) == ("NaN", "0.0")


def test_intensities_are_written_where_the_model_tells_them_and_read_again(tmp_path: Path) -> None:
    told = result({"AU1": 0.2, "AU12": 0.9, "AU28": 0.1}, intensity={"AU12": 3.456, "AU28": 1.0})
    path = tmp_path / "clip.csv"
    path.write_text(text(OpenFace(), [frame_result(0, 0.0, [told])]))
    described(path.read_text())
    table = read_table(path)
    assert table.loc[0, ["AU12_i", "AU12_c"]].tolist() == [3.46, 1]
    assert table[["AU1_i", "AU4_i"]].isna().all(axis=None)  # AU28 has no intensity in OpenFace
    closed = result({"AU43": 0.9}, intensity={"AU43": 5.0})
    assert OpenFace().rows("a", frame_result(0, 0, [closed]))[0]["AU45_r"] == "5.00"


def test_closed_eyes_stand_for_a_blink_unless_the_model_has_one() -> None:
    closed = OpenFace().rows("a", frame_result(0, 0, [result({"AU43": 0.9})]))[0]
    assert closed["AU45_c"] == "1.0"
    both = OpenFace().rows("a", frame_result(0, 0, [result({"AU43": 0.9, "AU45": 0.1})]))[0]
    assert both["AU45_c"] == "0.0"
    neither = OpenFace().rows("a", frame_result(0, 0, [result({"AU1": 0.9})]))[0]
    assert neither["AU45_c"] == "NaN"


def test_aus_without_a_place_are_named() -> None:
    assert OpenFace().left_out(RENDERS) == ("AU18", "AU22", "AU24", "AU27")
    assert OpenFace().left_out(AUSet("both", (43, 45))) == ("AU43",)


def test_fewer_landmarks_leave_their_columns_empty() -> None:
    points = convert(POINTS, IBUG68, IBUG49)
    (row,) = OpenFace().rows("a", frame_result(0, 0, [result(landmarks=points)]))
    assert [row[f"x_{i}"] for i in (0, 16, 60, 64)] == ["NaN"] * 4
    assert row["x_17"] == f"{POINTS[17, 0]:.1f}"
    assert row["y_67"] == f"{POINTS[67, 1]:.1f}"


def test_a_picture_without_a_face_has_no_row() -> None:
    assert OpenFace(pictures=True).rows("a.png", frame_result(0, float("nan"))) == []


def test_what_we_write_we_read(tmp_path: Path) -> None:
    path = tmp_path / "clip.csv"
    path.write_text(text(OpenFace(), clip()))
    table = read_table(path)
    assert table["file"].unique().tolist() == ["clip"]
    assert table["frame"].tolist() == [0, 1, 2, 2, 3, 3, 4, 4]
    assert table["time"].tolist() == [0, 0.04, 0.08, 0.08, 0.12, 0.12, 3600.123, 3600.123]
    assert table["AU12_c"].tolist()[1:4] == [1, 1, 1]
    assert table["AU12_c"].isna().tolist() == [True, False, False, False, True, False, True, True]
    assert table["AU45_c"].tolist()[6] == 1
    assert {name: str(kind) for name, kind in table.dtypes.items()} == {name: dtype(name) for name in table}
    assert [name for name in table if name.startswith("AU12_")] == [
        "AU12_p", "AU12_c", "AU12_left_p", "AU12_right_p", "AU12_i",
    ]  # fmt: skip


POSES = [
    HeadPose(10, -20, 30, np.array([120.0, -80, 900])),
    HeadPose(-5, 40, -170, np.array([-300.0, 50, 700])),
    HeadPose(0, 0, 0, np.array([0.0, 0, 1000])),
]


def test_poses_are_openfaces_and_come_back(tmp_path: Path) -> None:
    """What its numbers say, taken as its source takes them, puts the landmarks where OpenCV puts them."""
    path = tmp_path / "clip.csv"
    path.write_text(
        text(OpenFace(), [frame_result(i, i / 25, [result(pose=one)]) for i, one in enumerate(POSES)])
    )
    theirs = pd.read_csv(path)
    camera = np.array([[500, 0, 319.5], [0, 500, 239.5], [0, 0, 1.0]])
    face = mean_face(IBUG68) * (1, -1, -1)
    for row, pose in zip(theirs.itertuples(), POSES, strict=True):
        place = np.array([row.pose_Tx, row.pose_Ty, row.pose_Tz])
        np.testing.assert_allclose(place, pose.translation, atol=0.0501)
        # R = Rx Ry Rz, each a turn about one axis: three calls of Rodrigues' formula.
        x, y, z = np.eye(3)
        turn = rodrigues(row.pose_Rx * x) @ rodrigues(row.pose_Ry * y) @ rodrigues(row.pose_Rz * z)
        points, _ = cv2.projectPoints(face, cv2.Rodrigues(turn)[0], place, camera, None)
        expected, _ = cv2.projectPoints(face, cv2.Rodrigues(pose.rotation)[0], pose.translation, camera, None)
        np.testing.assert_allclose(points, expected, atol=0.15)
        back = head_pose(points[:, 0], (480, 640))
        np.testing.assert_allclose(back.angles, pose.angles, atol=0.1)
    ours = read_table(path)
    np.testing.assert_allclose(
        ours[["pose_pitch", "pose_yaw", "pose_roll"]], [pose.angles for pose in POSES], atol=0.06
    )
    np.testing.assert_allclose(ours["pose_distance"], [pose.distance for pose in POSES], atol=0.1)


def rodrigues(vector: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.Rodrigues(vector)[0])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ((10, 0, 0), (0.175, 0, 0)),  # down: "if they tip their head up, you'll get a negative pose_Rx"
        ((0, -10, 0), (0, 0.175, 0)),  # to the subject's right: positive pose_Ry
        ((0, 0, -10), (0, 0, 0.175)),  # clockwise in the picture: x towards y, which is down
    ],
)
def test_openfaces_signs(ours: tuple[float, float, float], theirs: tuple[float, float, float]) -> None:
    pose = HeadPose(*ours, np.array([0, 0, 500.0]))
    (row,) = OpenFace().rows("a", frame_result(0, 0, [result(pose=pose)]))
    assert tuple(float(row[f"pose_R{axis}"]) for axis in "xyz") == theirs
    assert [row[f"pose_T{axis}"] for axis in "xyz"] == ["0.0", "0.0", "500.0"]


def test_poses_of_openfaces_that_are_none(tmp_path: Path) -> None:
    """Zeros where it found no face; files without pose columns."""
    path = tmp_path / "clip.csv"
    names = ",".join(f"pose_{kind}{axis}" for kind in "TR" for axis in "xyz")
    path.write_text(
        f"frame,timestamp,confidence,success,{names},AU12_c\n"
        "1,0,0.9,1,0,0,500,0.1,0,0,1\n2,0.04,0,0,0,0,0,0,0,0,0\n3,0.08,0.9,1,0,0,0,0,0,0,1\n"
        "4,0.12,0.9,0,0,0,500,0.1,0,0,1\n"
    )
    table = read_table(path)
    assert table["pose_pitch"].isna().tolist() == [False, True, True, True]
    assert table["pose_pitch"][0] == pytest.approx(np.degrees(0.1), abs=1e-3)
    assert table["pose_distance"][0] == 500


OLD = (
    "frame, timestamp, confidence, success, pose_Tx, AU01_r, AU12_r, AU12_c, AU28_c\n"
    "1, 0, 0.95, 1, 3.5, 0.5, 2.25, 1, 0\n"
    "2, 0.04, 0.1, 0, 3.5, 0.5, 2.25, 1, 0\n"
    "3, 0.08, -nan(ind), 1, 3.5, NaN, 5, 0.0, 1\n"
)


def test_old_files_with_spaces_and_without_face_id(tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    path.write_text(OLD)
    table = read_table(path)
    assert table["face_id"].tolist() == [0, 0, 0]
    assert table["frame"].tolist() == [0, 1, 2]
    assert table["AU12_i"].isna().tolist() == [False, True, False]
    assert table["AU12_i"].tolist()[::2] == [2.25, 5]
    assert table["AU12_c"].tolist()[::2] == [1, 0]
    assert table["AU1_c"].isna().all()
    assert table["confidence"].isna().tolist() == [False, False, True]
    assert list(table.columns[17:]) == [
        "AU1_p", "AU1_c", "AU1_left_p", "AU1_right_p", "AU1_i",
        "AU12_p", "AU12_c", "AU12_left_p", "AU12_right_p", "AU12_i",
        "AU28_p", "AU28_c", "AU28_left_p", "AU28_right_p",
    ]  # fmt: skip


def test_face_landmark_img(tmp_path: Path) -> None:
    path = tmp_path / "party.csv"
    path.write_text("face, confidence, x_0, AU12_r, AU12_c\n0, 0.9, 3, 1.5, 1.0\n1, 0.8, 3, 0.5, 0.0\n")
    table = read_table(path)
    assert table["face_id"].tolist() == [0, 1]
    assert table["success"].tolist() == [1, 1]
    assert table[["frame", "time"]].isna().all(axis=None)
    assert table["AU12_c"].tolist() == [1, 0]
    assert table["file"].tolist() == ["party", "party"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("4, 0.12, 0.9", "line 5: 3 fields, but the header names 9 columns; the file was cut off"),
        ("4, 0.12, 0.9, 1, 3, 1, 1, 1, 0, 7", "line 5: 10 fields, but the header names 9"),
        ("4, x, 0.9, 1, 3, 1, 1, 1, 0", "line 5: timestamp must be a number, found 'x'"),
        (
            "4.5, 0.12, 0.9, 1, 3, 1, 1, 1, 0",
            r"line 5: frame must be a whole number from 1 to 10\^15, found '4.5'",
        ),
        (
            "0, 0.12, 0.9, 1, 3, 1, 1, 1, 0",
            r"line 5: frame must be a whole number from 1 to 10\^15, found '0.0'",
        ),
        ("4, 0.12, 0.9, 2, 3, 1, 1, 1, 0", "line 5: success must be a whole number from 0 to 1, found '2.0'"),
        ("4, inf, 0.9, 1, 3, 1, 1, 1, 0", "line 5: timestamp must be a finite number from 0 on, found 'inf'"),
        ("1e19, 0.12, 0.9, 1, 3, 1, 1, 1, 0", "line 5: frame must be a whole number from 1 to"),
        ("4, 0.12, 0.9, 1, 3, 1, inf, 1, 0", "line 5: AU12_r must be a finite number, found 'inf'"),
        ("4, 0.12, 0.9, 1, 3, 1, 1, 0.5, 0", "line 5: AU12_c must be a whole number from 0 to 1"),
    ],
)
def test_broken_rows_are_named_by_their_line(tmp_path: Path, line: str, says: str) -> None:
    path = tmp_path / "broken.csv"
    path.write_text(OLD + line + "\n")
    with pytest.raises(InputError, match=rf"broken\.csv, {says}"):
        read_table(path)


def test_columns_that_only_look_like_aus(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(OLD.replace("AU28_c", "AU2\u00b2_c").replace("AU01_r", "AU00_r"))
    assert [name for name in read_table(path) if "AU" in name][-1] == "AU12_i"


def test_our_rows_and_openfaces_agree() -> None:
    """The same results in both tables: the same decisions for the same person and frame."""
    ours = to_frame(
        [
            row
            for one in clip()[1:4]
            for row in rows_of(
                "a", one.faces, AUSet("two", (1, 12)), frame=one.index, time=one.time, lost=one.lost
            )
        ],
        AUSet("two", (1, 12)),
    )
    theirs = described(text(OpenFace(), clip()[1:4]))
    assert ours["AU12_c"].astype("float64").equals(theirs["AU12_c"])
    assert (ours["frame"] + 1).tolist() == theirs["frame"].tolist()
    assert ours["face_id"].tolist() == theirs["face_id"].tolist()
    assert columns(AUSet("two", (1, 12))) == tuple(ours.columns)
