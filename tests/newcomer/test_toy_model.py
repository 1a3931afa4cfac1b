"""A family of models that aulens does not know: the classes and their entry are all that is written, here.

A package adds it by two lines of its pyproject.toml:

    [project.entry-points."aulens.models"]
    toy = "test_toy_model:TOY"
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from aulens.analysis.analyzer import Analyzer
from aulens.aus import MISSING
from aulens.errors import ConfigError
from aulens.losses import masked_mean
from aulens.models import AUFamily, AUModel, AUOutput, ModelConfig, load_checkpoint, model_config
from aulens.models.regions import au_labels
from aulens.relations import AURelations
from aulens.runtime.card import read_card
from aulens.show.report.write import bibtex
from aulens.training.inference import predict
from command_line import aulens
from entries import install
from people import astronaut
from served_app import table_of
from synthetic_faces import write_faces


@dataclass(frozen=True, kw_only=True)
class ToyConfig(ModelConfig):
    """The section [model] of a training's configuration."""

    variant: str = "toy"
    weighted: bool = False
    aus: str | Sequence[int] = "bp4d"
    crop: int = 64
    template: str = "face"
    width: int = 8

    def check(self) -> None:
        if self.width < 1:
            raise ConfigError(f"width is {self.width}; it must be at least 1.")


class ToyNet(AUModel):
    """Two convolutions; an AU's score is the mean of its map."""

    def __init__(self, config: ToyConfig) -> None:
        super().__init__(config.au_set, config.crop, config.template, config.crop // 8, has_side_scores=False)
        self.body = nn.Sequential(
            nn.Conv2d(3, config.width, 5, 4, 2), nn.ReLU(), nn.Conv2d(config.width, len(self.aus), 3, 2, 1)
        )

    def exported(self, image: Tensor) -> dict[str, Tensor]:
        maps = self.body(image).float()
        return {"maps": maps, "logits": maps.mean((2, 3))}

    def forward(self, image: Tensor, landmarks: Tensor) -> AUOutput:
        self.check_input(image, landmarks)
        maps, logits = self.exported(image).values()
        return AUOutput(logits, maps, sides=logits.unsqueeze(2).expand(-1, -1, 2))


class ToyCriterion(nn.Module):
    """Cross-entropy of what is coded."""

    def forward(
        self, output: AUOutput, landmarks: Tensor, side_labels: Tensor, side_intensities: Tensor | None = None
    ) -> dict[str, Tensor]:
        labels = au_labels(side_labels)
        error = binary_cross_entropy_with_logits(output.logits, (labels == 1).float(), reduction="none")
        return {"loss": masked_mean(error, (labels != MISSING).float())}


class ToyFamily(AUFamily[ToyConfig]):
    config = ToyConfig

    def build(self, config: ToyConfig, relations: AURelations | None = None) -> AUModel:
        return ToyNet(config)

    def criterion(self, config: ToyConfig, base_rates: Sequence[float] | None = None) -> nn.Module:
        return ToyCriterion()

    def papers(self, variant: str) -> tuple[str, ...]:
        return ("@misc{toy}",)


TOY = ToyFamily()

# ------------------------------------------------------------------------------------------------------------

pytestmark = pytest.mark.slow

TRAINING = """
[model]
variant = "toy"
aus = [2, 12, 15]
width = 4
[optimiser]
name = "adamw"
lr = 0.01
[train]
epochs = 2
batch = 8
accelerator = "cpu"
threads = 1
"""


def png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "png")
    return file.getvalue()


