"""`aulens convert`: published files become a checkpoint; what is wrong with them is said in a sentence."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from typer.testing import CliRunner

from aulens.aus import BP4D, DISFA, AUSet
from aulens.cli import app
from aulens.errors import ConfigError, ModelError
from aulens.models import load_checkpoint, model_config, save_checkpoint
from aulens.models.config import JAAConfig
from aulens.models.jaa_net import JAANet
from aulens.models.official_jaa import to_official
from aulens.training.stages import begin_from
from full_disk import room_for
from plain_jaa import filled_plain, parts_of

pytestmark = pytest.mark.slow

TWO = AUSet("two", (1, 12))
NAMED = {
    "region_learning": "--region",
    "align_net": "--align",
    "local_attention_refine": "--refinement",
    "local_au_net": "--local",
    "global_au_feat": "--global",
    "au_net": "--au",
}


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, ["convert", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("snapshots")
    for name, state in parts_of(filled_plain(TWO, 48)).items():
        torch.save(state, folder / f"{name}_4.pth")
    (folder / "notes_4.pth").write_text("no weights")
    return folder


def check(path: Path, snapshots: Path) -> None:
    model, config = load_checkpoint(path)
    assert config == JAAConfig(variant="jaa_net", aus=(1, 12), crop=48)
    assert isinstance(model, JAANet)
    for name, state in to_official(model).items():
        saved = torch.load(snapshots / f"{name}_4.pth", weights_only=True)
        assert all(torch.equal(tensor, saved[key]) for key, tensor in state.items())


def test_six_files(snapshots: Path, tmp_path: Path) -> None:
    files = [part for name, option in NAMED.items() for part in (option, snapshots / f"{name}_4.pth")]
    out = tmp_path / "new" / "model.safetensors"
    done = run("jaanet", *files, "--aus", "1, 12", "--crop", "48", "--out", out)
    assert done.exit_code == 0
    assert "JAA-Net for AU1, AU12 at crop 48, 5,421,452 parameters" in done.stderr
    check(out, snapshots)


@pytest.mark.parametrize("epoch", [(), pytest.param(("--epoch", "4"))])
def test_a_folder(snapshots: Path, tmp_path: Path, epoch: tuple[str, ...]) -> None:
    out = tmp_path / "model.safetensors"
    assert (
        run("jaanet", "--folder", snapshots, *epoch, "--aus", "1,12", "--crop", "48", "-o", out).exit_code
        == 0
    )
    check(out, snapshots)


def test_a_named_file_goes_before_the_folders(snapshots: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pth"
    other.write_bytes((snapshots / "align_net_4.pth").read_bytes())
    with pytest.raises(ModelError, match=r"other.pth, given as au_net, is align_net"):
        run("jaanet", "--folder", snapshots, "--au", other, "--aus", "1,12", "--crop", "48", "-o", "x")


@pytest.fixture
def several(snapshots: Path, tmp_path: Path) -> Path:
    for name in NAMED:
        for epoch in (4, 12):
            (tmp_path / f"{name}_{epoch}.pth").touch()
    (tmp_path / "align_net_12.pth").unlink()
    return tmp_path


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((), "holds the epochs 4, 12; say which with --epoch"),
        (("--epoch", "5"), "has no epoch 5; it has 4, 12"),
        (("--epoch", "12"), "JAA-Net has six files; --align is missing"),
    ],
)
def test_several_epochs(several: Path, more: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        run("jaanet", "--folder", several, *more, "-o", "x")


def test_no_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"holds none of JAA-Net's files: region_learning_EPOCH.pth, "):
        run("jaanet", "--folder", tmp_path, "-o", "x")
    with pytest.raises(ConfigError, match=r"there is no folder .*none"):
        run("jaanet", "--folder", tmp_path / "none", "-o", "x")
    with pytest.raises(ConfigError, match=r"--align, --refinement, --local, --global, --au are missing"):
        run("jaanet", "--region", tmp_path / "a.pth", "-o", "x")


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        pytest.param(("--crop", "48"), ModelError, r"made for 2 AUs, but the 12 AUs of bp4d"),
        (
            ("--crop", "112", "--aus", "1,12"),
            ModelError,
            r"align_net_4.pth.* another crop: .* as of 48; .* 112 has",
        ),
        (("--crop", "100", "--aus", "1,12"), ConfigError, r"a multiple of 16 from 48 to 4096, found 100"),
        (("--aus", "bp4"), ConfigError, r"bp4"),
        (("--aus", "1,99"), ValueError, r"99"),
    ],
)
def test_settings_that_do_not_fit(
    snapshots: Path, more: tuple[str, ...], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        run("jaanet", "--folder", snapshots, *more, "-o", "x")


def test_a_place_that_can_not_be_written(snapshots: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path, tmp_path / "file" / "model.safetensors"):
        with pytest.raises(ConfigError, match="can't write"):
            run("jaanet", "--folder", snapshots, "--aus", "1,12", "--crop", "48", "-o", out)


def test_no_input_is_overwritten(snapshots: Path, tmp_path: Path) -> None:
    source = snapshots / "au_net_4.pth"
    before = source.read_bytes()
    (tmp_path / "link.pth").symlink_to(source)
    for out in (source, snapshots / "." / source.name, tmp_path / "link.pth"):
        with pytest.raises(ConfigError, match="is one of the inputs and would be overwritten"):
            run("jaanet", "--folder", snapshots, "--aus", "1,12", "--crop", "48", "-o", out)
    checkpoint = tmp_path / "bp4d.safetensors"
    checkpoint.write_text("not even read")
    with pytest.raises(ConfigError, match="is one of the inputs and would be overwritten"):
        run("disfa-init", "--from", checkpoint, "-o", checkpoint)
    assert source.read_bytes() == before
    assert checkpoint.read_text() == "not even read"


def test_a_checkpoint_is_written_whole_or_not_at_all(snapshots: Path, tmp_path: Path) -> None:
    out = tmp_path / "model.safetensors"
    out.write_text("older")
    with room_for(1000), pytest.raises(ConfigError, match=r"can't write .*model\.safetensors: .*too large"):
        run("jaanet", "--folder", snapshots, "--aus", "1,12", "--crop", "48", "-o", out)
    assert out.read_text() == "older"


def test_a_start_for_disfa(tmp_path: Path) -> None:
    config = JAAConfig(variant="jaa_net", aus="bp4d", crop=48, landmark_weight=0.25)
    save_checkpoint(tmp_path / "bp4d.safetensors", JAANet(BP4D, 48), config)
    made = []
    for seed in ("1", "1"):
        out = tmp_path / "disfa.safetensors"
        done = run("disfa-init", "--from", tmp_path / "bp4d.safetensors", "-o", out, "--seed", seed)
        assert done.exit_code == 0
        with safe_open(out, "pt") as tensors:
            made.append(tensors.get_tensor("output.1.bias"))
    assert torch.equal(made[0], made[1])
    model, found = load_checkpoint(out)
    assert found == JAAConfig(variant="jaa_net", aus=DISFA.numbers, crop=48, landmark_weight=0.25)
    begin_from(str(out), found).fill(model)  # as training does


def test_a_start_for_disfa_is_made_of_jaanet(tmp_path: Path) -> None:
    config = model_config({"variant": "pooled", "backbone": "hrnet_lane8", "crop": 64})
    from aulens.models import build

    save_checkpoint(tmp_path / "pooled.safetensors", build(config), config)
    with pytest.raises(
        ConfigError, match=r"pooled.safetensors is a pooled; a start for DISFA is made of a jaa_net"
    ):
        run("disfa-init", "--from", tmp_path / "pooled.safetensors", "-o", "x")
