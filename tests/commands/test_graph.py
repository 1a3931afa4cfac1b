"""`aulens graph`: from a model, a file or a data set to a picture or a file."""

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from aulens.aus import AUSet
from aulens.cli import app
from aulens.data.renders import load_renders
from aulens.errors import ConfigError, DatasetError, ModelError
from aulens.relations import AURelations
from aulens.show.relations import draw_relations
from prepared_folder import write_prepared
from stub_jaa import write_jaa_stub

pytestmark = pytest.mark.slow

FOUR = AUSet("four", (1, 12, 25, 4))
RELATIONS = AURelations(
    FOUR,
    np.array([[1, 0.7, 0, 0.1], [0.2, 1, 0.7, 0], [0, 0.5, 1, 0.3], [0.9, 0, 1 / 3, 1]]),
    np.arange(7, 11),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    RELATIONS.save(tmp_path / "relations.json")
    return tmp_path / "relations.json"


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A run of jaa_gcn, as far as this command looks; untrained."""
    from aulens.models import JAAConfig, build, save_checkpoint

    config = JAAConfig(variant="jaa_gcn", aus=FOUR.numbers, crop=48, graph_threshold=0.7)
    folder = tmp_path / "my run"
    folder.mkdir()
    save_checkpoint(folder / "best.safetensors", build(config, RELATIONS), config)
    return folder


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["graph", *map(str, arguments)], catch_exceptions=False)


def test_a_picture_of_a_file(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "graph.png"
    done = run(file, "--out", out, "--threshold", "0.5")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "4 AUs, 4 relations are at least 0.5" in done.stderr
    picture = cv2.imread(str(out))
    assert picture.shape[0] > 400
    # Frames are vermilion, not its blue twin: the file has its colours in the right order.
    assert (np.abs(picture[..., ::-1].astype(int) - (213, 94, 0)).max(2) < 10).sum() > 1000


def test_a_model_knows_its_threshold_and_gives_its_matrix(run_folder: Path, tmp_path: Path) -> None:
    for source in (run_folder, run_folder / "best.safetensors"):
        out = tmp_path / "graph.json"
        assert "3 relations are at least 0.7" in run(source, "-o", out).stderr
        read = AURelations.load(out, FOUR)
        np.testing.assert_allclose(read.conditional, RELATIONS.conditional, rtol=1e-7)
        np.testing.assert_array_equal(read.mask(0.7), RELATIONS.mask(0.7))
        np.testing.assert_array_equal(read.occurrences, RELATIONS.occurrences)
    assert "4 relations are at least 0.5" in run(run_folder, "-o", out, "--threshold", "0.5").stderr
    assert run(run_folder, "-o", tmp_path / "graph.jpg").exit_code == 0


def test_a_data_set_is_counted_in_its_training_split(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    out = tmp_path / "graph.json"
    assert run(faces, "-o", out, "--aus", "affwild2").exit_code == 0
    read = AURelations.load(out)
    train = load_renders([faces], read.aus).split("train")
    expected = AURelations.from_labels(train.labels, read.aus)
    assert read.aus.name == "affwild2"
    np.testing.assert_array_equal(read.conditional, expected.conditional)
    assert 0 < len(train) < 120
    assert read.occurrences.max() == (train.labels == 1).sum(0).max() > 0


def test_a_data_set_of_renders_has_the_aus_of_renders(faces: Path, tmp_path: Path) -> None:
    assert run(faces, "-o", tmp_path / "graph.json").exit_code == 0
    assert json.loads((tmp_path / "graph.json").read_text())["name"] == "renders"


def test_the_title_says_which_labels(faces: Path, file: Path, run_folder: Path, tmp_path: Path) -> None:
    for source, threshold, title in (
        (faces, 0.4, f"90 training pictures of {faces.name}"),
        (file, 0.4, "relations of relations.json"),
        (run_folder, 0.7, "training labels of my run"),
        (run_folder / "best.safetensors", 0.7, "training labels of my run"),
    ):
        run(source, "-o", tmp_path / "graph.png")
        run(source, "-o", tmp_path / "graph.json")
        relations = AURelations.load(tmp_path / "graph.json")
        drawn = cv2.imread(str(tmp_path / "graph.png"))[..., ::-1]
        np.testing.assert_array_equal(drawn, draw_relations(relations, threshold, title))


def test_a_model_without_a_graph(tmp_path: Path) -> None:
    from aulens.models import JAAConfig, build, save_checkpoint

    config = JAAConfig(aus=(12,), crop=48)
    save_checkpoint(tmp_path / "stage1.safetensors", build(config), config)
    with pytest.raises(
        ModelError, match="is a jaa_net, which has no relations between AUs; give one of jaa_gcn"
    ):
        run(tmp_path / "stage1.safetensors", "-o", tmp_path / "graph.png")


def test_an_exported_model_points_to_its_run(tmp_path: Path) -> None:
    card = write_jaa_stub(tmp_path)
    for source in (card, card.with_suffix(".onnx")):
        with pytest.raises(
            ModelError, match=r"is an exported model, .*give the run folder .* the checkpoint"
        ):
            run(source, "-o", tmp_path / "graph.png")


@pytest.mark.parametrize(
    ("source", "out", "error", "message"),
    [
        ("relations.json", "graph.gif", ConfigError, r"must end in \.png or \.jpg .* \.json"),
        ("relations.json", "relations.json", ConfigError, "would be overwritten"),
        (".", "graph.png", DatasetError, "neither a folder of data"),
        ("none.json", "graph.png", ModelError, "cannot read relations"),
        ("none", "graph.png", ModelError, "No checkpoint at"),
    ],
)
def test_wrong_use(
    file: Path, tmp_path: Path, source: str, out: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        run(tmp_path / source, "-o", tmp_path / out)
    assert not (tmp_path / "graph.png").exists()


@pytest.mark.parametrize("threshold", ["1.5", "-0.1", "high"])
def test_a_threshold_is_a_probability(file: Path, tmp_path: Path, threshold: str) -> None:
    assert run(file, "-o", tmp_path / "graph.png", "--threshold", threshold).exit_code == 2


def test_other_aus_than_asked_for(file: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"relations\.json are of AU1 AU12 AU25 AU4, .* AU1 AU2 AU4"):
        run(file, "-o", tmp_path / "graph.png", "--aus", "bp4d")
    with pytest.raises(ConfigError, match="no AU set is called 'bp5d'"):
        run(file, "-o", tmp_path / "graph.png", "--aus", "bp5d")


def test_a_model_needs_torch_and_says_so(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("aulens.models")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    checkpoint = file.with_name("best.safetensors")
    checkpoint.write_bytes(b"")
    with pytest.raises(ConfigError, match=r"pip install 'aulens\[train\]'"):
        run(checkpoint, "-o", file.with_name("graph.png"))


def test_prepared_data_without_a_fold_name_the_option(faces: Path, tmp_path: Path) -> None:
    data = write_prepared(tmp_path / "own", {"a": "1", "b": "2", "c": "3"})
    table = pd.read_parquet(data / "manifest.parquet")
    table[["AU1", "AU12"]] = np.int8(1)
    table.to_parquet(data / "manifest.parquet", index=False)
    with pytest.raises(ConfigError, match=r"say which part is tested, --fold 1 to 3 \(parts 1, 2, 3\)"):
        run(data, "-o", tmp_path / "graph.json", "--aus", "bp4d")
    with pytest.raises(ConfigError, match="leave --fold out"):
        run(faces, "-o", tmp_path / "graph.json", "--fold", "1")