@pytest.fixture(scope="module", autouse=True)
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the toy is installed."""
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        install(patch, folder, __name__, {"aulens.models": f"toy = {__name__}:TOY"})
        yield folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_faces(tmp_path_factory.mktemp("faces"), subjects=12, each=4)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "toy.toml"
    path.write_text(TRAINING)
    return path


@pytest.fixture(scope="module")
def run(data: Path, config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "toy"
    assert aulens("train", "--config", config, "--data", data, "--out", out).code == 0
    return out


@pytest.fixture(scope="module")
def card(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models")
    assert aulens("export", run, "--out", out, "--name", "mine").code == 0
    return out / "mine.json"


def test_train_and_evaluate(run: Path, card: Path, data: Path) -> None:
    losses = [json.loads(line)["train"]["loss"] for line in (run / "log.jsonl").read_text().splitlines()]
    assert losses[1] < losses[0] < 1
    assert isinstance(load_checkpoint(run / "best.safetensors")[0], ToyNet)
    assert "| AU12 |" in aulens("evaluate", run).out
    assert "| AU12 |" in aulens("evaluate", card, "--data", data).out
    own, exported = predict(run, progress=False), predict(card, [data], progress=False)
    np.testing.assert_allclose(exported.scores, own.scores, atol=1e-4)
    np.testing.assert_array_equal(exported.uncalibrated, own.uncalibrated)


def test_detect(card: Path, tmp_path: Path) -> None:
    assert (read_card(card).variant, read_card(card).decoder) == ("toy", "direct")
    picture = tmp_path / "face.png"
    Image.fromarray(astronaut()).save(picture)
    done = aulens("detect", picture, "--model", card, "--format", "csv")
    (face,) = csv.DictReader(done.out.splitlines())
    (result,) = Analyzer(card)(astronaut())
    assert float(face["AU12_p"]) == pytest.approx(result.probability["AU12"], abs=1e-4)


def test_the_web_page(card: Path, tmp_path: Path) -> None:
    pytest.importorskip("gradio", reason="gradio is not installed (extra: app)")
    (row,) = table_of(tmp_path, png(astronaut()), "--model", str(card))
    (result,) = Analyzer(card)(astronaut())
    assert float(row["AU12_p"]) == pytest.approx(result.probability["AU12"], abs=1e-4)


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed (extra: cluster)")
def test_workers_of_a_ray_cluster(card: Path, tmp_path: Path) -> None:
    Image.fromarray(astronaut()).save(tmp_path / "face.png")
    command = ["detect", tmp_path / "face.png", "--model", card, "--out"]
    assert aulens(*command, tmp_path / "here").code == 0
    subprocess.run(
        [sys.executable, "-m", "aulens", *command, tmp_path / "cluster", "--cluster", "--workers", "1"],
        check=True, env=os.environ | {"HOME": str(tmp_path)},
    )  # fmt: skip
    here, cluster = ((tmp_path / out / "results.csv").read_text() for out in ("here", "cluster"))
    assert "AU12_p" in here
    assert cluster == here


def test_its_settings_are_checked_and_its_paper_is_cited(data: Path, config: Path, tmp_path: Path) -> None:
    given = ["train", "--config", config, "--data", data, "--out", tmp_path / "run", "--set"]
    assert "width is 0; it must be at least 1" in str(aulens(*given, "model.width=0").error)
    assert "Did you mean 'width'?" in str(aulens(*given, "model.widht=8").error)
    assert re.search("one of pooled, .*toy", str(aulens(*given, "model.variant=tpy").error))
    assert "@misc{toy}" in bibtex("toy", "1")


def test_without_its_package(
    run: Path, card: Path, data: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is given an exported model needs no more; of the run it is said what is missing."""
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place != str(site)])
    assert "| AU12 |" in aulens("evaluate", card, "--data", data).out
    assert "@misc" not in bibtex("toy", "1")
    assert "variant is 'toy'; it must be one of pooled" in str(aulens("evaluate", run).error)


def test_a_package_that_can_not_be_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, tmp_path, "nowhere", {"aulens.models": "gone = nowhere:GONE"})
    with pytest.raises(ConfigError, match=r"model 'gone' \(nowhere:GONE\) can't be loaded"):
        model_config({"variant": "gone"})
    assert bibtex("gone", "1").count("@") == 1
