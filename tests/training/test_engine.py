import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from aulens.aus import MISSING
from aulens.checked import checked
from aulens.errors import BusyError, ConfigError, DatasetError, ModelError
from aulens.locks import hold
from aulens.models import build, model_config, save_checkpoint
from aulens.training.config import TrainConfig, to_toml
from aulens.training.run_folder import RunFolder, open_run
from aulens.training.setup import load_samples
from aulens.training.stages import train
from interrupted import Killed, kill_at, log, weights
from prepared_folder import write_prepared
from synthetic_faces import NEVER, PAINTED, write_faces

pytestmark = pytest.mark.slow

AUS = [*PAINTED.numbers, NEVER]


def config(root: Path, **sections: dict) -> TrainConfig:
    raw = {
        "name": "tiny",
        "seed": 3,
        "data": {"roots": [str(root)], "workers": 0},
        "model": {"variant": "roi", "backbone": "hrnet_lane8", "aus": AUS, "crop": 64, "roi_side": 3},
        "augment": {"rotation": 5.0, "scale": 0.05, "flip": 0.5, "colour": 0.3, "noise": 0.3},
        "optimiser": {"name": "adamw", "lr": 3e-3, "schedule": "cosine", "warmup_epochs": 0.5},
        "train": {"epochs": 2, "batch": 8, "threads": 1, "accelerator": "cpu", "ema": 0.9},
    }
    for name, values in sections.items():
        raw[name] = {**raw[name], **values}
    return checked(TrainConfig, raw)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fewer than those that all share: 36 to train on, 8 to choose by, 4 to test."""
    return write_faces(tmp_path_factory.mktemp("faces"), subjects=12, each=4)


@pytest.fixture(scope="module")
def whole(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing disturbed: 2 epochs of 4 steps."""
    out = tmp_path_factory.mktemp("whole") / "run"
    result = train(config(faces), out, progress=False)
    assert result.epochs == 2
    assert result.run == out
    return out


def test_the_run_folder_is_complete(whole: Path):
    names = {path.name for path in whole.iterdir()}
    assert names >= {
        "config.toml",
        "log.jsonl",
        "last.pt",
        "best.safetensors",
        "calibration.json",
        "facts.json",
    }
    assert (whole / "val" / "report.json").is_file()
    assert not [name for name in names if name.endswith(".part")]
    assert list((whole / "tensorboard").iterdir())
    facts = json.loads((whole / "facts.json").read_text())
    assert facts["versions"]["torch"]
    assert facts["data"]["samples"]["train"] == 36
    records = log(whole)
    assert [r["epoch"] for r in records] == [1, 2]
    assert records[-1]["train"]["loss"] < records[0]["train"]["loss"]
    assert set(records[0]["val"]["roc_auc"]) == {"AU2", "AU12", "AU15", "AU9"}
    assert records[0]["val"]["roc_auc"]["AU9"] is None  # never occurs: undefined, and said so


# Step 4 is the first of epoch 2; 6 is in its middle, where only a save within the epoch can help.
@pytest.mark.parametrize(
    ("step", "minutes", "workers"),
    [(4, 0.0, 0), *(pytest.param(*row) for row in ((6, 0.0, 0), (6, 1e-9, 1)))],
)
def test_a_killed_run_ends_as_if_it_had_not_been(
    faces: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step, minutes, workers
):
    out = tmp_path / "run"
    settings = config(faces, train={"checkpoint_minutes": minutes}, data={"workers": workers})
    with monkeypatch.context() as patch:
        kill_at(patch, step)
        with pytest.raises(Killed):
            train(settings, out, progress=False)
    saved = torch.load(out / "last.pt", weights_only=True)["position"]
    assert saved["step"] == (step if minutes else 4)
    train(settings, out, resume=True, progress=False)
    expected = weights(whole)
    for name, value in weights(out).items():
        assert torch.equal(value, expected[name]), name
    assert log(out) == log(whole)
    best, best_whole = (load_file(run / "best.safetensors") for run in (out, whole))
    assert list(best) == list(best_whole)
    assert all(torch.equal(best[name], best_whole[name]) for name in best)


def test_resuming_a_finished_run_changes_nothing(faces: Path, whole: Path):
    before = weights(whole)
    result = train(config(faces), whole, resume=True, progress=False)
    assert result.epochs == 2
    assert all(torch.equal(before[name], value) for name, value in weights(whole).items())


def test_a_run_of_before_there_were_beginnings_is_gone_on_with(faces: Path, whole: Path, tmp_path: Path):
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    state = torch.load(out / "last.pt", weights_only=True)
    del state["position"]["origin"], state["task"]
    torch.save(state, out / "last.pt")
    text = (out / "config.toml").read_text()
    kept = [line for line in text.splitlines() if not line.startswith(("momentum", "nesterov"))]
    (out / "config.toml").write_text("\n".join(kept))
    assert train(config(faces), out, resume=True, progress=False).epochs == 2


