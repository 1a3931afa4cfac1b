"""Feature pyramids become one map; weights come from files of any naming, strictly."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from aulens.errors import ConfigError, ModelError
from aulens.models.backbone import Backbone, backbone
from aulens.models.hrnet_lane import WIDTHS, HRNetLane
from aulens.models.weights import read_state

pytestmark = pytest.mark.slow


def randomised(module: nn.Module, seed: int = 0) -> dict[str, Tensor]:
    """A state dictionary of the module's names and shapes with other numbers."""
    generator = torch.Generator().manual_seed(seed)
    return {
        key: torch.rand(tensor.shape, generator=generator) if tensor.is_floating_point() else tensor + 7
        for key, tensor in module.state_dict().items()
    }


def assert_loaded(body: nn.Module, state: dict[str, Tensor]) -> None:
    for key, tensor in body.state_dict().items():
        torch.testing.assert_close(tensor, state[key], rtol=0, atol=0, msg=key)


@pytest.mark.parametrize(
    ("name", "crop", "channels", "map"),
    [
        ("hrnet_lane16", 128, 16 + 32 + 64 + 128, 32),
        ("hrnet_lane8", 96, 8 + 16 + 32 + 64, 24),
        ("mobilenetv2_100", 128, 24 + 32 + 96 + 320, 32),
        pytest.param("hrnet_w18", 256, 18 + 36 + 72 + 144, 64),  # paper A
    ],
)
def test_levels_are_concatenated_at_a_quarter(name: str, crop: int, channels: int, map: int) -> None:
    net = backbone(name, crop).eval()
    assert (net.channels, net.map) == (channels, map)
    with torch.no_grad():
        assert net(torch.rand(1, 3, crop, crop)).shape == (1, channels, map, map)


def test_projection_is_that_of_the_concatenated_levels() -> None:
    torch.manual_seed(0)
    plain, projected = backbone("hrnet_lane8", 64).eval(), backbone("hrnet_lane8", 64, channels=10).eval()
    projected.body.load_state_dict(plain.body.state_dict())
    image = torch.rand(2, 3, 64, 64)
    assert projected.project is not None
    weight = torch.cat([conv.weight for conv in projected.project], 1)
    expected = torch.relu(projected.norm(nn.functional.conv2d(plain(image), weight)))
    torch.testing.assert_close(projected(image), expected, rtol=1e-4, atol=1e-4)


def test_normalisation_is_inside() -> None:
    class Echo(nn.Module):
        def forward(self, image: Tensor) -> list[Tensor]:
            return [nn.functional.avg_pool2d(image, 4)]

    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1).expand(1, 3, 16, 16)
    torch.testing.assert_close(Backbone(Echo(), 16)(mean), torch.zeros(1, 3, 4, 4))
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    torch.testing.assert_close(Backbone(Echo(), 16)(mean + std), torch.ones(1, 3, 4, 4))


