"""Smoothing: against scipy on even frames, against a loop over pairs on uneven ones."""

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter1d

from aulens.errors import ConfigError, InputError
from aulens.tables.baseline import log_odds
from aulens.tables.smooth import smooth, weighted_means
from made_tables import NAN, clip, random_table

SIGMA_OF_WIDTH = 1 / np.sqrt(8 * np.log(2))


def logit(p: np.ndarray) -> np.ndarray:
    clipped = np.clip(p, 1e-6, 1 - 1e-6)
    return np.log(clipped / (1 - clipped))


def test_even_frames_are_smoothed_as_scipy_does() -> None:
    """Away from the ends a normalised Gaussian is the same; scipy truncates at 3 sigma too."""
    share = np.round(np.random.default_rng(0).uniform(0.01, 0.99, 200), 6)
    window = 0.5
    found = smooth(clip(share, rate=30), window, thresholds=0.5)["AU12_smooth_p"].to_numpy()
    expected = gaussian_filter1d(logit(share), window * SIGMA_OF_WIDTH * 30, truncate=3.0)
    np.testing.assert_allclose(found[30:-30], (1 / (1 + np.exp(-expected)))[30:-30], atol=2e-3)


def brute(table: pd.DataFrame, label: str, window: float, gap: float) -> dict[int, float]:
    """Row of the table to its smoothed probability, by a loop over all pairs of a person's rows."""
    sigma = window * SIGMA_OF_WIDTH
    found = {}
    for (file, _), rows in table.groupby(["file", "face_id"]):
        times = np.unique(table.loc[table["file"] == file, "time"])
        ends = dict(zip(times, [*times[1:], times[-1] + np.median(np.diff(times))], strict=True))
        rows = rows[(rows["success"] == 1) & rows[["AU1_p", "AU12_p"]].notna().any(axis=1)].sort_values(
            "time"
        )
        stretch, previous, number = {}, None, 0
        for row, time in rows["time"].items():
            number += previous is not None and time - ends[previous] > gap + 1e-6
            stretch[row], previous = number, time
        rows = rows[rows[f"{label}_p"].notna()]
        for row, time in rows["time"].items():
            total = weight = 0.0
            for other, when in rows["time"].items():
                if stretch[other] == stretch[row] and abs(when - time) <= 3 * sigma:
                    kernel = np.exp(-((when - time) ** 2) / (2 * sigma**2))
                    total += kernel * logit(rows.at[other, f"{label}_p"])
                    weight += kernel
            found[row] = 1 / (1 + np.exp(-total / weight))
    return found


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_uneven_frames_and_lost_faces_as_by_a_loop(seed: int) -> None:
    table = random_table(seed, frames=120)
    smoothed = smooth(table, 0.3, thresholds=0.5, max_gap=0.2)
    for label in ("AU1", "AU12"):
        expected = pd.Series(brute(table, label, 0.3, 0.2)).reindex(table.index)
        np.testing.assert_allclose(smoothed[f"{label}_smooth_p"], expected, atol=1.5e-6)


@pytest.mark.parametrize("window", [0.5, 20.0, 1e9, 1e300])
def test_wide_windows_are_as_by_pairs(window: float) -> None:
    """Running sums for stretches with many rows in reach, pairs for all others: both say the same."""
    rng = np.random.default_rng(0)
    values, times = rng.normal(0, 4, (900, 3)), np.cumsum(rng.uniform(0, 0.1, 900))
    values[rng.random(values.shape) < 0.1] = NAN
    stretch = np.repeat([0, 1, 2], [600, 20, 280])
    found = weighted_means(values, times, stretch, window)
    by_pairs = weighted_means(values, times, stretch, window, few=900)
    np.testing.assert_allclose(found, by_pairs, atol=1e-11)


