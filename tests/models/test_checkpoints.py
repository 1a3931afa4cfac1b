"""A checkpoint alone rebuilds its model; any other file is refused with what is wrong with it."""

import lzma
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from aulens.aus import DISFA, AUSet
from aulens.errors import ConfigError, ModelError
from aulens.models import JAAConfig, RoiConfig, build, load_checkpoint, save_checkpoint
from aulens.models.backbone import backbone
from aulens.models.jaa_gcn import JAAGraphNet
from aulens.relations import AURelations

CONFIG = RoiConfig(variant="roi", backbone="hrnet_lane8", crop=64, aus="disfa")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint") / "model.safetensors"
    save_checkpoint(path, build(CONFIG), CONFIG)
    return path


GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.mark.parametrize(
    ("variant", "crop", "logits", "maps"),
    [
        ("roi_gcn_supervised", 64, (-0.12919797, -0.08426767), -0.10491872),
        ("jaa_gcn", 48, (4.71284914, -0.38647473), 0.49147484),
    ],
)
def test_checkpoints_of_aulens_0_1_say_what_they_said(
    variant: str, crop: int, logits: tuple[float, float], maps: float, tmp_path: Path
) -> None:
    """Files and numbers are those of release 0.1; weights of a simple pattern make the files small."""
    path = tmp_path / "old.safetensors"
    path.write_bytes(lzma.decompress((GOLDEN / f"{variant}-0.1.safetensors.xz").read_bytes()))
    model, config = load_checkpoint(path)
    assert (config.variant, config.au_set.numbers, config.crop) == (variant, (1, 12), crop)
    image = torch.linspace(0, 1, 3 * crop**2).reshape(1, 3, crop, crop)
    landmarks = torch.linspace(8, crop - 8, 136).reshape(1, 68, 2)
    with torch.no_grad():
        said = model.eval()(image, landmarks)
    assert said.logits[0].tolist() == pytest.approx(logits, abs=1e-4)
    assert said.maps.mean().item() == pytest.approx(maps, abs=1e-4)


def test_aus_are_kept_by_number(saved: Path) -> None:
    model, config = load_checkpoint(saved)
    assert model.aus == DISFA
    assert config.aus == DISFA.numbers


def test_weights_of_the_backbone_are_not_looked_for_again(tmp_path: Path) -> None:
    gone = tmp_path / "gone.pth"
    torch.save(build(CONFIG).backbone.body.state_dict(), gone)
    config = RoiConfig(variant="roi", backbone="hrnet_lane8", crop=64, backbone_weights=str(gone))
    save_checkpoint(tmp_path / "model.safetensors", build(config), config)
    gone.unlink()
    _, found = load_checkpoint(tmp_path / "model.safetensors")
    assert found.backbone_weights == str(gone)


def test_relations_are_in_the_checkpoint_and_not_looked_for_again(tmp_path: Path) -> None:
    gone = tmp_path / "gone.json"
    given = AURelations.from_labels([[1, 1, 0], [1, 0, 0], [0, 0, 1]], AUSet("three", (12, 6, 4)))
    given.save(gone)
    config = JAAConfig(variant="jaa_gcn", crop=48, aus=(12, 6, 4), graph_matrix=str(gone))
    save_checkpoint(tmp_path / "model.safetensors", build(config), config)
    gone.unlink()
    model, found = load_checkpoint(tmp_path / "model.safetensors")
    assert isinstance(model, JAAGraphNet)
    assert model.relations.conditional.tolist() == given.conditional.tolist()
    assert found == config


def test_a_graph_needs_relations_of_its_aus() -> None:
    config = JAAConfig(variant="jaa_gcn", crop=48, aus="disfa")
    with pytest.raises(ConfigError, match=r"needs to know how the AUs go together.*graph_matrix"):
        build(config)
    with pytest.raises(ModelError, match="AU12"):
        build(config, AURelations.from_labels([[1, 1]], AUSet("pair", (12, 6))))


def test_a_checkpoint_gives_its_backbone_to_another_model(saved: Path) -> None:
    body = backbone("hrnet_lane8", 128, channels=8, weights=str(saved)).body
    first = body.state_dict()["stem.0.0.weight"]
    assert torch.equal(first, load_file(saved)["backbone.body.stem.0.0.weight"])


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No checkpoint at"):
        load_checkpoint(tmp_path / "none.safetensors")


@pytest.mark.parametrize("keep", [0, 5, 100, 5000, -1])
def test_truncated(saved: Path, tmp_path: Path, keep: int) -> None:
    (tmp_path / "cut.safetensors").write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(ModelError, match="is not a readable checkpoint"):
        load_checkpoint(tmp_path / "cut.safetensors")


def test_of_another_kind(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "torch.pth")
    with pytest.raises(ModelError, match="is not a readable checkpoint"):
        load_checkpoint(tmp_path / "torch.pth")
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match="not a checkpoint: its format is None"):
        load_checkpoint(tmp_path / "other.safetensors")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{", "can't read"),
        ('{"variant": "roi", "speed": 3}', "Unknown key 'speed'"),
        (None, "can't read: 'config'"),
    ],
)
def test_an_unreadable_configuration(tmp_path: Path, config: str | None, message: str) -> None:
    metadata = {"format": "aulens-checkpoint/1"} | ({} if config is None else {"config": config})
    save_file({"a": torch.zeros(1)}, tmp_path / "odd.safetensors", metadata)
    with pytest.raises(ModelError, match=message):
        load_checkpoint(tmp_path / "odd.safetensors")


def test_tensors_that_do_not_match_the_configuration(tmp_path: Path) -> None:
    other = RoiConfig(variant="roi", backbone="hrnet_lane8", crop=64, aus="bp4d")
    save_checkpoint(tmp_path / "odd.safetensors", build(CONFIG), other)
    with pytest.raises(ModelError, match=r"does not match its own configuration[\s\S]*head.weight"):
        load_checkpoint(tmp_path / "odd.safetensors")
