"""Events: by hand, and against a plain loop on random data."""

import math

import numpy as np
import pandas as pd
import pytest

from aulens.errors import ConfigError, InputError
from aulens.tables.events import events
from aulens.tables.schema import EVENT_TYPES
from aulens.tables.smooth import smooth
from made_tables import NAN, clip, random_table

EXACT = {"merge_gap": 0.0, "min_duration": 0.0}


def spans(found: pd.DataFrame) -> list[tuple[float, float]]:
    return list(zip(found["onset"], found["offset"], strict=True))


def test_one_event_by_hand() -> None:
    """10 frames a second; present in frames 2 to 4, strongest in 3."""
    (row,) = events(clip([0.1, 0.1, 0.6, 0.9, 0.8, 0.2]), **EXACT).to_dict("records")
    assert row == {
        "file": "a.mp4", "face_id": 0, "au": "AU12",
        "onset": 0.2, "apex": 0.3, "offset": 0.5, "duration": 0.3,
        "onset_frame": 2, "apex_frame": 3, "offset_frame": 4,
        "peak_p": 0.9, "mean_p": 0.766667, "side": row["side"],
        "open_start": False, "open_end": False, "unseen": 0.0, "per_minute": 100.0,
    }  # fmt: skip
    assert pd.isna(row["side"])


def test_an_au_without_sides_needs_no_threshold() -> None:
    """As AU45 of OpenFace, which no model of ours has."""
    table = clip([0.1, 0.9, 0.9, 0.1]).assign(AU45_c=[0, 1, 1, 0])
    for sides in ({}, {"AU45_left_p": NAN, "AU45_right_p": NAN}):
        found = events(table.assign(**sides), thresholds={"AU12": 0.5}, **EXACT)
        assert found["au"].tolist() == ["AU12", "AU45"]
        assert found["side"].isna().all()
    with pytest.raises(ConfigError, match="no threshold is given for AU45"):
        events(table.assign(AU45_left_p=0.9, AU45_right_p=0.9), thresholds={"AU12": 0.5}, **EXACT)


def test_columns_and_types_are_as_promised_also_without_events() -> None:
    for found in (events(clip([0.9])), events(clip([0.1])), events(clip([]))):
        assert {name: str(kind) for name, kind in found.dtypes.items()} == EVENT_TYPES
        assert list(found.columns) == list(EVENT_TYPES)


def test_the_last_frame_lasts_as_long_as_most() -> None:
    times = [0.0, 0.1, 0.2, 0.5, 0.6]
    found = events(clip([0.1, 0.1, 0.9, 0.9, 0.9], times=times), **EXACT)
    assert spans(found) == [(0.2, 0.7)]
    assert spans(events(clip([0.1, 0.9, 0.1, 0.1, 0.1], times=[0.0, 0.1, 0.4, 0.5, 0.6]), **EXACT)) == [
        (0.1, 0.4)
    ]
    assert spans(events(clip([0.9]), **EXACT)) == [(0.0, 0.0)]


def test_a_frame_ends_when_another_persons_row_says_so() -> None:
    """Frame 2 of person 0 is her last; person 1 stays: the clip goes on at 0.3 s, but not for her."""
    table = pd.concat([clip([0.1, 0.9, 0.9, NAN]), clip([0.1] * 4, face_id=1)], ignore_index=True)
    table = table[(table["success"] == 1)]
    found = events(table, **EXACT)
    assert spans(found) == [(0.1, 0.3)]
    assert found["open_end"].tolist() == [True]


def test_rows_that_are_missing_are_no_time_in_which_the_au_was_there() -> None:
    table = clip([0.1, 0.9, 0.9, 0.1, 0.1, 0.1, 0.9, 0.9]).drop(index=[3, 4, 5])
    assert spans(events(table, max_gap=0.1, **EXACT)) == [(0.1, 0.3), (0.6, 0.8)]


def test_an_event_does_not_end_after_the_next_frame_begins() -> None:
    """Frame 4 is missing; frame 3 would last 0.1 s like most, but frame 5 begins after 0.05 s."""
    times = [0, 0.1, 0.2, 0.3, 0.35, 0.45, 0.55]
    table = clip([0.1, 0.1, 0.9, 0.9, 0.1, 0.1, 0.1], times=times).assign(frame=[0, 1, 2, 3, 5, 6, 7])
    assert spans(events(table, **EXACT)) == [(0.2, 0.35)]
    # Also where a time has more digits than ours.
    times[4] = 0.3 + 1 / 3e6
    table = table.assign(time=times)
    assert events(table, **EXACT)["offset"].item() <= times[4]
    assert events(table.assign(frame=range(7)), **EXACT)["offset"].item() == times[4]


