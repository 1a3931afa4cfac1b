import json

import numpy as np
import pytest
from sklearn import metrics as oracle

from aulens.aus import MISSING, AUSet
from aulens.errors import InputError
from aulens.metrics import (
    Counts,
    Report,
    accuracy,
    average_precision,
    balanced_accuracy,
    counts,
    f1,
    report,
    roc_auc,
)

AUS = AUSet("five", (1, 2, 4, 6, 12))
METRICS = ("f1", "accuracy", "balanced_accuracy", "roc_auc", "average_precision")
OF_SCORES = {"roc_auc": oracle.roc_auc_score, "average_precision": oracle.average_precision_score}
OF_DECISIONS = {
    "f1": oracle.f1_score,
    "accuracy": oracle.accuracy_score,
    "balanced_accuracy": oracle.balanced_accuracy_score,
}


def sample(seed: int, frames: int = 300, ties: bool = True, people: int = 8) -> tuple[np.ndarray, ...]:
    """Labels with MISSING, scores (rounded: ties), decisions, subjects."""
    random = np.random.default_rng(seed)
    labels = np.where(random.random((frames, 5)) < [0.1, 0.3, 0.5, 0.7, 0.9], 1, 0)
    scores = random.normal(size=(frames, 5)) + labels
    labels[random.random((frames, 5)) < 0.2] = MISSING
    subjects = np.array([f"S{i:02d}" for i in random.integers(0, people, frames)])
    return labels.astype(np.int8), np.round(scores, 1) if ties else scores, scores > 0.5, subjects


# --- against scikit-learn -------------------------------------------------------------------------


@pytest.mark.parametrize("ties", [True, False], ids=["ties", "distinct"])
@pytest.mark.parametrize("seed", range(4))
def test_every_metric_equals_scikit_learn(seed: int, ties: bool) -> None:
    labels, scores, decisions, subjects = sample(seed, ties=ties)
    table = counts(labels, decisions)
    ours = {
        "f1": f1(table),
        "accuracy": accuracy(table),
        "balanced_accuracy": balanced_accuracy(table),
        "roc_auc": roc_auc(labels, scores),
        "average_precision": average_precision(labels, scores),
    }
    whole = report(labels, scores, decisions, subjects, AUS, bootstrap=0)
    for a in range(5):
        coded = labels[:, a] != MISSING
        for name, metric in OF_DECISIONS.items():
            assert ours[name][a] == pytest.approx(metric(labels[coded, a], decisions[coded, a]), abs=1e-12)
        for name, metric in OF_SCORES.items():
            assert ours[name][a] == pytest.approx(metric(labels[coded, a], scores[coded, a]), abs=1e-12)
    for name, values in ours.items():
        np.testing.assert_allclose(whole.metrics[name].value, values, atol=1e-12)
        assert whole.metrics[name].macro == pytest.approx(values.mean())


def test_intervals_equal_a_bootstrap_done_by_hand() -> None:
    """Draw the same subjects, repeat their frames, let scikit-learn score them."""
    labels, scores, decisions, subjects = sample(0, frames=150)
    found = report(labels, scores, decisions, subjects, AUS, bootstrap=8, seed=5)
    people = np.unique(subjects)
    drawn = np.random.default_rng(5).multinomial(len(people), np.full(len(people), 1 / len(people)), 8)
    by_hand: dict[str, list[list[float]]] = {name: [] for name in METRICS}
    for times in drawn:
        rows = np.concatenate(
            [np.flatnonzero(subjects == who) for who, n in zip(people, times, strict=True) for _ in range(n)]
        )
        for name in METRICS:
            row = []
            for a in range(5):
                frames = rows[labels[rows, a] != MISSING]
                metric, values = (
                    (OF_SCORES[name], scores) if name in OF_SCORES else (OF_DECISIONS[name], decisions)
                )
                row.append(metric(labels[frames, a], values[frames, a]))
            by_hand[name].append(row)
    for name in METRICS:
        estimate, resamples = found.metrics[name], np.array(by_hand[name])
        low, high = np.quantile(resamples, (0.025, 0.975), axis=0)
        np.testing.assert_allclose(estimate.low, low, atol=1e-12)
        np.testing.assert_allclose(estimate.high, high, atol=1e-12)
        macro = np.quantile(resamples.mean(1), (0.025, 0.975))
        np.testing.assert_allclose((estimate.macro_low, estimate.macro_high), macro, atol=1e-12)


# --- by hand ----------------------------------------------------------------------------------------


def test_worked_example() -> None:
    """Present at scores 4, 2, 2; absent at 3, 2, 1: of 9 pairs 5 are won, 2 tie; thresholds 4, 3, 2, 1."""
    labels = np.array([[1, 0, 1, 1, 0, 0]]).T
    scores = np.array([[4, 3, 2, 2, 2, 1]], float).T
    assert roc_auc(labels, scores)[0] == pytest.approx((5 + 2 / 2) / 9)
    assert average_precision(labels, scores)[0] == pytest.approx(1 / 3 * 1 + 2 / 3 * 3 / 5)
    table = counts(labels, scores > 2.5)
    assert [int(n[0]) for n in (table.tp, table.fp, table.fn, table.tn)] == [1, 1, 2, 2]
    assert f1(table)[0] == pytest.approx(2 / 5)
    assert accuracy(table)[0] == pytest.approx(3 / 6)
    assert balanced_accuracy(table)[0] == pytest.approx((1 / 3 + 2 / 3) / 2)


