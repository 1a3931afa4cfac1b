"""The loop that trains the networks of sight: as `aulens.training.engine`, on pictures drawn anew.

What a run computes is decided by its configuration and its data alone: each sample is a function of (seed,
step, place in the batch) and of what the last epoch took for faces, which is saved with the weights; the
learning rate is one of the step. So kills and restarts leave no trace.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import cv2
import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from aulens.errors import ConfigError, DatasetError, ModelError
from aulens.files import atomic_write, write_json
from aulens.locks import hold
from aulens.training import checkpoint
from aulens.training.checkpoint import Average, Position
from aulens.training.config import TrainConfig
from aulens.training.engine import TrainResult
from aulens.training.progress import Display
from aulens.training.run_folder import RunFolder, open_run, provenance
from aulens.training.schedule import rate
from aulens.training.setup import launch, make_optimiser
from aulens.training.sight.family import Task
from aulens.training.sight.networks import BEST, begin_from, pixels
from aulens.training.sight.tasks import open_task

FORMAT: Final = "aulens-sight-run/1"


def train_sight(
    config: TrainConfig, out: Path, *, resume: bool = False, progress: bool = True
) -> TrainResult:
    """Train a network that aulens sees with, and keep its best epoch.

    Args:
        config: whose `sees` holds.
        out: run folder to make, or to go on with.
        resume: go on where the run in `out` was stopped.
        progress: a line per epoch on stderr.

    Raises:
        BusyError: another training works in `out`.
        ConfigError: a setting is wrong or has no use, `out` is in use, or another configuration is resumed.
        DatasetError: the data can't be read, or others are resumed.
        ModelError: the loss is not a number, or the run to begin from has no model of this network.
    """
    loop = config.train
    if int(os.environ.get("WORLD_SIZE", loop.devices * loop.nodes)) > 1:
        raise ConfigError(
            "One process trains such a network: leave out train.devices, train.nodes, torchrun."
        )
    run = RunFolder(Path(out))
    with hold(run.path / ".training.lock", f"The run folder {run.path}"):
        torch.manual_seed(config.seed)
        fabric = launch(config)
        if loop.threads:
            cv2.setNumThreads(loop.threads)
        task = open_task(config)
        origin = begin_from(Path(loop.start), task.model) if loop.start else ""
        open_run(run.path, config, resume=resume)
        return _Loop(fabric, run, config, task, origin, progress).run(resume)


class _Learner(nn.Module):
    """The network within mixed precision, its last layer in full: coordinates need more than 8 bits."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Any:
        features: Any = self.model.features(image)  # type: ignore[operator]
        with torch.autocast(image.device.type, enabled=False):
            full = features.float() if isinstance(features, Tensor) else [f.float() for f in features]
            return self.model.answers(full)  # type: ignore[operator]


