"""Blinks: known closures in made-up signals come out as they were put in."""

import math

import numpy as np
import pandas as pd
import pytest

from aulens.tables.blinks import blink_rates
from aulens.tables.events import events
from made_tables import NAN, clip

THRESHOLDS = {"AU43": 0.4, "AU12": 0.5}


def eyes(
    closures: list[tuple[float, float]], times: np.ndarray, *, one: bool = False, lost: list = (), **more
) -> pd.DataFrame:
    """Eyes that are closed from, to (seconds); `one`: only the left; lost from, to."""

    def within(spans: list[tuple[float, float]]) -> np.ndarray:
        return np.any([(times >= a - 1e-9) & (times < b - 1e-9) for a, b in spans] or [times < -1], axis=0)

    p = np.where(within(closures), 0.9, 0.05)
    p[within(lost)] = NAN
    table = clip(p, times=np.round(times, 6), label="AU43", threshold=0.4, **more)
    other = np.where(np.isnan(p), NAN, 0.05) if one else p
    return table.assign(AU43_left_p=p, AU43_right_p=other)


def blinks(table: pd.DataFrame, **more) -> list[tuple[float, float]]:
    found = events(table, thresholds=THRESHOLDS, **more)
    found = found[found["au"] == "AU45"]
    return list(zip(found["onset"].round(6), found["offset"].round(6), strict=True))


STEADY = np.arange(0, 20, 0.04)


def test_closures_of_at_most_half_a_second_are_blinks_and_longer_ones_are_not() -> None:
    table = eyes([(1, 1.2), (3, 3.48), (5, 5.5), (8, 9)], STEADY)
    assert blinks(table) == [(1.0, 1.2), (3.0, 3.48)]
    found = events(table, thresholds=THRESHOLDS)
    shut = found[found["au"] == "AU43"]
    assert shut["onset"].tolist() == [5.0, 8.0]  # 13 frames are 0.52 s
    assert found["onset"].is_monotonic_increasing
    row = found.iloc[0]
    assert (row["au"], row["side"], row["peak_p"], row["onset_frame"]) == ("AU45", "both", 0.9, 25)


def test_the_rate_is_of_the_time_in_which_the_face_is_seen() -> None:
    table = eyes([(1, 1.2), (2, 2.2), (4, 4.2), (18, 18.2)], STEADY, lost=[(5, 15)])
    (rate,) = blink_rates(table, events(table, thresholds=THRESHOLDS)).to_dict("records")
    assert (rate["file"], rate["face_id"], rate["blinks"]) == ("a.mp4", 0, 4)
    assert rate["per_minute"] == pytest.approx(4 / (10 / 60))
    found = events(table, thresholds=THRESHOLDS)
    np.testing.assert_allclose(found["per_minute"], 24)
    still = eyes([], STEADY)
    assert blink_rates(still, events(still, thresholds=THRESHOLDS))["per_minute"].tolist() == [0.0]


def test_frames_without_the_face_are_neither_open_nor_closed() -> None:
    """Closed when lost: how long is not known. Lost for a frame or two within a closure: it is one."""
    assert blinks(eyes([(1, 1.2)], STEADY, lost=[(1.12, 3)])) == []
    assert blinks(eyes([(1, 1.2)], STEADY, lost=[(0.2, 1.04)])) == []
    assert blinks(eyes([(1, 1.2)], STEADY, lost=[(1.08, 1.12)])) == [(1.0, 1.2)]
    assert blinks(eyes([(0, 0.2)], STEADY)) == []
    assert blinks(eyes([(19.8, 20)], STEADY)) == []
    # They stay as they were: eyes closed.
    table = eyes([(1, 1.2)], STEADY, lost=[(1.12, 3)])
    assert events(table, thresholds=THRESHOLDS)["au"].tolist() == ["AU43"]


def test_a_wink_is_no_blink() -> None:
    table = eyes([(1, 1.2), (3, 3.2)], STEADY, one=True)
    found = events(table, thresholds=THRESHOLDS)
    assert found["au"].tolist() == ["AU43"] * 2
    assert found["side"].tolist() == ["left"] * 2
    # A model that tells no sides can't know.
    table = table.assign(AU43_left_p=NAN, AU43_right_p=NAN)
    assert events(table, thresholds=THRESHOLDS)["au"].tolist() == ["AU45"] * 2
    assert events(table, thresholds=THRESHOLDS)["side"].isna().all()


