"""A two-stage training of seconds."""

from pathlib import Path

from aulens.checked import checked
from aulens.training.config import TrainConfig
from synthetic_faces import PAINTED

AUS = list(PAINTED.numbers)
EPOCH = 3  # steps: 18 pictures in batches of 6


def config(root: Path, **sections: dict) -> TrainConfig:
    raw = {
        "name": "tiny",
        "seed": 3,
        "data": {"roots": [str(root)], "workers": 0},
        "model": {"variant": "jaa_gcn", "aus": AUS, "crop": 48, "graph_width": 8},
        "augment": {"rotation": 0.0, "flip": 0.5, "shift": 0.07},
        "optimiser": {"name": "sgd", "lr": 1e-3, "step_epochs": 1, "gamma": 0.3},
        "train": {"epochs": 2, "batch": 6, "threads": 1, "accelerator": "cpu", "metric": "abaw2", "ema": 0.5},
        "stage2": {"epochs": 2},
    }
    for name, values in sections.items():
        raw[name] = {**raw[name], **values}
    return checked(TrainConfig, raw)