def test_counts_add_and_ratios_come_after() -> None:
    labels, _, decisions, _ = sample(1)
    whole = counts(labels, decisions)
    parts = counts(labels[:100], decisions[:100]) + counts(labels[100:], decisions[100:])
    np.testing.assert_array_equal(
        [whole.tp, whole.fp, whole.fn, whole.tn], [parts.tp, parts.fp, parts.fn, parts.tn]
    )
    assert (whole.tp + whole.fp + whole.fn + whole.tn).tolist() == (labels != MISSING).sum(0).tolist()


@pytest.mark.parametrize(
    ("labels", "decisions", "undefined"),
    [
        ([0, 0, 0], [0, 0, 0], {"f1", "balanced_accuracy"}),  # never there, never found
        ([0, 0, 0], [0, 1, 0], {"balanced_accuracy"}),  # never there, yet found: F1 is 0
        ([1, 1, 1], [1, 1, 0], {"balanced_accuracy"}),
        ([MISSING] * 3, [0, 1, 0], {"f1", "accuracy", "balanced_accuracy"}),
    ],
)
def test_undefined_is_nan(labels: list[int], decisions: list[int], undefined: set[str]) -> None:
    table = counts(np.array([labels]).T, np.array([decisions]).T)
    found = {"f1": f1(table), "accuracy": accuracy(table), "balanced_accuracy": balanced_accuracy(table)}
    assert {name for name, value in found.items() if np.isnan(value[0])} == undefined


@pytest.mark.parametrize("labels", [[0, 0], [1, 1], [MISSING, MISSING], [1, MISSING]])
def test_ranking_needs_both_classes(labels: list[int]) -> None:
    scores = np.array([[0.1], [0.2]])
    assert np.isnan(roc_auc(np.array([labels]).T, scores)).all()
    precision = average_precision(np.array([labels]).T, scores)
    assert np.isnan(precision[0]) == (1 not in labels)


# --- MISSING ----------------------------------------------------------------------------------------


def assert_same(a: Report, b: Report) -> None:
    assert json.dumps(a.to_dict()) == json.dumps(b.to_dict())


def test_missing_rows_change_nothing() -> None:
    labels, scores, decisions, subjects = sample(2)
    before = report(labels, scores, decisions, subjects, AUS, bootstrap=50)
    more = np.full((40, 5), MISSING, np.int8)
    after = report(
        np.concatenate([labels, more]),
        np.concatenate([scores, np.full((40, 5), np.nan)]),  # as of frames without a face
        np.concatenate([decisions, np.ones((40, 5), bool)]),
        np.concatenate([subjects, ["S00", "S99"] * 20]),  # a known subject, and one never coded
        AUS,
        bootstrap=50,
    )
    assert_same(before, after)


def test_what_is_said_of_a_missing_label_changes_nothing() -> None:
    labels, scores, decisions, subjects = sample(3)
    other_scores = np.where(labels == MISSING, 1e9, scores)
    other_decisions = np.where(labels == MISSING, ~decisions, decisions)
    assert_same(
        report(labels, scores, decisions, subjects, AUS, bootstrap=50),
        report(labels, other_scores, other_decisions, subjects, AUS, bootstrap=50),
    )


# --- the report ---------------------------------------------------------------------------------------


def test_a_seed_decides_the_intervals_and_only_those() -> None:
    data = sample(4)
    first, again, other = (report(*data, AUS, bootstrap=50, seed=seed) for seed in (1, 1, 2))
    assert_same(first, again)
    assert not np.array_equal(first.metrics["f1"].low, other.metrics["f1"].low)
    np.testing.assert_array_equal(first.metrics["f1"].value, other.metrics["f1"].value)


def test_the_order_of_frames_does_not_matter() -> None:
    labels, scores, decisions, subjects = sample(5)
    order = np.random.default_rng(0).permutation(len(labels))
    assert_same(
        report(labels, scores, decisions, subjects, AUS, bootstrap=50),
        report(labels[order], scores[order], decisions[order], subjects[order], AUS, bootstrap=50),
    )


def test_intervals_hold_the_estimate_and_are_about_subjects_not_frames() -> None:
    """The same frames said to be of ever fewer people: the interval grows."""
    labels, scores, decisions, _ = sample(6, frames=2000)
    person = np.arange(2000) % 200
    labels[person % 2 == 0, 2] = 1 - decisions[person % 2 == 0, 2]  # the model fails on every second person
    many = report(labels, scores, decisions, person, AUS, bootstrap=300).metrics["accuracy"]
    few = report(labels, scores, decisions, person % 20, AUS, bootstrap=300).metrics["accuracy"]
    assert (many.low <= many.value).all()
    assert (many.value <= many.high).all()
    assert (few.high - few.low)[2] > 2 * (many.high - many.low)[2]
    assert few.macro_low < few.macro < few.macro_high


