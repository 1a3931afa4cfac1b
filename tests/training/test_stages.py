"""Two stages in one command: JAA-Net, then the graph on top of it."""

import dataclasses
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from aulens.errors import ConfigError, DatasetError, ModelError
from aulens.models import build, load_checkpoint, model_config, save_checkpoint
from aulens.relations import AURelations
from aulens.training.au_task import AUTask
from aulens.training.config import load_config, to_toml
from aulens.training.setup import load_samples
from aulens.training.stages import train
from interrupted import Killed, kill_at, log, weights
from synthetic_faces import PAINTED, write_faces
from tiny_jaa import EPOCH, config

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_faces(tmp_path_factory.mktemp("few"), subjects=12, each=2)


@pytest.fixture(scope="module")
def whole(few: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing disturbed: 2 epochs of 3 steps in each stage."""
    out = tmp_path_factory.mktemp("whole") / "run"
    result = train(config(few), out, progress=False)
    assert (result.run, result.epochs, result.metric) == (out, 2, "abaw2")
    return out


def same(run: Path, other: Path) -> None:
    """Both stages of two runs, to the bit."""
    for stage in (".", "stage1"):
        expected = weights(other / stage)
        for name, value in weights(run / stage).items():
            assert torch.equal(value, expected[name]), name
        assert log(run / stage) == log(other / stage)
        best, best_other = (load_file(r / stage / "best.safetensors") for r in (run, other))
        assert list(best) == list(best_other)
        assert all(torch.equal(best[name], best_other[name]) for name in best)
        assert (run / stage / "calibration.json").read_text() == (
            other / stage / "calibration.json"
        ).read_text()
    assert (run / "relations.json").read_text() == (other / "relations.json").read_text()


def test_each_stage_is_a_run_of_its_own(few: Path, whole: Path):
    for folder, variant in ((whole / "stage1", "jaa_net"), (whole, "jaa_gcn")):
        names = {path.name for path in folder.iterdir()}
        assert names >= {"config.toml", "log.jsonl", "last.pt", "calibration.json", "facts.json", "val"}
        assert load_checkpoint(folder / "best.safetensors")[1].variant == variant
        assert load_config(folder / "config.toml").model["variant"] == variant
    assert set(log(whole / "stage1")[0]["train"]) == {"loss", "softmax", "dice", "local", "landmark"}
    assert set(log(whole)[0]["train"]) == {"loss", "softmax", "dice"}
    assert [r["step"] for r in log(whole)] == [EPOCH, 2 * EPOCH]


def test_the_second_stage_leaves_the_first_as_it_was(whole: Path):
    """Batch statistics included, and in the moving average too."""
    below = load_checkpoint(whole / "stage1" / "best.safetensors")[0].state_dict()
    for state in (load_checkpoint(whole / "best.safetensors")[0].state_dict(), weights(whole)):
        for name, value in below.items():
            assert torch.equal(state[f"jaa.{name}"], value), name
    torch.manual_seed(3)
    settings = model_config(load_config(whole / "config.toml").model)
    fresh = build(settings, AURelations.load(whole / "relations.json")).state_dict()
    trained = [name for name in fresh if not name.startswith("jaa.")]
    last = weights(whole)
    changed = [name for name in trained if not torch.equal(fresh[name], last[name])]
    assert changed == [name for name in trained if "weight" in name or "bias" in name]


def test_relations_are_the_training_labels(few: Path, whole: Path):
    samples = load_samples(config(few), model_config(config(few).model))
    expected = AURelations.from_labels(samples.split("train").labels, samples.aus)
    found = AURelations.load(whole / "relations.json", samples.aus)
    assert (found.conditional == expected.conditional).all()
    model, _ = load_checkpoint(whole / "best.safetensors")
    stored = model.get_buffer("conditional")
    torch.testing.assert_close(stored, torch.tensor(expected.conditional, dtype=torch.float32))


@pytest.mark.parametrize(
    ("variant", "step", "minutes"),
    [
        ("jaa_net", 1, 0.0),
        ("jaa_net", EPOCH + 1, 1e-9),
        ("jaa_gcn", 1, 0.0),
        ("jaa_gcn", EPOCH + 1, 0.0),
        ("jaa_gcn", EPOCH + 1, 1e-9),
    ],
)
def test_a_kill_in_either_stage_leaves_no_trace(
    few: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variant, step, minutes
):
    out, settings = tmp_path / "run", config(few, train={"checkpoint_minutes": minutes})
    with monkeypatch.context() as patch:
        kill_at(patch, step, variant)
        with pytest.raises(Killed):
            train(settings, out, progress=False)
    assert (out / "last.pt").exists() == (variant == "jaa_gcn" and step > 1)
    assert (out / "relations.json").exists()
    train(settings, out, resume=True, progress=False)
    same(out, whole)


def test_a_kill_between_the_stages_leaves_no_trace(
    few: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "run"

    def killed(self, run):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(AUTask, "conclude", killed)
        with pytest.raises(Killed):
            train(config(few), out, progress=False)
    assert not (out / "stage1" / "calibration.json").exists()
    train(config(few), out, resume=True, progress=False)
    same(out, whole)


def test_resuming_a_finished_run_touches_nothing(few: Path, whole: Path):
    kept = [
        p for p in whole.rglob("*") if p.suffix in (".safetensors", ".pt") or p.name == "calibration.json"
    ]
    before = {path: path.stat().st_mtime_ns for path in kept}
    assert len(before) == 6
    train(config(few), whole, resume=True, progress=False)
    assert {path: path.stat().st_mtime_ns for path in kept} == before


def test_a_finished_first_stage_needs_no_state_of_its_training(
    few: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Without its last.pt, and with no second stage yet: it is neither rebuilt nor trained nor written to."""
    shutil.copytree(whole / "stage1", tmp_path / "run" / "stage1")
    shutil.copy(whole / "config.toml", tmp_path / "run")
    (tmp_path / "run" / "stage1" / "last.pt").unlink()

    def content() -> dict[Path, int]:
        return {p: p.stat().st_mtime_ns for p in (tmp_path / "run" / "stage1").rglob("*")}

    before = content()
    kill_at(monkeypatch, 0, "jaa_gcn")
    with pytest.raises(Killed):
        train(config(few), tmp_path / "run", resume=True, progress=False)
    assert content() == before
    changed = dataclasses.replace(config(few), seed=4)
    (tmp_path / "run" / "config.toml").write_text(to_toml(changed))
    with pytest.raises(ConfigError, match=r"stage1 with another configuration: seed was 3, is 4"):
        train(changed, tmp_path / "run", resume=True, progress=False)
    (tmp_path / "run" / "config.toml").write_text(to_toml(config(few)))
    other = write_faces(tmp_path / "other", subjects=13, each=2)
    with pytest.raises(DatasetError, match=r"not those of the run in .*stage1"):
        train(config(other), tmp_path / "run", resume=True, progress=False)
    assert content() == before


def test_a_first_stage_from_elsewhere(
    few: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The second stage alone, from the first of another run, is the same second stage; also after a kill."""
    out, settings = tmp_path / "run", config(few, stage2={"start": str(whole / "stage1")})
    with monkeypatch.context() as patch:
        kill_at(patch, EPOCH + 1, "jaa_gcn")
        with pytest.raises(Killed):
            train(settings, out, progress=False)
    assert len(log(out)) == 1
    train(settings, out, resume=True, progress=False)
    assert not (out / "stage1").exists()
    expected = weights(whole)
    assert all(torch.equal(value, expected[name]) for name, value in weights(out).items())
    assert log(out) == log(whole)
    other = config(few, stage2={"start": str(whole / "stage1" / "best.safetensors")})  # the same, elsewhere
    train(other, out, resume=True, progress=False)


def test_epochs_may_be_added_to_the_second_stage_only(few: Path, whole: Path, tmp_path: Path):
    with pytest.raises(ConfigError, match=r"train\.epochs was 2, is 5"):
        train(config(few, train={"epochs": 5}), whole, resume=True, progress=False)
    with pytest.raises(ConfigError, match=r"stage2\.lr was not given, is 0\.5"):
        train(config(few, stage2={"lr": 0.5}), whole, resume=True, progress=False)
    longer = config(few, stage2={"epochs": 5, "schedule": "cosine"})
    (tmp_path / "config.toml").write_text(to_toml(config(few, stage2={"schedule": "cosine"})))
    with pytest.raises(ConfigError, match=r"stage2\.epochs was 2, is 5"):
        train(longer, tmp_path, resume=True, progress=False)


def test_more_epochs_of_the_second_stage(few: Path, tmp_path: Path):
    out = tmp_path / "run"
    train(config(few, train={"epochs": 1}, stage2={"epochs": 1}), out, progress=False)
    result = train(config(few, train={"epochs": 1}, stage2={"epochs": 2}), out, resume=True, progress=False)
    assert result.epochs == 2


def test_another_first_stage_is_not_gone_on_with(few: Path, whole: Path, tmp_path: Path):
    model, settings = load_checkpoint(whole / "stage1" / "best.safetensors")
    other = tmp_path / "other.safetensors"
    with torch.no_grad():
        next(model.parameters()).add_(1)
    save_checkpoint(other, model, settings)
    with pytest.raises(ConfigError, match="not empty"):
        train(config(few), whole, progress=False)
    (tmp_path / "config.toml").write_text(to_toml(config(few, stage2={"start": str(other)})))
    (tmp_path / "last.pt").symlink_to(whole / "last.pt")
    with pytest.raises(ModelError, match="began from another checkpoint"):
        train(config(few, stage2={"start": str(other)}), tmp_path, resume=True, progress=False)


def test_relations_of_a_file_take_the_place_of_the_labels(
    few: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    given = AURelations.from_labels([[1, 1, 0], [0, 0, 1]], PAINTED)
    given.save(tmp_path / "given.json")
    kill_at(monkeypatch, 0, "jaa_gcn")
    settings = config(
        few,
        stage2={"start": str(whole / "stage1")},
        model={"graph_matrix": str(tmp_path / "given.json")},
    )
    with pytest.raises(Killed):
        train(settings, tmp_path / "run", progress=False)
    found = AURelations.load(tmp_path / "run" / "relations.json")
    assert found.conditional.tolist() == given.conditional.tolist()


def test_other_relations_are_not_gone_on_with(few: Path, whole: Path, tmp_path: Path):
    AURelations.from_labels([[1, 1, 0], [0, 0, 1]], PAINTED).save(tmp_path / "given.json")
    given = {
        "model": {"graph_matrix": str(tmp_path / "given.json")},
        "stage2": {"start": str(whole / "stage1")},
    }
    (tmp_path / "config.toml").write_text(to_toml(config(few, **given)))
    (tmp_path / "last.pt").symlink_to(whole / "last.pt")
    with pytest.raises(ModelError, match="with other relations, than it is now given"):
        train(config(few, **given), tmp_path, resume=True, progress=False)
    assert not (tmp_path / "relations.json").exists()


def test_a_first_stage_that_is_gone_is_not_trained_anew(few: Path, whole: Path, tmp_path: Path):
    (tmp_path / "config.toml").write_text(to_toml(config(few)))
    (tmp_path / "last.pt").symlink_to(whole / "last.pt")
    with pytest.raises(ModelError, match=r"its first is gone: there is no .*stage1/best\.safetensors"):
        train(config(few), tmp_path, resume=True, progress=False)
