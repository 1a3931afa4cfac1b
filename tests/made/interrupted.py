"""Runs that are killed, and what is compared of them afterwards."""

import itertools
import json
from pathlib import Path

import pytest
import torch

from aulens.training.au_task import AUTask
from aulens.training.face_nets.task import FaceTask
from killed import Killed


def kill_at(monkeypatch: pytest.MonkeyPatch, step: int, variant: str | None = None) -> None:
    """Kill a training before this step, counted from 0; of two stages, that of the model of this variant."""
    steps = itertools.count()
    for kind in (AUTask, FaceTask):

        def losses(self, learner, batch, device, original=kind.losses):
            if (variant is None or self.settings.variant == variant) and next(steps) == step:
                raise Killed
            return original(self, learner, batch, device)

        monkeypatch.setattr(kind, "losses", losses)


def weights(run: Path) -> dict[str, torch.Tensor]:
    return torch.load(run / "last.pt", weights_only=True)["model"]


CLOCK = ("seconds", "images_per_second", "waiting_for_data")


def log(run: Path) -> list[dict]:
    """The log without what a clock decides."""
    records = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in r.items() if k not in CLOCK} for r in records]
