"""Thresholds of the faces that count, with help where they show an AU rarely."""

from dataclasses import replace

import numpy as np
import pytest

from aulens.aus import MISSING, AUSet
from aulens.data.samples import Samples, join
from aulens.data.shards import StoredImages
from aulens.errors import DatasetError
from aulens.training.calibration import fit, platt_scale
from aulens.training.judges import fit_judged, judged, judges_of

ONE = AUSet("one", (12,))


def people(score: np.ndarray, present: np.ndarray, source: str) -> Samples:
    n = len(score)
    return Samples(
        paths=StoredImages.of([f"{source}/{i}" for i in range(n)]),
        subjects=np.array([f"{source}/{i}" for i in range(n)]),
        splits=np.full(n, "val"),
        side_labels=np.repeat(present.astype(np.int8)[:, None, None], 2, 2),
        landmarks=np.zeros((n, 68, 2), np.float32),
        aus=ONE,
        sources=(source,),
    )


def drawn(seed: int, n: int, rate: float, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    present = random.random(n) < rate
    return np.where(present, high, low) + random.normal(0, 0.15, n), present


def calibrated(real: tuple[np.ndarray, np.ndarray], others: tuple[np.ndarray, np.ndarray]):
    score, present = (np.concatenate(pair) for pair in zip(real, others, strict=True))
    judges = np.arange(len(score)) < len(real[0])
    subjects = np.arange(len(score)).astype(str)
    return fit_judged(ONE, present[:, None].astype(np.int8), score[:, None], subjects, judges)


def cut(calibration) -> float:
    """The score from which the AU is said."""
    (a, b), p = calibration.platt[0], calibration.threshold[0]
    return float((np.log(p / (1 - p)) - b) / a)


def test_judges_decide_where_they_can():
    """Renders whose scores are all lower don't move the threshold of real faces by much."""
    real = drawn(0, 400, 0.3, -0.5, 0.5)
    assert abs(cut(calibrated(real, drawn(1, 2000, 0.3, -1.2, -0.4)))) < 0.12


def test_others_help_where_judges_never_show_it():
    nobody = (drawn(2, 250, 0.0, -0.6, 0.4)[0], np.zeros(250, bool))
    found = calibrated(nobody, drawn(3, 500, 0.2, -0.6, 0.4))
    assert found.fitted[0]
    assert -0.3 < cut(found) < 0.35  # said of those who show it, and of nobody at rest
    assert (nobody[0] >= cut(found)).mean() < 0.02


def test_negatives_of_judges_weigh_more_than_those_of_renders():
    """What real faces at rest get, but no render, is not said."""
    noisy = (np.concatenate([np.full(60, 0.2), drawn(4, 190, 0.0, -0.6, 0.4)[0]]), np.zeros(250, bool))
    assert cut(calibrated(noisy, drawn(5, 500, 0.2, -0.6, 0.4))) > 0.25


def test_probabilities_are_as_frequent_as_the_au_is_among_judges():
    """Of the others most show it: that makes it no likelier in who does not."""
    real, others = drawn(8, 1000, 0.15, -0.1, 0.1), drawn(9, 4000, 0.9, -0.1, 0.1)
    found = calibrated(real, others)
    assert abs(float(found.probability(real[0][:, None]).mean()) - real[1].mean()) < 0.04


def test_weights_count_as_copies():
    score, present = drawn(6, 200, 0.4, -0.2, 0.2)
    weight = np.random.default_rng(0).integers(1, 4, 200)
    copies = platt_scale(np.repeat(present, weight), np.repeat(score, weight), np.ones(weight.sum()))
    assert platt_scale(present, score, weight.astype(float)) == pytest.approx(copies, rel=0.02)


def test_judges_are_those_whose_aus_were_coded():
    coded, made = people(*drawn(0, 30, 0.5, 0, 1), "portraits"), people(*drawn(1, 50, 0.5, 0, 1), "renders")
    both = join([made, coded])
    assert judges_of(both, "coded").tolist() == [False] * 50 + [True] * 30
    assert judges_of(both.take([*range(60, 80), 0]), "coded").tolist() == [True] * 20 + [False]
    assert judges_of(both, "all").all()
    with pytest.raises(DatasetError, match="made by a renderer"):
        judges_of(made, "coded")
    with pytest.raises(DatasetError, match="show no AU 5 times"):
        judges_of(replace(both, side_labels=np.zeros_like(both.side_labels)), "coded")
    few = replace(both, side_labels=np.where(np.arange(80)[:, None, None] < 77, 0, both.side_labels))
    assert (judged(few, ~few.from_renderer).labels == MISSING).all()


def test_many_judges_alone_are_calibrated_as_without_them():
    score, present = drawn(7, 20_000, 0.3, -0.3, 0.3)
    subjects, labels = np.arange(20_000).astype(str), present[:, None].astype(np.int8)
    plain = fit(ONE, labels, score[:, None], subjects)
    found = fit_judged(ONE, labels, score[:, None], subjects, np.ones(20_000, bool))
    assert found.platt == pytest.approx(plain.platt, rel=0.02)
    assert found.threshold == pytest.approx(plain.threshold, abs=0.05)


def test_coded_faces_come_several_times():
    coded, made = people(*drawn(0, 3, 0.5, 0, 1), "portraits"), people(*drawn(1, 2, 0.5, 0, 1), "renders")
    samples = join([made, coded]).with_coded(3)
    assert len(samples) == 2 + 3 * 3
    assert sorted(samples.paths).count("portraits/1") == 3
    assert sorted(samples.paths).count("renders/1") == 1