def test_intensities_are_smoothed_by_the_same_weights() -> None:
    """Where logits and intensities are the same numbers, so are their means."""
    table = random_table(3)
    table["AU12_i"] = 2.5 + 0.3 * log_odds(table["AU12_p"].to_numpy(np.float64, na_value=np.nan))
    found = smooth(table, 0.3, thresholds=0.5)
    assert found["AU12_smooth_i"].notna().equals(found["AU12_smooth_p"].notna())
    some = found[found["AU12_smooth_p"].between(0.01, 0.99)]  # beyond, six digits are few
    logits = log_odds(some["AU12_smooth_p"].to_numpy(np.float64))
    np.testing.assert_allclose(some["AU12_smooth_i"], 2.5 + 0.3 * logits, atol=1e-3)
    assert [name for name in found if name.startswith("AU") and name.endswith("_smooth_i")] == [
        "AU12_smooth_i"
    ]
    plain = smooth(table, 0.0, thresholds=0.5)
    np.testing.assert_allclose(plain["AU12_smooth_i"], table["AU12_i"], atol=5e-4)


def test_a_window_wider_than_a_long_clip_gives_its_mean() -> None:
    table = clip(np.random.default_rng(0).uniform(size=40_000), rate=25)
    smoothed = smooth(table, 1e9, thresholds=0.5)["AU12_smooth_p"]
    assert smoothed.nunique() == 1
    logits = np.log(table["AU12_p"] / (1 - table["AU12_p"]))
    assert smoothed.iloc[0] == pytest.approx(1 / (1 + np.exp(-logits.mean())), abs=1e-6)


def test_raw_columns_order_and_index_stay() -> None:
    table = random_table(3, frames=40)
    table.index = table.index[::-1]
    smoothed = smooth(table, thresholds=0.5)
    pd.testing.assert_frame_equal(smoothed[table.columns], table)
    assert [name for name in smoothed if name not in table] == [
        f"{label}_smooth_{end}" for label in ("AU1", "AU12") for end in ("p", "c")
    ]
    again = smooth(smoothed, thresholds=0.5)
    pd.testing.assert_frame_equal(again, smoothed)


def test_nan_stays_nan_and_lost_rows_are_undecided() -> None:
    smoothed = smooth(clip([0.9, NAN, 0.9, 0.9]), thresholds=0.5)
    assert smoothed["AU12_smooth_p"].isna().tolist() == [False, True, False, False]
    assert smoothed["AU12_smooth_c"].isna().tolist() == [False, True, False, False]
    assert str(smoothed["AU12_smooth_c"].dtype) == "Int64"


def test_nothing_is_smoothed_across_a_face_that_is_lost_for_long() -> None:
    """Lost for 0.3 s: with a gap of 0.3 both sides pull at each other, with 0.29 they do not."""
    share = [0.99, 0.99, NAN, NAN, NAN, 0.01, 0.01]
    apart = smooth(clip(share), 2.0, thresholds=0.5, max_gap=0.29)["AU12_smooth_p"].dropna()
    np.testing.assert_allclose(apart, [0.99, 0.99, 0.01, 0.01], atol=1e-5)
    joined = smooth(clip(share), 2.0, thresholds=0.5, max_gap=0.3)["AU12_smooth_p"].dropna()
    assert (joined.iloc[:2] < 0.95).all()
    assert (joined.iloc[2:] > 0.05).all()


def test_people_and_files_are_smoothed_apart() -> None:
    one = clip([0.99] * 5)
    for other in (clip([0.01] * 5, face_id=1), clip([0.01] * 5, file="b.mp4")):
        smoothed = smooth(pd.concat([one, other], ignore_index=True), 1.0, thresholds=0.5)
        np.testing.assert_allclose(smoothed["AU12_smooth_p"], [0.99] * 5 + [0.01] * 5, atol=1e-5)


