"""From prepared folders to samples: who is in which split."""

import pytest

from aulens.aus import AUSet
from aulens.data.folds import SplitPlan
from aulens.data.loading import load_data
from aulens.errors import DatasetError
from prepared_folder import write_prepared

PAIR = AUSet("pair", (1, 12))


def homes(samples) -> dict[str, str]:
    return dict(zip(samples.subjects.tolist(), samples.splits.tolist(), strict=True))


def test_subjects_of_no_part_are_left_out_of_folds(tmp_path):
    root = write_prepared(tmp_path / "own", {"a": "1", "b": "2", "c": "2", "d": ""})
    samples = load_data([root], PAIR, SplitPlan("1"))
    assert len(samples) == 9
    found = homes(samples)
    assert found.pop("own/a") == "test"
    assert sorted(found) == ["own/b", "own/c"]
    assert all("/d/" not in path for path in samples.paths)


def test_subjects_of_no_part_train_where_there_are_no_folds(tmp_path):
    root = write_prepared(tmp_path / "own", {"a": "1", "b": "2", "d": ""})
    tests = write_prepared(tmp_path / "other", {"x": "", "y": "1"}, dataset="other")
    found = homes(load_data([root], PAIR, SplitPlan(), [tests]))
    assert {name for name, split in found.items() if split == "test"} == {"other/x", "other/y"}
    assert "own/d" in found


def test_people_who_are_in_two_data_sets_are_no_test_of_each_other(tmp_path):
    disfa = write_prepared(tmp_path / "disfa", {"SN001": "1", "SN002": "2", "SN003": "3"}, dataset="disfa")
    plus = write_prepared(tmp_path / "plus", {"SN001": "", "SN009": ""}, dataset="disfaplus")
    with pytest.raises(DatasetError, match=r"1 of 2 tested subjects are in the training .*\(disfa/SN001\)"):
        load_data([disfa], PAIR, SplitPlan(), [plus])
    # BP4D+ has other people than BP4D, though they bear names of BP4D's.
    other = write_prepared(tmp_path / "bp4d", {"SN001": "", "SN009": ""}, dataset="bp4dplus")
    assert len(load_data([disfa], PAIR, SplitPlan(), [other])) == 15
