"""From prepared folders to samples: who is in which split."""

import tracemalloc
from dataclasses import replace
from itertools import groupby

import numpy as np
import pandas as pd
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


def test_a_folder_that_does_not_exist_is_said_to_be_none(tmp_path):
    for missing in ([tmp_path / "nowhere"], []):
        with pytest.raises(DatasetError, match=r"^There is no folder .*nowhere; give one of renders or"):
            load_data(missing, PAIR, SplitPlan(), [tmp_path / "nowhere"])
    with pytest.raises(DatasetError, match="holds neither renders nor prepared data"):
        load_data([tmp_path], PAIR, SplitPlan())


PEOPLE = {"a": "2", "b": "1", "c": "2", "d": "1", "e": "2", "f": ""}


def test_rows_stay_together_when_samples_are_put_in_the_order_of_their_splits(tmp_path):
    root = write_prepared(tmp_path / "own", PEOPLE)
    samples = load_data([root], PAIR, SplitPlan("1", validation=0.3))
    assert [name for name, _ in groupby(samples.splits.tolist())] == ["train", "val", "test"]
    table = pd.read_parquet(root / "manifest.parquet").set_index("key")
    assert len(samples) == 15
    for row, path in enumerate(samples.paths):
        place = samples.paths.place(row)
        shard, _, key = path.removesuffix(".jpg").partition(".tar/")
        one = table.loc[key]
        assert samples.subjects[row] == f"own/{one['subject']}"
        assert shard + ".tar" == str(root / one["shard"]) == place.path
        assert (place.offset, place.length) == (one["offset"], one["length"])
        assert samples.labels[row].tolist() == [one["AU1"], one["AU12"]]
        points = [[one[f"x_{k}"], one[f"y_{k}"]] for k in range(49)]
        np.testing.assert_array_equal(samples.landmarks[row], np.array(points, np.float32))
    for name in ("train", "val", "test"):
        part = samples.split(name)
        assert np.shares_memory(part.landmarks, samples.landmarks)
        numbers = [tuple(path.rsplit("/", 2)[0::2]) for path in part.paths]
        assert numbers == sorted(numbers)


def test_the_order_of_the_samples_is_not_in_their_fingerprint(tmp_path):
    root = write_prepared(tmp_path / "own", PEOPLE)
    samples = load_data([root], PAIR, SplitPlan("1", validation=0.3))
    stored = samples.take(np.argsort(samples.order))
    assert stored.subjects.tolist() == sorted(stored.subjects.tolist())
    assert replace(stored, order=None).fingerprint == samples.fingerprint
    both = load_data(
        [root, write_prepared(tmp_path / "p", {"x": "1", "y": "2", "z": "2"})], PAIR, SplitPlan("1")
    )
    assert both.fingerprint == both.take(np.arange(len(both))[::-1]).fingerprint


def test_a_frame_costs_little_more_than_its_landmarks(tmp_path):
    people = {f"p{number}": str(1 + number % 3) for number in range(10)}
    root = write_prepared(tmp_path / "own", people, each=100)
    load_data([root], PAIR, SplitPlan("1"))  # what is made once is no frame's
    tracemalloc.start()
    samples = load_data([root], PAIR, SplitPlan("1"))
    kept = tracemalloc.get_traced_memory()[0] / len(samples)
    tracemalloc.stop()
    landmarks = samples.landmarks.nbytes / len(samples)
    # Names of 60 characters and a ByteRange alone would be 250 bytes.
    assert kept - landmarks < 120
