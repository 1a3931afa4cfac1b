"""The Py-Feat dialects: headers from the format's description, cells by a reader written from it."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aulens.aus import RENDERS
from aulens.errors import ConfigError, InputError
from aulens.pose import HeadPose
from aulens.runtime.result import FrameResult
from aulens.tables import TABLE_FORMATS, PyFeat, read_table
from aulens.tables.schema import write_rows
from face_results import frame_result, result


def numbered(name: str, count: int, first: int = 0) -> str:
    return ",".join(f"{name}_{i}" for i in range(first, first + count))


FACE = ",".join(
    [
        "FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore",
        numbered("x", 68),
        numbered("y", 68),
        "Pitch,Roll,Yaw,X,Y,Z",
        "AU01,AU02,AU04,AU05,AU06,AU07,AU09,AU10,AU11,AU12,AU14,AU15,AU17,AU20,AU23,AU24,AU25,AU26,AU28,AU43",
    ]
)
ABOUT = "FrameHeight,FrameWidth,input,frame"
# By the documentation's tables and by its sample files, block by block.
VERSION_1 = ",".join(
    [
        FACE,
        "anger,disgust,fear,happiness,sadness,surprise,neutral",
        numbered("Identity", 512, 1),
        "gaze_pitch,gaze_yaw,gaze_angle",
        ABOUT,
        "approx_time,Identity",
    ]
)
VERSION_2 = ",".join(
    [
        FACE,
        "Neutral,Happy,Sad,Surprise,Fear,Disgust,Anger,valence,arousal,gaze_pitch,gaze_yaw,gaze_angle",
        numbered("Identity", 512, 1),
        numbered("mesh_x", 478),
        numbered("mesh_y", 478),
        numbered("mesh_z", 478),
        "_neutral,browDownLeft,browDownRight,browInnerUp,browOuterUpLeft,browOuterUpRight,cheekPuff,"
        "cheekSquintLeft,cheekSquintRight,eyeBlinkLeft,eyeBlinkRight,eyeLookDownLeft,eyeLookDownRight,"
        "eyeLookInLeft,eyeLookInRight,eyeLookOutLeft,eyeLookOutRight,eyeLookUpLeft,eyeLookUpRight,"
        "eyeSquintLeft,eyeSquintRight,eyeWideLeft,eyeWideRight,jawForward,jawLeft,jawOpen,jawRight,mouthClose,"
        "mouthDimpleLeft,mouthDimpleRight,mouthFrownLeft,mouthFrownRight,mouthFunnel,mouthLeft,"
        "mouthLowerDownLeft,mouthLowerDownRight,mouthPressLeft,mouthPressRight,mouthPucker,mouthRight,"
        "mouthRollLower,mouthRollUpper,mouthShrugLower,mouthShrugUpper,mouthSmileLeft,mouthSmileRight,"
        "mouthStretchLeft,mouthStretchRight,mouthUpperUpLeft,mouthUpperUpRight,noseSneerLeft,noseSneerRight",
        ABOUT,
        "approx_time,Identity",
    ]
)
POINTS = np.round(np.random.default_rng(0).uniform(0, 300, (68, 2)), 3)


def text(dialect: PyFeat, results: list[FrameResult], file: str = "clip, one.mp4") -> str:
    out = io.StringIO()
    write_rows(
        out, dialect.columns(), [row for one in results for row in dialect.rows(file, one)], header=True
    )
    return out.getvalue()


def clip() -> list[FrameResult]:
    smile = {"AU1": 0.25, "AU12": 0.123457, "AU18": 0.5}
    return [
        frame_result(0, 0.0),
        frame_result(1, 59.99, [result(smile, box=(10, 20, 40.5, 80), confidence=2.5, landmarks=POINTS)]),
        frame_result(2, 60.03, [result(smile, confidence=0.5), result(smile, face_id=1)]),
        frame_result(3, 3661.0, [result(smile, face_id=1)], lost=(0,)),
    ]


@pytest.mark.parametrize(("version", "header"), [(1, VERSION_1), (2, VERSION_2)])
def test_the_headers_are_the_published_ones(version: int, header: str) -> None:
    assert text(PyFeat(version), []) == header + "\n"
    assert text(PyFeat(version, pictures=True), []) == header.replace("approx_time,", "") + "\n"


def test_the_names_of_the_dialects_say_the_version() -> None:
    assert TABLE_FORMATS["pyfeat"] == PyFeat(version=1)
    assert TABLE_FORMATS["pyfeat2"] == PyFeat(version=2)
    assert PyFeat(2).for_pictures() == PyFeat(2, pictures=True)
    # 694 is the width that Py-Feat itself expects of a table of pictures.
    assert len(PyFeat(1, pictures=True).columns()) == 694
    with pytest.raises(ConfigError, match="versions 1 and 2, not 3"):
        PyFeat(3)


def described(csv: str) -> pd.DataFrame:
    """A reader as the documentation describes the format."""
    table = pd.read_csv(io.StringIO(csv))
    aus = [name for name in table.columns if name.startswith("AU")]
    assert len(aus) == 20
    assert table[aus].stack().dropna().between(0, 1).all()
    assert table["FaceScore"].dropna().between(0, 1).all()
    assert table["frame"].dtype == np.int64
    assert table["frame"].min() >= 0
    numbers = table.drop(columns=["input", "Identity", "approx_time"], errors="ignore")
    assert all(map(pd.api.types.is_numeric_dtype, numbers.dtypes))
    return table


@pytest.mark.parametrize("version", [1, 2])
def test_a_reader_written_from_the_description_accepts_it(version: int) -> None:
    table = described(text(PyFeat(version), clip()))
    assert table["frame"].tolist() == [0, 1, 2, 2, 3, 3]
    assert table["input"].unique().tolist() == ["clip, one.mp4"]
    assert table["approx_time"].tolist() == ["00:00", "00:59", "01:00", "01:00", "61:01", "61:01"]
    assert table["Identity"].tolist()[1:] == ["Person_0", "Person_0", "Person_1", "Person_0", "Person_1"]
    assert table["FaceRectX"].isna().tolist() == [True, False, False, False, True, False]
    assert table["FrameHeight"].tolist() == [90.0] * 6
    assert table["FrameWidth"].tolist() == [120.0] * 6
    seen = table.iloc[1]
    assert seen[["FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight"]].tolist() == [10, 20, 30.5, 60]
    assert (seen["FaceScore"], seen["AU01"], seen["AU12"]) == (1, 0.25, 0.123457)
    np.testing.assert_allclose(seen[[f"x_{i}" for i in range(68)]].astype(float), POINTS[:, 0])
    np.testing.assert_allclose(seen[[f"y_{i}" for i in range(68)]].astype(float), POINTS[:, 1])
    told = {"FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight", "FaceScore", "AU01", "AU12"}
    told |= {f"{axis}_{i}" for axis in "xy" for i in range(68)}
    told |= {"FrameHeight", "FrameWidth", "input", "frame", "approx_time", "Identity"}
    assert set(seen.dropna().index) == told
    assert set(table.iloc[0].dropna().index) == {
        "FrameHeight", "FrameWidth", "input", "frame", "approx_time",
    }  # fmt: skip


def test_aus_without_a_place_are_named() -> None:
    assert PyFeat().left_out(RENDERS) == ("AU18", "AU22", "AU27")


@pytest.mark.parametrize("version", [1, 2])
def test_what_we_write_we_read(tmp_path: Path, version: int) -> None:
    path = tmp_path / "results.csv"
    path.write_text(text(PyFeat(version), clip()))
    table = read_table(path)
    assert table["file"].unique().tolist() == ["clip, one.mp4"]
    assert table["frame"].tolist() == [0, 1, 2, 2, 3, 3]
    assert table["face_id"].fillna(-1).tolist() == [-1, 0, 0, 1, 0, 1]
    assert table["success"].tolist() == [0, 1, 1, 1, 0, 1]
    assert table["AU12_p"].fillna(-1).tolist() == [-1, *[0.123457] * 3, -1, 0.123457]
    assert table["AU12_c"].isna().all()
    assert table.loc[1, ["box_x", "box_y", "box_w", "box_h"]].tolist() == [10, 20, 30.5, 60]
    assert table["time"].isna().all()
    assert read_table(path, rate=25)["time"].tolist() == [0, 0.04, 0.08, 0.08, 0.12, 0.12]
    with pytest.raises(ConfigError, match="a frame rate must be above 0, got 0"):
        read_table(path, rate=0)


@pytest.mark.parametrize("version", [1, 2])
def test_poses_are_pyfeats_and_come_back(tmp_path: Path, version: int) -> None:
    """Radians; up, to the subject's right and tilted to the subject's right are above 0."""
    poses = [HeadPose(*angles, np.array([0, 0, 500])) for angles in ((-10, 0, 0), (0, -20, 0), (5, 6, 170))]
    path = tmp_path / "results.csv"
    path.write_text(
        text(PyFeat(version), [frame_result(i, 0.0, [result(pose=one)]) for i, one in enumerate(poses)])
    )
    theirs = pd.read_csv(path)[["Pitch", "Yaw", "Roll", "X", "Y", "Z"]]
    np.testing.assert_allclose(
        theirs.iloc[:, :3], np.radians([[10, 0, 0], [0, 20, 0], [-5, -6, 170]]), atol=1e-6
    )
    assert theirs[["X", "Y", "Z"]].isna().all(axis=None)
    ours = read_table(path)
    np.testing.assert_allclose(
        ours[["pose_pitch", "pose_yaw", "pose_roll"]], [pose.angles for pose in poses], atol=2e-4
    )
    assert ours["pose_distance"].isna().all()


def test_poses_of_earlier_releases_are_not_read(tmp_path: Path) -> None:
    """Before 2.0 they were in degrees, or in radians of other signs; such tables have no `gaze_pitch`."""
    row = "1,2,3,4,0.9,0.1,0.2,a.mp4,0,{},0.1,0.2\n"
    old = foreign(tmp_path, f"{OLD},Pitch,Roll,Yaw\n{row.format(12.5)}")
    assert old[["pose_pitch", "pose_yaw", "pose_roll"]].isna().all(axis=None)
    new = foreign(tmp_path, f"{OLD},Pitch,Roll,Yaw,gaze_pitch\n{row.format(2.5)[:-1]},0\n")
    assert new["pose_pitch"].between(-90, 90).all()  # 143 degrees up is upside down


def test_pictures_do_not_say_who_is_who(tmp_path: Path) -> None:
    """The largest face of each picture is 0 with us, but `Identity` would make one person of them all."""
    pictures = [
        frame_result(0, float("nan"), [result(), result(face_id=1)]),
        frame_result(1, float("nan"), [result()]),
    ]
    told = text(PyFeat(pictures=True), pictures)
    assert described(told)["Identity"].isna().all()
    (tmp_path / "a.csv").write_text(told)
    assert read_table(tmp_path / "a.csv")["face_id"].tolist() == [0, 1, 0]


def foreign(tmp_path: Path, text: str) -> pd.DataFrame:
    path = tmp_path / "other.csv"
    path.write_text(text)
    return read_table(path)


OLD = "FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,AU01,AU12,input,frame"


def test_old_tables_without_identities(tmp_path: Path) -> None:
    """Ids are places within a frame then; a row without a face has none."""
    table = foreign(
        tmp_path,
        f"{OLD}\n1,2,3,4,0.9,0.1,0.2,a.mp4,0\n,,,,0.0,,,a.mp4,1\n1,2,3,4,0.9,1,0,a.mp4,2\n1,2,3,4,1,0,1,a.mp4,2\n",
    )
    assert table["face_id"].fillna(-1).tolist() == [0, -1, 0, 1]
    assert table["success"].tolist() == [1, 0, 1, 1]
    assert table["AU1_p"].fillna(-1).tolist() == [0.1, -1, 1, 0]
    assert table["confidence"].isna().tolist() == [False, True, False, False]


def test_identities_by_name(tmp_path: Path) -> None:
    rows = "\n".join(f"1,2,3,4,0.9,0.1,0.2,a.mp4,{i},{name}" for i, name in enumerate(["Ann", "Bob", "Ann"]))
    table = foreign(tmp_path, f"{OLD},Identity\n{rows}\n")
    assert table["face_id"].tolist() == [0, 1, 0]


def test_a_table_written_with_its_index(tmp_path: Path) -> None:
    table = foreign(tmp_path, f",{OLD}\n0,1,2,3,4,0.9,0.1,0.2,a.mp4,0\n")
    assert table["AU12_p"].tolist() == [0.2]


def test_broken_rows_are_named_by_their_line(tmp_path: Path) -> None:
    good = "1,2,3,4,0.9,0.1,0.2,a.mp4,0\n"
    with pytest.raises(InputError, match=r"other\.csv, line 3: 2 fields, but the header names 9 columns"):
        foreign(tmp_path, f"{OLD}\n{good}1,2\n")
    with pytest.raises(InputError, match=r"other\.csv, line 3: AU12 must be a number, found 'high'"):
        foreign(tmp_path, f"{OLD}\n{good}1,2,3,4,0.9,0.1,high,a.mp4,0\n")


def test_columns_that_only_look_like_aus(tmp_path: Path) -> None:
    row = "1,2,3,4,0.9,0.1,0.2,a.mp4,0,0.5,0.5,0.5"
    table = foreign(tmp_path, f"{OLD},AU\u00b2,AU\u0663,AU0\n{row}\n")
    assert [name for name in table if name.endswith("_p")][::3] == ["AU1_p", "AU12_p"]
    with pytest.raises(InputError, match=r"other\.csv: its header names one AU twice, AU012 and AU12"):
        foreign(tmp_path, f"{OLD},AU012\n1,2,3,4,0.9,0.1,0.2,a.mp4,0,0.5\n")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("1,2,3,4,0.9,0.1,5,a.mp4,0,Person_0", "AU12 must be a number from 0 to 1, found '5.0'"),
        ("inf,2,3,4,0.9,0.1,0,a.mp4,0,Person_0", "FaceRectX must be a finite number, found 'inf'"),
        ("1,2,3,4,0.9,0.1,0,a.mp4,1e19,Person_0", "frame must be a whole number from 0 to"),
        (f"1,2,3,4,0.9,0.1,0,a.mp4,0,Person_{'9' * 20}", "Identity must be a whole number from 0 to"),
    ],
)
def test_numbers_out_of_range_are_refused(tmp_path: Path, row: str, says: str) -> None:
    with pytest.raises(InputError, match=f"line 2: {says}"):
        foreign(tmp_path, f"{OLD},Identity\n{row}\n")
