"""A study that trains in seconds, on synthetic faces of nine people; and one whose runs need no training."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from aulens.aus import AUSet
from aulens.data.prepare import PrepareSettings, prepare
from aulens.data.registry import open_dataset
from aulens.study.planning import PlannedRun
from aulens.study.results import RunResult
from aulens.training.config import to_toml
from synthetic_faces import PAINTED, write_faces

TRAINING = """
[model]
variant = "roi_gcn"
backbone = "hrnet_lane8"
aus = [2, 12, 15]
crop = 32
roi_side = 3
[augment]
rotation = 0.0
[optimiser]
lr = 2e-3
schedule = "constant"
[train]
epochs = 1
batch = 8
accelerator = "cpu"
threads = 1
"""
STUDY = """
name = "tiny"
dataset = "{dataset}"
config = "training.toml"
folds = [1, 2]
seeds = [1]
reference = "roi"
decide = "calibrated"
[set]
"data.validation" = 0.3
[variants.roi]
"model.variant" = "roi"
[variants.roi_gcn]
"""


def write_manifest(root: Path, name: str, seed: int) -> Path:
    """NAME.csv: 9 subjects in three parts, 6 pictures each."""
    faces = write_faces(root / f"{name}_faces", subjects=9, each=6, seed=seed)
    table = pd.read_parquet(faces / "manifest.parquet")
    rows = pd.DataFrame(
        {
            "path": [str(faces / file) for file in table["file"]],
            "subject": table["subject"],
            "sequence": "s",
            "frame": table["index"],
            "part": [str(1 + int(subject[1:]) % 3) for subject in table["subject"]],
        }
    )
    for label in PAINTED.labels:
        rows[label] = ((table[f"{label}_right"] > 0) | (table[f"{label}_left"] > 0)).astype(int)
    points = table[[column for column in table if column[:2] in ("x_", "y_")]]
    manifest = root / f"{name}.csv"
    pd.concat([rows, points], axis=1).to_csv(manifest, index=False)
    return manifest


def write_place(root: Path) -> Path:
    """own.csv and other.csv, prepared as own and other; training.toml, study.toml."""
    for seed, name in enumerate(("own", "other")):
        manifest = write_manifest(root, name, seed)
        prepare(open_dataset("manifest", manifest), root / name, PrepareSettings(size=48), processes=1)
    (root / "training.toml").write_text(TRAINING)
    (root / "study.toml").write_text(STUDY.format(dataset="own"))
    return root


def finish(run: PlannedRun, **_: object) -> None:
    """Leave what a finished run leaves, with decisions drawn at random."""
    random = np.random.default_rng(run.seed)
    labels = (random.random((12, 3)) < 0.5).astype(np.int8)
    decisions = random.random((12, 3)) < 0.5
    run.folder.mkdir(parents=True, exist_ok=True)
    (run.folder / "config.toml").write_text(to_toml(run.config))
    for (variant, folder), target in zip(run.variants, run.results, strict=True):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "log.jsonl").write_text(json.dumps({"seconds": 1.0}) + "\n")
        RunResult(
            dataset=run.tested,
            variant=variant,
            fold=run.fold,
            seed=run.seed,
            aus=AUSet("tiny", (2, 12, 15)),
            subjects=np.repeat([f"{run.fold}{letter}" for letter in "abc"], 4),
            labels=labels,
            scores=decisions.astype(np.float32),
            decisions=decisions,
            uncalibrated=decisions,
            selected_on_test=run.config.data.select_on_test,
            run=run.name,
            data=run.data,
        ).save(target)
