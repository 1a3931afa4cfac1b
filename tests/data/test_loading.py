"""From prepared folders to samples: who is in which split."""

from aulens.aus import AUSet
from aulens.data.folds import SplitPlan
from aulens.data.loading import load_data
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