def test_a_person_has_one_row_in_a_frame() -> None:
    """A table joined with itself would have each event, twice as weighty."""
    table = pd.concat([clip([0.1, 0.9, 0.9, 0.1]), clip([0.1, 0.9, 0.9], file="b.mp4")], ignore_index=True)
    assert len(events(table)) == 2
    twice = pd.concat([table, table[table["file"] == "b.mp4"].iloc[1:]], ignore_index=True)
    for follows in (events, lambda table: smooth(table, thresholds=0.5)):
        with pytest.raises(
            InputError, match=r"b\.mp4: frame 1 has more than one row of person 0 \(row 7 is the second\)"
        ):
            follows(twice)
    # Nobody is no person: rows of a frame without anybody are not looked at.
    nobody = clip([NAN, NAN, 0.9]).assign(face_id=pd.array([None, None, 0], "Int64"), frame=[0, 0, 1])
    assert len(events(nobody, **EXACT)) == 1


def test_frames_that_were_left_out_on_purpose_are() -> None:
    """Every second frame: each stands for two."""
    table = clip([0.1, 0.9, 0.9, 0.1]).assign(frame=[0, 2, 4, 6], time=[0.0, 0.2, 0.4, 0.6])
    assert spans(events(table, **EXACT)) == [(0.2, 0.6)]


def test_short_pauses_merge_and_short_events_are_left_out() -> None:
    table = clip([0.1, 0.9, 0.1, 0.9, 0.1, 0.1, 0.9, 0.1])
    assert spans(events(table, **EXACT)) == [(0.1, 0.2), (0.3, 0.4), (0.6, 0.7)]
    # Pauses of 0.1 and 0.2 s: "shorter than" leaves one of just that length.
    assert len(events(table, merge_gap=0.1, min_duration=0)) == 3
    assert spans(events(table, merge_gap=0.11, min_duration=0)) == [(0.1, 0.4), (0.6, 0.7)]
    assert spans(events(table, merge_gap=0.21, min_duration=0)) == [(0.1, 0.7)]
    assert len(events(table, merge_gap=0, min_duration=0.1)) == 3
    assert spans(events(table, merge_gap=0.11, min_duration=0.11)) == [(0.1, 0.4)]


def test_the_mean_is_over_the_pause_too() -> None:
    (row,) = events(clip([0.1, 0.8, 0.2, 0.8, 0.1]), merge_gap=0.2, min_duration=0).to_dict("records")
    assert row["mean_p"] == 0.6
    assert (row["apex"], row["peak_p"]) == (0.1, 0.8)


def test_a_face_lost_for_longer_than_the_gap_ends_an_event() -> None:
    table = clip([0.1, 0.9, NAN, NAN, 0.9, 0.1])
    joined = events(table, max_gap=0.2, **EXACT)
    assert spans(joined) == [(0.1, 0.5)]
    assert joined["unseen"].tolist() == pytest.approx([0.2])
    assert joined[["open_start", "open_end"]].to_numpy().tolist() == [[False, False]]
    for merge in (0.0, 9.0):
        apart = events(table, max_gap=0.19, merge_gap=merge, min_duration=0)
        assert spans(apart) == [(0.1, 0.2), (0.4, 0.5)]
        assert apart["unseen"].tolist() == [0, 0]
        assert apart[["open_start", "open_end"]].to_numpy().tolist() == [[False, True], [True, False]]


def test_the_clips_ends_leave_events_open() -> None:
    found = events(clip([0.9, 0.1, 0.1, 0.1, 0.9]), **EXACT)
    assert found[["open_start", "open_end"]].to_numpy().tolist() == [[True, False], [False, True]]


def test_sides_by_the_mean_of_each() -> None:
    table = clip([0.1, 0.9, 0.9, 0.1])
    for left, right, side in (
        (0.9, 0.1, "left"),
        (0.1, 0.9, "right"),
        (0.9, 0.6, "both"),
        (0.4, 0.3, "left"),
    ):
        told = table.assign(AU12_left_p=left, AU12_right_p=right)
        assert events(told, thresholds=0.5)["side"].tolist() == [side]
        assert events(told, thresholds={"AU12": 0.5})["side"].tolist() == [side]
        assert events(told)["side"].isna().all()
    assert events(table, thresholds=0.5)["side"].isna().all()


def test_smoothed_columns_are_taken_where_they_are() -> None:
    raw = clip([0.1, 0.9, 0.1, 0.9, 0.9, 0.9, 0.1, 0.1])
    table = smooth(raw, 0.4, thresholds=0.5)
    assert len(events(table, **EXACT)) == 1
    (row,) = events(table, **EXACT).to_dict("records")
    strongest = table["AU12_smooth_p"].idxmax()
    assert (row["apex_frame"], row["peak_p"]) == (strongest, table["AU12_smooth_p"][strongest])
    pd.testing.assert_frame_equal(events(table, smoothed=False), events(raw))
    with pytest.raises(InputError, match="no AU12_smooth_c; smooth it first"):
        events(raw, smoothed=True)


