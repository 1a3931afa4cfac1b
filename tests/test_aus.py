import dataclasses

import numpy as np
import pytest

from aulens.aus import (
    AFFWILD2,
    AU_SETS,
    AUS,
    BP4D,
    DISFA,
    GFT,
    MISSING,
    RENDERS,
    AUSet,
    au_labels,
    au_set,
)
from aulens.errors import ConfigError, InputError


def test_the_vocabulary_is_the_26_aus_in_ascending_order() -> None:
    expected = [
        1,
        2,
        4,
        5,
        6,
        7,
        9,
        10,
        11,
        12,
        13,
        14,
        15,
        16,
        17,
        18,
        20,
        22,
        23,
        24,
        25,
        26,
        27,
        28,
        43,
        45,
    ]
    assert list(AUS) == expected
    for number, au in AUS.items():
        assert au.number == number
        assert au.name
        assert au.muscles
    assert AUS[12].label == "AU12"
    assert AUS[12].name == "Lip Corner Puller"
    assert AUS[12].muscles == ("zygomaticus major",)


def test_au_sets_are_in_the_order_of_the_files_of_each_data_set() -> None:
    # The orders of the published lists and label headers: JAA-Net, ME-GraphAU; Aff-Wild2's annotation header.
    assert tuple(BP4D) == (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24)
    assert tuple(DISFA) == (1, 2, 4, 6, 9, 12, 25, 26)
    assert tuple(GFT) == (1, 2, 4, 6, 10, 12, 14, 15, 23, 24)
    assert tuple(AFFWILD2) == (1, 2, 4, 6, 7, 10, 12, 15, 23, 24, 25, 26)
    assert set(RENDERS) <= set(AUS)


def test_an_au_set_is_an_axis() -> None:
    assert len(DISFA) == 8
    assert DISFA.labels == ("AU1", "AU2", "AU4", "AU6", "AU9", "AU12", "AU25", "AU26")
    assert [DISFA.index(n) for n in DISFA] == list(range(8))
    assert 9 in DISFA
    assert 10 not in DISFA
    with pytest.raises(ConfigError, match="has no AU10; it has AU1, AU2"):
        DISFA.index(10)


def test_an_au_set_takes_any_sequence_and_is_frozen_and_hashable() -> None:
    aus = AUSet("mine", [12, 6])  # type: ignore[arg-type]  # as it comes from TOML
    assert aus == AUSet("mine", (12, 6))
    assert len({aus, AUSet("mine", (12, 6))}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        aus.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((1, 3), r"unknown AUs \[3\]; known are 1, 2, 4"),
        ((1, 2, 1), r"AUs \[1\] more than once"),
        ((), "empty"),
    ],
)
def test_an_au_set_refuses(numbers: tuple[int, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        AUSet("wrong", numbers)


def test_au_set_by_name() -> None:
    assert {name: au_set(name) for name in AU_SETS} == AU_SETS
    assert au_set("BP4D") is BP4D
    with pytest.raises(ConfigError, match="no AU set is called 'bp5d'; there are bp4d, disfa, gft"):
        au_set("bp5d")


@pytest.mark.parametrize(
    ("right", "left", "au"),
    [
        (0, 0, 0),
        (1, 0, 1),
        (0, 1, 1),
        (1, 1, 1),
        (1, MISSING, 1),  # one side is enough
        (MISSING, 1, 1),
        (0, MISSING, MISSING),  # the other may or may not
        (MISSING, 0, MISSING),
        (MISSING, MISSING, MISSING),
    ],
)
def test_au_label_from_its_sides(right: int, left: int, au: int) -> None:
    labels = au_labels(np.array([[right, left]], np.int8))
    assert labels.tolist() == [au]
    assert labels.dtype == np.int8


def test_au_labels_refuse_another_shape() -> None:
    with pytest.raises(InputError, match=r"last axis of 2 .* got shape \(4, 12\)"):
        au_labels(np.zeros((4, 12)))
