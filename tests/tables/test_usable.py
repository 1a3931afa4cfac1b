"""Faces beyond limits count as not seen, in all that is made of a table."""

import numpy as np
import pandas as pd
import pytest

from aulens.aus import AUSet
from aulens.errors import ConfigError, InputError
from aulens.pose import HeadPose
from aulens.tables.clip import read_clip
from aulens.tables.cooccurrence import cooccurrence
from aulens.tables.events import events
from aulens.tables.schema import au_of, rows_of, to_frame
from aulens.tables.smooth import smooth
from aulens.tables.usable import Limits, left_out_text
from face_results import result
from made_tables import clip


def turned() -> pd.DataFrame:
    """Ten frames with AU1 throughout; turned away in the middle, badly seen at the end, pose unknown once."""
    table = clip([0.9] * 10, label="AU1")
    table["pose_yaw"] = [0.0, 30, -30, -31, 50, -50, 0, 0, np.nan, 0]
    table["pose_pitch"] = [0.0, 10, 0, 0, 0, 0, -25, 0, 0, 0]
    table["quality"] = [0.9] * 7 + [0.3, 0.9, 0.2]
    return table


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        ({}, range(10)),
        ({"max_yaw": 30}, [0, 1, 2, 6, 7, 9]),
        ({"max_pitch": 20}, [0, 1, 2, 3, 4, 5, 7, 8, 9]),
        ({"min_quality": 0.3}, range(9)),
        ({"max_yaw": 30, "max_pitch": 5, "min_quality": 0.5}, [0, 2]),
        ({"max_yaw": 180}, [0, 1, 2, 3, 4, 5, 6, 7, 9]),
    ],
)
def test_rows_beyond_the_limits_are_as_if_the_face_had_been_lost(limits: dict, kept: list[int]) -> None:
    table = turned()
    before = table.copy()
    found = Limits(**limits).usable(table)
    pd.testing.assert_frame_equal(table, before)
    assert np.flatnonzero(found["success"] == 1).tolist() == list(kept)
    scores = [name for name in found if au_of(name)]
    assert found[scores].notna().any(axis=1).tolist() == (found["success"] == 1).tolist()
    about = [name for name in found if not au_of(name) and name != "success"]
    pd.testing.assert_frame_equal(found[about], table[about])
    assert found.dtypes.equals(table.dtypes)


def test_all_that_is_made_of_a_table_leaves_them_out() -> None:
    found = Limits(max_yaw=30).usable(turned())
    runs = events(found, max_gap=0, merge_gap=0, min_duration=0)
    assert runs["onset_frame"].tolist() == [0, 6, 9]
    assert runs["offset_frame"].tolist() == [2, 7, 9]
    assert cooccurrence(found).counts.loc["AU1", "AU1"] == 6
    (track,) = read_clip(found, ["AU1"]).tracks
    assert track.seen.sum() == 6
    assert track.time_seen == pytest.approx(0.6)
    smoothed = smooth(found, 0.2, thresholds=0.5)
    assert smoothed["AU1_smooth_p"].notna().tolist() == (found["success"] == 1).tolist()


def test_what_is_left_out_does_not_leak_into_its_neighbours() -> None:
    table = turned()
    table.loc[[3, 4, 5], "AU1_p"] = 0.01
    clean = smooth(Limits(max_yaw=30).usable(table), 0.4, thresholds=0.5)
    np.testing.assert_allclose(clean["AU1_smooth_p"].dropna(), 0.9, atol=1e-6)
    assert smooth(table, 0.4, thresholds=0.5)["AU1_smooth_p"][2] < 0.8


@pytest.mark.parametrize(
    "limits",
    [Limits(), Limits(max_yaw=30), Limits(max_pitch=20), Limits(min_quality=0.5), Limits(max_yaw=180)],
)
def test_a_face_counts_in_printed_rows_as_it_does_in_tables(limits: Limits) -> None:
    """One rule: what has a limit must be known."""
    angles = [(0.0, 0.0), (20, 30), (20.5, -30.5), None]
    faces = [
        result(quality=quality, pose=turned and HeadPose(*turned, 0.0, np.array([0.0, 0, 500])))
        for turned in angles
        for quality in (0.5, 0.4, np.nan)
    ]
    aus = AUSet("made", (1, 12))
    rows = [row for face in faces for row in rows_of("a.mp4", [face], aus, frame=0, time=0.0)]
    table = limits.usable(to_frame(rows, aus))
    assert [limits.counts(face) for face in faces] == (table["success"] == 1).tolist()


def test_a_face_of_unknown_quality_or_pose_is_left_out_by_their_limits() -> None:
    unknown = result()
    assert Limits().counts(unknown)
    assert not Limits(min_quality=0.1).counts(unknown)
    assert not Limits(max_yaw=180).counts(unknown)
    assert not Limits(max_pitch=90).counts(unknown)


def test_how_many_are_left_out_is_said() -> None:
    limits = Limits(max_yaw=30, min_quality=0.25)
    assert left_out_text(turned(), limits.usable(turned()), limits) == (
        "5 of 10 rows with a face are left out (turned by more than 30°, or of a quality below 0.25)"
    )
    assert str(Limits(max_pitch=12.5)) == "up or down by more than 12.5°"
    assert not Limits()
    assert Limits(max_yaw=0)


@pytest.mark.parametrize("column", ["pose_yaw", "quality"])
def test_a_table_without_the_column_is_refused(column: str) -> None:
    """Of an earlier version: all rows would be left out, or none, and neither was asked for."""
    limits = {"max_yaw": 30} if column == "pose_yaw" else {"min_quality": 0.5}
    for table in (turned().drop(columns=[column]), turned().assign(**{column: np.nan})):
        with pytest.raises(InputError, match=f"has no {column} in any row with a face"):
            Limits(**limits).usable(table)
    nobody = turned().assign(**{column: np.nan, "success": 0})
    assert (Limits(**limits).usable(nobody)["success"] == 0).all()


@pytest.mark.parametrize(
    "limits",
    [{"max_yaw": -1}, {"max_yaw": 181}, {"max_pitch": 91}, {"min_quality": 2}, {"min_quality": float("nan")}],
)
def test_limits_out_of_range_are_refused(limits: dict) -> None:
    with pytest.raises(ConfigError, match=r"must be (degrees|a share) from 0 to (180|90|1) "):
        Limits(**limits).usable(turned())