def test_no_window_changes_nothing() -> None:
    smoothed = smooth(clip([0.0, 1.0, 0.25, 0.5]), 0, thresholds=0.5)
    assert smoothed["AU12_smooth_p"].tolist() == [0.0, 1.0, 0.25, 0.5]
    assert smoothed["AU12_smooth_c"].tolist() == [0, 1, 0, 1]


def test_decisions_follow_each_aus_threshold() -> None:
    table = clip([0.3] * 3)
    assert smooth(table, thresholds={"AU12": 0.2})["AU12_smooth_c"].tolist() == [1, 1, 1]
    assert smooth(table, thresholds={"AU12": 0.4})["AU12_smooth_c"].tolist() == [0, 0, 0]


def test_hysteresis_holds_until_well_below_and_not_across_a_loss() -> None:
    share = [0.45, 0.5, 0.45, 0.4, 0.39, 0.45, 0.5, *[NAN] * 9, 0.45]
    decided = smooth(clip(share), 0, thresholds=0.5, hysteresis=0.2)["AU12_smooth_c"]
    assert decided.dropna().tolist() == [0, 1, 1, 1, 0, 0, 1, 0]
    plain = smooth(clip(share), 0, thresholds=0.5)["AU12_smooth_c"]
    assert plain.dropna().tolist() == [0, 1, 0, 0, 0, 0, 1, 0]


def test_an_au_without_any_value_needs_no_threshold_and_stays_empty() -> None:
    """As AU11, whose column Py-Feat's tables have also where the model does not tell of it."""
    table = clip([0.2, 0.4])
    smoothed = smooth(table.assign(AU11_p=NAN), thresholds={"AU12": 0.3})
    assert smoothed[["AU11_smooth_p", "AU11_smooth_c"]].isna().all(axis=None)
    assert str(smoothed["AU11_smooth_c"].dtype) == "Int64"
    alone = smooth(table, thresholds={"AU12": 0.3})
    pd.testing.assert_frame_equal(smoothed[alone.columns], alone)


def test_an_empty_table_stays_empty() -> None:
    smoothed = smooth(clip([]), thresholds=0.5)
    assert smoothed.empty
    assert "AU12_smooth_c" in smoothed


def test_what_can_not_be_smoothed_is_said() -> None:
    table = clip([0.2, 0.4])
    with pytest.raises(ConfigError, match="no threshold is given for AU12; there are AU1"):
        smooth(table, thresholds={"AU1": 0.5})
    with pytest.raises(ConfigError, match="the window must be seconds, 0 or more, got -1"):
        smooth(table, -1, thresholds=0.5)
    with pytest.raises(ConfigError, match="the window must be seconds, 0 or more, got inf"):
        smooth(table, float("inf"), thresholds=0.5)
    with pytest.raises(ConfigError, match="hysteresis must be from 0 to below 1, got 1"):
        smooth(table, thresholds=0.5, hysteresis=1)
    with pytest.raises(ConfigError, match="a threshold must be a probability"):
        smooth(table, thresholds=50)
    with pytest.raises(
        InputError, match=r"1 of 2 rows with a face have no frame or no time \(the first is row 1\)"
    ):
        smooth(table.assign(time=[0.0, NAN]), thresholds=0.5)
    with pytest.raises(InputError, match="AU12_p must be a probability from 0 to 1, found 40"):
        smooth(table.assign(AU12_p=[40.0, 0.1]), thresholds=0.5)
    with pytest.raises(InputError, match=r"a\.mp4: times do not ascend: frame 1 is at 0 s, after frame 0 at"):
        smooth(table.assign(time=[1.0, 0.0]), thresholds=0.5)
    with pytest.raises(InputError, match="time is missing"):
        smooth(table.drop(columns="time"), thresholds=0.5)
    decided = table.drop(columns="AU12_p").assign(AU12_c=[True, False])
    for other in (decided, decided.assign(AU12_p=NAN)):
        with pytest.raises(InputError, match="AU12_c has decisions, and no AU12_p has probabilities"):
            smooth(other, thresholds=0.5)