@pytest.mark.parametrize("name", WIDTHS)
def test_lane_networks(name: str) -> None:
    width = WIDTHS[name]
    net = HRNetLane(WIDTHS[name]).to(memory_format=torch.channels_last)
    levels = net(torch.rand(2, 3, 64, 96).to(memory_format=torch.channels_last))
    expected = [(2, width * 2**i, 16 // 2**i, 24 // 2**i) for i in range(4)]
    assert [tuple(level.shape) for level in levels] == expected
    assert all(level.is_contiguous(memory_format=torch.channels_last) for level in levels)
    sum(level.mean() for level in levels).backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_lane16_has_the_size_it_promises() -> None:
    assert sum(p.numel() for p in HRNetLane(WIDTHS["hrnet_lane16"]).parameters()) == 1_420_736


def test_official_hrnet_file_loads_every_body_tensor(tmp_path: Path) -> None:
    """Official names equal timm's: 1830 tensors of the body, 126 of the head; here as DataParallel saves."""
    state = randomised(timm.create_model("hrnet_w18"))
    assert len(state) == 1956
    torch.save(
        {"state_dict": {f"module.{key}": tensor for key, tensor in state.items()}}, tmp_path / "w18.pth"
    )
    net = backbone("hrnet_w18", 64, weights=str(tmp_path / "w18.pth"))
    assert len(net.body.state_dict()) == 1830
    assert_loaded(net.body, state)


def test_safetensors_without_batch_counters(tmp_path: Path) -> None:
    state = randomised(timm.create_model("mobilenetv2_050"))
    save_file(
        {key: tensor for key, tensor in state.items() if not key.endswith("num_batches_tracked")},
        tmp_path / "small.safetensors",
    )
    net = backbone("mobilenetv2_050", 64, weights=str(tmp_path / "small.safetensors"))
    floats = {key: t for key, t in net.body.state_dict().items() if t.is_floating_point()}
    assert all(torch.equal(tensor, state[key]) for key, tensor in floats.items())


def test_names_of_feature_pyramids_differ_by_underscores(tmp_path: Path) -> None:
    """timm's pyramid of a ConvNeXt says stages_0.blocks... where the classifier says stages.0.blocks..."""
    state = randomised(timm.create_model("convnext_atto"))
    torch.save(state, tmp_path / "convnext.pth")
    net = backbone("convnext_atto", 64, weights=str(tmp_path / "convnext.pth"))
    assert torch.equal(net.body.state_dict()["stem_0.weight"], state["stem.0.weight"])


def test_torchvision_mobilenet_by_order(tmp_path: Path) -> None:
    torchvision = pytest.importorskip("torchvision")
    source = torchvision.models.mobilenet_v2().eval()
    torch.save(source.state_dict(), tmp_path / "mobilenet_v2.pth")
    net = backbone("mobilenetv2_100", 64, weights=str(tmp_path / "mobilenet_v2.pth")).eval()
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(net.body(image)[-1], source.features[:18](image), rtol=1e-4, atol=1e-5)


def test_torchvision_mobilenet_of_another_width(tmp_path: Path) -> None:
    torchvision = pytest.importorskip("torchvision")
    torch.save(torchvision.models.mobilenet_v2(width_mult=0.5).state_dict(), tmp_path / "half.pth")
    with pytest.raises(ModelError, match=r"features\.0\.0\.weight is \(16, 3, 3, 3\)"):
        backbone("mobilenetv2_100", 64, weights=str(tmp_path / "half.pth"))


def test_our_own_weights(tmp_path: Path) -> None:
    state = randomised(HRNetLane(WIDTHS["hrnet_lane8"]))
    torch.save(state, tmp_path / "lane.pth")
    net = backbone("hrnet_lane8", 64, weights=str(tmp_path / "lane.pth"))
    assert_loaded(net.body, state)


class TestRefusals:
    def test_missing_surplus_and_misshapen_tensors_are_named(self, tmp_path: Path) -> None:
        state = randomised(HRNetLane(WIDTHS["hrnet_lane8"]))
        state["stem.0.0.weight"] = torch.zeros(1)
        state["another.weight"] = state.pop("enter.0.weight")
        torch.save(state, tmp_path / "odd.pth")
        with pytest.raises(ModelError) as caught:
            backbone("hrnet_lane8", 64, weights=str(tmp_path / "odd.pth"))
        assert "1 missing: enter.0.weight" in str(caught.value)
        assert "1 of another network: another.weight" in str(caught.value)
        assert "stem.0.0.weight is (1,), must be (32, 3, 3, 3)" in str(caught.value)

    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="No weight file at"):
            read_state(tmp_path / "none.pth")

    @pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
    @pytest.mark.parametrize("keep", [0, 100, -100])
    def test_truncated(self, tmp_path: Path, name: str, keep: int) -> None:
        path = tmp_path / name
        state = {"a": torch.zeros(1000)}
        save_file(state, path) if path.suffix == ".safetensors" else torch.save(state, path)
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(ModelError, match="can't be read as weights"):
            read_state(path)

    def test_code_in_a_pickle_is_not_run(self, tmp_path: Path) -> None:
        torch.save({"state_dict": Path("/")}, tmp_path / "code.pth")
        with pytest.raises(ModelError, match="can't be read as weights"):
            read_state(tmp_path / "code.pth")

    def test_not_tensors(self, tmp_path: Path) -> None:
        torch.save({"epoch": 3}, tmp_path / "epoch.pth")
        with pytest.raises(ModelError, match="no dictionary of tensors"):
            read_state(tmp_path / "epoch.pth")

    def test_unknown_name_lists_near_ones(self) -> None:
        with pytest.raises(ConfigError, match="hrnet_w18"):
            backbone("hrnet_w19", 128)

    def test_a_crop_that_the_network_cannot_take(self) -> None:
        with pytest.raises(ModelError, match="can't take images of 100x100"):
            backbone("hrnet_lane16", 100)

    def test_hub_has_nothing_of_ours(self) -> None:
        with pytest.raises(ConfigError, match="no pretrained weights on a hub"):
            backbone("hrnet_lane16", 128, weights="hub")

    def test_hub_out_of_reach(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def unreachable(*args: object, **kwargs: object) -> nn.Module:
            raise OSError("Name or service not known")

        monkeypatch.setattr(timm, "create_model", unreachable)
        with pytest.raises(ModelError, match=r"Name or service not known.*start from random"):
            backbone("hrnet_w18", 128, weights="hub")


def test_efficientnet_lite_by_order(tmp_path: Path) -> None:
    """The package's names: stem, blocks of three convolutions with their norms, head."""
    state = {
        "_" + key: tensor for key, tensor in randomised(timm.create_model("tf_efficientnet_lite0")).items()
    }
    torch.save(state, tmp_path / "lite0.pth")
    net = backbone("tf_efficientnet_lite0", 64, weights=str(tmp_path / "lite0.pth"))
    assert torch.equal(net.body.state_dict()["conv_stem.weight"], state["_conv_stem.weight"])
    with pytest.raises(ModelError, match="tf_efficientnet_lite1 has"):
        backbone("tf_efficientnet_lite1", 64, weights=str(tmp_path / "lite0.pth"))
