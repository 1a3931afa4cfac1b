"""The training loop, on Lightning Fabric: CPU, one GPU, or many by torchrun.

What a run computes is decided by its configuration alone: order and augmentation are functions of
(seed, epoch, index), the learning rate of the step, so loader processes, kills and restarts leave no trace.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn

from aulens.data.dataset import Batch, BatchOrder, FaceDataset, make_loader
from aulens.data.samples import Samples
from aulens.errors import DatasetError, ModelError
from aulens.files import atomic_write, write_json
from aulens.models import AUModel, ModelConfig, save_checkpoint
from aulens.models.family import au_family
from aulens.training import checkpoint
from aulens.training.checkpoint import Average, Position
from aulens.training.config import TrainConfig
from aulens.training.data_wait import DataWaitTimer
from aulens.training.inference import Forward, crop_of, score, to_input
from aulens.training.judges import judged, judges_of
from aulens.training.progress import Display
from aulens.training.run_folder import RunFolder
from aulens.training.schedule import rate, step_seed
from aulens.training.setup import make_optimiser, training_set
from aulens.training.tensorboard import TensorBoardLogger
from aulens.training.validate import METRICS, summary


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


class Learner(nn.Module):
    """Model and losses as one module, so that all of it is inside what Fabric and DDP wrap."""

    def __init__(self, model: AUModel, criterion: nn.Module) -> None:
        super().__init__()
        self.model, self.criterion = model, criterion

    def forward(
        self, image: Tensor, landmarks: Tensor, side_labels: Tensor, side_intensities: Tensor
    ) -> dict[str, Tensor]:
        """The losses of a batch; "loss" is the one to minimise."""
        output = self.model(image, landmarks)
        with torch.autocast(image.device.type, enabled=False):  # losses stay in float32
            losses: dict[str, Tensor] = self.criterion(output, landmarks, side_labels, side_intensities)
        return losses


class Trainer:
    """The parts of one run, and the loop over them.

    Args:
        fabric: launched.
        run: its folder, opened.
        config: of the run.
        settings: of the model, as written into checkpoints.
        model: to train; parts that ask for no gradients stay as they are.
        samples: all splits.
        progress: show a bar and a line per epoch on stderr.
        origin: digest of what the model began from, "" for nothing.
    """

    def __init__(
        self,
        fabric: Fabric,
        run: RunFolder,
        config: TrainConfig,
        settings: ModelConfig,
        model: AUModel,
        samples: Samples,
        progress: bool,
        origin: str = "",
    ) -> None:
        self.fabric, self.folder, self.config, self.settings = fabric, run, config, settings
        loop = config.train
        self.model = model.to(memory_format=torch.channels_last) if loop.channels_last else model
        self.model = self.model.to(fabric.device)
        self.average = Average(self.model, loop.ema) if loop.ema else None
        self.optimiser = make_optimiser(config, self.model)
        self.train_part = samples.split("train").with_coded(config.data.coded_times)
        self.val_part = samples.split("val")
        self.judges = judges_of(self.val_part, loop.judges)
        family = au_family(settings.variant)
        if (setting := family.needs_intensities(settings)) and self.train_part.intensities is None:
            raise DatasetError(
                f"model.{setting} needs intensities, and the training data have none. Leave it out."
            )
        self.criterion = family.criterion(settings, self.train_part.base_rates().tolist()).to(fabric.device)
        self.train_set = training_set(config, self.train_part, self.model)
        self.position = Position(fingerprint=samples.fingerprint, origin=origin)
        self.display = Display(progress and fabric.is_global_zero)
        self.saved = time.monotonic()
        self.waiting = DataWaitTimer()

    def run_all(self, resume: bool) -> TrainResult:
        """Train all epochs, or those that are left."""
        if resume and self.folder.last.is_file():
            self._load()
        module, optimiser = self.fabric.setup(Learner(self.model, self.criterion), self.optimiser)
        self.tensorboard = TensorBoardLogger(
            self.folder.path / "tensorboard" if self.fabric.is_global_zero else None
        )
        with self.display, self.tensorboard:
            while self.position.epoch < self.config.train.epochs:
                self._train_epoch(module, optimiser)
                self._end_epoch()
        metric = METRICS[self.config.train.metric]
        history, best = self.position.history, self.position.best_epoch
        value = float("nan") if history[best]["val"][metric] is None else history[best]["val"][metric]
        return TrainResult(self.folder.path, len(history), best + 1, metric, value, self.position.seconds)

    def _train_epoch(self, module: Any, optimiser: Any) -> None:
        """One pass over the training samples, from wherever the position stands."""
        at, loop = self.position, self.config.train
        order = BatchOrder(
            len(self.train_set),
            loop.batch,
            seed=self.config.seed,
            epoch=at.epoch,
            rank=self.fabric.global_rank,
            world=self.fabric.world_size,
            start=at.batch,
        )
        per_epoch = len(order) + at.batch
        self.display.begin(f"epoch {at.epoch + 1}/{loop.epochs}", per_epoch, at.batch)
        module.train()
        started, before = time.monotonic(), at.epoch_seconds
        loader = make_loader(
            self.train_set, order, self.config.data.workers, pin=self.fabric.device.type == "cuda"
        )
        self.waiting = DataWaitTimer()
        for batch in self.waiting.measure(loader):
            # Drop-out and the like become functions of (seed, step, rank) too.
            torch.manual_seed(step_seed(self.config.seed, at.step, self.fabric.global_rank))
            for group in self.optimiser.param_groups:
                group["lr"] = rate(at.step, per_epoch, loop.epochs, self.config.optimiser)
            losses = self._losses(module, batch)
            optimiser.zero_grad()
            self.fabric.backward(losses["loss"])
            if self.config.optimiser.clip_norm:
                self.fabric.clip_gradients(
                    module, optimiser, max_norm=self.config.optimiser.clip_norm, error_if_nonfinite=False
                )
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

    def _losses(self, module: Any, batch: Batch) -> dict[str, Tensor]:
        device = self.fabric.device
        landmarks, sides = batch["landmarks"].to(device), batch["side_labels"].to(device)
        intensities = batch["side_intensities"].to(device)
        image = to_input(batch["image"], device, self.config.train.channels_last)
        losses: dict[str, Tensor] = module(image, landmarks, sides, intensities)
        if not bool(torch.isfinite(losses["loss"])):
            self._refuse(batch, {name: value.item() for name, value in losses.items()})
        return losses

    def _refuse(self, batch: Batch, losses: dict[str, float]) -> None:
        """Stop at a loss that is not a number, and say on which pictures."""
        files = [self.train_part.paths[i] for i in batch["index"].tolist()]
        epoch, step = self.position.epoch + 1, self.position.step
        report = self.folder.path / "failed_batch.json"
        write_json(
            report,
            {"epoch": epoch, "step": step, "losses": {k: str(v) for k, v in losses.items()}, "files": files},
        )
        raise ModelError(
            f"The loss is {losses['loss']} in epoch {epoch}, step {step}, on the batch {', '.join(files[:4])}"
            f"{f' and {len(files) - 4} more' if files[4:] else ''} (all in {report}). Look at these pictures "
            "and their landmarks; if they are sound, lower optimiser.lr or set optimiser.clip_norm."
        )

    def _end_epoch(self) -> None:
        """Validate, write the log, keep the model if it is the best, save the position."""
        at, loop = self.position, self.config.train
        kept = self.average.model if self.average else self.model
        self._share_buffers(kept)
        sides = self._validation_scores(kept.eval())
        if not np.isfinite(sides).all():
            raise ModelError(
                f"The model gives scores that are not numbers after epoch {at.epoch + 1}: its weights have "
                "diverged. Lower optimiser.lr, or set optimiser.clip_norm."
            )
        some = not self.judges.all()
        val = summary(judged(self.val_part, self.judges) if some else self.val_part, sides[self.judges])
        at.seconds += at.epoch_seconds
        record = {
            "epoch": at.epoch + 1,
            "step": at.step,
            "seconds": round(at.epoch_seconds, 2),
            "images_per_second": round(at.batch * loop.batch / max(at.epoch_seconds, 1e-9), 2),
            "waiting_for_data": round(self.waiting.share, 4),
            "lr": self.optimiser.param_groups[0]["lr"],
            "train": {name: total / at.batch for name, total in at.sums.items()},
            "val": val,
        }
        at.history.append(record)
        metric = METRICS[loop.metric]
        best = at.best_epoch < 0 or _better(val[metric], at.history[at.best_epoch]["val"][metric])
        if best:
            at.best_epoch = at.epoch
        at.epoch, at.batch, at.sums, at.epoch_seconds = at.epoch + 1, 0, {}, 0.0
        if self.fabric.is_global_zero:
            if best:
                self.folder.forget_results()
                with atomic_write(self.folder.best) as part:
                    save_checkpoint(part, kept, self.settings)
            self.folder.write_log(at.history)
            self.tensorboard.epoch(record)
            self.display.epoch(record, metric, best)
        self._save()

    def _validation_scores(self, forward: Forward) -> NDArray[np.float32]:
        """Side scores of all validation samples, shared out among the processes."""
        fabric, total = self.fabric, len(self.val_part)
        data = FaceDataset(self.val_part, crop_of(self.model))
        steps = -(-total // (2 * self.config.train.batch * fabric.world_size))
        self.display.begin("validation", steps)
        with fabric.autocast():
            mine = score(
                forward,
                data,
                batch=2 * self.config.train.batch,
                workers=self.config.data.workers,
                device=fabric.device,
                channels_last=self.config.train.channels_last,
                rank=fabric.global_rank,
                world=fabric.world_size,
                step=self.display.step,
            ).sides
        if fabric.world_size == 1:
            return mine
        share = -(-total // fabric.world_size)
        padded = np.zeros((share, *mine.shape[1:]), np.float32)
        padded[: len(mine)] = mine
        own = torch.from_numpy(padded).to(fabric.device)
        parts = [torch.empty_like(own) for _ in range(fabric.world_size)]
        torch.distributed.all_gather(parts, own)
        # Rank r scored samples r, r + world, ...: interleave.
        return np.asarray(torch.stack(parts, 1).flatten(0, 1)[:total].cpu().numpy())

    def _share_buffers(self, model: AUModel) -> None:
        """Give every process the batch statistics of the first: the ones that are kept."""
        if self.fabric.world_size > 1:
            for buffer in model.buffers():
                torch.distributed.broadcast(buffer, 0)

    def _save(self) -> None:
        if self.fabric.is_global_zero:
            checkpoint.save(self.folder.last, self.position, self.model, self.optimiser, self.average)
        self.saved = time.monotonic()

    def _load(self) -> None:
        found = checkpoint.load(self.folder.last, self.model, self.optimiser, self.average)
        if found.fingerprint != self.position.fingerprint:
            raise DatasetError(
                f"The data are not those of the run in {self.folder.path}: other files, labels or splits. "
                "Give the same data, or start a new run."
            )
        if found.origin != self.position.origin:
            raise ModelError(
                f"The run in {self.folder.path} began from another checkpoint, or with other relations, than "
                "it is now given. Give those, or start a new run."
            )
        self.position = found


def _better(new: float | None, old: float | None) -> bool:
    # An undefined value (no AU with both classes) loses to any number, and to a later undefined one.
    undefined = old is None or old != old
    return undefined if new is None or new != new else undefined or new > (old or 0.0)
