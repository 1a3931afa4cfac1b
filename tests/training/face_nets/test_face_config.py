"""Settings of the face networks: what is wrong, or of no use, is said."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from aulens.checked import checked
from aulens.errors import ConfigError, DatasetError, ModelError
from aulens.training.config import TrainConfig, load_config
from aulens.training.face_nets.family import face_family
from aulens.training.face_nets.networks import load_best
from aulens.training.face_nets.tasks import open_task
from aulens.training.run_folder import RunFolder, open_run
from aulens.training.stages import train
from made_cutouts import landmarks, picture, write_folder
from people import noise

CONFIGS = Path(__file__).resolve().parents[3] / "configs"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("faces")
    points = landmarks()
    write_folder(root, [(picture(points, points[:2]), points)])
    cv2.imwrite(str(root / "nobody.png"), noise(80, 80))
    return root


def config(root: Path, variant: str = "face_net", **sections: dict):
    raw = {
        "data": {"roots": [str(root)], "backgrounds": [str(root)]},
        "model": {"variant": variant},
        "train": {"accelerator": "cpu"},
    }
    for name, values in sections.items():
        raw[name] = {**raw.get(name, {}), **values}
    return checked(TrainConfig, raw)


@pytest.mark.parametrize(
    ("sections", "error", "message"),
    [
        ({"model": {"sizes": 3}}, ConfigError, r"Unknown key 'model\.sizes'.*Did you mean 'size'"),
        ({"model": {"size": 100}}, ConfigError, r"model\.size must be a multiple of 32, is 100"),
        ({"model": {"size": "big"}}, ConfigError, r"'model\.size' must be a whole number or .* 'big'"),
        ({"data": {"roots": []}}, ConfigError, r"No data: set data\.roots"),
        ({"data": {"backgrounds": []}}, ConfigError, r"face_net needs data\.backgrounds"),
        ({"data": {"backgrounds": ["nowhere"]}}, DatasetError, "there is no folder nowhere of pictures"),
        ({"data": {"shares": [0.5, 0.5]}}, ConfigError, r"data\.shares has 2 numbers for 1 data\.roots"),
        ({}, DatasetError, "no pictures of the split 'val'"),
        ({"data": {"fold": 2}}, ConfigError, r"data\.fold: of no use for face_net.*Leave it out"),
        ({"data": {"limit": 5}, "augment": {"flip": 0.1}}, ConfigError, r"data\.limit, \[augment\]: of no"),
        ({"train": {"metric": "f1"}}, ConfigError, r"train\.metric: of no use"),
        ({"data": {"finder": "run"}}, ConfigError, r"data\.finder: of no use for face_net"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(root: Path, sections: dict, error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        open_task(config(root, **sections), ("train",) if sections else ("train", "val"))


def test_false_faces_are_looked_for_where_nobody_is(root: Path, tmp_path: Path):
    nowhere = {"backgrounds": [], "finder": str(tmp_path)}
    with pytest.raises(ConfigError, match=r"finds false faces in data\.backgrounds, and there are none"):
        open_task(config(root, "landmark_net", data=nowhere), ("train",))
    with pytest.raises(ModelError, match="is not a run folder"):
        open_task(config(root, "landmark_net", data={"finder": str(tmp_path)}), ("train",))


def test_one_process_trains(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ConfigError, match=r"One process trains such a network: leave out train\.devices"):
        train(config(root, train={"devices": 2}), tmp_path / "run")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="torchrun"):
        train(config(root), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_models_of_aus_take_no_backgrounds(root: Path):
    with pytest.raises(ConfigError, match=r"data\.backgrounds and data\.finder are for networks .*is 'roi'"):
        config(root, "roi")


def test_a_run_without_a_model_says_so(root: Path, tmp_path: Path):
    run = open_run(tmp_path, config(root), resume=False)
    with pytest.raises(ModelError, match=r"has no best\.pt: let its first epoch end"):
        load_best(RunFolder(run.path))
    (run.path / "best.pt").write_bytes(b"")
    with pytest.raises(ModelError, match=r"best\.pt is damaged or of another network"):
        load_best(RunFolder(run.path))


@pytest.mark.parametrize("name", ["faces", "landmarks", "people"])
def test_the_shipped_configurations_are_read(name: str):
    settings = load_config(CONFIGS / f"{name}.toml")
    assert settings.for_faces
    assert settings.name == name
    assert face_family(settings).side_of(settings) in (256, 112, 80)


def test_faces_are_drawn_by_the_shares_of_their_folders(root: Path, tmp_path: Path):
    """A folder without people of a split takes no share of it."""
    points = landmarks()
    val = write_folder(tmp_path / "val", [(picture(points, points[:2]), points)], split="val", subject="val")
    both = write_folder(tmp_path / "b", [(picture(points, points[:2]), points)], split="train", subject="b")
    roots = {"roots": [str(root), str(val), str(both)], "shares": [0.5, 0.3, 1.5]}
    faces = open_task(config(root, data=roots)).faces
    drawn = [faces["train"].draw(np.random.default_rng(seed)).subject for seed in range(400)]
    assert set(drawn) == {"0.png", "b"}
    assert 60 < drawn.count("0.png") < 140
    assert {faces["val"].draw(np.random.default_rng(seed)).subject for seed in range(9)} == {"val"}
