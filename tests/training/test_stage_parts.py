"""Two stages: their configurations, their models, two processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from aulens.checked import checked
from aulens.errors import ModelError
from aulens.models import build, load_checkpoint, model_config
from aulens.relations import AURelations
from aulens.training import stages
from aulens.training.au_task import AUTask
from aulens.training.checkpoint import Average
from aulens.training.config import TrainConfig, to_toml
from aulens.training.setup import load_samples, training_set
from aulens.training.stages import first_stage, second_stage, train
from interrupted import log
from synthetic_faces import PAINTED, write_faces
from tiny_jaa import AUS, EPOCH, config

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_faces(tmp_path_factory.mktemp("few"), subjects=12, each=2)


def test_two_processes_train_both_stages(few: Path, tmp_path: Path):
    """Under torchrun: frozen parameters leave nobody waiting, and are the same in both processes' results."""
    path, out = tmp_path / "c.toml", tmp_path / "run"
    path.write_text(to_toml(config(few)), encoding="utf-8")
    script = tmp_path / "go.py"
    script.write_text(
        "from pathlib import Path; from aulens.training import load_config, train\n"
        f"train(load_config(Path({str(path)!r})), Path({str(out)!r}), progress=False)\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", str(script)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MASTER_PORT": "0"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    below = load_checkpoint(out / "stage1" / "best.safetensors")[0].state_dict()
    above = load_checkpoint(out / "best.safetensors")[0].state_dict()
    assert all(torch.equal(above[f"jaa.{name}"], value) for name, value in below.items())
    for folder in (out, out / "stage1"):
        records = log(folder)
        assert [r["step"] for r in records] == [EPOCH, 2 * EPOCH]
        report = json.loads((folder / "val" / "report.json").read_text())
        best = max(r["val"]["abaw2"] for r in records)  # gathered from both, in the order of the samples
        assert report["abaw_uncalibrated"]["abaw2"]["value"] == pytest.approx(best)


def test_what_each_stage_is_trained_by(few: Path):
    chosen = config(few, stage2={"lr": 0.5, "step_epochs": 7})
    first, second = first_stage(chosen), second_stage(chosen)
    assert first.model == {"variant": "jaa_net", "aus": AUS, "crop": 48}
    assert (first.stage2, first.train, first.optimiser) == (None, chosen.train, chosen.optimiser)
    assert (second.train.epochs, second.optimiser.lr, second.optimiser.step_epochs) == (2, 0.5, 7)
    assert (second.optimiser.gamma, second.optimiser.name) == (0.3, "sgd")
    defaults = checked(TrainConfig, {"model": {"variant": "jaa_gcn"}})
    assert second_stage(defaults).train.epochs == 3  # the paper's


def test_an_average_leaves_frozen_weights_alone():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    model[0].requires_grad_(False)
    average = Average(model, 0.9)  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1.0)
    frozen = average.model[0].weight.clone()
    average.update(model, 100)
    assert torch.equal(average.model[0].weight, frozen)
    assert not torch.equal(average.model[1].weight, model[1].weight)


def test_what_is_wrong_with_the_second_stage_is_said_before_the_first(
    few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def impossible(settings, relations=None):
        if relations is not None:
            raise ModelError("no such graph")
        return build(settings)

    monkeypatch.setattr(stages, "build", impossible)
    with pytest.raises(ModelError, match="no such graph"):
        train(config(few), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_diverged_weights_are_said_to_be(few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Their landmarks are no numbers either; that is not what to say."""

    original = AUTask.validate

    def spoilt(self, model, *given):
        for parameter in model.parameters():
            torch.nn.init.constant_(parameter, float("nan"))
        return original(self, model, *given)

    monkeypatch.setattr(AUTask, "validate", spoilt)
    with pytest.raises(ModelError, match="not numbers after epoch 1: its weights have diverged"):
        train(config(few, train={"ema": 0.0}), tmp_path / "run", progress=False)


def test_what_learns_landmarks_is_taught_the_true_ones(few: Path):
    for variant, model, wanted in (
        ("jaa_net", {}, True),
        ("jaa_gcn", {"graph_width": 8}, True),
        ("roi", {"backbone": "hrnet_lane8"}, False),
    ):
        chosen = checked(TrainConfig, {"model": {"variant": variant, "aus": AUS, "crop": 64, **model}})
        settings = model_config(chosen.model)
        relations = AURelations.from_labels([[1, 1, 0]], PAINTED)
        built = build(settings, relations if variant == "jaa_gcn" else None)
        samples = load_samples(config(few), settings)
        assert training_set(chosen, samples, built).true_landmarks is wanted
