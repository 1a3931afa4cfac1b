"""The training loop, on Lightning Fabric: CPU, one GPU, or many by torchrun.

What a run computes is decided by its configuration and its data alone: batches are functions of (seed, epoch,
index) and of what the task found between epochs, which is saved with the weights; the learning rate of the
step. So loader processes, kills and restarts leave no trace.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from lightning.fabric.loggers.tensorboard import TensorBoardLogger
from torch import nn

from aulens.errors import ModelError
from aulens.files import write_json
from aulens.named import several
from aulens.training import checkpoint
from aulens.training.checkpoint import Average, Position
from aulens.training.config import TrainConfig
from aulens.training.data_wait import DataWaitTimer
from aulens.training.progress import Display
from aulens.training.run_folder import RunFolder, check_same_data, provenance
from aulens.training.schedule import rate, step_seed
from aulens.training.setup import make_optimiser
from aulens.training.task import Task


@dataclass(frozen=True)
class TrainResult:
    """How a run ended.

    Attributes:
        run: the run folder.
        epochs: epochs in the log.
        best_epoch: the epoch kept, 1-based.
        metric: what chose it.
        value: its value on validation subjects.
        seconds: of training in all.
    """

    run: Path
    epochs: int
    best_epoch: int
    metric: str
    value: float
    seconds: float


class Trainer:
    """One run, and the loop over its task.

    Args:
        fabric: launched.
        run: its folder, opened.
        config: of the run.
        task: what is trained; parameters that ask for no gradients stay as they are.
        progress: show a bar and a line per epoch on stderr.
        origin: digest of what the model began from, "" for nothing.
    """

    def __init__(
        self,
        fabric: Fabric,
        run: RunFolder,
        config: TrainConfig,
        task: Task,
        progress: bool,
        origin: str = "",
    ) -> None:
        self.fabric, self.folder, self.config, self.task = fabric, run, config, task
        self.model = task.model.to(fabric.device)
        if config.train.channels_last:
            self.model.to(memory_format=torch.channels_last)
        self.average = Average(self.model, config.train.ema) if config.train.ema else None
        self.optimiser = make_optimiser(config, self.model)
        self.data = task.describe()
        self.position = Position(fingerprint=self.data["fingerprint"], origin=origin)
        self.display = Display(progress and fabric.is_global_zero)
        self.saved = time.monotonic()
        self.waiting = DataWaitTimer()
        self.board = TensorBoardLogger(run.path, "tensorboard", "")

    def run_all(self, resume: bool) -> TrainResult:
        """Train all epochs, or those that are left."""
        if resume and self.folder.last.is_file():
            self._load()
        if self.fabric.is_global_zero:
            write_json(self.folder.facts, {**provenance(), "data": self.data})
        module, optimiser = self.fabric.setup(self.task.learner(), self.optimiser)
        try:
            with self.display:
                while self.position.epoch < self.config.train.epochs:
                    self._train_epoch(module, optimiser)
                    self._end_epoch()
        finally:
            self.board.finalize("")
        history, best, metric = self.position.history, self.position.best_epoch, self.task.metric
        value = history[best]["val"][metric]
        value = float("nan") if value is None else value
        return TrainResult(self.folder.path, len(history), best + 1, metric, value, self.position.seconds)

    def _train_epoch(self, module: nn.Module, optimiser: Any) -> None:
        """One pass over the training samples, from wherever the position stands."""
        at, loop = self.position, self.config.train
        rank, clip = self.fabric.global_rank, self.config.optimiser.clip_norm
        per_epoch, batches = self.task.batches(at.epoch, at.batch, rank, self.fabric.world_size)
        self.display.begin(f"epoch {at.epoch + 1}/{loop.epochs}", per_epoch, at.batch)
        module.train()
        started, before = time.monotonic(), at.epoch_seconds
        self.waiting = DataWaitTimer()
        for batch in self.waiting.measure(batches):
            # Drop-out and the like become functions of (seed, step, rank) too.
            torch.manual_seed(step_seed(self.config.seed, at.step, rank))
            for group in self.optimiser.param_groups:
                group["lr"] = rate(at.step, per_epoch, loop.epochs, self.config.optimiser)
            losses = self.task.losses(module, batch, self.fabric.device)
            if not bool(torch.isfinite(losses["loss"])):
                self._refuse(self.task.files(batch), {name: value.item() for name, value in losses.items()})
            optimiser.zero_grad()
            self.fabric.backward(losses["loss"])
            if clip:
                self.fabric.clip_gradients(module, optimiser, max_norm=clip, error_if_nonfinite=False)
            optimiser.step()
            at.step, at.batch = at.step + 1, at.batch + 1
            if self.average:
                self.average.update(self.model, at.step)
            for name, value in losses.items():
                at.sums[name] = at.sums.get(name, 0.0) + value.item()
            self.display.step(f"loss {at.sums['loss'] / at.batch:.4f}")
            at.epoch_seconds = before + time.monotonic() - started
            if loop.checkpoint_minutes and time.monotonic() - self.saved > 60 * loop.checkpoint_minutes:
                self._save()

    def _refuse(self, files: list[str], losses: dict[str, float]) -> None:
        """Stop at a loss that is not a number, and say on which pictures."""
        epoch, step = self.position.epoch + 1, self.position.step
        report = self.folder.path / "failed_batch.json"
        texts = {name: str(value) for name, value in losses.items()}
        write_json(report, {"epoch": epoch, "step": step, "losses": texts, "files": files})
        named = f", on the batch {several(files)} (all in {report})" if files else ""
        advice = "Look at these pictures and their landmarks; if they are sound, lower" if files else "Lower"
        raise ModelError(
            f"The loss is {losses['loss']} in epoch {epoch}, step {step}{named}. {advice} optimiser.lr or "
            "set optimiser.clip_norm."
        )

    def _end_epoch(self) -> None:
        """Validate, write the log, keep the model if it is the best, save the position."""
        at, task = self.position, self.task
        kept = (self.average.model if self.average else self.model).eval()
        if self.fabric.world_size > 1:  # all go on with the first one's batch statistics: those that are kept
            for buffer in kept.buffers():
                torch.distributed.broadcast(buffer, 0)
        val = task.validate(kept, at.epoch, self.fabric, self.display)
        at.seconds += at.epoch_seconds
        record = {
            "epoch": at.epoch + 1,
            "step": at.step,
            "seconds": round(at.epoch_seconds, 2),
            "images_per_second": round(at.batch * self.config.train.batch / max(at.epoch_seconds, 1e-9), 2),
            "waiting_for_data": round(self.waiting.share, 4),
            "lr": self.optimiser.param_groups[0]["lr"],
            "train": {name: total / at.batch for name, total in at.sums.items()},
            "val": val,
        }
        at.history.append(record)
        best = at.best_epoch < 0 or _better(
            val[task.metric], at.history[at.best_epoch]["val"][task.metric], task.keeps_later
        )
        if best:
            at.best_epoch = at.epoch
        at.epoch, at.batch, at.sums, at.epoch_seconds = at.epoch + 1, 0, {}, 0.0
        if self.fabric.is_global_zero:
            if best:
                self.folder.forget_results()
                task.keep(self.folder, kept)
            self.folder.write_log(at.history)
            self.board.log_metrics(_scalars(record), record["epoch"])
            self.board.save()
            self.display.say(_line(record, task.summary(val), task.metric if best else ""))
        task.between(kept, at.epoch - 1)
        self._save()

    def _save(self) -> None:
        if self.fabric.is_global_zero:
            state = self.task.state()
            checkpoint.save(self.folder.last, self.position, self.model, self.optimiser, self.average, state)
        self.saved = time.monotonic()

    def _load(self) -> None:
        given = self.position
        found, state = checkpoint.load(self.folder.last, self.model, self.optimiser, self.average)
        # The first versions kept no fingerprint of the data of face networks.
        check_same_data(found.fingerprint, given.fingerprint, self.folder.path)
        if found.origin not in ("", given.origin):
            raise ModelError(
                f"The run in {self.folder.path} began from another checkpoint, or with other relations, than "
                "it is now given. Give those, or start a new run."
            )
        self.task.restore(state)
        self.position = replace(found, fingerprint=given.fingerprint, origin=given.origin)


def _better(new: float | None, old: float | None, or_equal: bool) -> bool:
    # An undefined value (no AU with both classes) loses to any number, and to a later undefined one.
    if old is None or old != old:
        return True
    return new is not None and (new > old or (or_equal and new == old))


def _scalars(record: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of an epoch, nested ones as ``train/loss``."""
    nested = {key: value if isinstance(value, Mapping) else {"": value} for key, value in record.items()}
    pairs = ((f"{key}/{name}".rstrip("/"), value) for key, of in nested.items() for name, value in of.items())
    return {name: value for name, value in pairs if isinstance(value, int | float)}


def _line(record: Mapping[str, Any], measures: str, best: str) -> str:
    """How an epoch went; `best` is the metric by which it is the best so far, if it is."""
    losses = "  ".join(f"{name} {value:.4f}" for name, value in record["train"].items())
    return (
        f"epoch {record['epoch']:3d}  {losses}  |  {measures}  |  lr {record['lr']:.2e}  "
        f"{record['images_per_second']:.1f} img/s{'  best ' + best if best else ''}"
    )
