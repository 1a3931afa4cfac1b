"""Names and places of pictures in a table: the same as tuples of them."""

import pickle

import numpy as np
import pytest

from aulens.data.shards import ByteRange, StoredImages, as_rows

PLAIN = ("in/a.jpg", "in/ü/b.jpg", "c.jpg", "in/d.jpg")
NAMES = ("F/1.jpg", "ü/2.jpg", "3.jpg", "F/4.jpg")
WRITTEN = ("x.tar/F/1.jpg", "y.tar/ü/2.jpg", "x.tar/3.jpg", "y.tar/F/4.jpg")
PLACES = [ByteRange("xyxy"[k] + ".tar", 10 * k, 5 + k) for k in range(4)]


def stored() -> StoredImages:
    file = np.array([0, 1, 0, 1], np.int32)
    return StoredImages.within(("x.tar", "y.tar"), file, NAMES, np.arange(4) * 10, np.arange(4) + 5)


def places(images: StoredImages) -> list[ByteRange | None]:
    return [images.place(row) for row in range(len(images))]


def test_names_are_read_as_a_tuple_is():
    assert tuple(stored()) == WRITTEN
    assert len(stored()) == 4
    assert stored()[-1] == WRITTEN[-1]
    assert tuple(stored()[1:3]) == WRITTEN[1:3]
    assert tuple(stored()[3:1]) == ()
    with pytest.raises(IndexError):
        stored()[4]
    assert tuple(pickle.loads(pickle.dumps(stored()))) == WRITTEN


@pytest.mark.parametrize("rows", [[2, 0, 3], [1, 2], [], [0]])
def test_names_are_taken_and_cut_as_those_of_a_tuple(rows):
    taken = as_rows(rows)
    for given, written in ((stored(), WRITTEN), (StoredImages.of(PLAIN), PLAIN)):
        expected = tuple(written[row] for row in rows)
        assert tuple(given.take(taken)) == expected
        assert given.basenames(taken) == [name.rpartition("/")[2] for name in expected]
    assert places(stored().take(taken)) == [PLACES[row] for row in rows]


def test_names_are_joined():
    plain = StoredImages.of(PLAIN)
    assert tuple(StoredImages.joined([plain, plain[:1]])) == (*PLAIN, PLAIN[0])
    joined = StoredImages.joined([stored(), plain, stored()[2:]])
    assert tuple(joined) == (*WRITTEN, *PLAIN, *WRITTEN[2:])
    assert joined.basenames(slice(3, 6)) == ["4.jpg", "a.jpg", "b.jpg"]
    assert places(joined) == [*PLACES, *[None] * len(PLAIN), *PLACES[2:]]
    assert tuple(joined.take(as_rows([9, 4, 0]))) == (WRITTEN[3], PLAIN[0], WRITTEN[0])


def test_places_are_read_as_a_tuple_is():
    assert places(stored()) == PLACES
    assert stored().place(-1) == PLACES[-1]
    assert places(StoredImages.of(PLAIN)) == [None] * len(PLAIN)
    with pytest.raises(IndexError):
        stored().place(4)


def test_consecutive_rows_are_a_slice():
    assert as_rows([3, 4, 5]) == slice(3, 6)
    for rows in ([3, 5], [5, 4], [], [-1, 0]):
        assert isinstance(as_rows(rows), np.ndarray)
