"""What is above a person's own baseline: by hand, and people whose resting faces are known."""

import numpy as np
import pandas as pd
import pytest

from aulens.errors import ConfigError, InputError
from aulens.tables.baseline import Baseline, above, log_odds
from aulens.tables.schema import au_of
from made_tables import NAN, clip


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def acting(rest: float, *, frames: int = 400, share: float = 0.3, seed: int = 0, **more) -> pd.DataFrame:
    """A person whose log odds of AU12 are `rest`, 4 more while they smile, and waver."""
    rng = np.random.default_rng(seed)
    odds = rest + rng.normal(0, 0.1, frames) + 4 * (np.arange(frames) >= frames * (1 - share))
    table = clip(np.round(sigmoid(odds), 6), **more)
    return table.assign(pose_yaw=0.0, quality=0.9)


def test_what_is_above_is_the_same_for_people_whose_faces_rest_differently() -> None:
    """One looks as if she smiled, the other sour: smiles of both are 4 above."""
    table = pd.concat([acting(0.5), acting(-5.0, face_id=1)], ignore_index=True)
    found = above(table, Baseline().of(table))
    pd.testing.assert_frame_equal(found.drop(columns="AU12_above"), table)
    for face_id in (0, 1):
        own = found.loc[found["face_id"] == face_id, "AU12_above"]
        assert own[:250].median() == pytest.approx(0.15, abs=0.15)
        assert own[300:].median() == pytest.approx(4.15, abs=0.15)
    assert (table["AU12_p"][:200] > table["AU12_p"][750]).all()  # a resting face above a smiling one


def test_by_hand() -> None:
    p = [0.5] * 60 + [0.75, NAN]
    table = clip(p)
    rest = Baseline().of(table)
    assert rest.index.tolist() == [("a.mp4", 0)]
    assert rest["AU12"].item() == 0.0
    told = above(table, rest)["AU12_above"]
    assert told[60] == pytest.approx(np.log(3), abs=1e-4)
    assert told[:60].eq(0).all()
    assert np.isnan(told[61])
    np.testing.assert_allclose(log_odds(np.array([0.0, 1.0, 0.5])), [-13.8155, 13.8155, 0], atol=1e-4)


def test_frames_turned_away_or_badly_seen_are_not_at_rest() -> None:
    table = acting(0.0)
    away = table.index < 100
    table.loc[away, "AU12_p"] = 0.001
    for column, value in (("pose_yaw", -31.0), ("quality", 0.2), ("quality", NAN)):
        rest = Baseline().of(table.assign(**{column: table[column].mask(away, value)}))
        assert rest["AU12"].item() == pytest.approx(0, abs=0.3)
    assert Baseline().of(table)["AU12"].item() < -6
    # Tables that tell neither have to do with all frames.
    untold = table.assign(pose_yaw=NAN).drop(columns="quality")
    pd.testing.assert_frame_equal(Baseline().of(untold), Baseline().of(table))


def test_a_short_track_has_no_baseline_and_it_is_said() -> None:
    table = pd.concat(
        [acting(0.0), *(acting(0, frames=49, face_id=i) for i in range(1, 3))], ignore_index=True
    )
    base = Baseline()
    rest = base.of(table)
    assert rest["AU12"].isna().tolist() == [False, True, True]
    told = above(table, rest)["AU12_above"]
    assert told.notna().tolist() == [True] * 400 + [False] * 98
    assert base.lacking(rest) == "persons 1, 2 have no baseline (fewer than 50 usable frames)"
    assert base.lacking(rest.iloc[:1]) is None
    one = Baseline(min_frames=49).of(table)
    assert one["AU12"].notna().all()


def test_many_without_are_not_all_named() -> None:
    table = pd.concat([acting(0, frames=5, face_id=i) for i in range(9)], ignore_index=True)
    base = Baseline()
    assert base.lacking(base.of(table)) == (
        "persons 0, 1, 2, 3, 4 and 4 more have no baseline (fewer than 50 usable frames)"
    )


def test_a_neutral_frame() -> None:
    table = pd.concat([clip([0.2, 0.3, 0.5, 0.9]), clip([0.1, NAN, NAN, 0.4], face_id=1)], ignore_index=True)
    for base in (Baseline(frame=2), Baseline(time=0.2), Baseline(time=0.25)):
        rest = base.of(table)
        assert rest["AU12"].tolist()[0] == pytest.approx(0)
        assert np.isnan(rest["AU12"].tolist()[1])
        said = base.lacking(rest)
        assert said.startswith("person 1 has no baseline (not seen ")
    # Frames that were left out: the one that is shown then.
    rest = Baseline(frame=3).of(table[table["frame"] != 3])
    assert rest["AU12"].isna().all()  # nor is there one
    rest = Baseline(frame=2).of(table[table["frame"] != 2])
    assert rest["AU12"].tolist()[0] == pytest.approx(np.log(0.3 / 0.7))
    assert Baseline(time=9.0).of(table)["AU12"].isna().all()
    with pytest.raises(InputError, match="no time stamps"):
        Baseline(time=1.0).of(table.assign(time=NAN))


def test_a_neutral_picture_is_of_who_is_seen_longest() -> None:
    table = pd.concat([acting(1.0, frames=60), acting(1.0, face_id=1)], ignore_index=True)
    base = Baseline(picture=(("AU12", 0.5), ("AU1", 0.1)))
    rest = base.of(table)
    assert rest["AU12"].tolist()[1] == 0
    assert np.isnan(rest["AU12"].tolist()[0])
    assert base.lacking(rest) == (
        "person 0 has no baseline (the neutral picture counts as of person 1, who is seen longest)"
    )
    with pytest.raises(InputError, match="has no probability of AU12"):
        Baseline(picture=(("AU1", 0.1),)).of(table)


def test_files_are_apart_and_nobody_is_no_person() -> None:
    nobody = clip([NAN] * 3).assign(face_id=pd.array([None] * 3, "Int64"))
    table = pd.concat([nobody, acting(0.0), acting(-3.0, file="b.mp4")], ignore_index=True)
    rest = Baseline().of(table)
    assert rest.index.tolist() == [("a.mp4", 0), ("b.mp4", 0)]
    assert rest["AU12"].tolist() == pytest.approx([-0.1, -3.1], abs=0.15)
    told = above(table, rest)
    assert told["AU12_above"][:3].isna().all()
    assert told["AU12_above"][3:].notna().all()
    again = above(told, Baseline(quantile=0.5).of(told))
    assert list(again.columns) == list(told.columns)
    assert au_of("AU12_above") == "AU12"


def test_what_can_not_be_is_refused() -> None:
    for wrong in (
        {"quantile": 1.2},
        {"min_frames": 0},
        {"frame": -1},
        {"time": -1.0},
        {"frame": 1, "time": 1.0},
    ):
        with pytest.raises(ConfigError):
            Baseline(**wrong)
    decided = acting(0.0).assign(AU12_p=NAN)
    with pytest.raises(InputError, match="no probabilities"):
        Baseline().of(decided)