class _Loop:
    def __init__(
        self, fabric: Fabric, run: RunFolder, config: TrainConfig, task: Task, origin: str, progress: bool
    ) -> None:
        self.fabric, self.folder, self.config, self.task = fabric, run, config, task
        self.model = task.model.to(fabric.device)
        if config.train.channels_last:
            self.model.to(memory_format=torch.channels_last)
        self.average = Average(self.model, config.train.ema) if config.train.ema else None
        self.optimiser = make_optimiser(config, self.model)
        self.data = task.describe()
        self.at = Position(fingerprint=self.data["fingerprint"], origin=origin)
        self.display = Display(progress)
        self.saved = time.monotonic()

    def run(self, resume: bool) -> TrainResult:
        loop = self.config.train
        if resume and self.folder.last.is_file():
            self._load()
        write_json(self.folder.facts, {**provenance(), "data": self.data})
        module, optimiser = self.fabric.setup(_Learner(self.model), self.optimiser)
        while self.at.epoch < loop.epochs:
            self._epoch(module, optimiser)
            self._end_epoch()
        best = self.at.history[self.at.best_epoch]
        return TrainResult(
            self.folder.path, len(self.at.history), self.at.best_epoch + 1, self.task.metric,
            best["val"][self.task.metric], self.at.seconds,
        )  # fmt: skip

    def _epoch(self, module: Any, optimiser: Any) -> None:
        at, loop = self.at, self.config.train
        module.train()
        started, before = time.monotonic(), at.epoch_seconds
        while at.batch < loop.steps:
            batch = self.task.draw(at.step, loop.batch)
            image = pixels([sample.image for sample in batch]).to(self.fabric.device)
            for group in self.optimiser.param_groups:
                group["lr"] = rate(at.step, loop.steps, loop.epochs, self.config.optimiser)
            losses = self.task.losses(module(image), batch)
            if not bool(torch.isfinite(losses["loss"])):
                raise ModelError(
                    f"The loss is {losses['loss'].item()} in epoch {at.epoch + 1}, step {at.step}: lower "
                    "optimiser.lr or set optimiser.clip_norm."
                )
            optimiser.zero_grad()
            self.fabric.backward(losses["loss"])
            if self.config.optimiser.clip_norm:
                self.fabric.clip_gradients(module, optimiser, max_norm=self.config.optimiser.clip_norm)
            optimiser.step()
            at.step, at.batch = at.step + 1, at.batch + 1
            if self.average:
                self.average.update(self.model, at.step)
            for name, value in losses.items():
                at.sums[name] = at.sums.get(name, 0.0) + value.item()
            at.epoch_seconds = before + time.monotonic() - started
            if loop.checkpoint_minutes and time.monotonic() - self.saved > 60 * loop.checkpoint_minutes:
                self._save()

    def _end_epoch(self) -> None:
        at = self.at
        kept = (self.average.model if self.average else self.model).eval()
        val = self.task.validate(kept)
        at.seconds += at.epoch_seconds
        record = {
            "epoch": at.epoch + 1,
            "step": at.step,
            "seconds": round(at.epoch_seconds, 2),
            "images_per_second": round(at.batch * self.config.train.batch / max(at.epoch_seconds, 1e-9), 2),
            "lr": self.optimiser.param_groups[0]["lr"],
            "train": {name: total / at.batch for name, total in at.sums.items()},
            "val": val,
        }
        at.history.append(record)
        metric = self.task.metric
        best = at.best_epoch < 0 or val[metric] >= at.history[at.best_epoch]["val"][metric]
        if best:
            at.best_epoch = at.epoch
            self.folder.forget_results()
            with atomic_write(self.folder.path / BEST) as part:
                torch.save(kept.state_dict(), part)
        at.epoch, at.batch, at.sums, at.epoch_seconds = at.epoch + 1, 0, {}, 0.0
        self.folder.write_log(at.history)
        self.display.say(_line(record, best))
        self.task.between(kept, at.epoch - 1)
        self._save()

    def _save(self) -> None:
        checkpoint.save(
            self.folder.last, self.at, self.model, self.optimiser, self.average,
            format=FORMAT, task=self.task.state(),
        )  # fmt: skip
        self.saved = time.monotonic()

    def _load(self) -> None:
        path, given = self.folder.last, self.at
        state = checkpoint.read(path, FORMAT)
        found = checkpoint.fill(path, state, self.model, self.optimiser, self.average)
        # Runs of the first days do not tell their data.
        if found.fingerprint not in ("", given.fingerprint):
            raise DatasetError(
                f"The data are not those of the run in {self.folder.path}: other faces, splits or "
                "backgrounds. Give the same data, or start a new run."
            )
        if found.origin not in ("", given.origin):
            raise ModelError(
                f"The run in {self.folder.path} began from another run than it is now given. Give that, or "
                "start a new run."
            )
        self.task.restore(state["task"])
        self.at = replace(found, fingerprint=given.fingerprint, origin=given.origin)


def _line(record: Mapping[str, Any], best: bool) -> str:
    """How an epoch went."""
    losses = "  ".join(f"{name} {value:.4f}" for name, value in record["train"].items())
    measures = "  ".join(f"{name} {value:.3f}" for name, value in record["val"].items())
    return (
        f"epoch {record['epoch']:3d}  {losses}  |  {measures}  |  lr {record['lr']:.1e}  "
        f"{record['images_per_second']:.0f} img/s{'  best' if best else ''}"
    )
