"""JAA-Net as an exported file: what the card says, and that both runtimes compute what torch does."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from aulens.align import JAANET, transform, warp
from aulens.analysis.analyzer import Analyzer
from aulens.checked import checked
from aulens.errors import ModelError
from aulens.faces.detector import Face
from aulens.models import AUModel, AUOutput, JAAConfig, build, save_checkpoint
from aulens.runtime.backend import BACKENDS, open_session
from aulens.runtime.card import read_card
from aulens.runtime.model import to_input
from aulens.training import onnx_file
from aulens.training.config import TrainConfig, to_toml
from aulens.training.exporter import export
from aulens.training.onnx_file import fold_batch_norm, write_onnx
from aulens.training.run_folder import RunFolder
from people import astronaut
from synthetic_faces import PAINTED, face68

SETTINGS = {"variant": "jaa_net", "aus": list(PAINTED.numbers), "crop": 48}


def made() -> AUModel:
    """Untrained, but with batch statistics and scales that a fold must get right, and landmarks apart."""
    torch.manual_seed(5)
    model = build(JAAConfig(**SETTINGS)).eval()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 2)
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.1)
        model.align_output[1].bias.uniform_(4, 44)
    return model


def test_folding_keeps_what_jaa_net_computes() -> None:
    model, image = made(), torch.rand(2, 3, 48, 48)
    with torch.no_grad():
        before = model.exported(image)
        folded = fold_batch_norm(copy.deepcopy(model))
        after = folded.exported(image)
    assert list(after) == ["maps", "logits", "landmarks"]
    for name, expected in before.items():
        torch.testing.assert_close(after[name], expected, atol=1e-4, rtol=1e-4)
    norms = [sum(isinstance(m, torch.nn.BatchNorm2d) for m in net.modules()) for net in (model, folded)]
    assert norms == [23, 8]


class Colours(AUModel):
    """The least model with all three outputs: quick to export."""

    def __init__(self) -> None:
        super().__init__(PAINTED, 16, "jaanet", map=4, has_side_scores=False)
        self.shift = torch.nn.Parameter(torch.zeros(()))

    def exported(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        logits = image.mean((2, 3))
        points = 10 * logits.unsqueeze(2).repeat(1, 17, 2)[:, :49] + self.shift
        return {"maps": torch.nn.functional.avg_pool2d(image, 4), "logits": logits, "landmarks": points}

    def forward(self, image: torch.Tensor, landmarks: torch.Tensor) -> AUOutput:
        raise AssertionError("an export asks for `exported` only")


class Drifting(Colours):
    """Its landmarks move by a hundredth of a pixel with each call: no file can compute the same."""

    def exported(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            self.shift += 0.01
        return super().exported(image)


@pytest.mark.slow
def test_the_output_that_is_wrong_is_named(tmp_path: Path) -> None:
    right = write_onnx(Colours(), tmp_path / "right.onnx")
    assert list(right) == ["maps", "logits", "landmarks"]
    assert max(right.values()) < 1e-4

    with pytest.raises(ModelError, match=r"exported landmarks differ from torch's by 0\.0\d "):
        write_onnx(Drifting(), tmp_path / "x.onnx")
    assert not (tmp_path / "x.onnx").exists()


class Halved(torch.nn.BatchNorm2d):
    """Computes what a fold does not know of."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return super().forward(input) / 2


class Misfolded(Colours):
    """A fold of its convolution changes what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Conv2d(3, 3, 1), Halved(3))

    def exported(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        return super().exported(self.body(image))


@pytest.mark.slow
def test_a_file_is_held_against_the_network_as_it_was(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"exported \w+ differ from torch's by"):
        write_onnx(Misfolded(), tmp_path / "x.onnx")


def test_an_output_that_lacks_has_another_shape_or_is_no_number_differs() -> None:
    maps, logits = np.zeros((3, 2, 4, 4), np.float32), np.zeros((3, 2), np.float32)
    for wrong in (None, np.zeros((3, 1), np.float32), np.full((3, 2), np.nan, np.float32)):

        def run(images: np.ndarray, wrong: np.ndarray | None = wrong) -> dict[str, np.ndarray | None]:
            return {"maps": maps[: len(images)], "logits": None if wrong is None else wrong[: len(images)]}

        batch = (np.zeros((3, 3, 8, 8), np.float32), {"maps": maps, "logits": logits})
        found = onnx_file.differences(run, [batch])
        assert found["maps"] == 0
        assert not found["logits"] <= 1e9


@pytest.mark.slow
def test_a_run_of_jaa_net_becomes_a_model_that_is_run_without_torch(tmp_path: Path) -> None:
    model = made()
    out = tmp_path / "run"
    out.mkdir()
    run = RunFolder(out)
    raw = {"name": "made", "model": SETTINGS, "data": {"roots": [str(tmp_path)]}}
    run.config.write_text(to_toml(checked(TrainConfig, raw)), encoding="utf-8")
    save_checkpoint(run.best, model, JAAConfig(**SETTINGS))
    found = export(out, tmp_path / "out", "jaa", allow_uncalibrated=True)
    assert found.max_difference <= 1e-3
    raw = json.loads(found.card.read_text())
    assert (raw["decoder"], raw["tells_sides"], raw["layout"]) == ("direct", False, "ibug49")
    assert raw["platt"]["AU12"] == [1.0, 0.0]
    card = read_card(found.card)
    assert (card.template, card.crop, card.map, card.backbone) == ("jaanet", 48, 12, None)

    images = torch.rand(3, 3, 48, 48)
    with torch.no_grad():
        expected = model.exported(images)
    for backend in BACKENDS:
        if backend == "openvino":
            pytest.importorskip("openvino")
        session = open_session(found.onnx, backend, threads=1)
        assert session.shapes == {"maps": (3, 12, 12), "logits": (3,), "landmarks": (49, 2)}
        for count in (1, 3):
            output = session(images[:count].numpy())
            for name, tensor in expected.items():
                np.testing.assert_allclose(getattr(output, name), tensor[:count], atol=1e-3, err_msg=name)

    image, points = astronaut(), face68() * 60 + (225, 115)
    (result,) = Analyzer(found.card, lambda image: (), threads=1).analyze(
        image, [Face(np.array([150, 50, 300, 200]), points)]
    )
    matrix = JAANET.matrix(points, 48)
    crop = torch.from_numpy(to_input(warp(image, matrix, 48)[None]))
    with torch.no_grad():
        ours = model(crop, torch.from_numpy(transform(matrix, points)[None]).float())
    np.testing.assert_allclose(
        list(result.probability.values()), torch.sigmoid(ours.logits[0]).numpy(), atol=1e-3
    )
    np.testing.assert_allclose(result.evidence.maps, ours.maps[0], atol=1e-3)
    assert np.isnan(list(result.left.values())).all()


@pytest.mark.slow
def test_a_checkpoint_alone_is_exported_when_that_is_allowed(tmp_path: Path) -> None:
    file, config = tmp_path / "converted.safetensors", JAAConfig(**SETTINGS)
    save_checkpoint(file, build(config), config)
    with pytest.raises(ModelError, match="never calibrated"):
        export(file, tmp_path / "out", "x")
    assert not (tmp_path / "out").exists()
    card = read_card(export(file, tmp_path / "out", "x", allow_uncalibrated=True).card)
    assert not card.calibrated
    assert card.platt == ((1.0, 0.0),) * len(PAINTED)  # the network's own probability
    assert card.threshold == (0.5,) * len(PAINTED)
    assert "converted.safetensors" in card.trained_on
    assert "not measured" in card.statement
