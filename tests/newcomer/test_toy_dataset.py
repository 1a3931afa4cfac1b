"""A data set that aulens does not know: the adapter and its entry are all that is written, in this file.

A package adds it by two lines of its pyproject.toml:

    [project.entry-points."aulens.datasets"]
    toy = "test_toy_dataset:TOY"
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from aulens.aus import AUSet
from aulens.data.index import PICTURE, FrameIndex
from aulens.data.prepared import load_prepared
from aulens.data.protocols import Protocol
from aulens.data.registry import DatasetEntry
from aulens.errors import DatasetError
from command_line import aulens
from entries import install
from synthetic_faces import write_faces

TOY_AUS = AUSet("toy", (2, 12, 15))


def read_toy(root: Path) -> FrameIndex:
    """ROOT/codes.csv: file, subject, AU2, AU12, AU15; ROOT/points.npy: 68 landmarks of each."""
    if not (root / "codes.csv").is_file():
        raise DatasetError(f"{root} has no codes.csv; give the folder that holds it.")
    table = pd.read_csv(root / "codes.csv").sort_values(["subject", "file"])
    return FrameIndex(
        dataset="toy",
        aus=TOY_AUS,
        media=tuple(str(root / file) for file in table["file"]),
        position=np.full(len(table), PICTURE, np.int32),
        subject=table["subject"].to_numpy(np.str_),
        sequence=np.full(len(table), "smiles"),
        frame=np.arange(len(table)),
        labels=table[list(TOY_AUS.labels)].to_numpy(np.int8),
        landmarks=np.load(root / "points.npy")[table.index].astype(np.float32),
        part=np.array([TOY_PROTOCOL.part_of(subject) for subject in table["subject"]]),
    )


TOY_PROTOCOL = Protocol(
    "toy",
    "Toy Faces",
    TOY_AUS,
    parts={str(n + 1): tuple(f"s00{3 * n + k}" for k in range(3)) for n in range(3)},
    frames={"smiles": dict.fromkeys("123", 18)},
)
TOY = DatasetEntry(read_toy, protocol=TOY_PROTOCOL)

# ------------------------------------------------------------------------------------------------------------

TRAINING = """
[model]
variant = "roi"
backbone = "hrnet_lane8"
aus = [2, 12, 15]
crop = 32
roi_side = 3
[data]
fold = 3
[train]
epochs = 1
batch = 8
accelerator = "cpu"
threads = 1
"""


@pytest.fixture
def delivered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nine people, six pictures each, in the toy's format; the toy is installed."""
    install(monkeypatch, tmp_path / "site", __name__, {"aulens.datasets": f"toy = {__name__}:TOY"})
    root = write_faces(tmp_path / "toy", subjects=9, each=6)
    faces = pd.read_parquet(root / "manifest.parquet")
    for label in TOY_AUS.labels:
        faces[label] = ((faces[f"{label}_right"] > 0) | (faces[f"{label}_left"] > 0)).astype(int)
    faces[["file", "subject", *TOY_AUS.labels]].to_csv(root / "codes.csv", index=False)
    points = faces[[f"{axis}_{k}" for k in range(68) for axis in "xy"]].to_numpy()
    np.save(root / "points.npy", points.reshape(-1, 68, 2))
    (root / "manifest.parquet").unlink()
    return root


@pytest.mark.slow
def test_it_is_examined_prepared_trained_on_and_tested(delivered: Path, tmp_path: Path) -> None:
    examined = aulens("doctor", "toy", delivered, "--json")
    diagnosis = json.loads(examined.out)
    assert (examined.code, diagnosis["dataset"], diagnosis["frame_protocol"]) == (0, "toy", "smiles")
    assert {part["part"]: part["frames"] for part in diagnosis["parts"]} == {"1": 18, "2": 18, "3": 18}
    words = aulens("doctor", "toy", delivered, "--quick").out
    assert "Toy Faces: nothing stands against the protocol" in words
    assert "as published of smiles" in " ".join(words.split())

    prepared = tmp_path / "prepared"
    done = aulens("prepare", "TOY", delivered, prepared, "--size", "48", "--processes", "2")
    assert done.code == 0
    assert (
        load_prepared(prepared, TOY_AUS).labels.sum()
        == pd.read_csv(delivered / "codes.csv")[list(TOY_AUS.labels)].to_numpy().sum()
    )

    (tmp_path / "toy.toml").write_text(TRAINING)
    run = tmp_path / "run"
    assert aulens("train", "--config", tmp_path / "toy.toml", "--data", prepared, "--out", run).code == 0
    done = aulens("evaluate", run, "--split", "test", "--bootstrap", "0", "--format", "json")
    report = json.loads(done.out)
    assert (report["samples"], report["subjects"]) == (18, 3)  # part 3, as the protocol has it


def test_frames_that_are_not_those_of_the_protocol(delivered: Path) -> None:
    codes = pd.read_csv(delivered / "codes.csv")
    codes.iloc[:-1].to_csv(delivered / "codes.csv", index=False)
    done = aulens("doctor", "toy", delivered, "--quick", "--json")
    (found,) = (one for one in json.loads(done.out)["findings"] if one["code"] == "frame_count")
    assert "nearest is 'smiles': part 1 18 (+0), part 2 18 (+0), part 3 17 (-1)" in found["message"]


def test_a_folder_that_it_can_not_read_is_said_in_its_words(delivered: Path, tmp_path: Path) -> None:
    done = aulens("prepare", "toy", tmp_path, tmp_path / "out")
    assert (done.code, str(done.error)) == (2, f"{tmp_path} has no codes.csv; give the folder that holds it.")
    done = aulens("prepare", "toi", delivered, tmp_path / "out")
    assert str(done.error).endswith("portraits, manifest, toy.")


def no_frames(root: Path) -> Any:
    return None


NO_FRAMES = DatasetEntry(no_frames)


def test_a_reader_that_fails_is_named(
    delivered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (delivered / "points.npy").unlink()
    said = "The reader of the data set 'toy' failed: FileNotFoundError(2, 'No such file or directory')"
    for done in (aulens("doctor", "toy", delivered), aulens("prepare", "toy", delivered, tmp_path / "out")):
        assert done.code == 2
        assert str(done.error).startswith(said)
    points = {"aulens.datasets": f"none = {__name__}:NO_FRAMES"}
    install(monkeypatch, tmp_path / "site2", __name__, points)
    done = aulens("doctor", "none", delivered)
    assert str(done.error).startswith("The reader of the data set 'none' gave None instead of frames")
