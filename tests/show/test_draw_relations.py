"""The drawn relations: which are framed, which way the arrows go."""

import cv2
import numpy as np
import pytest

from aulens.aus import AUS, AUSet
from aulens.errors import ConfigError
from aulens.relations import AURelations
from aulens.show.relations import draw_relations

pytestmark = pytest.mark.slow

KEPT = (213, 94, 0)
FOOT = 96


def relations(*pairs: tuple[int, int], count: int = 2, value: float = 1.0) -> AURelations:
    matrix = np.eye(count)
    for pair in pairs:
        matrix[pair] = value
    return AURelations(AUSet("some", tuple(AUS)[:count]), matrix, np.full(count, 7))


def frames(image: np.ndarray) -> list[tuple[int, int]]:
    """Middles (x, y) of the framed cells; the threshold's mark and number are smaller."""
    near = (np.abs(image.astype(int) - KEPT).max(2) < 40).astype(np.uint8)
    found = cv2.connectedComponentsWithStats(near, connectivity=8)[2][1:]
    return [(x + w // 2, y + h // 2) for x, y, w, h, _ in found.tolist() if min(w, h) > 40]


def blue_rows(image: np.ndarray) -> np.ndarray:
    """How many pixels of each row of the graph belong to an arrow."""
    graph = image[:-FOOT, image.shape[1] * 3 // 5 :].astype(int)
    return ((graph[..., 2] - graph[..., 0]) > 60).sum(1)


def test_what_the_threshold_keeps_is_framed() -> None:
    shown = relations((0, 2), (3, 1), (4, 0), count=5, value=0.6)
    image = draw_relations(shown, 0.6, "test")
    assert (image.dtype, image.ndim, image.shape[2]) == (np.uint8, 3, 3)
    assert len(frames(image)) == 3
    assert frames(draw_relations(shown, 0.61, "test")) == []


def test_rows_go_down_and_columns_to_the_right() -> None:
    (across,) = frames(draw_relations(relations((0, 3), count=4), 0.5, "test"))
    (down,) = frames(draw_relations(relations((3, 0), count=4), 0.5, "test"))
    assert across[0] - down[0] == down[1] - across[1] == 3 * 96


def test_an_arrow_goes_from_the_row_to_the_column() -> None:
    """Of two AUs the first is above: the head of its arrow, where the arrow is widest, is below."""
    for pair, below in (((0, 1), True), ((1, 0), False)):
        rows = blue_rows(draw_relations(relations(pair), 0.5, "test"))
        shown = np.flatnonzero(rows)
        assert (rows.argmax() > shown.mean()) == below
        assert rows.max() > 1.5 * np.median(rows[shown])


def test_a_more_probable_relation_has_a_wider_arrow() -> None:
    def ink(value: float) -> int:
        return int(blue_rows(draw_relations(relations((0, 1), value=value), 0.4, "test")).sum())

    assert ink(0.9) > 1.3 * ink(0.5)


def test_an_au_never_seen_has_a_grey_row() -> None:
    unseen = AURelations(AUSet("some", (1, 2, 4)), np.eye(3), np.array([5, 0, 5]))
    image = draw_relations(unseen, 0.5, "test")
    grey = (image == (228, 230, 234)).all(2)
    rows = [int(grey[132 + k * 96 + 48, : 200 + 3 * 96].sum()) for k in range(3)]
    assert rows[1] > 2.5 * rows[0]
    assert rows[0] == rows[2]


@pytest.mark.parametrize(
    ("count", "threshold"),
    [
        *((1, 0), (1, 1), (2, 0), (2, 1), (3, 0.5), (5, 0)),
        *(pytest.param(*row) for row in ((13, 0), (13, 0.5), (26, 1))),
    ],
)
def test_any_number_of_aus_and_any_threshold(count: int, threshold: float) -> None:
    labels = np.random.default_rng(0).integers(-1, 2, (30, count))
    shown = AURelations.from_labels(labels, AUSet("some", tuple(AUS)[:count]))
    image = draw_relations(shown, threshold, "test")
    # Nothing touches the picture's edge.
    assert (image[[0, -1]] == 255).all()
    assert (image[:, [0, -1]] == 255).all()
    assert len(frames(image)) <= shown.mask(threshold).sum() - count


def test_a_long_source_is_not_cut_off() -> None:
    image = draw_relations(relations(), 0.5, "pictures of " + "a very long name " * 10)
    assert (image[:, -20:] == 255).all()


def test_a_threshold_that_is_none() -> None:
    with pytest.raises(ConfigError, match=r"\[0, 1\]"):
        draw_relations(relations(), 40, "test")
