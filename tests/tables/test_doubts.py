"""What a table says of faces that are seen badly, and of hidden parts."""

import numpy as np
import pandas as pd
import pytest

from aulens.errors import InputError
from aulens.tables.clip import read_clip
from aulens.tables.cooccurrence import cooccurrence
from aulens.tables.doubts import doubtful_text, doubts, hidden_text, without_guesses
from aulens.tables.events import events
from aulens.tables.smooth import smooth
from aulens.tables.usable import Limits
from made_tables import clip


def spoilt() -> pd.DataFrame:
    """AU4 and AU12 in ten frames of 0.1 s; three bad, the mouth hidden in two, one without a face."""
    table = clip([0.9] * 10, label="AU4")
    for name in ("p", "c"):
        table[f"AU12_{name}"] = table[f"AU4_{name}"]
    table["quality"] = [0.9, 0.9, 0.2, 0.2, 0.4, 0.9, 0.6, 0.9, 0.9, 0.1]
    table["pose_yaw"] = [0.0, 0, 70, 0, 0, 70, 0, 0, 0, 70]
    table["pose_pitch"] = 0.0
    table["box_h"] = 200.0
    table["hidden"] = [None, None, None, "nose mouth", None, None, "mouth", None, None, None]
    table.loc[9, "success"] = 0
    return table


def test_each_row_says_why() -> None:
    why = ["", "", "turned away", "nose and mouth hidden", "dark or blurred", "", "", "", "", ""]
    assert doubts(spoilt()).tolist() == why
    told = "3 of 9 rows with a face are doubtful (quality below 0.5): "
    assert str(doubtful_text(spoilt())).startswith(told)
    assert doubtful_text(Limits(min_quality=0.5).usable(spoilt())) is None
    assert hidden_text(spoilt()) == "mouth hidden in 2 of 9 rows with a face, where AU12 is a guess"


def test_a_table_that_tells_nothing_has_no_doubts() -> None:
    earlier = spoilt().drop(columns=["quality", "hidden", "pose_yaw", "pose_pitch", "box_h"])
    assert set(doubts(earlier)) == {""}
    assert doubtful_text(earlier) is None
    assert hidden_text(earlier) is None
    with pytest.raises(InputError, match="no column `hidden`"):
        without_guesses(earlier)
    assert doubts(spoilt().drop(columns=["hidden"]))[3] == "dark or blurred"


def test_when_somebody_is_seen_badly_is_a_stretch_of_time() -> None:
    (track,) = read_clip(spoilt(), ["AU4", "AU12"]).tracks
    assert track.doubtful() == [pytest.approx((0.2, 0.5))]
    (track,) = read_clip(Limits(min_quality=0.5).usable(spoilt()), ["AU4", "AU12"]).tracks
    assert track.doubtful() == []


def test_what_is_left_out_is_not_bridged_unsaid() -> None:
    kept = Limits(min_quality=0.5).usable(spoilt())
    whole, bridged = events(spoilt()), events(kept)
    assert whole["unseen"].tolist() == [0, 0]
    assert bridged["unseen"].tolist() == pytest.approx([0.3, 0.3])
    assert events(kept, max_gap=0.2)["onset_frame"].tolist() == [0, 0, 5, 5]


def test_aus_of_hidden_parts_can_be_left_out_alone() -> None:
    table = spoilt()
    before = table.copy()
    kept = without_guesses(table)
    pd.testing.assert_frame_equal(table, before)
    assert kept["AU12_p"].isna().tolist() == [row in (3, 6) for row in range(10)]
    assert kept["AU12_c"].isna().tolist() == [row in (3, 6) for row in range(10)]
    pd.testing.assert_series_equal(kept["AU4_p"], table["AU4_p"])
    pd.testing.assert_series_equal(kept["success"], table["success"])
    assert kept.dtypes.equals(table.dtypes)
    found = events(kept, max_gap=0).query("au == 'AU12'")
    assert found["onset_frame"].tolist() == [0, 4, 7]
    smoothed = smooth(kept, 0.2, thresholds=0.5)["AU12_smooth_p"]
    assert np.isnan(smoothed[[3, 6]]).all()
    assert cooccurrence(kept).counts.loc["AU12", "AU12"] == 7
