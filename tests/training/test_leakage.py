"""Who trained a model is not tested by it, and what was chosen on the test is marked wherever it goes."""

import json
from pathlib import Path

import pytest

from aulens.aus import AUSet
from aulens.data.folds import SplitPlan
from aulens.data.loading import load_data
from aulens.data.samples import Samples
from aulens.errors import ConfigError, ModelError
from aulens.runtime.card import read_card
from aulens.training.au_task import describe
from aulens.training.evaluation import evaluate
from aulens.training.exporter import CHOSEN_ON_TEST, export
from aulens.training.leakage import UNKNOWN_PEOPLE, SeenSubjects, people_in, subject_hash
from made_runs import make_run
from synthetic_faces import PAINTED

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def samples(faces: Path) -> Samples:
    return load_data([faces], AUSet("painted", PAINTED.numbers), SplitPlan())


def run_of(
    faces: Path, out: Path, samples: Samples, change: dict[str, list[str]] | None = None, **data: object
) -> Path:
    """A run folder that says who trained it."""
    run = make_run(faces, out, **data)
    known = {"data": describe(samples)}
    known["data"]["people"] |= change or {}
    (run / "facts.json").write_text(json.dumps(known))
    return run


def test_facts_name_who_trains_and_who_chooses(samples: Samples, faces: Path, tmp_path: Path):
    found = describe(samples)["people"]
    for split, names in found.items():
        assert names == sorted(
            {s for s, of in zip(samples.subjects, samples.splits, strict=True) if of == split}
        )
    assert [len(names) for names in found.values()] == [9, 2]
    run = run_of(faces, tmp_path / "run", samples)
    for split in ("val", "test"):
        report = evaluate(run, split=split, out=tmp_path, bootstrap=0, progress=False)
        assert UNKNOWN_PEOPLE not in report.chosen


@pytest.mark.parametrize(("role", "did"), [("train", "trained"), ("val", "chose epoch and thresholds of")])
def test_people_whom_the_training_saw_are_not_tested(
    faces: Path, tmp_path: Path, samples: Samples, role: str, did: str
):
    """As with --fold 2 of a run of fold 1: its training subjects are the test's."""
    tested = people_in(samples, "test")
    run = run_of(faces, tmp_path / "run", samples, {role: tested[:1]})
    with pytest.raises(ConfigError, match=rf"1 of the 1 subjects to be tested {did} made .*{tested[0]}"):
        evaluate(run, progress=False)
    assert not (run / "test").exists()


def test_those_who_chose_may_be_looked_at_again(faces: Path, tmp_path: Path, samples: Samples):
    run = run_of(faces, tmp_path / "run", samples)
    assert evaluate(run, split="val", bootstrap=0, progress=False).subjects == 2
    tested = people_in(samples, "test")
    chosen = run_of(faces, tmp_path / "chosen", samples, {"val": tested}, select_on_test=False)
    seen = SeenSubjects.read(chosen / "facts.json")
    seen.refuse(samples.split("test"), "test", selected_on_test=True, model="it")


def test_a_run_that_does_not_say_who_trained_says_that(faces: Path, tmp_path: Path):
    """Only where other people than its own test may be meant."""
    run = make_run(faces, tmp_path / "run")
    assert UNKNOWN_PEOPLE not in evaluate(run, bootstrap=0, progress=False).chosen
    report = evaluate(run, [faces], bootstrap=0, progress=False)
    assert report.chosen.endswith(UNKNOWN_PEOPLE)
    assert UNKNOWN_PEOPLE in report.to_markdown()


def test_a_report_on_other_data_does_not_replace_the_run_s_own(faces: Path, tmp_path: Path):
    run = make_run(faces, tmp_path / "run")
    evaluate(run, [faces], bootstrap=0, progress=False)
    assert not (run / "test").exists()
    evaluate(run, bootstrap=0, progress=False)
    assert (run / "test" / "report.json").is_file()


def test_a_card_knows_whom_its_training_saw(faces: Path, tmp_path: Path, samples: Samples):
    run = run_of(faces, tmp_path / "run", samples)
    card = export(run, tmp_path / "out", "x").card
    assert not read_card(card).selected_on_test
    known = read_card(card).people
    assert known["train"] == tuple(sorted(map(subject_hash, people_in(samples, "train"))))
    assert not any(name in card.read_text() for name in people_in(samples))
    assert evaluate(card, [faces], bootstrap=0, progress=False).subjects == 1
    raw = json.loads(card.read_text())
    raw["people"]["train"].append(subject_hash(people_in(samples, "test")[0]))
    card.write_text(json.dumps(raw))
    with pytest.raises(ConfigError, match="1 of the 1 subjects to be tested trained x"):
        evaluate(card, [faces], progress=False)
    card.write_text(json.dumps({**raw, "people": None}))
    assert UNKNOWN_PEOPLE in evaluate(card, [faces], bootstrap=0, progress=False).chosen
    for wrong in ([], {"train": ["a"]}, {"train": ["a"], "val": [3]}):
        card.write_text(json.dumps({**raw, "people": wrong}))
        with pytest.raises(ModelError, match=r"'people[^']*'"):
            read_card(card)


def test_a_model_chosen_on_the_test_stays_marked(faces: Path, tmp_path: Path, samples: Samples):
    run = run_of(faces, tmp_path / "run", samples, select_on_test=True)
    card = export(run, tmp_path / "out", "x", statement="Use it well.").card
    assert read_card(card).selected_on_test
    assert read_card(card).statement == f"Use it well. {CHOSEN_ON_TEST}"
    report = evaluate(card, [faces], bootstrap=0, progress=False)
    assert report.selected_on_test
    assert "on THE TEST SUBJECTS" in report.chosen
    assert "validation subjects" not in report.chosen
