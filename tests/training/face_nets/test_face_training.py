"""Tiny trainings of the face networks by the command line: killed, resumed, evaluated, exported, used."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import aulens
from aulens.data.face_nets.crops import crop_matrix
from aulens.errors import ConfigError, DatasetError, ModelError
from aulens.families.face_nets import LANDMARK_NET
from aulens.models.face_net import LandmarkNet
from aulens.training import evaluate, onnx_file
from aulens.training.face_nets import people, tasks
from aulens.training.onnx_file import write_face_onnx
from command_line import aulens as command
from interrupted import Killed, kill_at, log
from people import noise
from synthetic_faces import face68, write_faces

pytestmark = pytest.mark.slow

TOML = """
name = "tiny"
[model]
variant = "{variant}"
size = {size}
[optimiser]
name = "adamw"
schedule = "cosine"
warmup_epochs = 0.5
clip_norm = 5.0
[train]
epochs = 2
steps = 3
batch = 4
precision = "bf16-mixed"
threads = 1
accelerator = "cpu"
ema = 0.9
checkpoint_minutes = 1e-9
"""
SIZES = {"face_net": 64, "landmark_net": 64, "person_net": 48}
VARIANTS = tuple(SIZES)


@pytest.fixture(scope="module", autouse=True)
def few() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "_VALIDATION", 6)
        patch.setattr(people, "_VALIDATION", 6)
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """14 people to train on, 3 to choose by, 3 to test; and pictures of nobody."""
    root = tmp_path_factory.mktemp("data")
    write_faces(root / "faces", subjects=20, each=2, size=64)
    (root / "nobody").mkdir()
    for number in range(4):
        cv2.imwrite(str(root / "nobody" / f"{number}.png"), noise(90, 110))
    return root


def arguments(data: Path, variant: str, out: Path) -> list[object]:
    config = out.with_suffix(".toml")
    config.write_text(TOML.format(variant=variant, size=SIZES[variant]), encoding="utf-8")
    given: list[object] = ["train", "--config", config, "--out", out, "--data", data / "faces"]
    if variant != "person_net":
        given += ["--set", f"data.backgrounds=[{json.dumps(str(data / 'nobody'))}]"]
    return given


@pytest.fixture(scope="module")
def runs(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Undisturbed trainings."""
    folder = tmp_path_factory.mktemp("runs")
    for variant in VARIANTS:
        done = command(*arguments(data, variant, folder / variant))
        assert "2 epochs" in done.err
        assert "see " in done.err
    return {variant: folder / variant for variant in VARIANTS}


def state(run: Path) -> dict[str, torch.Tensor]:
    """All numbers of a run's state, by name."""
    saved = torch.load(run / "last.pt", weights_only=True)
    found = {f"{part}.{name}": t for part in ("model", "average") for name, t in saved[part].items()}
    for number, moments in saved["optimiser"]["state"].items():
        found |= {f"optimiser.{number}.{name}": t for name, t in moments.items()}
    return found


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_run_folder_tells_what_was_done(runs: dict[str, Path], variant: str):
    records = log(runs[variant])
    assert [record["step"] for record in records] == [3, 6]
    assert all(np.isfinite(record["train"]["loss"]) for record in records)
    facts = json.loads((runs[variant] / "facts.json").read_text())
    assert facts["versions"]["torch"]
    assert facts["data"]["faces"] == {"train": [28], "val": [6]}
    assert (runs[variant] / "best.pt").is_file()


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("step", [3, 4])
def test_a_killed_run_goes_on_as_if_nothing_had_happened(
    data: Path,
    runs: dict[str, Path],
    tmp_path: Path,
    variant: str,
    step: int,
    monkeypatch: pytest.MonkeyPatch,
):
    """After an epoch (3), and within one (4)."""
    given = arguments(data, variant, tmp_path / "run")
    with monkeypatch.context() as patch:
        kill_at(patch, step)
        with pytest.raises(Killed):
            command(*given)
    assert torch.load(tmp_path / "run" / "last.pt", weights_only=True)["position"]["step"] == step
    command(*given, "--resume")
    expected, found = state(runs[variant]), state(tmp_path / "run")
    assert expected.keys() == found.keys()
    assert not [name for name in expected if not torch.equal(expected[name], found[name])]
    assert log(tmp_path / "run") == log(runs[variant])


@pytest.mark.parametrize("variant", VARIANTS)
def test_evaluate_prints_a_table_and_keeps_it(runs: dict[str, Path], variant: str):
    done = command("evaluate", runs[variant], "--split", "test")
    assert "# tiny on the test split" in done.out
    assert "| --- | ---: |" in done.out
    report = json.loads((runs[variant] / "test" / "report.json").read_text())
    assert report["measures"]
    assert done.out.count("\n| ") >= 4


def test_what_evaluate_can_not_do_is_said(runs: dict[str, Path], data: Path):
    with pytest.raises(ConfigError, match="its pictures have splits, and no folds or other tests"):
        evaluate(runs["face_net"], fold=1)
    with pytest.raises(ConfigError, match="split must be val or test, got 'train'"):
        evaluate(runs["face_net"], split="train")
    other = evaluate(runs["landmark_net"], [data / "faces", data / "faces"])
    assert np.isfinite(other.measures["plain_error"])


