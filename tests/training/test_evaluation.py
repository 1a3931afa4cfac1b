"""What an evaluation says beside the table of AUs: the challenges' measures, landmarks, sides or none."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from aulens import metrics
from aulens.aus import MISSING
from aulens.checked import checked
from aulens.data.dataset import FaceDataset
from aulens.data.prepare import PrepareSettings, prepare
from aulens.data.registry import open_dataset
from aulens.errors import ConfigError
from aulens.files import write_json
from aulens.landmarks import IBUG49, IBUG68, convert
from aulens.metrics.alignment import alignment_report
from aulens.models import build, load_checkpoint, model_config, save_checkpoint
from aulens.relations import AURelations
from aulens.training.calibration import fit
from aulens.training.config import TrainConfig, to_toml
from aulens.training.evaluation import NO_SIDES, conclude, evaluate, report
from aulens.training.exporter import export
from aulens.training.inference import crop_of, predict, score
from aulens.training.run_folder import RunFolder
from synthetic_faces import PAINTED

pytestmark = pytest.mark.slow

ROI = {"backbone": "hrnet_lane8", "crop": 64, "roi_side": 3}


def made(root: Path, out: Path, variant: str = "jaa_gcn", *, calibrated: bool = True) -> Path:
    """A run folder of an untrained model."""
    settings = {"variant": variant, "aus": list(PAINTED.numbers), "crop": 48}
    settings |= ROI if not variant.startswith("jaa") else {}
    config = model_config(settings)
    torch.manual_seed(5)
    relations = AURelations.from_labels([[1, 1, 0], [0, 1, 1]], PAINTED)
    model = build(config, relations if variant == "jaa_gcn" else None)
    out.mkdir()
    run = RunFolder(out)
    raw = {"name": "made", "model": settings, "data": {"roots": [str(root)]}, "train": {"metric": "abaw2"}}
    run.config.write_text(to_toml(checked(TrainConfig, raw)), encoding="utf-8")
    save_checkpoint(run.best, model, config)
    if calibrated:
        random = np.random.default_rng(0)
        labels = random.integers(0, 2, (60, 3)).astype(np.int8)
        scores = 0.3 * labels + random.normal(0, 0.3, (60, 3))
        write_json(run.calibration, fit(PAINTED, labels, scores, np.arange(60).astype(str)).to_dict())
    return out


@pytest.fixture(scope="module")
def jaa(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(faces, tmp_path_factory.mktemp("made") / "run")


def test_some_subjects_alone(jaa: Path):
    everybody = predict(jaa, split="val", progress=False)
    name = str(everybody.samples.subjects[-1])
    found = predict(jaa, split="val", subjects=f"{name[:-1]}?", progress=False)
    rows = np.flatnonzero(np.char.startswith(everybody.samples.subjects, name[:-1]))
    assert set(found.samples.subjects) == set(everybody.samples.subjects[rows])
    np.testing.assert_allclose(found.scores, everybody.scores[rows], atol=1e-5)
    with pytest.raises(ConfigError, match="No subject is called 'nobody'; they are called "):
        predict(jaa, split="val", subjects="nobody", progress=False)


def test_a_report_of_jaa_has_landmarks_and_no_sides(jaa: Path, tmp_path: Path):
    found = evaluate(jaa, split="val", out=tmp_path, bootstrap=20, progress=False)
    assert found.sides is None
    assert found.alignment is not None
    written = json.loads((tmp_path / "report.json").read_text())
    assert written == json.loads(json.dumps(found.to_dict()))
    assert written["sides"] is None
    assert written["alignment"]["faces"] == 20
    assert written["alignment"]["error"]["low"] <= written["alignment"]["error"]["value"]
    text = (tmp_path / "report.md").read_text()
    for part in (NO_SIDES, "ABAW-2's measure on validation", "## Landmarks", "(20 faces)", "the papers"):
        assert part in text
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings[1:] == ["## All AUs together", "## Landmarks", "## Sides"]


def test_the_measures_are_those_of_the_decisions(jaa: Path):
    found = predict(jaa, split="val", progress=False)
    result = report(found, "val", 50)
    labels = found.samples.labels
    for row, decisions in ((result.abaw, found.decisions), (result.abaw_uncalibrated, found.uncalibrated)):
        assert row.abaw2.value == pytest.approx(metrics.abaw2_score(labels, decisions))
        assert row.total_accuracy.value == pytest.approx(metrics.total_accuracy(labels, decisions))
        assert row.abaw2.low <= row.abaw2.value <= row.abaw2.high
    np.testing.assert_array_equal(found.uncalibrated, found.scores > 0)  # p >= 0.5
    assert (found.uncalibrated != found.decisions).any()


def test_landmark_errors_are_those_of_the_models_landmarks(jaa: Path):
    """Against the whole split at once, outside the package's loop, in an order of its own."""
    found = predict(jaa, split="val", batch=7, progress=False)
    model, _ = load_checkpoint(jaa / "best.safetensors")
    data = FaceDataset(found.samples, crop_of(model))
    read = [data.read(0, index) for index in range(len(data))]
    image = torch.from_numpy(np.stack([r[0] for r in read]).transpose(0, 3, 1, 2) / np.float32(255))
    true = np.stack([r[1] for r in read])
    with torch.no_grad():
        predicted = model.eval()(image, torch.from_numpy(true)).landmarks
    expected = metrics.landmark_error(predicted.numpy(), convert(true, IBUG68, IBUG49))
    np.testing.assert_allclose(found.landmark_error, expected, rtol=1e-4)
    result = report(found, "val", 0)
    assert result.alignment.error.value == pytest.approx(expected.mean(), rel=1e-4)
    assert result.alignment.failures.value == pytest.approx((expected > 0.1).mean())