def test_intensities_give_the_apex_where_there_is_no_probability() -> None:
    table = clip([0.1, 0.9, 0.9, 0.1]).assign(AU12_p=NAN)
    (row,) = events(table, **EXACT).to_dict("records")
    assert pd.isna(row["apex"])
    assert pd.isna(row["apex_frame"])
    (row,) = events(table.assign(AU12_i=[0.0, 1.0, 3.0, 4.0]), **EXACT).to_dict("records")
    assert (row["apex"], row["apex_frame"]) == (0.2, 2)
    assert math.isnan(row["peak_p"])


def brute(table: pd.DataFrame, merge: float, least: float, gap: float) -> list[tuple[object, ...]]:
    """Events by walking each person's rows, one AU after the other."""
    found = []
    for file, whole in table.groupby("file"):
        times = np.unique(whole["time"])
        ends = dict(zip(times, [*times[1:], times[-1] + np.median(np.diff(times))], strict=True))
        for face_id, person in whole.groupby("face_id"):
            for label in ("AU1", "AU12"):
                rows = person[(person["success"] == 1) & person[f"{label}_c"].notna()].sort_values("time")
                runs: list[list[tuple[float, float]]] = []
                previous = None
                fresh = True  # nothing to merge with in this stretch
                opened: list[bool] = []
                held: list[tuple[float, float]] = []
                for time, p, c in zip(rows["time"], rows[f"{label}_p"], rows[f"{label}_c"], strict=True):
                    lost = previous is None or time - ends[previous] > gap + 1e-6
                    fresh = fresh or lost
                    if c:
                        pause = None if fresh else time - ends[runs[-1][-1][0]]
                        if not fresh and (pause < merge - 1e-6 or runs[-1][-1][0] == previous):
                            runs[-1] += [*held, (time, p)]
                        else:
                            runs.append([(time, p)])
                            opened.append(lost)
                        fresh, held = False, []
                    elif not fresh:
                        held.append((time, p))
                    previous = time
                for run, start in zip(runs, opened, strict=True):
                    first, last = run[0][0], run[-1][0]
                    if ends[last] - first < least - 1e-6:
                        continue
                    after = rows["time"][rows["time"] > last]
                    end = after.empty or after.iloc[0] - ends[last] > gap + 1e-6
                    shares = [p for _, p in run]
                    found.append(
                        (file, face_id, label, first, run[int(np.argmax(shares))][0], round(ends[last], 6),
                         max(shares), round(float(np.mean(shares)), 5), start, end)
                    )  # fmt: skip
    return sorted(found)


@pytest.mark.parametrize("limits", [(0.0, 0.0, 0.2), (0.2, 0.1, 0.5), (1.0, 0.5, 0.05), (0.05, 0.3, 5.0)])
@pytest.mark.parametrize("seed", [4, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (5, 6))])
def test_random_tables_as_by_a_loop(seed: int, limits: tuple[float, float, float]) -> None:
    merge, least, gap = limits
    table = random_table(seed)
    found = events(table, merge_gap=merge, min_duration=least, max_gap=gap)
    assert len(found) > 3
    names = ["file", "face_id", "au", "onset", "apex", "offset", "peak_p", "mean_p", "open_start", "open_end"]
    found["mean_p"] = found["mean_p"].round(5)
    expected = pd.DataFrame(brute(table, merge, least, gap), columns=names)
    found = found[names].sort_values(names[:4], ignore_index=True)
    pd.testing.assert_frame_equal(found, expected.astype(found.dtypes), atol=2e-5)


def test_events_are_ordered_by_person_onset_and_au() -> None:
    found = events(random_table(7))
    order = found[["file", "face_id", "onset"]].assign(au=found["au"].str[2:].astype(int))
    people = list(dict.fromkeys(zip(order["file"], order["face_id"], strict=True)))
    assert len(people) == 4
    for _, part in order.groupby(["file", "face_id"]):
        assert part["onset"].is_monotonic_increasing


def test_settings_out_of_range_are_said() -> None:
    for name in ("merge_gap", "min_duration", "max_gap"):
        with pytest.raises(ConfigError, match=f"{name} must be seconds, 0 or more"):
            events(clip([0.9]), **{name: -0.1})
    with pytest.raises(ConfigError, match="no threshold is given for AU12"):
        events(clip([0.9]).assign(AU12_left_p=0.9, AU12_right_p=0.1), thresholds={})
