"""Measures against other implementations and by hand."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from aulens.evidence import measures


@pytest.fixture
def maps():
    return np.random.default_rng(0).normal(size=(5, 8, 8)).astype(np.float32)


def test_the_pointing_game_asks_for_the_strongest_cell_alone(maps):
    inside = np.zeros(maps.shape, bool)
    for case in range(3):
        inside[case].flat[maps[case].argmax()] = True
    inside[3] = ~(maps[3] == maps[3].max())
    assert measures.hits(maps, inside).tolist() == [1, 1, 1, 0, 0]


def test_correlation_is_spearmans(maps):
    fields = np.random.default_rng(1).random(maps.shape).round(1).astype(np.float32)  # with ties
    expected = [spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(maps, fields, strict=True)]
    np.testing.assert_allclose(measures.rank_correlation(maps, fields), expected, atol=1e-12)
    assert np.isnan(measures.rank_correlation(maps[:1], np.zeros((1, 8, 8)))).all()


def test_overlap_is_1_for_the_movement_itself_and_its_share_for_noise(maps):
    fields = np.zeros((2, 8, 8), np.float32)
    fields[0, 2:4, 2:6] = np.arange(8).reshape(2, 4) + 8
    fields[1, 0, 0] = 1
    moved = measures.moved_cells(fields)
    assert moved.sum((1, 2)).tolist() == [8, 1]
    assert measures.overlap(fields, moved).tolist() == [1, 1]
    assert measures.overlap(-fields, moved).tolist() == [0, 0]
    assert np.isnan(measures.overlap(maps[:1], np.zeros((1, 8, 8), bool))).all()
    many = np.repeat(moved[:1], 400, 0)
    noise = np.random.default_rng(2).random((400, 8, 8)).astype(np.float32)
    assert measures.overlap(noise, many).mean() == pytest.approx(8 / 64, abs=0.03)


def test_a_little_movement_counts_as_none():
    field = np.array([[[1.0, 0.26, 0.24, 0.0]]], np.float32)
    assert measures.moved_cells(field)[0, 0].tolist() == [True, True, False, False]


def test_deletion_takes_the_strongest_cells_first_and_insertion_gives_them():
    """A network that asks for one bright corner: as much of it as is there is the probability."""
    image = torch.zeros(2, 3, 16, 16)
    image[..., :4, :4] = 1
    without = torch.zeros_like(image)
    right = np.zeros((2, 8, 8), np.float32)
    right[0, :2, :2] = np.arange(4).reshape(2, 2) + 1
    right[1] = right[0, ::-1, ::-1]  # points at the other corner

    def probability(faces, case):
        return faces[:, 0, :4, :4].mean((1, 2)).numpy().astype(float)

    deletion, insertion = measures.curves(right, image, without, probability)
    # One cell of 64 is a quarter of the bright part; from 4 of 64 on all of it is chosen.
    points = np.minimum(np.array(measures.SHARES) * 64 / 4, 1)
    assert insertion[0] == pytest.approx(points.mean())
    assert deletion[0] == pytest.approx(1 - points.mean())
    # The other corner first, then ties in order: the bright corner's cells come right after it.
    assert insertion[1] < insertion[0]
    assert deletion[1] > deletion[0]


def test_what_is_blurred_keeps_its_colour_and_loses_its_edges():
    image = torch.zeros(1, 3, 48, 48)
    image[:, 0, ::2] = 1
    flat = measures.blurred(image)
    assert flat.shape == image.shape
    assert flat[0, 0].mean() == pytest.approx(0.5, abs=0.03)
    assert flat[0, 0, 8:-8].std() < 0.02
