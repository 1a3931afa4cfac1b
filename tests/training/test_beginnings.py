"""Trainings that begin from a checkpoint, and checkpoints that they can't begin from."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from aulens.aus import AUSet
from aulens.checked import checked
from aulens.errors import AulensError, ConfigError, ModelError
from aulens.models import RoiConfig, build, model_config, save_checkpoint
from aulens.relations import AURelations
from aulens.training.config import TrainConfig, to_toml
from aulens.training.run_folder import check_same
from aulens.training.stages import train
from interrupted import weights
from synthetic_faces import write_faces
from tiny_jaa import AUS, config

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_faces(tmp_path_factory.mktemp("few"), subjects=12, each=2)


def checkpoint(path: Path, **settings: object) -> Path:
    chosen = model_config({"variant": "jaa_net", "aus": AUS, "crop": 48, **settings})
    relations = AURelations.from_labels(torch.zeros(0, len(chosen.au_set)).numpy(), chosen.au_set)
    save_checkpoint(path, build(chosen, relations if chosen.variant == "jaa_gcn" else None), chosen)
    return path


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Callable[[dict], Path]:
    """Settings -> a checkpoint of them, made once."""
    folder, made = tmp_path_factory.mktemp("given"), {}

    def file(settings: dict) -> Path:
        key = repr(settings)
        if key not in made:
            (folder / str(len(made))).mkdir()
            made[key] = checkpoint(folder / str(len(made)) / "given.safetensors", **settings)
        return made[key]

    return file


@pytest.mark.parametrize("section", ["stage2", pytest.param("train")])
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"variant": "jaa_gcn"}, r"is a jaa_gcn, but a jaa_net .* model of stage 2; .* folder stage1\."),
        (
            {"variant": "roi", "backbone": "hrnet_lane8", "crop": 64},
            r"is a roi, but a jaa_net is to begin from it\. Give a checkpoint of a jaa_net",
        ),
        ({"aus": [12, 2, 15]}, r"predicts AU12, AU2, AU15, but the configuration says AU2, AU12, AU15"),
        pytest.param({"aus": [2, 12]}, r"predicts AU2, AU12, but"),
        pytest.param({"crop": 64}, r"takes crops of 64, but the configuration says 48"),
        ({"template": "face"}, r"takes crops of the template face, but the configuration says jaanet"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_named(
    few: Path, given, tmp_path: Path, settings, message, section
):
    file = given(settings)
    with pytest.raises(ModelError, match=rf"given\.safetensors {message}"):
        train(config(few, **{section: {"start": str(file)}}), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_no_checkpoint_and_other_relations_are_said_before_anything_is_written(few: Path, tmp_path: Path):
    AURelations.from_labels([[1, 1]], AUSet("pair", (2, 12))).save(tmp_path / "pair.json")
    (tmp_path / "empty").mkdir()
    for sections, message in (
        ({"stage2": {"start": str(tmp_path / "gone")}}, "No checkpoint at .*gone"),
        ({"stage2": {"start": str(tmp_path / "empty")}}, r"No checkpoint at .*empty/best\.safetensors"),
        ({"model": {"graph_matrix": str(tmp_path / "gone.json")}}, "cannot read relations"),
        ({"model": {"graph_matrix": str(tmp_path / "pair.json")}}, r"pair\.json .*AU15"),
    ):
        with pytest.raises(AulensError, match=message):
            train(config(few, **sections), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def one_stage(root: Path, start: Path, **model: object) -> TrainConfig:
    return checked(
        TrainConfig,
        {
            "data": {"roots": [str(root)], "workers": 0},
            "model": {"variant": "roi", "backbone": "hrnet_lane8", "aus": AUS, "crop": 32, **model},
            "train": {"epochs": 1, "batch": 6, "threads": 1, "accelerator": "cpu", "start": str(start)},
            "optimiser": {"lr": 1e-12, "weight_decay": 0.0},
        },
    )


def test_a_training_begins_from_a_checkpoint(few: Path, tmp_path: Path):
    settings = RoiConfig(variant="roi", backbone="hrnet_lane8", aus=AUS, crop=32)
    torch.manual_seed(99)
    start = build(settings)
    save_checkpoint(tmp_path / "start.safetensors", start, settings)
    out = tmp_path / "run"
    train(one_stage(few, tmp_path / "start.safetensors"), out, progress=False)
    found = weights(out)
    for name, value in start.named_parameters():
        torch.testing.assert_close(found[name], value, rtol=0, atol=1e-9)
    with pytest.raises(ModelError, match=r"start\.safetensors does not fit the configuration's \[model\]"):
        train(one_stage(few, tmp_path / "start.safetensors", channels=8), tmp_path / "x", progress=False)


@pytest.mark.parametrize("section", ["stage2", "train"])
def test_a_run_is_not_gone_on_with_from_another_beginning(few: Path, given, tmp_path: Path, section: str):
    """Forgetting the beginning would train something else, without a word."""
    file = given({})
    plain, begun = config(few), config(few, **{section: {"start": str(file)}})
    for old, new, message in (
        (begun, plain, rf"{section}\.start was '.*given\.safetensors', is not given\. Give it again"),
        (plain, begun, rf"{section}\.start was not given, is '.*given\.safetensors'\. Leave it out"),
    ):
        out = tmp_path / f"run_{message[-5:]}"
        out.mkdir()
        (out / "config.toml").write_text(to_toml(old))
        with pytest.raises(ConfigError, match=message):
            train(new, out, resume=True, progress=False)
        assert [path.name for path in out.iterdir()] == ["config.toml"]
    moved = config(few, **{section: {"start": str(tmp_path / "elsewhere.safetensors")}})
    check_same(begun, moved, tmp_path)