def test_a_used_folder_is_not_overwritten(faces: Path, whole: Path, tmp_path: Path):
    with pytest.raises(ConfigError, match="--resume"):
        train(config(faces), whole, progress=False)
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(ConfigError, match="not empty"):
        train(config(faces), tmp_path, progress=False)


def test_two_trainings_do_not_share_a_folder(faces: Path, tmp_path: Path):
    with hold(tmp_path / ".training.lock", "It"), pytest.raises(BusyError, match=r"The run folder .* in use"):
        train(config(faces), tmp_path, progress=False)
    # Neither a lock of a killed training nor what it was writing makes a folder a used one.
    for name in (".study.lock", ".config.toml.elsewhere-1.part"):
        (tmp_path / name).touch()
    assert open_run(tmp_path, config(faces), resume=False).config.is_file()


def test_what_a_study_found_is_forgotten_with_the_reports(tmp_path: Path):
    """Both speak of a best model that is about to change."""
    (tmp_path / "test").mkdir()
    for name in ("report.json", "report.md", "result.json"):
        (tmp_path / "test" / name).touch()
    RunFolder(tmp_path).forget_results()
    assert not list((tmp_path / "test").iterdir())


def test_another_configuration_is_not_resumed(faces: Path, whole: Path):
    with pytest.raises(ConfigError, match=r"optimiser\.lr was 0\.003, is 0\.1"):
        train(config(faces, optimiser={"lr": 0.1}), whole, resume=True, progress=False)


def test_other_data_are_not_resumed(whole: Path, tmp_path: Path):
    other = write_faces(tmp_path / "other", subjects=12, each=4, seed=9)
    with pytest.raises(DatasetError, match="not those of the run"):
        train(config(other), whole, resume=True, progress=False)


def test_a_damaged_state_is_not_resumed(faces: Path, tmp_path: Path):
    out = tmp_path / "run"
    train(config(faces, train={"epochs": 1}), out, progress=False)
    (out / "last.pt").write_bytes((out / "last.pt").read_bytes()[:1000])
    with pytest.raises(ModelError, match="Cannot resume"):
        train(config(faces, train={"epochs": 1}), out, resume=True, progress=False)


def test_a_loss_that_is_no_number_names_the_batch(faces: Path, tmp_path: Path):
    settings = model_config(config(faces).model)
    model = build(settings)
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    save_checkpoint(tmp_path / "spoilt.safetensors", model, settings)
    begun = config(faces, train={"start": str(tmp_path / "spoilt.safetensors")})
    with pytest.raises(ModelError, match=r"loss is nan in epoch 1, step 0, on the batch .*\.jpg") as caught:
        train(begun, tmp_path / "run", progress=False)
    report = json.loads((tmp_path / "run" / "failed_batch.json").read_text())
    assert len(report["files"]) == 8
    assert report["files"][0] in str(caught.value)
    assert not (tmp_path / "run" / "best.safetensors").exists()


def test_labels_all_missing_are_refused(faces: Path, tmp_path: Path):
    root = write_faces(tmp_path / "f", subjects=12, each=2)
    table = pd.read_parquet(root / "manifest.parquet")
    labels = [c for c in table if c.startswith("AU")]
    table.loc[table["split"] == "train", labels] = np.nan
    table.to_parquet(root / "manifest.parquet")
    with pytest.raises(DatasetError, match="All training labels are MISSING"):
        train(config(root), tmp_path / "run", progress=False)
    with pytest.raises(ConfigError, match="No data"):
        train(
            dataclasses.replace(config(faces), data=TrainConfig().data),
            tmp_path / "r",
            progress=False,
        )


def test_validation_labels_all_missing_are_said_and_do_not_stop_a_run(faces: Path, tmp_path: Path):
    root = write_faces(tmp_path / "f", subjects=12, each=2)
    table = pd.read_parquet(root / "manifest.parquet")
    table.loc[table["split"] == "val", [c for c in table if c.startswith("AU")]] = np.nan
    table.to_parquet(root / "manifest.parquet")
    run = tmp_path / "run"
    # Weighted: one of the AUs never occurs, but its weight is not infinite.
    result = train(config(root, model={"weighted": True}, train={"epochs": 1}), run, progress=False)
    assert np.isfinite(log(run)[0]["train"]["loss"])
    assert np.isnan(result.value)
    assert not any(json.loads((run / "calibration.json").read_text())["fitted"].values())