def test_a_blink_within_a_wink_leaves_the_wink() -> None:
    table = eyes([(2, 5)], STEADY, one=True)
    both = (STEADY >= 3 - 1e-9) & (STEADY < 3.2 - 1e-9)
    table.loc[both, "AU43_right_p"] = 0.9
    found = events(table, thresholds=THRESHOLDS)
    assert found[["au", "onset", "offset"]].to_numpy().tolist() == [["AU43", 2.0, 5.0], ["AU45", 3.0, 3.2]]


def test_two_blinks_in_a_row_are_two_though_events_close_the_gap() -> None:
    table = eyes([(1, 1.2), (1.36, 1.6), (5, 5.2), (5.36, 6.2)], STEADY)
    assert events(table)["onset"].tolist() == [1.0, 5.0]
    found = events(table, thresholds=THRESHOLDS)
    assert found["au"].tolist() == ["AU45", "AU45", "AU43", "AU45"]


def test_lids_that_waver_about_the_threshold_blink_once() -> None:
    p = np.full(100, 0.05)
    p[10:16] = [0.5, 0.35, 0.45, 0.33, 0.6, 0.1]
    table = clip(p, rate=50, label="AU43", threshold=0.4)
    assert blinks(table) == [(0.2, 0.3)]
    p[50] = 0.9  # one frame of 20 ms is no blink
    assert blinks(clip(p, rate=50, label="AU43", threshold=0.4)) == [(0.2, 0.3)]


@pytest.mark.parametrize("seed", range(5))
def test_uneven_frames_count_by_their_own_time_stamps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.choice([1 / 60, 1 / 30, 1 / 24, 1 / 15], 4000))
    starts = np.arange(2, times[-1] - 3, 2.5)
    put = list(zip(starts, starts + rng.uniform(0.15, 0.4, len(starts)), strict=True))
    table = eyes(put, times)
    found = blinks(table)
    assert len(found) == len(put)
    for (onset, offset), (a, b) in zip(found, put, strict=True):
        assert 0 <= onset - a < 1 / 15 + 1e-5
        assert -1e-5 <= offset - b < 1 / 15 + 1e-5
    (rate,) = blink_rates(table, events(table, thresholds=THRESHOLDS))["per_minute"]
    assert rate == pytest.approx(60 * len(put) / (times[-1] - times[0]), rel=1e-3)


@pytest.mark.parametrize(("rate", "told"), [(10, True), (9.5, False), (5, False)])
def test_too_few_frames_a_second_tell_no_blinks(rate: float, told: bool) -> None:
    times = np.arange(0, 20, 1 / rate)
    table = eyes([(times[30], times[32])], times)
    found = events(table, thresholds=THRESHOLDS)
    assert found["au"].tolist() == ["AU45" if told else "AU43"]
    (per_minute,) = blink_rates(table, found)["per_minute"]
    assert math.isnan(per_minute) != told


def test_people_and_files_are_apart() -> None:
    table = pd.concat(
        [
            eyes([(1, 1.2)], STEADY),
            eyes([(1.04, 1.2), (4, 5)], STEADY, face_id=1),
            eyes([(1, 1.2)], np.arange(0, 20, 0.2), file="b.mp4"),
        ],
        ignore_index=True,
    )
    found = events(table, thresholds=THRESHOLDS)
    assert list(zip(found["file"], found["face_id"], found["au"], strict=True)) == [
        ("a.mp4", 0, "AU45"), ("a.mp4", 1, "AU45"), ("a.mp4", 1, "AU43"), ("b.mp4", 0, "AU43"),
    ]  # fmt: skip
    rates = blink_rates(table, found)
    assert rates["blinks"].tolist()[:2] == [1, 1]
    assert rates["per_minute"].isna().tolist() == [False, False, True]


def test_who_has_an_au45_or_no_threshold_is_left_alone() -> None:
    table = eyes([(1, 1.2)], STEADY)
    assert events(table)["au"].tolist() == ["AU43"]
    assert events(table, thresholds=THRESHOLDS, smoothed=False)["au"].tolist() == ["AU45"]
    own = table.assign(AU45_p=0.1, AU45_c=0)
    assert events(own, thresholds=THRESHOLDS | {"AU45": 0.5})["au"].tolist() == ["AU43"]
    smiling = clip([0.1, 0.9, 0.9, 0.1])
    found = events(smiling, thresholds=THRESHOLDS)
    assert blink_rates(smiling, found)["per_minute"].isna().all()
