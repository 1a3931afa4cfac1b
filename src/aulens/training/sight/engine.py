"""The loop that trains FaceNet or LandmarkNet: as `aulens.training.engine`, on pictures drawn anew.

What a run computes is decided by its configuration alone: each sample is a function of (seed, step, place in
the batch), the learning rate of the step, so that kills and restarts leave no trace.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from aulens.data.whole import whole
from aulens.errors import ModelError
from aulens.locks import hold
from aulens.training.checkpoint import Average, Position
from aulens.training.config import TrainConfig
from aulens.training.engine import TrainResult
from aulens.training.run_folder import RunFolder, open_run
from aulens.training.schedule import rate
from aulens.training.setup import launch, make_optimiser
from aulens.training.sight.progress import Told
from aulens.training.sight.tasks import BEST, Task, load_best, open_task, pixels

FORMAT: Final = "aulens-sight-run/1"


def train_sight(
    config: TrainConfig, out: Path, *, resume: bool = False, progress: bool = True
) -> TrainResult:
    """Train FaceNet or LandmarkNet, and keep its best epoch.

    Args:
        config: with model.variant "face_net" or "landmark_net".
        out: run folder to make, or to go on with.
        resume: go on where the run in `out` was stopped.
        progress: a line per epoch on stderr.

    Raises:
        BusyError: another training works in `out`.
        ConfigError: a setting is wrong, `out` is in use, or another configuration is resumed.
        DatasetError: the data can't be read.
        ModelError: the loss is not a number, or the run to begin from has no model of this network.
    """
    run = RunFolder(Path(out))
    with hold(run.path / ".training.lock", f"The run folder {run.path}"):
        torch.manual_seed(config.seed)
        fabric, task = launch(config), open_task(config)
        if config.train.start:
            task.model.load_state_dict(load_best(RunFolder(Path(config.train.start))).state_dict())
        open_run(run.path, config, resume=resume)
        return _Loop(fabric, run, config, task, progress).run(resume)


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
        self, fabric: Fabric, run: RunFolder, config: TrainConfig, task: Task, progress: bool
    ) -> None:
        self.fabric, self.folder, self.config, self.task = fabric, run, config, task
        self.model = task.model.to(fabric.device)
        self.model.to(memory_format=torch.channels_last)
        self.average = Average(self.model, config.train.ema) if config.train.ema else None
        self.optimiser = make_optimiser(config, self.model)
        self.at = Position()
        self.told = Told(progress)
        self.saved = time.monotonic()

    def run(self, resume: bool) -> TrainResult:
        loop = self.config.train
        if resume and self.folder.last.is_file():
            self._load()
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
            with whole(self.folder.path / BEST) as part:
                torch.save(kept.state_dict(), part)
        at.epoch, at.batch, at.sums, at.epoch_seconds = at.epoch + 1, 0, {}, 0.0
        self.folder.write_log(at.history)
        self.told.epoch(record, best)
        self.task.between(kept, at.epoch - 1)
        self._save()

    def _save(self) -> None:
        state = {
            "format": FORMAT,
            "position": vars(self.at),
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.model.state_dict() if self.average else None,
            "task": self.task.state(),
        }
        with whole(self.folder.last) as part:
            torch.save(state, part)
        self.saved = time.monotonic()

    def _load(self) -> None:
        state = torch.load(self.folder.last, map_location="cpu", weights_only=True)
        if state.get("format") != FORMAT:
            raise ModelError(
                f"{self.folder.last} is not the state of such a run; start anew in another folder."
            )
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.average:
            self.average.model.load_state_dict(state["average"])
        self.task.restore(state["task"])
        self.at = Position(**state["position"])
