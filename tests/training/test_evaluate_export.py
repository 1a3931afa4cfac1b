import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

import aulens
from aulens.errors import ConfigError, ModelError
from aulens.files import write_json
from aulens.models import RoiConfig, build
from aulens.runtime.backend import open_session
from aulens.runtime.card import read_card
from aulens.runtime.intensity import Curve
from aulens.training import onnx_file
from aulens.training.calibration import FALLBACK, read_calibration
from aulens.training.evaluation import evaluate
from aulens.training.exporter import export
from aulens.training.inference import predict
from aulens.training.onnx_file import fold_batch_norm
from aulens.training.run_folder import RunFolder
from made_runs import make_run
from synthetic_faces import PAINTED

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(faces, tmp_path_factory.mktemp("made") / "run")


@pytest.fixture(scope="module")
def exported(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = export(run, tmp_path_factory.mktemp("exported"), "tiny")
    assert found.max_difference <= 1e-3
    assert found.bytes == found.onnx.stat().st_size < 25e6
    return found.card


def test_report_is_written_and_complete(run: Path, tmp_path: Path):
    found = evaluate(run, split="val", out=tmp_path, bootstrap=20, progress=False)
    assert found.samples == 20
    assert found.subjects == 2
    report = json.loads((tmp_path / "report.json").read_text())
    assert report == json.loads(json.dumps(found.to_dict()))
    assert report["split"] == "val"
    assert "validation subjects" in report["chosen"]
    text = (tmp_path / "report.md").read_text()
    for part in ("AU12", "macro", "Sides", "Base rates"):
        assert part in text


def test_run_and_exported_model_agree(run: Path, exported: Path, faces: Path, tmp_path: Path):
    with pytest.raises(ConfigError, match="--data"):
        evaluate(exported)
    ours = evaluate(run, split="test", out=tmp_path, bootstrap=0, progress=False)
    theirs = evaluate(exported, [faces], split="test", bootstrap=0, progress=False)
    np.testing.assert_array_equal(ours.report.counts.tp, theirs.report.counts.tp)
    np.testing.assert_allclose(
        ours.report.metrics["roc_auc"].value, theirs.report.metrics["roc_auc"].value, atol=1e-9
    )
    np.testing.assert_array_equal(ours.sides.confusion, theirs.sides.confusion)


def test_card_is_what_the_runtime_reads(exported: Path):
    card = read_card(exported)
    assert card.aus.numbers == PAINTED.numbers
    assert (card.crop, card.map, card.roi_side) == (64, 16, 3)
    assert card.decoder == "roi"
    raw = json.loads(exported.read_text())
    assert raw["format"] == "aulens-model/1"
    assert raw["layout"] == "ibug68"
    assert "is not known" in raw["statement"]  # the folder was made without a training
    assert raw["calibrated"] is True
    assert all(a > 0 for a, _ in raw["platt"].values())


def test_the_file_is_self_contained_and_tells_no_paths(exported: Path):
    file = exported.with_suffix(".onnx")
    model = onnx.load(file)
    assert [i.name for i in model.graph.input] == ["image"]
    assert [o.name for o in model.graph.output] == ["maps"]
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param  # the batch is free
    assert not [node for node in model.graph.node if node.op_type == "BatchNormalization"]
    data = file.read_bytes()
    assert b"site-packages" not in data
    assert str(Path(__file__).resolve().parents[2]).encode() not in data
    assert not file.with_suffix(".onnx.data").exists()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../b", "a\0b"])
def test_a_name_that_can_name_no_file_is_refused(tmp_path: Path, name: str):
    with pytest.raises(ConfigError, match="can't name a file"):
        export(tmp_path, tmp_path / "out", name)
    assert not (tmp_path / "out").exists()


def test_a_card_without_its_model_is_named(faces: Path, tmp_path: Path):
    card = Path(aulens.__file__).parent / "weights" / "aulens-portraits.json"
    shutil.copy(card, tmp_path / "alone.json")
    with pytest.raises(ModelError, match=r"alone\.onnx"):
        evaluate(tmp_path / "alone.json", [faces], progress=False)


def test_an_uncalibrated_run_is_refused(faces: Path, tmp_path: Path):
    run = make_run(faces, tmp_path / "run", calibrated=False)
    with pytest.raises(ModelError, match="never calibrated"):
        export(run, tmp_path / "out", "x")
    with pytest.raises(ModelError, match="never calibrated"):
        evaluate(run, progress=False)
    assert not (tmp_path / "out" / "x.onnx").exists()


def test_an_uncalibrated_export_says_so(faces: Path, tmp_path: Path):
    run = make_run(faces, tmp_path / "run", calibrated=False)
    card = export(run, tmp_path / "out", "x", allow_uncalibrated=True).card
    raw = json.loads(card.read_text())
    assert raw["calibrated"] is False
    assert raw["platt"]["AU12"] == list(FALLBACK)


@pytest.mark.parametrize("variant", ["pooled", "heatmap", "roi_gcn_supervised"])
def test_every_variant_decides_alike_in_both_forms(faces: Path, tmp_path: Path, variant: str):
    run = make_run(faces, tmp_path / "run", variant)
    ours = evaluate(run, split="test", bootstrap=0, progress=False)
    card = export(run, tmp_path / "out", "x").card
    theirs = evaluate(card, [faces], split="test", bootstrap=0, progress=False)
    np.testing.assert_array_equal(ours.report.counts.tp, theirs.report.counts.tp)
    np.testing.assert_array_equal(ours.report.counts.fp, theirs.report.counts.fp)
    both = predict(run, progress=False), predict(card, [faces], progress=False)
    ours, theirs = (found.scorer.calibration.probability(found.scores) for found in both)
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


@pytest.mark.parametrize("variant", ["roi", "heatmap"])
def test_both_forms_tell_the_same_intensities(faces: Path, tmp_path: Path, variant: str):
    run = make_run(faces, tmp_path / "run", variant)
    bare = export(run, tmp_path / "out", "bare").card
    assert read_card(bare).curves == ()
    assert predict(bare, [faces], progress=False).intensities is None
    path = RunFolder(run).calibration
    curve = Curve((-0.5, 0.0, 0.5), (0.0, 1.0, 5.0))
    write_json(path, replace(read_calibration(path, PAINTED), curves=(None, curve, curve)).to_dict())
    card = export(run, tmp_path / "out", "x").card
    assert read_card(card).aus.intense == PAINTED.numbers[1:]
    assert read_card(card).intensity_fitted_on == "60 validation pictures of 60 subjects"
    ours, theirs = predict(run, progress=False), predict(card, [faces], progress=False)
    assert np.isnan(ours.intensities[:, 0]).all()
    assert ours.intensities[:, 1:].std() > 0
    np.testing.assert_allclose(ours.intensities, theirs.intensities, atol=1e-3)


def test_weights_in_16_bits_are_half_the_file(exported: Path, tmp_path: Path):
    whole, half = exported.with_suffix(".onnx"), tmp_path / "half.onnx"
    shutil.copy(whole, half)
    onnx_file.halve(half)
    onnx.checker.check_model(str(half))
    picture = np.random.default_rng(0).random((1, 3, 64, 64), dtype=np.float32)
    maps, halved = (open_session(file, threads=1)(picture).maps for file in (whole, half))
    assert 0 < np.abs(maps - halved).max() < 0.01 * np.abs(maps).max()
    weights = sum(onnx.numpy_helper.to_array(one).size for one in onnx.load(whole).graph.initializer)
    assert whole.stat().st_size - half.stat().st_size > 1.5 * weights  # of 2 bytes each


def test_folding_keeps_what_a_model_computes():
    model = build(RoiConfig(variant="roi", backbone="hrnet_lane8", aus=[12], crop=32, roi_side=3)).eval()
    image = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        before = model.maps(image)
        after = fold_batch_norm(model).maps(image)
    torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-4)


def test_wrong_use_is_said(run: Path, tmp_path: Path):
    with pytest.raises(ConfigError, match="training subjects prove nothing"):
        evaluate(run, split="train")
    with pytest.raises(ModelError, match="not a run folder"):
        evaluate(tmp_path)