def test_the_exported_files_are_a_detector(runs: dict[str, Path], tmp_path: Path):
    for variant, name in (("face_net", "faces"), ("landmark_net", "landmarks")):
        done = command("export", runs[variant], "--out", tmp_path, "--name", name)
        assert f"{name}.onnx" in done.err
        card = json.loads((tmp_path / f"{name}.json").read_text())
        assert (
            card["results"]["val"] == log(runs[variant])[-1]["val"]
            or card["results"]["val"] == (log(runs[variant])[0]["val"])
        )
        assert str(tmp_path.parent) not in json.dumps(card)
    detector = aulens.NetDetector(1e-6, faces=tmp_path / "faces.json", landmarks=tmp_path / "landmarks.onnx")
    assert detector.card.trained_on.startswith(("12 pictures", "24 pictures"))
    assert "28 faces and 4 backgrounds" in detector.card.trained_on
    faces = detector(noise(64, 96))
    assert all(np.isfinite(face.landmarks).all() for face in faces)
    # Faces are cut as crops to learn from were.
    five = face68()[[36, 45, 30, 48, 54]] * 20 + 50
    network = detector._marks
    wanted = crop_matrix(five, network.card.size)
    np.testing.assert_allclose(aulens.align.similarity(five, network._template), wanted, atol=1e-9)


def test_any_size_of_crop_can_be_exported(tmp_path: Path):
    differences = write_face_onnx(LANDMARK_NET, LandmarkNet(64).eval(), 64, tmp_path / "small.onnx")
    assert tuple(differences) == LANDMARK_NET.outputs
    assert max(differences.values()) < 1e-3


def test_a_wrong_network_is_not_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The file of another one, as if the exporter had got it wrong; and what has no half is said."""
    write_face_onnx(LANDMARK_NET, LandmarkNet(64), 64, tmp_path / "other.onnx")
    other = shutil.copy(tmp_path / "other.onnx", tmp_path / "kept.onnx")
    monkeypatch.setattr(onnx_file, "to_onnx", lambda *given: shutil.copy(other, given[-1]))
    torch.manual_seed(1)
    network = LandmarkNet(64)
    torch.nn.init.normal_(network.out.weight)
    with pytest.raises(ModelError, match=r"exported .* differ from torch's by"):
        write_face_onnx(LANDMARK_NET, network, 64, tmp_path / "x.onnx")
    assert not (tmp_path / "x.onnx").exists()


def test_face_networks_have_no_half(runs: dict[str, Path], tmp_path: Path):
    with pytest.raises(ConfigError, match="half: only models of Action Units have it"):
        raise command("export", runs["person_net"], "--out", tmp_path, "--half").error


def test_a_run_goes_on_with_its_own_data_only(data: Path, runs: dict[str, Path], tmp_path: Path):
    shutil.copytree(runs["face_net"], tmp_path / "run")
    write_faces(tmp_path / "others", subjects=20, each=2, size=64, seed=1)
    given = arguments(data, "face_net", tmp_path / "run")
    with pytest.raises(DatasetError, match="data are not those of the run"):
        raise command(*given[:-3], tmp_path / "others", *given[-2:], "--resume").error
    damaged = tmp_path / "run" / "last.pt"
    damaged.write_bytes(damaged.read_bytes()[:1000])
    with pytest.raises(ModelError, match="Cannot resume from"):
        raise command(*given, "--resume").error


def test_a_run_of_0_1_is_gone_on_with(data: Path, runs: dict[str, Path], tmp_path: Path):
    """As it was kept then: under a format of its own, and the first ones without a word of their data."""
    out = tmp_path / "run"
    shutil.copytree(runs["face_net"], out)
    saved = torch.load(out / "last.pt", weights_only=True)
    saved["format"], saved["position"]["fingerprint"] = "aulens-sight-run/1", ""
    torch.save(saved, out / "last.pt")
    given = arguments(data, "face_net", out)
    assert "2 epochs" in command(*given, "--resume").err
    expected, found = state(runs["face_net"]), state(out)
    assert not [name for name in expected if not torch.equal(expected[name], found[name])]


def test_landmarks_learn_what_a_run_takes_for_faces(data: Path, runs: dict[str, Path], tmp_path: Path):
    given = arguments(data, "landmark_net", tmp_path / "run")
    command(*given, "--set", f"data.finder={runs['face_net']}")
    told = [
        json.loads((run / "facts.json").read_text())["data"]
        for run in (tmp_path / "run", runs["landmark_net"])
    ]
    assert told[0].pop("fingerprint") != told[1].pop("fingerprint")
    assert told[0] == told[1]
    with pytest.raises(DatasetError, match="data are not those of the run"):
        raise command(*given, "--resume").error


def test_a_run_begins_from_another_one(data: Path, runs: dict[str, Path], tmp_path: Path):
    given = arguments(data, "landmark_net", tmp_path / "run")
    still = ["--set", "optimiser.lr=1e-12", "--set", "optimiser.weight_decay=0.0"]
    command(*given, "--start", runs["landmark_net"], *still)
    begun = torch.load(runs["landmark_net"] / "best.pt", weights_only=True)
    ended = torch.load(tmp_path / "run" / "best.pt", weights_only=True)
    assert max(float((begun[n] - ended[n]).abs().max()) for n in begun if n.endswith("weight")) < 1e-6
    with pytest.raises(ModelError, match=r"does not fit the configuration's \[model\]"):
        raise command(*arguments(data, "face_net", tmp_path / "other"), "--start", runs["landmark_net"]).error
    with pytest.raises(ConfigError, match=r"from another beginning: train\.start was"):
        raise command(*given, *still, "--resume").error
