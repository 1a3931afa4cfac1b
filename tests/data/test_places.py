"""Names and places of pictures in arrays: the same as tuples of them."""

import pickle

import numpy as np
import pyarrow
import pytest

from aulens.data.places import (
    ByteRanges,
    ImageNames,
    as_rows,
    basenames,
    join_byte_ranges,
    join_names,
    take_names,
)
from aulens.data.shards import ByteRange

PLAIN = ("in/a.jpg", "in/ü/b.jpg", "c.jpg", "in/d.jpg")


def names() -> ImageNames:
    return ImageNames(
        ("in/", "other/"),
        np.array([0, 1, 0, 1], np.int32),
        pyarrow.array(["F/1", "ü/2", "3", "F/4"], pyarrow.large_string()),
        ".jpg",
    )


WRITTEN = ("in/F/1.jpg", "other/ü/2.jpg", "in/3.jpg", "other/F/4.jpg")


def byte_ranges() -> ByteRanges:
    return ByteRanges(("x.tar", "y.tar"), np.array([0, -1, 1], np.int32), np.arange(3) * 10, np.arange(3) + 5)


PLACES = (ByteRange("x.tar", 0, 5), None, ByteRange("y.tar", 20, 7))


def test_names_are_read_as_a_tuple_is():
    assert tuple(names()) == WRITTEN
    assert len(names()) == 4
    assert names()[-1] == WRITTEN[-1]
    assert tuple(names()[1:3]) == WRITTEN[1:3]
    assert tuple(names()[3:1]) == ()
    with pytest.raises(IndexError):
        names()[4]
    assert tuple(pickle.loads(pickle.dumps(names()))) == WRITTEN


@pytest.mark.parametrize("rows", [[2, 0, 3], [1, 2], [], [0]])
def test_names_are_taken_and_cut_as_those_of_a_tuple(rows):
    taken = as_rows(rows)
    for given, written in ((names(), WRITTEN), (PLAIN, PLAIN)):
        expected = tuple(written[row] for row in rows)
        assert tuple(take_names(given, taken)) == expected
        assert basenames(given, taken) == [name.rpartition("/")[2] for name in expected]


def test_names_are_joined():
    assert join_names([PLAIN, PLAIN[:1]]) == (*PLAIN, PLAIN[0])
    joined = join_names([names(), PLAIN, names()[2:]])
    assert tuple(joined) == (*WRITTEN, *PLAIN, *WRITTEN[2:])
    assert basenames(joined, slice(3, 6)) == ["4.jpg", "a.jpg", "b.jpg"]


def test_spans_are_read_taken_and_joined_as_a_tuple_is():
    assert tuple(byte_ranges()) == PLACES
    assert byte_ranges()[-1] == PLACES[-1]
    assert tuple(byte_ranges()[1:]) == PLACES[1:]
    assert tuple(byte_ranges().take(as_rows([2, 0]))) == (PLACES[2], PLACES[0])
    assert tuple(join_byte_ranges([ByteRanges.none(2), byte_ranges(), byte_ranges()])) == (
        None,
        None,
        *PLACES,
        *PLACES,
    )
    with pytest.raises(IndexError):
        byte_ranges()[3]


def test_consecutive_rows_are_a_slice():
    assert as_rows([3, 4, 5]) == slice(3, 6)
    for rows in ([3, 5], [5, 4], [], [-1, 0]):
        assert isinstance(as_rows(rows), np.ndarray)
