"""Statistics of a study: scikit-learn, the single run's report, MISSING, pairs, what is not there."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as oracle
from study_cases import simulated, study

from aulens.aus import BP4D, DISFA, MISSING, AUSet
from aulens.errors import ConfigError, InputError
from aulens.metrics import Estimate, abaw_report, report
from aulens.study.formats import to_csv
from aulens.study.results import RunResult
from aulens.study.statistics import compare
from aulens.study.tables import difference_table, own_table

Metric = Callable[..., float]


def by_au(metric: Metric, labels: np.ndarray, decisions: np.ndarray) -> np.ndarray:
    return np.array([metric(*coded(labels[:, [a]], decisions[:, [a]])) for a in range(labels.shape[1])])


def coded(labels: np.ndarray, decisions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return labels[labels != MISSING], decisions[labels != MISSING]


def test_measures_equal_scikit_learn() -> None:
    runs = study({"roi": 0.8}, missing=0.3, seeds=2)
    found = compare(runs, decide="papers", bootstrap=0).variants["roi"].measures

    def mean(metric: Metric, *, each: Callable = by_au) -> np.ndarray:
        return np.mean([each(metric, r.labels, r.uncalibrated) for r in runs], axis=0)

    f1, right = mean(oracle.f1_score), mean(oracle.accuracy_score)
    total = mean(oracle.accuracy_score, each=lambda m, *pair: m(*coded(*pair)))
    pooled = []
    for seed in range(2):
        folds = [r for r in runs if r.seed == seed]
        labels, decisions = (
            np.concatenate([getattr(r, n) for r in folds]) for n in ("labels", "uncalibrated")
        )
        pooled.append(by_au(oracle.f1_score, labels, decisions))
    expected = {
        "f1": (f1, f1.mean()),
        "f1_pooled": (np.mean(pooled, axis=0), np.mean(pooled)),
        "accuracy": (right, right.mean()),
        "total_accuracy": (right, total),
        "abaw2": ((f1 + right) / 2, (f1.mean() + total) / 2),
    }
    assert found.keys() == expected.keys()
    for name, (values, average) in expected.items():
        np.testing.assert_allclose(found[name].estimate.value, values, err_msg=name)
        assert found[name].estimate.macro == pytest.approx(average), name

    seeds = [
        np.mean([by_au(oracle.f1_score, r.labels, r.uncalibrated) for r in runs if r.seed == s], axis=0)
        for s in range(2)
    ]
    np.testing.assert_allclose(found["f1"].spread[:-1], np.std(seeds, axis=0, ddof=1))
    assert found["f1"].spread[-1] == pytest.approx(np.std(np.mean(seeds, axis=1), ddof=1))


def test_one_run_has_the_intervals_of_its_report() -> None:
    run = simulated(missing=0.2)
    measures = compare([run], decide="calibrated", bootstrap=200, seed=3).variants["roi"].measures
    alone = report(run.labels, run.scores, run.decisions, run.subjects, BP4D, bootstrap=200, seed=3)
    for name in ("f1", "accuracy"):
        assert_same(measures[name].estimate, alone.metrics[name])
    abaw = abaw_report(run.labels, run.decisions, run.subjects, bootstrap=200, seed=3)
    assert vars(measures["abaw2"].estimate.of_macro()) == pytest.approx(vars(abaw.abaw2))
    assert vars(measures["total_accuracy"].estimate.of_macro()) == pytest.approx(vars(abaw.total_accuracy))
    assert np.isnan(measures["f1"].spread).all()


def assert_same(first: Estimate, second: Estimate) -> None:
    for name, value in vars(first).items():
        np.testing.assert_allclose(value, getattr(second, name), err_msg=name)


def test_missing_rows_change_nothing() -> None:
    runs = study({"roi": 0.8, "roi_gcn": 0.82}, missing=0.2, seeds=2)
    options = {"decide": "papers", "reference": "roi", "bootstrap": 100}
    before = compare(runs, **options)
    after = compare([with_missing(run) for run in runs], **options)
    assert to_csv(own_table(after), difference_table(after)) == to_csv(
        own_table(before), difference_table(before)
    )
    assert before.notes == ()


def with_missing(run: RunResult) -> RunResult:
    """With a row MISSING throughout after each of its people, and some of a person seen nowhere else."""
    order = np.argsort(np.concatenate([np.arange(len(run)), np.arange(29, len(run), 30)]), kind="stable")
    more = {
        "subjects": np.concatenate([run.subjects, np.unique(run.subjects), ["nobody"] * 3]),
        **{
            name: np.concatenate(
                [values := getattr(run, name), values[:12] if name != "labels" else _NOTHING]
            )
            for name in ("labels", "scores", "decisions", "uncalibrated")
        },
    }
    order = np.concatenate([order, np.arange(len(run) + 9, len(run) + 12)])
    return replace(run, **{name: values[order] for name, values in more.items()})


_NOTHING = np.full((12, len(BP4D)), MISSING, np.int8)


def test_identical_variants_differ_by_nothing() -> None:
    runs = study({"roi": 0.8})
    twins = [replace(run, variant="twin") for run in runs]
    found = compare([*runs, *twins], decide="papers", reference="roi", bootstrap=200).differences["twin"]
    for difference in found.values():
        estimate = difference.estimate
        for values in (estimate.value, estimate.low, estimate.high, [estimate.macro, estimate.macro_high]):
            assert (np.asarray(values) == 0).all()
        assert (difference.p == 1).all()


def test_variants_are_compared_on_the_same_draws() -> None:
    # One frame of every person put right: whoever is drawn, accuracy rises by 1 of 30 frames.
    run = simulated()
    decisions = run.uncalibrated.copy()
    for subject in np.unique(run.subjects):
        for a in range(len(BP4D)):
            wrong = np.flatnonzero((run.subjects == subject) & (decisions[:, a] != (run.labels[:, a] == 1)))
            decisions[wrong[0], a] ^= True
    better = replace(run, variant="better", uncalibrated=decisions)
    found = compare([run, better], decide="papers", reference="roi", bootstrap=100)
    difference = found.differences["better"]["accuracy"]
    for name in ("value", "low", "high", "macro", "macro_low", "macro_high"):
        np.testing.assert_allclose(getattr(difference.estimate, name), 1 / 30, err_msg=name)
    np.testing.assert_allclose(difference.p[:-1], 12 * 2 / 101)  # Holm's, of 12 AUs
    assert difference.p[-1] == 2 / 101
    assert list(found.differences) == ["better"]


def test_decisions_are_by_the_rule_asked_for() -> None:
    run = simulated()
    perfect = replace(run, decisions=run.labels == 1)
    assert compare([perfect], decide="calibrated").variants["roi"].measures["f1"].estimate.macro == 1
    assert compare([perfect], decide="papers").variants["roi"].measures["f1"].estimate.macro < 1


def test_an_unfinished_study_says_what_is_missing() -> None:
    runs = study({"roi": 0.8, "roi_gcn": 0.9})
    wanted = [run.key for run in runs] + [("jaa", "1", 0)]
    some = [run for run in runs if run.variant == "roi" or run.key[1:] in (("1", 0), ("2", 0), ("1", 1))]
    found = compare(some, decide="papers", reference="roi", expected=wanted, bootstrap=50)
    assert found.notes == (
        "roi_gcn: 3 of 9 runs; missing: fold 1 seed 2, fold 2 seed 1, fold 2 seed 2, fold 3 seed 0 "
        "and 2 more.",
        "jaa: 0 of 1 runs; missing: fold 1 seed 0.",
    )
    assert list(found.variants) == ["roi", "roi_gcn"]

    def fold_mean(runs: list[RunResult]) -> float:  # each fold counts once, although fold 1 has two seeds
        f1 = {run.key[1:]: by_au(oracle.f1_score, run.labels, run.uncalibrated) for run in runs}
        return float(np.mean([(f1["1", 0] + f1["1", 1]) / 2, f1["2", 0]]))

    gcn = [run for run in some if run.variant == "roi_gcn"]
    pairs = [run for run in some if run.variant == "roi" and run.key[1:] in [g.key[1:] for g in gcn]]
    difference = found.differences["roi_gcn"]["f1"]
    assert found.variants["roi_gcn"].measures["f1"].estimate.macro == pytest.approx(fold_mean(gcn))
    assert difference.estimate.macro == pytest.approx(fold_mean(gcn) - fold_mean(pairs))
    assert difference.runs == (("1", 0), ("1", 1), ("2", 0))
    # Spread and pooled F1 need seeds that have every fold of the variant; here one has.
    assert np.isnan(found.variants["roi_gcn"].measures["f1"].spread[-1])
    assert not np.isnan(found.variants["roi_gcn"].measures["f1_pooled"].estimate.macro)


def test_no_seed_with_every_fold_has_no_pooled_f1() -> None:
    runs = [simulated(fold="1", seed=0), simulated(fold="2", seed=1)]
    measures = compare(runs, decide="papers", bootstrap=20).variants["roi"].measures
    assert np.isnan(measures["f1_pooled"].estimate.macro)
    assert 0 < measures["f1"].estimate.macro_low < measures["f1"].estimate.macro_high < 1


def test_without_a_run_in_common_there_is_no_difference() -> None:
    runs = [simulated("roi", "1"), simulated("roi_gcn", "2")]
    found = compare(runs, decide="papers", reference="roi")
    assert found.differences == {}
    assert "roi_gcn: 1 of 2 runs; missing: fold 1 seed 0." in found.notes


def test_an_au_without_f1_is_left_out_and_named() -> None:
    runs = study({"roi": 0.8}, seeds=1)
    never = {name: getattr(runs[1], name).copy() for name in ("labels", "uncalibrated")}
    for values in never.values():
        values[:, 2] = 0
    runs[1] = replace(runs[1], **never)
    found = compare(runs, decide="papers", bootstrap=50)
    others = [by_au(oracle.f1_score, r.labels, r.uncalibrated)[2] for r in (runs[0], runs[2])]
    assert found.variants["roi"].measures["f1"].estimate.value[2] == pytest.approx(np.mean(others))
    assert found.notes == (
        "roi: no F1, as it neither occurs nor is ever decided there (left out of the means): "
        "AU4 (1 of 3 runs).",
    )
    everywhere = compare(runs[1:2], decide="papers", reference="roi", bootstrap=50)
    estimate = everywhere.variants["roi"].measures["f1"].estimate
    assert np.isnan([estimate.value[2], estimate.low[2]]).all()
    assert estimate.macro == pytest.approx(np.delete(estimate.value, 2).mean())


def test_folds_that_test_the_same_people_draw_the_same() -> None:
    run = simulated()
    one = compare([run], decide="papers", bootstrap=100).variants["roi"].measures["f1"].estimate
    folds = [replace(run, fold=fold) for fold in "123"]
    three = compare(folds, decide="papers", bootstrap=100)
    assert_same(three.variants["roi"].measures["f1"].estimate, one)
    assert three.subjects == 9
    shifted = replace(run, fold="2", subjects=np.where(run.subjects == "bp4d-1-00", "other", run.subjects))
    with pytest.raises(InputError, match=r"folds '1' and '2' both test bp4d-1-01 \(8 subjects in common\)"):
        compare([run, shifted], decide="papers")


def test_other_labels_and_lone_subjects_are_remarked() -> None:
    run = simulated()
    other = replace(simulated("roi_gcn"), labels=run.labels ^ np.int8(1))
    alone = simulated(fold="2", subjects=1)
    notes = compare([run, other, alone], decide="papers", bootstrap=20).notes
    assert any("fold 1 were not all tested on the same labels" in note for note in notes)
    assert "Fold 2 has one subject only: it adds nothing to intervals and p." in notes
    lone = compare([alone], decide="papers").variants["roi"].measures["f1"].estimate
    assert np.isnan(lone.macro_low)
    versions = [replace(run, commit="a"), replace(simulated(seed=1), commit="b")]
    assert "2 versions of the code" in compare(versions, decide="papers", bootstrap=0).notes[0]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (simulated(), "two results of roi, fold 1 seed 0"),
        (simulated("x", dataset="disfa"), "cannot be compared"),
        (simulated("x", aus=DISFA), "cannot be compared"),
        (replace(simulated(seed=1), trained_on="disfa"), "several data sets"),
    ],
)
def test_what_does_not_go_together_is_refused(second: RunResult, message: str) -> None:
    with pytest.raises(InputError, match=message):
        compare([simulated(), second], decide="papers")


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InputError, match="run the study first"):
        compare([], decide="papers")
    with pytest.raises(ConfigError, match="papers or calibrated; got 'both'"):
        compare([simulated()], decide="both")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="no variant 'roj' to compare to; it has roi"):
        compare([simulated()], decide="papers", reference="roj")


def test_au_sets_are_the_same_by_their_numbers() -> None:
    renamed = replace(simulated("x"), aus=AUSet("another name", BP4D.numbers))
    assert len(compare([simulated(), renamed], decide="papers", bootstrap=0).variants) == 2
