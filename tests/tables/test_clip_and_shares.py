"""Tables as arrays; shares of time and their intervals."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from aulens.errors import ConfigError, InputError
from aulens.tables.clip import Track, read_clip
from aulens.tables.events import events
from aulens.tables.shares import shares
from clips import LABELS, lose, person


def test_a_track_begins_when_a_person_is_seen_and_has_the_tables_numbers() -> None:
    table = pd.concat([person(0, range(50)), person(1, range(20, 50))])
    clip = read_clip(table.sample(frac=1, random_state=1), LABELS)
    assert [track.face_id for track in clip.tracks] == [0, 1]
    late = clip.track(1)
    assert (late.start, late.end) == (0.8, 2.0)
    own = table[table["face_id"] == 1]
    np.testing.assert_allclose(late.probability[:, 2], own["AU12_p"].to_numpy(float), atol=1e-6)
    np.testing.assert_array_equal(late.present[:, 3], own["AU25_c"].to_numpy() == 1)
    assert late.right is not None
    np.testing.assert_allclose(late.right[:, 0], own["AU1_right_p"].to_numpy(float), atol=1e-6)
    assert late.seen.all()
    assert clip.nobody() == 0


def test_frames_without_the_face_are_empty_whether_told_or_missing() -> None:
    told = lose(person(0, range(100)), 40, 60)
    missing = pd.concat([person(0, [*range(40), *range(60, 100)]), person(1, range(100))])
    for table in (told, missing):
        track = read_clip(table, LABELS).track(0)
        np.testing.assert_array_equal(np.flatnonzero(~track.seen), np.arange(40, 60))
        assert np.isnan(track.probability[40:60]).all()
        assert not track.present[40:60].any()
        assert track.lost() == [(1.6, 2.4)]
    assert read_clip(told, LABELS).nobody() == pytest.approx(0.2)
    assert read_clip(missing, LABELS).nobody() == 0


def test_frames_that_the_whole_table_lacks_count_as_lost_not_as_seen_for_longer() -> None:
    table = person(0, [*range(0, 100, 2), *range(200, 300, 2)])  # every second frame, and a damaged stretch
    clip = read_clip(table, LABELS)
    track = clip.track(0)
    assert track.lost() == [(4.0, 8.0)]
    assert track.lasts[track.seen].sum() == pytest.approx(8.0)
    assert clip.nobody() == pytest.approx(4 / 12)


def test_a_person_who_is_never_seen_has_no_track_and_rows_of_nobody_are_none() -> None:
    table = lose(person(3, range(10)), 0, 10)
    table.loc[0, "face_id"] = pd.NA
    clip = read_clip(table, LABELS)
    assert clip.tracks == ()
    assert clip.nobody() == 1
    with pytest.raises(InputError, match="no person 3; it has nobody"):
        clip.track(3)


def test_a_clip_without_time_stamps_counts_frames() -> None:
    table = person(0, range(5, 15)).assign(time=np.nan)
    clip = read_clip(table, LABELS)
    assert not clip.timed
    assert (clip.track(0).start, clip.end) == (5.0, 15.0)


def test_frames_of_a_variable_rate_last_until_the_next() -> None:
    table = person(0, range(4)).assign(time=[0.0, 0.1, 0.5, 0.6])
    np.testing.assert_allclose(read_clip(table, LABELS).track(0).lasts, [0.1, 0.4, 0.1, 0.1])


def test_a_frame_lasts_as_long_here_as_in_events() -> None:
    """Uneven times and missing frames: the presence that shares count is that of the events, to the digit."""
    rng = np.random.default_rng(5)
    for _ in range(6):
        frames = np.flatnonzero(rng.random(80) < 0.8)
        times = np.round(np.cumsum(rng.choice([0.01, 0.04, 0.04, 0.2], len(frames))), 6)
        table = person(0, frames).assign(time=times, AU6_c=(rng.random(len(frames)) < 0.5).astype(int))
        found = events(table, merge_gap=0, min_duration=0, max_gap=0)
        found = found[found["au"] == "AU6"]
        track = read_clip(table, LABELS).track(0)
        on = track.present[:, LABELS.index("AU6")]
        assert (track.lasts * on).sum() == pytest.approx(found["duration"].sum(), abs=1e-6)
        following = [times[times > onset].min(initial=np.inf) for onset in track.time[on]]
        assert ((track.time + track.lasts)[on] <= np.array(following) + 1e-9).all()
    # No frame is put in where there is no time for it.
    table = person(0, [0, 1, 2, 3, 5, 6, 7]).assign(time=[0, 0.1, 0.2, 0.3, 0.35, 0.45, 0.55])
    track = read_clip(table, LABELS).track(0)
    np.testing.assert_allclose(track.lasts, [0.1, 0.1, 0.1, 0.05, 0.1, 0.1, 0.1])
    assert track.seen.all()


def test_times_that_are_missing_here_and_there_are_as_in_events() -> None:
    table = lose(person(0, range(20)), 5, 7)
    table.loc[5, "time"] = np.nan  # nobody is there: as if the row were missing
    assert read_clip(table, LABELS).track(0).lost() == [(0.2, 0.28)]
    table.loc[10, "time"] = np.nan
    for reads in (events, lambda table: read_clip(table, LABELS)):
        with pytest.raises(InputError, match=r"1 of 18 rows with a face have no frame or no time"):
            reads(table)


def test_smoothed_columns_are_read_where_they_are() -> None:
    table = person(0, range(20))
    for label in LABELS:
        table[f"{label}_smooth_p"], table[f"{label}_smooth_c"] = 0.25, 1
    assert (read_clip(table, LABELS).track(0).probability == 0.25).all()
    assert not (read_clip(table, LABELS, smoothed=False).track(0).probability == 0.25).any()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (person(0, range(3)).drop(columns="AU6_c"), "lacks the columns AU6_c; its Action Units are AU1, AU6"),
        (person(0, range(3)).assign(AU6_c=pd.NA), "AU6_c is empty in 3 of 3 rows with a face"),
        (pd.concat([person(0, range(3)), person(0, range(3), file="other")]), "of 2 clips"),
        (person(0, range(3)).assign(frame=pd.NA), "without a frame number"),
        (person(0, range(3)).assign(time=[0.0, 2.0, 1.0]), "times do not ascend: frame 2 is at 1 s"),
        (pd.concat([person(0, range(3)), person(0, [2])]), "more than one row of person 0"),
        (person(0, range(0)), "of 0 clips"),
    ],
)
def test_tables_that_are_no_clip_are_refused(table: pd.DataFrame, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_clip(table, LABELS)


def test_a_clip_without_action_units_is_refused() -> None:
    with pytest.raises(ConfigError, match="no Action Units are chosen"):
        read_clip(person(0, range(3)), ())


def made(present: np.ndarray, rate: float) -> Track:
    present = present[:, None]
    frame = np.arange(len(present))
    lasts = np.full(len(present), 1 / rate)
    seen, certain = np.ones(len(frame), bool), np.full(len(frame), "")
    return Track(
        0, frame, frame / rate, lasts, present.astype(np.float32), present, None, None, seen, certain
    )


def test_a_share_is_of_the_time_that_was_seen() -> None:
    present = np.array([True, True, False, False, False, False])
    track = made(present, 2.0)
    track.seen[4:] = False
    found = shares(track)
    assert found.value.tolist() == [0.5]
    assert (track.time_seen, track.time_lost) == (2.0, 1.0)
    assert np.isnan(found.low).all()
    # A frame that is shown for longer counts for more.
    longer = dataclasses.replace(track, lasts=np.array([3.0, 1, 1, 1, 1, 1]))
    assert shares(longer).value.tolist() == [4 / 6]


def test_an_interval_needs_five_minutes_and_is_the_same_for_a_seed() -> None:
    rng = np.random.default_rng(0)
    short, long = made(rng.random(5 * 279) < 0.3, 5), made(rng.random(5 * 301) < 0.3, 5)
    assert np.isnan(shares(short).low).all()
    found = shares(long)
    assert found.low[0] < found.value[0] < found.high[0]
    np.testing.assert_array_equal(found.low, shares(long).low)
    assert np.isnan(shares(long, block=np.inf).low).all()


def on_and_off(rng: np.random.Generator, count: int, on: float, off: float) -> np.ndarray:
    """Spells of present and absent, exponential of these mean lengths in frames."""
    spells = rng.exponential(np.tile([on, off], count)).round().astype(int) + 1
    return np.repeat(np.tile([True, False], count), spells)[:count]


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    truth = on_and_off(rng, 400_000, 10, 50).mean()
    hits = 0
    for seed in range(200):
        start = int(rng.integers(50, 500))
        found = shares(made(on_and_off(rng, 3500, 10, 50)[start : start + 3000], 5), draws=300, seed=seed)
        hits += found.low[0] <= truth <= found.high[0]
    # Alike, blocks of one frame give 0.6 and less: neighbours are not independent.
    assert 0.85 <= hits / 200 <= 0.99


def openface(table: pd.DataFrame) -> pd.DataFrame:
    """The table as one of OpenFace reads: presence and intensity, probabilities empty."""
    blank = {f"{label}_{end}": np.nan for label in LABELS for end in ("p", "left_p", "right_p")}
    return table.assign(**blank, AU6_i=table["AU6_p"] * 5)


def test_a_face_without_probabilities_was_seen() -> None:
    table = lose(person(0, range(100)), 40, 60)
    track, due = (read_clip(one, LABELS).track(0) for one in (openface(table), table))
    np.testing.assert_array_equal(track.seen, due.seen)
    assert track.lost() == [(1.6, 2.4)]
    assert (track.curves.any(), due.curves.all()) == (False, True)
    np.testing.assert_array_equal(shares(track).value, shares(due).value)
    without = table.drop(columns=[f"{label}_p" for label in LABELS])
    np.testing.assert_array_equal(read_clip(without, LABELS).track(0).seen, due.seen)


def test_a_clip_knows_its_folder() -> None:
    for file, folder in (
        ("clip.mp4", ""), ("./=1.mp4", ""), ("../a.mp4", ""), ("study/P02/a.mp4", "P02"), ("/a.mp4", ""),
        ("C:\\P03\\a.mp4", "P03"), ("C:\\a.mp4", ""),
    ):  # fmt: skip
        assert read_clip(person(0, range(3), file=file), LABELS).folder == folder
