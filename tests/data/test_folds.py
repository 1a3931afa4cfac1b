"""Folds: the published parts, and validation subjects that nobody else has."""

from collections import Counter

import numpy as np
import pytest

from aulens.data.folds import SplitPlan, split, train_only
from aulens.data.protocols import BP4D_PROTOCOL, DISFA_PROTOCOL, PROTOCOLS
from aulens.errors import ConfigError, DatasetError


def people(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Three frames of each subject, shuffled, and their parts."""
    pairs = [(subject, part) for part, home in PROTOCOLS[name].parts.items() for subject in home] * 3
    order = np.random.default_rng(0).permutation(len(pairs))
    subject, part = np.array(pairs)[order].T
    return subject, part


def test_the_published_parts_are_those_of_the_lists():
    # Counts of REFERENCE: 41 subjects in parts of 14, 14, 13; 27 in parts of 9.
    assert [len(part) for part in BP4D_PROTOCOL.parts.values()] == [14, 14, 13]
    assert [len(part) for part in DISFA_PROTOCOL.parts.values()] == [9, 9, 9]
    for one, total in ((BP4D_PROTOCOL, 41), (DISFA_PROTOCOL, 27)):
        assert len({subject for part in one.parts.values() for subject in part}) == total
    assert sum(BP4D_PROTOCOL.frames["jaanet"].values()) == 146_576
    assert sum(BP4D_PROTOCOL.frames["coded"].values()) == 146_847
    assert sum(DISFA_PROTOCOL.frames["jaanet"].values()) == 126_144
    assert sum(DISFA_PROTOCOL.frames["coded"].values()) == 130_814
    for one in (BP4D_PROTOCOL, DISFA_PROTOCOL):
        for weights in one.class_weights.values():
            assert np.mean(weights) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", ["bp4d", "disfa"])
@pytest.mark.parametrize("fold", ["1", "2", "3"])
def test_a_fold_tests_its_part_and_shares_nobody(name: str, fold: str):
    subject, part = people(name)
    splits = split(subject, part, SplitPlan(fold), name)
    assert set(subject[splits == "test"]) == set(PROTOCOLS[name].parts[fold])
    homes = {who: set(splits[subject == who]) for who in set(subject)}
    assert all(len(home) == 1 for home in homes.values())
    chosen = {who for who, home in homes.items() if home == {"val"}}
    # The same share of each training part.
    counts = Counter(PROTOCOLS[name].part_of(who) for who in chosen)
    others = [p for p in ("1", "2", "3") if p != fold]
    assert counts == {p: round(0.15 * len(PROTOCOLS[name].parts[p])) for p in others}


def test_validation_subjects_follow_the_seed_and_not_the_order_of_the_frames():
    subject, part = people("bp4d")
    first = split(subject, part, SplitPlan("2", seed=3), "bp4d")
    back = split(subject[::-1], part[::-1], SplitPlan("2", seed=3), "bp4d")
    assert (first == back[::-1]).all()
    other = split(subject, part, SplitPlan("2", seed=4), "bp4d")
    assert (first != other).any()
    assert ((first == "test") == (other == "test")).all()


def test_choosing_on_the_test_leaves_all_others_to_training():
    subject, part = people("disfa")
    splits = split(subject, part, SplitPlan("1", select_on_test=True), "disfa")
    assert set(splits) == {"train", "test"}


def test_data_that_come_split_are_tested_on_their_validation_part():
    subject = np.array([f"v{i}" for i in range(20)])
    part = np.array(["train"] * 14 + ["validation"] * 6)
    splits = split(subject, part, SplitPlan(), "affwild2")
    assert (splits[14:] == "test").all()
    assert Counter(splits[:14].tolist()) == {"train": 12, "val": 2}


def test_subjects_without_parts_are_dealt_into_three_always_alike():
    subject = np.repeat([f"p{i:02d}" for i in range(10)], 2)
    part = np.full(20, "")
    tested = [set(subject[split(subject, part, SplitPlan(str(k)), "own") == "test"]) for k in (1, 2, 3)]
    assert set.union(*tested) == set(subject)
    assert sum(map(len, tested)) == 10
    again = split(subject[::-1], part, SplitPlan("1"), "own")
    assert set(subject[::-1][again == "test"]) == tested[0]


def test_for_a_test_elsewhere_everybody_trains_or_chooses():
    subject, _ = people("bp4d")
    splits = train_only(subject, SplitPlan())
    assert set(splits) == {"train", "val"}
    assert len(set(subject[splits == "val"])) == round(0.15 * 41)


def test_a_subject_in_two_parts_is_refused_by_name():
    with pytest.raises(DatasetError, match=r"Subject 'b' of own is in the parts '1' and '2'"):
        split(np.array(["a", "b", "b"]), np.array(["1", "1", "2"]), SplitPlan("1"), "own")


def test_subjects_of_no_part_are_in_no_split_where_others_have_one():
    splits = split(np.array([*"aabcd"]), np.array(["1", "1", "", "2", "2"]), SplitPlan("1"), "own")
    assert splits[:3].tolist() == ["test", "test", ""]
    assert sorted(splits[3:]) == ["train", "val"]


@pytest.mark.parametrize(
    ("subject", "part", "plan", "error", "message"),
    [
        (["a", "b"], ["1", "2"], SplitPlan(), ConfigError, "say which part is tested, data.fold = 1 to 2"),
        (["a", "b"], ["1", "2"], SplitPlan("5"), ConfigError, "no part '5' to test; it has 1, 2"),
        (["a", "b"], ["1", "1"], SplitPlan("1"), DatasetError, "nobody trains"),
        (["a", "b"], ["1", "2"], SplitPlan("1"), DatasetError, "1 training subject is too few"),
    ],
)
def test_what_can_be_no_fold_says_why(subject, part, plan, error, message):
    with pytest.raises(error, match=message):
        split(np.array(subject), np.array(part), plan, "own")


def test_the_share_that_validates_leaves_some_to_train():
    with pytest.raises(ConfigError, match="between 0 and 1"):
        SplitPlan(validation=0.0)