def test_an_au_that_never_occurs_is_named_and_left_out() -> None:
    labels, scores, decisions, subjects = sample(7)
    labels[:, 1] = np.minimum(labels[:, 1], 0)
    labels[:, 3] = MISSING
    decisions[:, 1] = False
    found = report(labels, scores, decisions, subjects, AUS, bootstrap=20)
    assert found.undefined == {
        "f1": ("AU2", "AU6"),
        "accuracy": ("AU6",),
        "balanced_accuracy": ("AU2", "AU6"),
        "roc_auc": ("AU2", "AU6"),
        "average_precision": ("AU2", "AU6"),
    }
    assert found.metrics["f1"].macro == pytest.approx(found.metrics["f1"].value[[0, 2, 4]].mean())
    assert np.isnan(found.metrics["f1"].low[[1, 3]]).all()
    assert found.coded[3] == 0
    assert np.isnan(found.base_rate[3])
    assert "F1: undefined (n/a) and not in the macro mean for AU2, AU6." in found.to_markdown()


def test_labels_that_are_all_missing_give_a_report_that_says_so() -> None:
    _, scores, decisions, subjects = sample(8)
    found = report(np.full((300, 5), MISSING), scores, decisions, subjects, AUS, bootstrap=20)
    assert (found.frames, found.subjects) == (0, 0)
    assert set(found.undefined) == set(METRICS)
    assert np.isnan(found.metrics["f1"].macro)
    assert found.to_dict()["macro"]["f1"] == {"value": None, "low": None, "high": None}


def test_one_subject_has_no_interval() -> None:
    labels, scores, decisions, _ = sample(9)
    found = report(labels, scores, decisions, ["S01"] * 300, AUS)
    assert not np.isnan(found.metrics["f1"].value).any()
    assert np.isnan(found.metrics["f1"].low).all()
    assert "No intervals" in found.to_markdown()


def test_to_dict_is_json_and_to_markdown_is_a_table() -> None:
    found = report(*sample(10), AUS, bootstrap=50)
    tree = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert list(tree["aus"]) == list(AUS.labels)
    assert tree["aus"]["AU12"]["roc_auc"]["value"] == found.metrics["roc_auc"].value[4]
    assert tree["macro"]["f1"]["low"] == found.metrics["f1"].macro_low
    rows = [line for line in found.to_markdown().splitlines() if line.startswith("|")]
    assert len({row.count("|") for row in rows}) == 1
    assert len(rows) == 2 + 5 + 1
    f = found.metrics["f1"]
    assert f"{f.value[0]:.3f} [{f.low[0]:.3f}, {f.high[0]:.3f}]" in rows[2]


# --- refusals -----------------------------------------------------------------------------------------


def test_labels_of_another_code_are_refused() -> None:
    with pytest.raises(InputError, match=r"0, 1 or -1 \(MISSING\), got also \[9\]"):
        counts(np.array([[9, 1]]), np.array([[0, 1]]))
    with pytest.raises(InputError, match=r"decisions must be 0 or 1, got also \[0.5\]; apply the threshold"):
        counts(np.array([[0, 1]]), np.array([[0.5, 1]]))


def test_scores_that_are_not_finite_are_refused_where_coded() -> None:
    labels = np.array([[1], [MISSING], [0], [0]])
    scores = np.array([[0.5], [np.nan], [np.nan], [0.1]])
    with pytest.raises(
        InputError, match="1 coded frames have a score that is not finite, the first is row 2"
    ):
        roc_auc(labels, scores)


def test_shapes_that_do_not_fit_are_refused() -> None:
    labels, scores, decisions, subjects = sample(11, frames=10)
    with pytest.raises(InputError, match=r"\(10, 5\) and decisions \(9, 5\)"):
        counts(labels, decisions[:9])
    with pytest.raises(InputError, match=r"\(10, 5\) and scores \(10, 4\)"):
        roc_auc(labels, scores[:, :4])
    with pytest.raises(InputError, match=r"subjects \(N,\), got \(10, 5\), \(10, 5\) and \(9,\)"):
        report(labels, scores, decisions, subjects[:9], AUS)
    with pytest.raises(InputError, match=r"labels and decisions \(N, 2\)"):
        report(labels, scores, decisions, subjects, AUSet("two", (1, 2)))
    with pytest.raises(InputError, match="at least one frame"):
        report(labels[:0], scores[:0], decisions[:0], subjects[:0], AUS)
    with pytest.raises(InputError, match="0 or more, got -1"):
        report(labels, scores, decisions, subjects, AUS, bootstrap=-1)
    with pytest.raises(InputError, match="one shape"):
        Counts(*(np.zeros(n, np.int64) for n in (1, 1, 1, 2)))
