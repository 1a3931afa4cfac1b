import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aulens.aus import MISSING, AUSet
from aulens.data.digest import PIECE
from aulens.data.samples import Samples, check_subject_exclusive, join
from aulens.data.shards import StoredImages
from aulens.errors import DatasetError

PAIR = AUSet("pair", (2, 12))


def make(subjects=("a", "b", "c"), splits=("train", "val", "test"), labels=None, aus=PAIR) -> Samples:
    n = len(subjects)
    sides = np.zeros((n, len(aus), 2), np.int8) if labels is None else np.asarray(labels, np.int8)
    return Samples(
        StoredImages.of([f"{i}.jpg" for i in range(n)]),
        np.array(subjects),
        np.array(splits),
        sides,
        np.zeros((n, 68, 2), np.float32),
        aus,
    )


def test_a_subject_in_two_splits_is_refused_by_name():
    with pytest.raises(
        DatasetError, match=r"Subject 'b' is in the parts 'test' and 'train': a test would measure memory"
    ):
        make(("a", "b", "b"), ("train", "train", "test"))


def test_a_subject_in_two_splits_is_refused_when_data_sets_are_joined():
    with pytest.raises(DatasetError, match="Subject 'a'"):
        join([make(("a",), ("train",)), make(("a",), ("val",))])


def test_unknown_splits_are_refused():
    with pytest.raises(DatasetError, match="holdout"):
        check_subject_exclusive(np.array(["a"]), np.array(["holdout"]))


def test_labels_of_another_code_are_refused():
    with pytest.raises(DatasetError, match="9"):
        make(labels=np.full((3, 2, 2), 9))


def test_an_empty_split_is_an_error():
    with pytest.raises(DatasetError, match="no 'val' samples"):
        make(("a",), ("train",)).split("val")
    with pytest.raises(DatasetError, match="'tset'"):
        make().split("tset")


def test_base_rates_count_coded_samples_only():
    # AU2: right side only / absent / not coded -> 1 of 2; AU12: never coded -> not a number.
    labels = [[[1, 0], [MISSING] * 2], [[0, 0], [MISSING] * 2], [[MISSING] * 2, [MISSING, 0]]]
    rates = make(labels=labels).base_rates()
    assert rates[0] == 0.5
    assert np.isnan(rates[1])


def test_take_keeps_rows_together():
    samples = make()
    taken = samples.take([2, 0])
    assert tuple(taken.paths) == ("2.jpg", "0.jpg")
    assert taken.subjects.tolist() == ["c", "a"]
    assert taken.splits.tolist() == ["test", "train"]


def test_consecutive_samples_are_a_view():
    samples = make()
    assert np.shares_memory(samples.take([1, 2]).landmarks, samples.landmarks)
    assert np.shares_memory(samples.split("val").side_labels, samples.side_labels)
    assert not np.shares_memory(samples.take([0, 2]).landmarks, samples.landmarks)


def plain_fingerprint(samples: Samples) -> str:
    """As it has been since the first run: runs that were begun go on only on data of the same."""
    digest = hashlib.sha256(samples.side_labels.tobytes() + samples.landmarks.tobytes())
    rows = zip(samples.paths, samples.subjects.tolist(), samples.splits.tolist(), strict=True)
    digest.update("\n".join(f"{Path(path).name} {subject} {split}" for path, subject, split in rows).encode())
    return digest.hexdigest()[:16]


@pytest.mark.parametrize("count", [4, pytest.param(PIECE + 2, marks=pytest.mark.slow)])
def test_the_fingerprint_is_of_the_data_as_stored(count):
    random, more = np.random.default_rng(0), count - 4
    stored = Samples(
        StoredImages.of(["x/ä.jpg", "x/b.jpg", "y/c.jpg", "d.jpg", *(f"{n}.jpg" for n in range(more))]),
        np.array([*"aabc", *["d"] * more]),
        np.array(["val", "val", "train", "test", *["test"] * more]),
        random.integers(-1, 2, (count, 2, 2)).astype(np.int8),
        random.random((count, 68, 2), np.float32),
        PAIR,
    )
    assert stored.fingerprint == plain_fingerprint(stored)
    order = np.array([2, 0, 1, *range(3, count)])
    sorted_by_split = replace(stored.take(order), order=order)
    assert sorted_by_split.fingerprint == stored.fingerprint
    # Of some samples, it is that of the same ones as stored.
    assert sorted_by_split.take([0, 2]).fingerprint == stored.take([1, 2]).fingerprint
    assert join([sorted_by_split]).fingerprint == stored.fingerprint
    twice = join([sorted_by_split.take([0, 1]), stored.take([3])])
    assert twice.fingerprint == plain_fingerprint(stored.take([0, 2, 3]))


def test_the_fingerprint_is_made_once(monkeypatch):
    samples = make()
    found = samples.fingerprint
    monkeypatch.setattr(hashlib, "sha256", None)
    assert samples.fingerprint == found


def test_intensities_go_with_their_rows():
    samples = make()
    given = replace(samples, intensities=np.arange(12, dtype=np.float32).reshape(3, 2, 2) % 6)
    assert (given.take([2, 0]).intensities == given.intensities[[2, 0]]).all()
    assert samples.take([2, 0]).intensities is None
    assert given.fingerprint == samples.fingerprint
    # Beside samples without, those are not coded.
    both = join([given, samples]).intensities
    assert (both[:3] == given.intensities).all()
    assert both.shape == (6, 2, 2)
    assert np.isnan(both[3:]).all()
    assert join([samples, samples]).intensities is None


@pytest.mark.parametrize(
    ("intensities", "said"),
    [
        (np.full((3, 2, 2), 5.5), r"0 to 5 or NaN; found \[5\.5\]"),
        (np.zeros((3, 2)), r"\(3, 2, 2\), got \(3, 2\)"),
    ],
)
def test_wrong_intensities_are_refused(intensities, said):
    with pytest.raises(DatasetError, match=said):
        replace(make(), intensities=intensities.astype(np.float32))


def test_other_aus_cannot_be_joined():
    with pytest.raises(DatasetError, match="AU sets"):
        join([make(), make(aus=AUSet("other", (2, 15)))])
    with pytest.raises(DatasetError, match="at least one data folder"):
        join([])
