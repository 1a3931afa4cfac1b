"""What every model must do, whatever its variant."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from aulens.aus import MISSING
from aulens.errors import InputError
from aulens.landmarks import IBUG49, IBUG68, convert
from aulens.models import (
    JAA_VARIANTS,
    ROI_VARIANTS,
    AUModel,
    AUOutput,
    JAAConfig,
    ModelConfig,
    RoiConfig,
    build,
    load_checkpoint,
    save_checkpoint,
)
from aulens.models.family import au_family
from aulens.models.roi_gcn import EigenClassifier
from aulens.relations import AURelations

CROP = 64
ODD_AUS = (45, 12, 9)  # out of order, of no data set, with none of the midline

VARIANTS = ROI_VARIANTS + JAA_VARIANTS
# Of both families; for what hardly depends on the rest.
SOME = [pytest.param(v, marks=[] if v in ("roi", "jaa_gcn") else pytest.mark.slow) for v in VARIANTS]


def config(variant: str, aus: str | tuple[int, ...] = (1, 12, 25, 4)) -> ModelConfig:
    if variant in JAA_VARIANTS:
        return JAAConfig(variant=variant, weighted=False, crop=CROP, aus=aus, template="face", graph_width=8)
    return RoiConfig(variant=variant, backbone="hrnet_lane8", crop=CROP, aus=aus, background=0.05)


def made(chosen: ModelConfig) -> AUModel:
    """The model; a graph's AUs are all related."""
    aus = chosen.au_set
    relations = AURelations.from_labels(np.ones((4, len(aus)), np.int8), aus)
    return build(chosen, relations if chosen.variant == "jaa_gcn" else None)


def losses_of(chosen: ModelConfig) -> nn.Module:
    return au_family(chosen.variant).criterion(chosen)


def maps_of(model: AUModel, image: Tensor) -> Tensor:
    return model.exported(image)["maps"]