def test_a_new_best_model_forgets_the_results_of_the_old(tmp_path: Path):
    run = RunFolder(tmp_path)
    (tmp_path / "test").mkdir()
    old = [run.calibration, tmp_path / "test" / "report.json", tmp_path / "test" / "report.md"]
    for path in (*old, run.log):
        path.write_text("{}")
    run.forget_results()
    assert not any(path.exists() for path in old)
    assert run.log.exists()


@pytest.mark.parametrize("variant", ["roi", "roi_gcn_supervised", "pooled"])
def test_an_au_that_never_occurs_has_no_infinite_weight(faces: Path, tmp_path: Path, variant: str):
    settings = config(faces, model={"variant": variant, "weighted": True}, train={"epochs": 1})
    train(settings, tmp_path / "run", progress=False)
    assert np.isfinite(log(tmp_path / "run")[0]["train"]["loss"])


def test_graded_maps_need_intensities_and_use_them(faces: Path, tmp_path: Path):
    losses = []
    for graded in (False, True):
        settings = config(faces, model={"graded": graded}, train={"epochs": 1})
        train(settings, tmp_path / str(graded), progress=False)
        losses.append(log(tmp_path / str(graded))[0]["train"]["loss"])
    assert losses[0] != losses[1]
    bare = write_prepared(tmp_path / "bare", {"a": "train", "b": "val"}, aus=AUS, each=30)
    with pytest.raises(DatasetError, match=r"model\.graded needs intensities"):
        train(config(bare, model={"graded": True}), tmp_path / "run", progress=False)


def test_aus_that_are_never_coded_are_named(faces: Path, tmp_path: Path):
    root = write_faces(tmp_path / "f", subjects=12, each=2)
    dropped = [f"AU{n}_{side}" for n in (NEVER, 15) for side in ("right", "left")]
    pd.read_parquet(root / "manifest.parquet").drop(columns=dropped).to_parquet(root / "manifest.parquet")
    with pytest.raises(DatasetError, match=r"2 of the 4 AUs.*; AU15, AU9 are coded nowhere.*aus = \[2, 12\]"):
        train(config(root), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
    # Coded in one folder of two is coded.
    both = config(faces, data={"roots": [str(root), str(faces)]})
    assert (load_samples(both, model_config(both.model)).labels == MISSING).any()


def test_limit_takes_training_samples_only(faces: Path, tmp_path: Path):
    train(config(faces, data={"limit": 24}, train={"epochs": 1}), tmp_path / "run", progress=False)
    facts = json.loads((tmp_path / "run" / "facts.json").read_text())
    assert facts["data"]["samples"] == {"train": 24, "val": 8, "test": 4}


def test_bf16_and_the_papers_optimiser_run(faces: Path, tmp_path: Path):
    settings = config(
        faces,
        train={"epochs": 1, "precision": "bf16-mixed", "ema": 0.0, "metric": "f1"},
        optimiser={"name": "adam", "schedule": "step", "clip_norm": 1.0},
    )
    result = train(settings, tmp_path / "run", progress=False)
    assert result.metric == "macro_f1"
    assert np.isfinite(log(tmp_path / "run")[0]["train"]["loss"])


def test_progress_is_on_stderr_only(faces: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    train(config(faces, train={"epochs": 1}), tmp_path / "run", progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "epoch   1" in err


def test_two_processes_share_the_work(faces: Path, tmp_path: Path):
    """Under torchrun: each batch is shared, validation is gathered in order, one folder is written."""
    path = tmp_path / "c.toml"
    path.write_text(to_toml(config(faces, train={"epochs": 2, "ema": 0.0})), encoding="utf-8")
    script = tmp_path / "go.py"
    script.write_text(
        "from pathlib import Path; from aulens.training import load_config, train\n"
        f"train(load_config(Path({str(path)!r})), Path({str(tmp_path / 'run')!r}), progress=False)\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", str(script)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MASTER_PORT": "0"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "deprecated" not in done.stderr
    records = log(tmp_path / "run")
    assert [r["step"] for r in records] == [4, 8]
    # The gathered scores are those that one process gives.
    facts = json.loads((tmp_path / "run" / "val" / "report.json").read_text())
    best = max(r["val"]["macro_roc_auc"] for r in records)
    assert facts["report"]["macro"]["roc_auc"]["value"] == pytest.approx(best, abs=1e-6)


def test_a_model_learns(tmp_path: Path):
    """The whole line: on painted faces of held-out subjects the discs are found, on the right side."""
    from aulens.training.evaluation import evaluate

    root = write_faces(tmp_path / "f", subjects=24, each=12)
    settings = config(root, train={"epochs": 14}, augment={"colour": 0.0}, model={"background": 0.05})
    result = train(settings, tmp_path / "run", progress=False)
    found = evaluate(result.run, split="test", bootstrap=0, progress=False)
    assert found.report.metrics["roc_auc"].macro > 0.9
    assert found.sides.to_dict()["macro"]["true_side"] > 0.85