@pytest.mark.parametrize(("variant", "told"), [("roi", True), pytest.param("pooled", False)])
def test_models_without_landmarks(faces: Path, tmp_path: Path, variant: str, told: bool):
    found = evaluate(made(faces, tmp_path / "run", variant), split="val", bootstrap=0, progress=False)
    assert found.alignment is None
    assert (found.sides is not None) == told
    assert ("Landmarks" in found.to_markdown(), NO_SIDES in found.to_markdown()) == (False, not told)


def test_a_training_ends_with_one_look_at_validation(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Its report is the one that an evaluation gives afterwards."""
    run = RunFolder(made(faces, tmp_path / "run", "roi", calibrated=False))
    samples = predict(made(faces, tmp_path / "other", "roi"), split="val", progress=False).samples
    looks = []

    def counted(*given, **named):
        looks.append(1)
        return score(*given, **named)

    monkeypatch.setattr("aulens.training.inference.score", counted)
    ended = conclude(run, samples, 30)
    assert len(looks) == 1
    again = evaluate(run.path, split="val", bootstrap=30, progress=False)
    assert again.to_dict() == ended.to_dict()
    assert json.loads((run.path / "val" / "report.json").read_text()) == json.loads(
        json.dumps(ended.to_dict())
    )


@pytest.mark.parametrize("variant", ["jaa_gcn", "heatmap"])
def test_run_and_exported_model_agree(faces: Path, tmp_path: Path, variant: str):
    run = made(faces, tmp_path / "run", variant)
    ours = predict(run, split="val", progress=False)
    theirs = predict(export(run, tmp_path / "out", "x").card, [faces], split="val", progress=False)
    assert ours.scorer.has_side_scores == theirs.scorer.has_side_scores == (variant == "heatmap")
    np.testing.assert_array_equal(ours.decisions, theirs.decisions)
    np.testing.assert_array_equal(ours.uncalibrated, theirs.uncalibrated)
    if variant != "heatmap":
        np.testing.assert_allclose(ours.landmark_error, theirs.landmark_error, rtol=1e-3)


class TestAlignmentReport:
    ERRORS = np.array([0.05, 0.15, np.nan, 0.10, 0.30])
    SUBJECTS = np.array(["a", "a", "a", "b", "b"])

    def test_by_hand(self):
        found = alignment_report(self.ERRORS, self.SUBJECTS, 200)
        assert found.faces == 4
        assert found.error.value == pytest.approx(0.15)
        assert found.failures.value == 0.5  # above 0.1, not at it
        # Resamples are aa (0.10), ab (0.15), bb (0.20).
        assert (found.error.low, found.error.high) == pytest.approx((0.10, 0.20))
        assert found.to_dict()["failure_above"] == 0.1
        assert "0.150 [0.100, 0.200] inter-ocular" in found.to_markdown()

    def test_subjects_weigh_by_their_faces(self):
        found = alignment_report(np.array([0.1, 0.1, 0.1, 0.5]), np.array(list("aaab")), 0)
        assert found.error.value == pytest.approx(0.2)
        assert np.isnan(found.error.low)

    def test_nothing_known(self):
        found = alignment_report(np.full(3, np.nan), np.array(list("abc")), 10)
        assert found.faces == 0
        assert np.isnan(found.error.value)
        assert found.to_dict()["error"]["value"] is None


def test_labels_that_are_not_coded_take_no_part(jaa: Path):
    found = predict(jaa, split="val", progress=False)
    assert (found.samples.labels != MISSING).all()
    expected = report(found, "val", 0).abaw.abaw2.value
    doubled = found.samples.take([*range(20), *range(20)])
    doubled.side_labels[20:] = MISSING
    more = {
        name: np.concatenate([getattr(found, name)] * 2) for name in ("sides", "side_decisions", "scores")
    }
    more |= {"decisions": np.concatenate([found.decisions, ~found.decisions])}
    more |= {"uncalibrated": np.concatenate([found.uncalibrated, ~found.uncalibrated])}
    more |= {"landmark_error": np.concatenate([found.landmark_error] * 2)}
    wider = dataclasses.replace(found, samples=doubled, **more)
    assert report(wider, "val", 0).abaw.abaw2.value == pytest.approx(expected)


def test_near_duplicates_that_were_allowed_are_said_in_the_result(faces: Path, tmp_path: Path):
    """Painted faces are much alike; without splits of their own nobody looks."""
    rows = pd.read_parquet(faces / "manifest.parquet").rename(columns={"index": "frame"})
    rows["path"], rows["sequence"] = str(faces) + "/" + rows["file"], "s"
    for label in PAINTED.labels:
        rows[label] = (rows[[f"{label}_right", f"{label}_left"]].max(axis=1) > 0).astype(int)
    points = [f"{axis}_{k}" for k in range(68) for axis in "xy"]
    kept = rows[["path", "subject", "sequence", "frame", *PAINTED.labels, *points]]
    kept.assign(part=rows["split"]).to_csv(tmp_path / "own.csv", index=False)
    index = open_dataset("manifest", tmp_path / "own.csv")
    data = prepare(index, tmp_path / "own", PrepareSettings(size=64), processes=1, allow_near_duplicates=True)
    found = evaluate(made(data.root, tmp_path / "run", "roi"), bootstrap=0, out=tmp_path, progress=False)
    assert (
        f"The data are own (with {len(data.near_duplicates)} near-duplicates between its splits)."
        in found.chosen
    )
    assert found.chosen in (tmp_path / "report.md").read_text()