def batch(count: int, aus: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Images, landmarks spread over the crop, side labels without MISSING."""
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand(count, 3, CROP, CROP, generator=generator)
    landmarks = torch.rand(count, 68, 2, generator=generator) * CROP
    labels = torch.randint(0, 2, (count, aus, 2), generator=generator).to(torch.int8)
    return image, landmarks, labels


@pytest.fixture(params=ROI_VARIANTS)
def roi_variant(request: pytest.FixtureRequest) -> str:
    """Those that draw maps of regions; tests/models/test_jaa_*.py has the same for JAA-Net's family."""
    return str(request.param)


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    torch.manual_seed(0)
    return str(request.param)


class TestEveryModel:
    def test_shapes_and_what_it_carries(self, variant: str) -> None:
        model = made(config(variant)).eval()
        image, landmarks, _ = batch(3, 4)
        with torch.no_grad():
            output = model(image, landmarks)
            maps = maps_of(model, image)
        assert output.logits.shape == (3, 4)
        assert output.maps.shape == (3, 4, CROP // 4, CROP // 4)
        assert output.sides.shape == (3, 4, 2)
        assert (output.eigen_logits is not None) == (variant == "roi_gcn_supervised")
        assert output.eigen_logits is None or output.eigen_logits.shape == (3, 4)
        torch.testing.assert_close(maps, output.maps)
        torch.testing.assert_close(output.sides.amax(-1), output.logits)
        assert (model.aus.numbers, model.crop, model.map) == ((1, 12, 25, 4), CROP, CROP // 4)
        assert (model.template, model.layout) == ("face", "ibug68")

    def test_backward_reaches_every_parameter(self, variant: str) -> None:
        model, criterion = made(config(variant)), losses_of(config(variant))
        image, landmarks, labels = batch(4, 4)
        criterion(model(image, landmarks), landmarks, labels)["loss"].backward()
        frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
        assert all(name.startswith("jaa.") and variant == "jaa_gcn" for name in frozen)
        for name, parameter in model.named_parameters():
            if name in frozen:
                assert parameter.grad is None, name
                continue
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
            assert parameter.grad.abs().sum() > 0, name

    @pytest.mark.parametrize("variant", SOME, indirect=True)
    def test_a_batch_of_one_is_a_row_of_a_batch_of_four(self, variant: str) -> None:
        model = made(config(variant)).eval()
        image, landmarks, _ = batch(4, 4)
        with torch.no_grad():
            four, one = model(image, landmarks), model(image[2:3], landmarks[2:3])
        torch.testing.assert_close(one.logits[0], four.logits[2], rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(one.maps[0], four.maps[2], rtol=1e-4, atol=1e-4)

    @pytest.mark.parametrize("variant", SOME, indirect=True)
    def test_save_and_load_are_equal(self, variant: str, tmp_path: Path) -> None:
        wanted = config(variant, ODD_AUS)
        model = made(wanted)
        image, landmarks, _ = batch(4, 3)
        model(image, landmarks)  # moves the running statistics off their defaults
        save_checkpoint(tmp_path / "model.safetensors", model, wanted)
        loaded, found = load_checkpoint(tmp_path / "model.safetensors")
        assert found == wanted
        assert loaded.aus == model.aus
        with torch.no_grad():
            expected, output = model.eval()(image, landmarks), loaded.eval()(image, landmarks)
        assert torch.equal(output.logits, expected.logits)
        assert torch.equal(output.maps, expected.maps)

    @pytest.mark.parametrize(
        "aus", [ODD_AUS, *(pytest.param(aus, marks=pytest.mark.slow) for aus in ((23,), "renders"))]
    )
    def test_any_set_of_aus(self, variant: str, aus: str | tuple[int, ...]) -> None:
        chosen = config(variant, aus)
        image, landmarks, labels = batch(2, len(chosen.au_set))
        output = made(chosen)(image, landmarks)
        assert output.logits.shape == (2, len(chosen.au_set))
        assert torch.isfinite(losses_of(chosen)(output, landmarks, labels)["loss"])

    @pytest.mark.slow
    def test_overfits_one_batch(self, roi_variant: str) -> None:
        chosen = config(roi_variant)
        model, criterion = made(chosen), losses_of(chosen)
        image, landmarks, labels = batch(4, 4)
        labels[0, 0] = MISSING
        optimizer = torch.optim.Adam(model.parameters(), 0.01)
        for _ in range(40):
            output = model(image, landmarks)
            optimizer.zero_grad()
            criterion(output, landmarks, labels)["loss"].backward()
            optimizer.step()
        coded = torch.ones(4, 4, dtype=torch.bool)
        coded[0, 0] = False
        present = (labels == 1).any(-1)
        assert torch.equal((output.logits > 0)[coded], present[coded])

    @pytest.mark.parametrize("variant", SOME, indirect=True)
    def test_in_bfloat16_the_outputs_are_float32_and_close(self, variant: str) -> None:
        model = settled(variant).to(memory_format=torch.channels_last)
        image, landmarks, _ = batch(4, 4)
        with torch.no_grad():
            exact = model(image, landmarks)
            with torch.autocast("cpu", torch.bfloat16):
                rounded = model(image.to(memory_format=torch.channels_last), landmarks)
        assert rounded.maps.dtype == rounded.logits.dtype == rounded.sides.dtype == torch.float32
        assert (rounded.maps - exact.maps).abs().mean() < 0.1 * exact.maps.abs().mean()

    @pytest.mark.parametrize("variant", SOME, indirect=True)
    def test_layouts_of_fewer_points_give_the_same(self, variant: str) -> None:
        model = made(config(variant)).eval()
        image, landmarks, _ = batch(2, 4)
        fewer = torch.from_numpy(np.ascontiguousarray(convert(landmarks.numpy(), IBUG68, IBUG49)))
        with torch.no_grad():
            assert torch.equal(model(image, landmarks).logits, model(image, fewer).logits)

    @pytest.mark.parametrize("variant", SOME, indirect=True)
    def test_wrong_input_is_refused(self, variant: str) -> None:
        model = made(config(variant))
        one = torch.zeros(1, 68, 2)
        for image, message in (
            (torch.zeros(1, 3, 32, 32), r"\(B, 3, 64, 64\), got \(1, 3, 32, 32\)"),
            (torch.zeros(1, 1, 64, 64), r"got \(1, 1, 64, 64\)"),
            (torch.zeros(1, 3, 64, 64, dtype=torch.uint8), "divide by 255"),
            (torch.zeros(2, 3, 64, 64), "2 images but landmarks of 1 faces"),
        ):
            with pytest.raises(InputError, match=message):
                model(image, one)
        for shape in ((2, 7, 2), (2,), (2, 68, 3), (2, 68), (136, 2), (1, 1, 68, 2)):
            with pytest.raises(InputError, match=r"landmarks \(B, K, 2\) with K one of 68, .*, got \("):
                model(torch.zeros(2, 3, CROP, CROP), torch.zeros(shape))

    @pytest.mark.slow
    def test_maps_export_with_any_batch_size(self, roi_variant: str, tmp_path: Path) -> None:
        onnxruntime = pytest.importorskip("onnxruntime")
        pytest.importorskip("onnx")
        model = settled(roi_variant)
        path = str(tmp_path / "model.onnx")
        with warnings.catch_warnings():
            # The exporter warns of its own age; what it might say of our code (TracerWarning) stays an error.
            warnings.simplefilter("ignore", DeprecationWarning)
            torch.onnx.export(
                MapsOnly(model).eval(),
                (torch.rand(2, 3, CROP, CROP),),
                path,
                input_names=["image"],
                output_names=["maps"],
                dynamic_axes={"image": {0: "batch"}, "maps": {0: "batch"}},
                dynamo=False,
            )
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        for count in (1, 3):
            image = torch.rand(count, 3, CROP, CROP)
            (maps,) = session.run(None, {"image": image.numpy()})
            with torch.no_grad():
                expected = maps_of(model, image).numpy()
            np.testing.assert_allclose(maps, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def settled(variant: str) -> AUModel:
    """A model whose running statistics are those of its inputs: its features are of the order of 1."""
    model = made(config(variant))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0  # so that one look is enough
    maps_of(model, batch(4, 4)[0])
    return model.eval()


class MapsOnly(nn.Module):
    def __init__(self, model: AUModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        return maps_of(self.model, image)


class TestVariants:
    def test_score_of_an_au_is_the_mean_of_its_better_region(self) -> None:
        """Paper A section 3.5, with maps painted by hand."""
        model = build(config("roi", (12,))).eval()
        landmarks = torch.zeros(1, 68, 2)
        landmarks[0, 48] = torch.tensor([15.5, 15.5])  # subject's right lip corner: pixel 3.5, to even 4
        landmarks[0, 54] = torch.tensor([47.5, 15.5])  # pixel 11.5, to even 12
        maps = torch.zeros(1, 1, 16, 16)
        maps[0, 0, 1:8, 1:8] = -0.5
        maps[0, 0, 1:8, 9:16] = 0.25
        output = predicting(model, maps)(torch.zeros(1, 3, CROP, CROP), landmarks)
        torch.testing.assert_close(output.sides, torch.tensor([[[-0.5, 0.25]]]))
        torch.testing.assert_close(output.logits, torch.tensor([[0.25]]))

    def test_positives_only_decides_at_half(self) -> None:
        model = build(config("heatmap", (12,))).eval()
        landmarks = torch.full((1, 68, 2), 32.0)
        output = predicting(model, torch.full((1, 1, 16, 16), 0.75))(torch.zeros(1, 3, CROP, CROP), landmarks)
        torch.testing.assert_close(output.logits, torch.tensor([[0.25]]))

    def test_pooled_score_is_the_mean_of_its_map(self) -> None:
        model = build(config("pooled")).eval()
        image, landmarks, _ = batch(2, 4)
        with torch.no_grad():
            output = model(image, landmarks)
        torch.testing.assert_close(output.logits, output.maps.mean((2, 3)))

    @pytest.mark.parametrize("head", ["context", "pooled"])
    def test_both_heads_on_eigenvectors(self, head: str) -> None:
        chosen = RoiConfig(
            variant="roi_gcn_supervised",
            backbone="hrnet_lane8",
            crop=CROP,
            aus=(1, 4),
            eigenvectors=5,
            eigen_head=head,
            channels=16,
        )
        image, landmarks, labels = batch(2, 2)
        output = build(chosen)(image, landmarks)
        assert output.eigen_logits is not None
        assert output.eigen_logits.shape == (2, 2)
        assert "eigen" in losses_of(chosen)(output, landmarks, labels)

    def test_each_au_is_read_off_its_own_eigenvector(self) -> None:
        features, phi = torch.rand(2, 3, 4, 4), torch.rand(2, 5, 4, 4)
        for head, aus in (("context", 2), ("pooled", 2), ("pooled", 5)):
            classifier = EigenClassifier(head, aus, 3)
            with torch.no_grad():
                classifier.bias.copy_(torch.arange(aus))
                found = classifier(features, phi)
            for au in range(aus):
                each = phi[:, au, None]  # (B, 1, h, w)
                mean = (
                    each.mean((2, 3))
                    if head == "pooled"
                    else (each * features).sum((2, 3)) / each.sum((2, 3))
                )
                expected = (mean * classifier.weight[au]).sum(1) + au
                torch.testing.assert_close(found[:, au], expected)


def predicting(model: AUModel, maps: Tensor) -> AUModel:
    """The model, made to predict these maps."""
    head = model.get_submodule("head")
    assert isinstance(head, nn.Conv2d)
    head.forward = lambda _: maps  # type: ignore[assignment, method-assign]
    return model


def test_outputs_are_frozen() -> None:
    output = AUOutput(torch.zeros(1, 1), torch.zeros(1, 1, 1, 1), torch.zeros(1, 1, 2))
    with pytest.raises(AttributeError):
        output.logits = torch.ones(1, 1)  # type: ignore[misc]
